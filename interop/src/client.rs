//! The Go client, which checks a server by scenarios.

use std::process::Command;

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
    /// What was wrong; empty when nothing was.
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
        let output = Command::new(go_peer())
            .args(["call", "-addr", address, "-codec", codec])
            .args(flags)
            .arg(scenario)
            .output()
            .unwrap_or_else(|error| panic!("cannot start the Go peer: {error}"));
        let checks: Vec<Check> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{error} in the Go client's line {line:?}"))
            })
            .collect();
        // 1 says that a check failed; everything else is a failure of the client.
        let failed = checks.iter().any(|check| !check.ok);
        assert!(
            !checks.is_empty() && output.status.code() == Some(i32::from(failed)),
            "the Go client made {} checks of {scenario:?} and ended with {}:\n{}",
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
