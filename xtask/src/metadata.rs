//! What `cargo metadata` says about the workspace: the parts of it that we ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command;

/// Every package in the lock file, ours and those we depend on, on any platform.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) rust_version: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Feature → what it turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
    pub(crate) manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// A library, program, test, example or benchmark: where its modules begin.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) src_path: PathBuf,
}

impl Metadata {
    /// Of the workspace and of all that it depends on, with any of its features.
    pub(crate) fn of_workspace(root: &Path) -> Result<Self> {
        Self::parse(command::cargo(root).args([
            "metadata",
            "--format-version",
            "1",
            "--all-features",
        ]))
    }

    /// Of the packages of one manifest only, for those that are no members of the workspace.
    pub(crate) fn of_manifest(manifest: &Path) -> Result<Self> {
        let folder = manifest.parent().unwrap_or(manifest);
        let arguments = ["metadata", "--format-version", "1", "--no-deps"];
        Self::parse(command::cargo(folder).args(arguments))
    }

    fn parse(command: &mut std::process::Command) -> Result<Self> {
        let text = command::read(command)?;
        serde_json::from_str(&text).context("cargo metadata has another form than we know")
    }

    /// The packages that are ours.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The packages that are others'.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| !self.workspace_members.contains(&package.id))
    }
}
