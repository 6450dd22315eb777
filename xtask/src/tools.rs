//! The programs that the tests need besides cargo, and how each of them gets onto a machine.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command;

/// A program that a step cannot do without. A new one is one more constant like this.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What is typed to see that it is there: the program and one argument.
    probe: [&'static str; 2],
    /// The Debian package that brings it.
    package: &'static str,
    /// Why it is needed, as the end of a sentence.
    purpose: &'static str,
}

pub(crate) const GO: Tool = Tool {
    probe: ["go", "version"],
    package: "golang-go",
    purpose: "to call and to be called by real Go programs",
};

/// Installs what is missing, or says what to install: no step is left out for want of a tool.
pub(crate) fn ensure(tools: &[&Tool]) -> Result<()> {
    let missing: Vec<_> = tools.iter().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
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
            tool.package,
            tool.probe[0]
        ),
    }
}

impl Tool {
    fn is_there(&self) -> bool {
        let [program, argument] = self.probe;
        runs(Command::new(program).arg(argument))
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
