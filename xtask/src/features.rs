//! Each feature of each crate alone: a feature that only compiles beside another is a trap.

use std::path::Path;

use anyhow::Result;

use crate::command;
use crate::metadata::{Metadata, Package};

pub(crate) fn check(root: &Path) -> Result<()> {
    for package in Metadata::of_workspace(root)?.members() {
        for feature in alternatives(package) {
            println!(
                "{} with {}",
                package.name,
                feature.as_deref().unwrap_or("no feature")
            );
            let mut cargo = command::cargo(root);
            cargo.args([
                "check",
                "--quiet",
                "--no-default-features",
                "--package",
                &package.name,
            ]);
            if let Some(feature) = feature {
                cargo.args(["--features", &feature]);
            }
            command::run(&mut cargo)?;
        }
    }
    Ok(())
}

/// No feature at all, then each by itself; a crate without features has nothing to check here.
fn alternatives(package: &Package) -> Vec<Option<String>> {
    if package.features.is_empty() {
        return Vec::new();
    }
    let each = package
        .features
        .keys()
        .filter(|feature| *feature != "default");
    std::iter::once(None)
        .chain(each.cloned().map(Some))
        .collect()
}
