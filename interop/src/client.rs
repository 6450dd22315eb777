//! The Go client, which checks a server by scenarios.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Deserialize;

use crate::peer::go_peer;

/// The Go client.
#[derive(Debug)]
pub struct GoClient;

/// One thing that the Go client checked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Check {
    /// Scenario and check, as in `basic/divide-by-zero`.
    pub name: String,
    /// Whether it went as expected.
    pub ok: bool,
    /// What was wrong; empty when nothing was, or the number that was counted.
    pub detail: String,
}

impl GoClient {
    /// Runs a scenario, or `all` that apply, against the server at `protocol@address` with the
    /// codec `gob` or `json`, and returns what came of each check.
    ///
    /// # Panics
    ///
    /// When the client itself fails, or checks nothing.
    #[must_use]
    pub fn run(scenario: &str, address: &str, codec: &str) -> Vec<Check> {
        Self::run_with_flags(&[], scenario, address, codec)
    }

    /// The same with more flags of `peer call`, such as `["-calls", "100"]`.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run) does.
    #[must_use]
    pub fn run_with_flags(
        flags: &[&str],
        scenario: &str,
        address: &str,
        codec: &str,
    ) -> Vec<Check> {
        Self::start(flags, scenario, address, codec).finish()
    }

    /// Starts what [`run_with_flags`](Self::run_with_flags) runs, for scenarios in which more than
    /// the client happens.
    ///
    /// # Panics
    ///
    /// When the client does not start.
    #[must_use]
    pub fn start(flags: &[&str], scenario: &str, address: &str, codec: &str) -> RunningGoClient {
        let mut child = Command::new(go_peer())
            .args(["call", "-addr", address, "-codec", codec])
            .args(flags)
            .arg(scenario)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start the Go peer: {error}"));
        let stdout = child.stdout.take().expect("stdout was asked to be piped");
        RunningGoClient {
            child,
            stdout: BufReader::new(stdout).lines(),
            checks: Vec::new(),
        }
    }
}

/// A Go client at work.
#[derive(Debug)]
pub struct RunningGoClient {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    checks: Vec<Check>,
}

impl RunningGoClient {
    /// Waits for the next check; `None` when the client has made all.
    ///
    /// # Panics
    ///
    /// When the client prints something else.
    pub fn next_check(&mut self) -> Option<&Check> {
        let line = self.stdout.next()?;
        let line = line.unwrap_or_else(|error| panic!("cannot read from the Go client: {error}"));
        let check = serde_json::from_str(&line);
        let check =
            check.unwrap_or_else(|error| panic!("{error} in the Go client's line {line:?}"));
        self.checks.push(check);
        self.checks.last()
    }

    /// Waits for the end, and returns what came of each check.
    ///
    /// # Panics
    ///
    /// When the client itself fails, or checks nothing.
    #[must_use]
    pub fn finish(mut self) -> Vec<Check> {
        while self.next_check().is_some() {}
        let output = (self.child.wait_with_output())
            .unwrap_or_else(|error| panic!("cannot wait for the Go client: {error}"));
        let checks = self.checks;
        // 1 says that a check failed; everything else is a failure of the client.
        let failed = checks.iter().any(|check| !check.ok);
        assert!(
            !checks.is_empty() && output.status.code() == Some(i32::from(failed)),
            "the Go client made {} checks and ended with {}:\n{}",
            checks.len(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        checks
    }
}

/// Panics unless every check went well, and names those that did not.
///
/// # Panics
///
/// That is what it is for.
pub fn expect_all_ok(checks: &[Check]) {
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} checks failed:\n{}",
        failed.len(),
        checks.len(),
        failed.join("\n")
    );
}

/// The number that the check of this name has counted.
///
/// # Panics
///
/// When there is no such check.
#[must_use]
pub fn counted(checks: &[Check], name: &str) -> u64 {
    let check = checks.iter().find(|check| check.name == name);
    check
        .and_then(|check| check.detail.parse().ok())
        .unwrap_or_else(|| panic!("no number {name:?} in {checks:?}"))
}
