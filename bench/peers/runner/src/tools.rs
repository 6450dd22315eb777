//! What contenders are built with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::contenders::{ALL, Contender};
use crate::home;
use crate::points::{Kind, Point};

/// How a contender's program comes about.
#[derive(Clone, Copy)]
pub(crate) enum Build {
    /// A package of this workspace, which needs tools.
    Rust(&'static str, &'static [Tool]),
    /// The program in a folder, a module of its own.
    Go(&'static str),
}

#[derive(Clone, Copy)]
pub(crate) enum Tool {
    Capnp,
    Go,
    Perf,
    Protoc,
    Chrt,
}

impl Tool {
    /// The command, and where to get it.
    fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Capnp => ("capnp", "Debian's package capnproto"),
            Self::Go => ("go", "Go 1.26 or newer"),
            Self::Perf => ("perf", "Debian's package linux-perf"),
            Self::Protoc => ("protoc", "Debian's package protobuf-compiler"),
            Self::Chrt => ("chrt", "Debian's package util-linux"),
        }
    }

    fn is_there(self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(self.describe().0).is_file())
    }
}

impl Build {
    fn tools(&self) -> &'static [Tool] {
        match self {
            Self::Rust(_, tools) => tools,
            Self::Go(_) => &[Tool::Go],
        }
    }

    /// The program, once it is built: all are beside this one.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let name = match self {
            Self::Rust(package, _) => (*package).to_owned(),
            Self::Go(folder) => format!("peer-{folder}"),
        };
        Ok(std::env::current_exe()?.with_file_name(name))
    }
}

/// Builds all of them, unless something is missing.
pub(crate) fn build(contenders: &[&Contender], points: &[Point]) -> Result<()> {
    let mut wanted: Vec<_> = contenders
        .iter()
        .flat_map(|it| it.build.tools().iter().map(|tool| (*tool, it.name)))
        .collect();
    for point in points {
        match &point.kind {
            Kind::SystemCalls(_) => wanted.push((Tool::Perf, &point.name)),
            Kind::Timed(load) if load.is_awake => wanted.push((Tool::Chrt, &point.name)),
            _ => {}
        }
    }
    let missing = wanted.into_iter().filter(|(tool, _)| !tool.is_there());
    let missing = missing.map(|(tool, who)| {
        let (command, source) = tool.describe();
        format!("\n  {who} needs `{command}`: {source}")
    });
    let missing: String = missing.collect();
    if !missing.is_empty() {
        bail!("install what is missing, or choose with --contender and --point:{missing}");
    }

    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(home())
        .args(["build", "--release", "--locked"]);
    let profile = std::env::current_exe()?;
    let target = profile
        .ancestors()
        .nth(2)
        .context("no folder to build in")?;
    cargo.arg("--target-dir").arg(target);
    // Also those that were not chosen, if they can be: what is built at once shares its
    // dependencies, and so a choice neither changes a program nor builds it anew.
    let is_chosen = |it: &Contender| contenders.iter().any(|chosen| chosen.name == it.name);
    for contender in ALL {
        if let Build::Rust(package, tools) = contender.build
            && (is_chosen(contender) || tools.iter().all(|tool| tool.is_there()))
        {
            cargo.args(["--package", package]);
        }
    }
    ensure!(
        cargo.status()?.success(),
        "the contenders in Rust do not build"
    );
    let mut folders = BTreeSet::new();
    for contender in contenders {
        if let Build::Go(folder) = contender.build
            && folders.insert(folder)
        {
            let mut go = Command::new("go");
            go.current_dir(home().join(folder)).env("CGO_ENABLED", "0");
            go.args(["build", "-trimpath", "-o"])
                .arg(contender.build.program()?)
                .arg(".");
            let is_built = go.status()?.success();
            ensure!(is_built, "{} does not build, in Go", contender.name);
        }
    }
    Ok(())
}

/// The versions of these contenders.
pub(crate) fn versions(contenders: &[&Contender]) -> Result<BTreeMap<String, String>> {
    let lock = fs::read_to_string(home().join("Cargo.lock"))?;
    let mut versions = BTreeMap::new();
    for contender in contenders {
        let name = contender.made_of;
        let version = match contender.build {
            _ if name == "go" => first_line("go", &["version"])?.replace("go version go", ""),
            Build::Rust(..) => after(&lock, &format!("name = \"{name}\"\nversion = \""), '"'),
            Build::Go(folder) => {
                let modules = fs::read_to_string(home().join(folder).join("go.mod"))?;
                after(&modules, &format!("{name} v"), '\n')
            }
        };
        let version = version.split(' ').next().unwrap_or_default();
        versions.insert(contender.name.to_owned(), format!("{name} {version}"));
    }
    Ok(versions)
}

fn after(text: &str, start: &str, end: char) -> String {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split(end).next().unwrap_or_default().to_owned()
}

/// The first line that a command prints.
pub(crate) fn first_line(program: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(args).current_dir(home()).output();
    let output = output.with_context(|| format!("`{program}` does not run"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// What the machine says in a file of its own.
pub(crate) fn first_line_of(path: impl AsRef<Path>) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
