//! What Go programs see of a registry.

use std::process::Command;

use serde::Deserialize;

use crate::peer::go_peer;

/// What a Go client finds in a registry.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct GoListing {
    /// The servers that it lists.
    pub all: Vec<String>,
    /// The one that it names to a client that asks for a service; empty if it names none.
    pub one: String,
}

/// Has a Go client ask the registry at `url`, with flags such as `["-later", "-name", "Arith"]`.
///
/// # Panics
///
/// When the client fails.
#[must_use]
pub fn go_listing(url: &str, flags: &[&str]) -> GoListing {
    let printed = run(&[&["servers"], flags, &[url]].concat());
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("peer servers printed {printed:?}: {error}"))
}

/// Has a Go client make all kinds of requests to the registry at `url`, and returns everything that
/// it can see of the answers, a line each.
///
/// # Panics
///
/// When the client fails.
#[must_use]
pub fn probe(url: &str) -> Vec<String> {
    run(&["probe", url]).lines().map(str::to_owned).collect()
}

fn run(args: &[&str]) -> String {
    let output = Command::new(go_peer())
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("cannot start the Go peer: {error}"));
    assert!(
        output.status.success(),
        "peer {args:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
