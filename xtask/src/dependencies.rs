//! What we may depend on: licences that fit ours, and nothing that needs a newer Rust than ours.
//!
//! Known vulnerabilities are not looked for here: their database cannot be reached from the
//! machines that this has to run on.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::metadata::{Metadata, Package};

/// Licences that let a dependency be linked into anything that MIT or Apache-2.0 allow.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Every dependency has a licence that we allow.
pub(crate) fn check_licences(root: &Path) -> Result<()> {
    let metadata = Metadata::of_workspace(root)?;
    let refused: Vec<_> = metadata
        .foreign()
        .filter(|package| !package.license.as_deref().is_some_and(is_allowed))
        .map(|package| {
            let licence = package.license.as_deref().unwrap_or("none stated");
            format!("{} {}: {licence}", package.name, package.version)
        })
        .collect();
    if !refused.is_empty() {
        bail!(
            "licences that are not on the list of allowed ones:\n{}",
            refused.join("\n")
        );
    }
    println!(
        "{} dependencies, all with a licence that is allowed",
        metadata.foreign().count()
    );
    Ok(())
}

/// No dependency asks for a newer Rust than the workspace promises to compile with.
///
/// Our own code is held to the same version by clippy, which knows since when a function of the
/// standard library is there.
pub(crate) fn check_rust_version(root: &Path) -> Result<()> {
    let metadata = Metadata::of_workspace(root)?;
    let mut ours = None;
    for member in metadata.members() {
        let stated = member.rust_version.as_deref();
        let stated = stated.with_context(|| format!("{} states no rust-version", member.name))?;
        if *ours.get_or_insert(stated) != stated {
            bail!(
                "{} states another rust-version than the other members",
                member.name
            );
        }
    }
    let ours = ours.context("the workspace has no members")?;
    let newer: Vec<_> = metadata
        .foreign()
        .filter(|package| needs_more_than(package, ours))
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    if !newer.is_empty() {
        bail!("these need a newer Rust than {ours}:\n{}", newer.join("\n"));
    }
    println!("no dependency needs more than Rust {ours}");
    Ok(())
}

fn needs_more_than(package: &Package, ours: &str) -> bool {
    package
        .rust_version
        .as_deref()
        .is_some_and(|theirs| version(theirs) > version(ours))
}

/// `1.88` and `1.88.0` are the same.
fn version(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(u32::MAX));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// Whether a licence expression (SPDX, or the older form with slashes) leaves us a choice that is
/// allowed. `AND` binds tighter than `OR`, and brackets do what they always do.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_allowed(&mut rest) && rest.is_empty()
}

fn any_allowed(words: &mut &[&str]) -> bool {
    let mut allowed = all_allowed(words);
    while let Some(("OR", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        allowed |= all_allowed(words);
    }
    allowed
}

fn all_allowed(words: &mut &[&str]) -> bool {
    let mut allowed = one_allowed(words);
    while let Some(("AND", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        allowed &= one_allowed(words);
    }
    allowed
}

fn one_allowed(words: &mut &[&str]) -> bool {
    match **words {
        ["(", ref inner @ ..] => {
            *words = inner;
            let allowed = any_allowed(words);
            let closed = words.first() == Some(&")");
            *words = words.get(1..).unwrap_or_default();
            allowed && closed
        }
        [licence, "WITH", exception, ref rest @ ..] => {
            *words = rest;
            ALLOWED.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, ref rest @ ..] => {
            *words = rest;
            ALLOWED.contains(&licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_enough_but_a_conjunction_needs_both() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "(GPL-2.0 OR (MIT AND Zlib)) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "GPL-3.0 AND MIT OR MIT",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR Apache-2.0) AND MPL-2.0",
            "GPL-2.0 WITH Classpath-exception-2.0",
            "(MIT",
            "MIT Apache-2.0",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version("1.9") < version("1.88"));
        assert_eq!(version("1.88"), version("1.88.0"));
        assert!(version("1.88.1") > version("1.88"));
        assert!(version("nightly") > version("1.88"));
    }
}
