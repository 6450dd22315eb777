//! The programs that the tests need besides cargo, and how each of them gets onto a machine.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command;

/// A program that a step cannot do without. A new one is one more constant like this.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What is typed to see that it is there: the program and its arguments.
    probe: &'static [&'static str],
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
    /// Why it is needed, as the end of a sentence.
    purpose: &'static str,
}

pub(crate) const GO: Tool = Tool {
    probe: &["go", "version"],
    packages: &["golang-go"],
    purpose: "to call and to be called by real Go programs",
};

/// The definitions that come with it are needed as well, and are a package of their own.
pub(crate) const PROTOC: Tool = Tool {
    probe: &[
        "protoc",
        "--descriptor_set_out=/dev/null",
        "google/protobuf/descriptor.proto",
    ],
    packages: &["protobuf-compiler", "libprotobuf-dev"],
    purpose: "to build the client of etcd",
};

pub(crate) const ETCD: Tool = Tool {
    probe: &["etcd", "--version"],
    packages: &["etcd-server"],
    purpose: "to keep the registrations of the tests",
};

pub(crate) const VALGRIND: Tool = Tool {
    probe: &["valgrind", "--version"],
    packages: &["valgrind"],
    purpose: "to count the instructions of a call",
};

/// Installs what is missing, or says what to install: no step is left out for want of a tool.
pub(crate) fn ensure(tools: &[&Tool]) -> Result<()> {
    let missing: Vec<_> = tools.iter().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing
        .iter()
        .flat_map(|tool| tool.packages)
        .copied()
        .collect();
    if !may_install() {
        let needs: Vec<_> = missing
            .iter()
            .map(|tool| format!("{} is needed {}", tool.probe[0], tool.purpose))
            .collect();
        bail!(
            "{}; install it (on Debian: apt-get install {}) and run this again",
            needs.join(", "),
            packages.join(" ")
        );
    }
    println!("installing {}", packages.join(" "));
    command::run(apt_get().arg("update"))?;
    command::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )?;
    match missing.iter().find(|tool| !tool.is_there()) {
        None => Ok(()),
        Some(tool) => bail!(
            "{} was installed, but {} does not run",
            tool.packages.join(" "),
            tool.probe[0]
        ),
    }
}

impl Tool {
    fn is_there(&self) -> bool {
        let mut words = self.probe.iter();
        let program = words.next();
        program.is_some_and(|program| runs(Command::new(program).args(words)))
    }
}

/// Only root on a Debian-like machine: nobody is asked for a password by a test run.
fn may_install() -> bool {
    let user = command::read(Command::new("id").arg("-u")).context("who runs this");
    user.is_ok_and(|id| id.trim() == "0") && runs(Command::new("apt-get").arg("--version"))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
