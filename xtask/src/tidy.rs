//! `cargo xtask tidy`: the rules of the house that no compiler knows.
//!
//! Each rule looks at the tree as git sees it and returns what is wrong, with the place. Rules
//! about one file's text are in `rules.rs`; those that need the whole tree have a file each.

mod arrows;
mod links;
mod modules;
mod readme;
mod rules;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::metadata::Metadata;
use source::File;

/// A broken rule and its place.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    path: String,
    /// From 1.
    line: usize,
    message: String,
}

pub(crate) fn run(root: &Path) -> Result<()> {
    let files = read_tree(root)?;
    let workspace = Metadata::of_workspace(root)?;

    let mut problems: Vec<_> = files.iter().flat_map(rules::check).collect();
    problems.extend(arrows::check(workspace.members()));
    problems.extend(modules::check(&files, &roots(root, &files, &workspace)?));
    problems.extend(readme::check(&files));
    problems.extend(links::check(&files));

    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => println!("{} files are tidy", files.len()),
        count => bail!("{count} rules of the house are broken"),
    }
    Ok(())
}

impl Problem {
    fn new(file: &File, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// The text files that are in the repository, or would be after `git add`.
fn read_tree(root: &Path) -> Result<Vec<File>> {
    let mut git = Command::new("git");
    git.current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let mut files = Vec::new();
    for path in command::read(&mut git)?.split_terminator('\0') {
        // A file that was deleted but not yet committed as such is still listed, and a file that is
        // no text has no rules.
        let Ok(bytes) = std::fs::read(root.join(path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

/// Where modules begin: every target of the workspace and of the packages that it leaves out.
fn roots(root: &Path, files: &[File], workspace: &Metadata) -> Result<Vec<String>> {
    let mut packages: Vec<_> = workspace.members().collect();
    let mut outside = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
    {
        let manifest = root.join(&file.path);
        if !packages
            .iter()
            .any(|package| package.manifest_path == manifest)
        {
            outside.push(Metadata::of_manifest(&manifest)?);
        }
    }
    packages.extend(outside.iter().flat_map(Metadata::members));
    let sources = packages.iter().flat_map(|package| &package.targets);
    let relative = sources.filter_map(|target| target.src_path.strip_prefix(root).ok());
    Ok(relative
        .map(|path| path.to_string_lossy().into_owned())
        .collect())
}
