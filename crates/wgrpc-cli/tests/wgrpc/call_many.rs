//! `wgrpc call` where there are several servers.

use std::net::TcpListener;

use crate::command::{Outcome, Serving, run};
use crate::registry::{serve, servers_until};

const MULTIPLY: [&str; 2] = ["Arith.Multiply", r#"{"A":6,"B":7}"#];

/// Three servers, and their addresses as one argument.
fn three() -> ([Serving; 3], String) {
    let servers = [(); 3].map(|()| Serving::start());
    let addresses = join(&servers.each_ref().map(Serving::address));
    (servers, addresses)
}

fn join(addresses: &[&str]) -> String {
    let mut sorted = addresses.to_vec();
    sorted.sort_unstable();
    sorted.join(",")
}

/// An address at which nobody has listened a moment ago.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    format!("tcp@{address}")
}

/// Calls with these arguments, after what is common to all.
fn call(servers: &str, rest: &[&str]) -> Outcome {
    let args: Vec<&str> = ["call", servers]
        .into_iter()
        .chain(rest.iter().copied())
        .collect();
    run(&args)
}

#[test]
fn one_of_several_servers_replies_however_it_is_chosen() {
    let (_servers, addresses) = three();
    let [method, argument] = MULTIPLY;
    for codec in ["gob", "json"] {
        let rest = [method, argument, "--codec", codec];
        assert_eq!(call(&addresses, &rest).ok(), "42\n");
    }
    for mode in [
        "random",
        "round-robin",
        "weighted",
        "hash",
        "least-loaded",
        "ewma",
    ] {
        let rest = [method, argument, "--select", mode];
        assert_eq!(call(&addresses, &rest).ok(), "42\n", "{mode}");
    }
    call(&addresses, &[method, argument, "--select", "best"]).failed(2);
    let complaint = call(&addresses, &["Arith.Divide", r#"{"A":1}"#]).failed(1);
    assert_eq!(complaint, "error: divide by zero\n");
    let rest = ["Arith.Sleep", "5000", "--timeout", "100ms"];
    call(&addresses, &rest).failed(4);
}

#[test]
fn a_server_that_is_away_is_passed_over() {
    let serving = Serving::start();
    let addresses = join(&[serving.address(), &nobody()]);
    for _ in 0..5 {
        assert_eq!(call(&addresses, &MULTIPLY).ok(), "42\n");
    }
    let nowhere = join(&[&nobody(), &nobody()]);
    let complaint = call(&nowhere, &MULTIPLY).failed(3);
    assert!(complaint.contains("none of 2 servers"), "{complaint}");
}

#[test]
fn a_key_chooses_the_same_server_each_time() {
    let (servers, addresses) = three();
    let [method, argument] = MULTIPLY;
    for _ in 0..6 {
        let rest = [method, argument, "--key", "alice"];
        assert_eq!(call(&addresses, &rest).ok(), "42\n");
    }
    let mut counts = servers.each_ref().map(calls_of_multiply);
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 6]);
}

/// How often the page of a server says that the method was called.
fn calls_of_multiply(serving: &Serving) -> u64 {
    let page = serving.page();
    let count = page.split_once("Multiply(").and_then(|(_, after)| {
        let cell = after.split("<td").nth(1)?;
        let (_, text) = cell.split_once('>')?;
        text.split_once('<')?.0.trim().parse().ok()
    });
    count.unwrap_or_else(|| panic!("no count: {page}"))
}

#[test]
fn all_is_a_line_for_each_server_with_its_address() {
    let (servers, addresses) = three();
    let mut expected: Vec<String> = servers
        .iter()
        .map(|serving| format!("{{\"server\":\"{}\",\"reply\":42}}\n", serving.address()))
        .collect();
    expected.sort_unstable();
    let [method, argument] = MULTIPLY;
    for codec in ["gob", "json"] {
        let rest = [method, argument, "--all", "--codec", codec];
        assert_eq!(call(&addresses, &rest).ok(), expected.concat());
    }
    // It can be asked of one server too.
    let one = call(servers[0].address(), &[method, argument, "--all"]).ok();
    assert!(expected.contains(&one), "{one}");
}

#[test]
fn all_ends_with_the_status_of_the_first_that_has_failed() {
    let serving = Serving::start();
    let away = nobody();
    let addresses = join(&[serving.address(), &away]);
    let [method, argument] = MULTIPLY;
    let outcome = call(&addresses, &[method, argument, "--all"]);
    assert_eq!(outcome.status, Some(3), "{outcome:?}");
    assert_eq!(outcome.stderr, "error: 1 of 2 servers did not reply\n");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let said_by = |server: &str| {
        let start = format!("{{\"server\":\"{server}\",");
        *lines.iter().find(|line| line.starts_with(&start)).unwrap()
    };
    assert!(said_by(serving.address()).ends_with("\"reply\":42}"));
    assert!(said_by(&away).contains("\"error\":\"not sent: "));

    let rest = ["Arith.Divide", r#"{"A":1}"#, "--all"];
    let outcome = call(serving.address(), &rest);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("\"error\":\"divide by zero\""));
}

#[test]
fn a_broadcast_reaches_every_server_and_its_first_error_ends_it() {
    let (servers, addresses) = three();
    let [method, argument] = MULTIPLY;
    let rest = [method, argument, "--broadcast"];
    assert_eq!(call(&addresses, &rest).ok(), "42\n");
    assert_eq!(servers.each_ref().map(calls_of_multiply), [1, 1, 1]);
    let rest = ["Arith.Divide", r#"{"A":1}"#, "--broadcast"];
    assert_eq!(call(&addresses, &rest).failed(1), "error: divide by zero\n");
    let with_one_away = join(&[servers[0].address(), &nobody()]);
    call(&with_one_away, &[method, argument, "--broadcast"]).failed(3);
    call(&addresses, &[method, argument, "--broadcast", "--all"]).failed(2);
}

#[test]
fn a_comma_in_a_path_is_part_of_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("unix@{}", folder.path().join(name).display());
    let serving = Serving::on(&[&path("a,b.sock"), &path("c.sock"), &path("d.sock")]);
    assert_eq!(call(serving.address(), &MULTIPLY).ok(), "42\n");
    let two = format!("{},{}", path("c.sock"), path("d.sock"));
    let printed = call(&two, &["Arith.Sleep", "1", "--all"]).ok();
    assert_eq!(printed.lines().count(), 2, "{printed}");
}

#[test]
fn a_registry_knows_where_the_servers_are() {
    let registry = Serving::registry(&[]);
    let url = registry.address();
    let [method, argument] = MULTIPLY;
    let call = |rest: &[&str]| run(&[&["call", "--registry", url], rest].concat());

    let complaint = call(&MULTIPLY).failed(3);
    assert_eq!(complaint, "error: the registry lists no servers\n");

    let _one = serve(url, &["--service-name", "blue"]);
    let two = serve(url, &["--service-name", "green"]);
    servers_until(url, |servers| servers.lines().count() == 2);
    assert_eq!(call(&MULTIPLY).ok(), "42\n");
    assert_eq!(call(&["Arith.Sleep", "-1", "--codec", "json"]).ok(), "-1\n");
    assert_eq!(call(&["Echo.Echo"]).ok(), "{}\n");
    assert_eq!(call(&[method, argument, "--all"]).ok().lines().count(), 2);
    let green = call(&[method, argument, "--all", "--service-name", "green"]).ok();
    assert!(green.lines().count() == 1 && green.contains(two.address()));
    let complaint = call(&[method, argument, "--service-name", "red"]).failed(3);
    assert!(
        complaint.contains("no servers of the group red"),
        "{complaint}"
    );
}

#[test]
fn a_registry_that_is_away_or_none_is_said_to_be() {
    let away = nobody().replace("tcp@", "http://") + "/wgrpc/registry";
    let [method, argument] = MULTIPLY;
    let complaint = run(&["call", "--registry", &away, method, argument]).failed(3);
    assert!(complaint.contains(&away), "{complaint}");
    run(&["call", "--registry", "nowhere", method, argument]).failed(2);
    // The address is left out; without it there is nothing to be called.
    let address = nobody();
    run(&["call", "--registry", &away, &address, method, argument]).failed(2);
    run(&["call", "--registry", &away]).failed(2);
    run(&["call", &address, method, "--service-name", "blue"]).failed(2);
}
