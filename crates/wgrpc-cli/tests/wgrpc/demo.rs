//! `wgrpc demo`: it runs to its end, and says what it has seen.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::{run, wgrpc};

#[test]
fn everything_is_as_expected_and_plain_where_nobody_looks() {
    let printed = run(&["demo", "--once"]).ok();
    assert!(!printed.contains('\u{1b}'), "{printed}");
    assert!(!printed.contains('✗'), "{printed}");
    // Six ways, two of the division, two of sleeping, and the many.
    assert_eq!(printed.matches('✓').count(), 11, "{printed}");
    for said in [
        "tcp  application/gob",
        "unix application/json",
        "divide by zero",
        "calls/s",
    ] {
        assert!(printed.contains(said), "{printed}");
    }
}

#[test]
fn the_server_stays_and_does_what_is_said_until_a_signal() {
    let mut child = wgrpc(&["demo"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let invitation = lines
        .find(|line| line.trim_start().starts_with("wgrpc call "))
        .unwrap();
    let words: Vec<&str> = invitation.split_whitespace().skip(1).collect();
    let [call, address, method, argument] = words.as_slice() else {
        panic!("{invitation}")
    };
    let argument = argument.trim_matches('\'');
    assert_eq!(run(&[call, address, method, argument]).ok(), "42\n");
    let kill = Command::new("kill")
        .args(["-s", "TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
