//! Which crate may depend on which: the arrows of ARCHITECTURE.md.

use crate::metadata::{Dependency, Package};

use super::Problem;

/// Crate → those of ours that it may use. Tests may use any (`dev-dependencies`): what they pull in
/// reaches nobody.
const ARROWS: &[(&str, &[&str])] = &[
    ("wgrpc-gob", &["wgrpc-macros"]),
    ("wgrpc-macros", &[]),
    ("wgrpc-core", &["wgrpc-gob"]),
    ("wgrpc-registry", &["wgrpc-core"]),
    (
        "wgrpc-cluster",
        &["wgrpc-core", "wgrpc-gob", "wgrpc-registry"],
    ),
    (
        "wgrpc",
        &[
            "wgrpc-cluster",
            "wgrpc-core",
            "wgrpc-gob",
            "wgrpc-macros",
            "wgrpc-registry",
        ],
    ),
    ("wgrpc-cli", &["wgrpc"]),
    ("interop", &["wgrpc", "wgrpc-core", "wgrpc-gob"]),
    ("sim", &["wgrpc-cluster", "wgrpc-core", "wgrpc-registry"]),
    ("xtask", &[]),
];

pub(super) fn check<'a>(members: impl Iterator<Item = &'a Package>) -> Vec<Problem> {
    members
        .flat_map(|package| broken_arrows(&package.name, &package.dependencies))
        .collect()
}

pub(super) fn broken_arrows(package: &str, dependencies: &[Dependency]) -> Vec<Problem> {
    let problem = |message| Problem {
        path: format!("crate {package}"),
        line: 1,
        message,
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package) else {
        return vec![problem(
            "has no place among the arrows of the crates".to_owned(),
        )];
    };
    dependencies
        .iter()
        .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
        .map(|dependency| dependency.name.as_str())
        .filter(|name| is_ours(name) && !allowed.contains(name))
        .map(|name| problem(format!("must not depend on {name}")))
        .collect()
}

fn is_ours(name: &str) -> bool {
    ARROWS.iter().any(|(ours, _)| *ours == name)
}
