//! `wgrpc registry`, `wgrpc servers` and servers that register.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Serving, run, wgrpc};

/// The list, once it is as it should be.
#[track_caller]
pub(crate) fn servers_until(url: &str, is_expected: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    loop {
        let servers = run(&["servers", url]).ok();
        if is_expected(&servers) {
            return servers;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{servers:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A server of the registry at `url`.
pub(crate) fn serve(url: &str, options: &[&str]) -> Serving {
    let options = [&["--registry", url], options].concat();
    Serving::with(&["tcp@127.0.0.1:0"], &options)
}

#[test]
fn servers_register_and_are_listed_with_what_they_say() {
    let registry = Serving::registry(&[]);
    let url = registry.address();
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with("/wgrpc/registry"),
        "{url}"
    );
    assert_eq!(run(&["servers", url]).ok(), "");
    let server = serve(url, &["--service-name", "Arith", "--weight", "3"]);
    let listed = servers_until(url, |servers| !servers.is_empty());
    let columns: Vec<_> = listed.split_whitespace().collect();
    assert_eq!(columns[..3], [server.address(), "Arith", "3"], "{listed:?}");
    assert!(listed.contains("version="), "{listed:?}");
    assert_eq!(
        run(&["servers", url, "--service-name", "Arith"])
            .ok()
            .lines()
            .count(),
        1
    );
    assert_eq!(run(&["servers", url, "--service-name", "Other"]).ok(), "");
}

#[test]
fn a_server_that_ends_is_taken_off_first_and_still_answers() {
    let registry = Serving::registry(&[]);
    let mut server = serve(registry.address(), &[]);
    servers_until(registry.address(), |servers| !servers.is_empty());
    server.signal("TERM");
    servers_until(registry.address(), str::is_empty);
    assert_eq!(
        run(&["call", server.address(), "Arith.Sleep", "1"]).ok(),
        "1\n"
    );
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(1));
}

#[test]
fn a_list_is_followed() {
    let registry = Serving::registry(&[]);
    let mut watch = wgrpc(&["servers", registry.address(), "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    assert!(line().ends_with('Z'));
    let server = serve(registry.address(), &[]);
    assert!(line().ends_with('Z'));
    assert!(line().starts_with(server.address()));
    server.signal("TERM");
    assert!(line().ends_with('Z'));
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn a_registry_remembers_its_servers_if_it_has_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.json");
    let file = file.to_str().unwrap();
    let mut registry = Serving::registry(&["--snapshot", file]);
    let server = serve(registry.address(), &[]);
    servers_until(registry.address(), |servers| !servers.is_empty());
    while !std::fs::read_to_string(file)
        .unwrap()
        .contains(server.address())
    {
        thread::sleep(Duration::from_millis(20));
    }
    registry.signal("TERM");
    assert_eq!(registry.wait().0.code(), Some(0));
    drop(server);
    let registry = Serving::registry(&["--snapshot", file]);
    assert_eq!(
        run(&["servers", registry.address()]).ok().lines().count(),
        1
    );

    std::fs::write(file, "something else").unwrap();
    let complaint = run(&["registry", "--snapshot", file]).failed(2);
    assert!(complaint.contains("no snapshot"), "{complaint}");
}

#[test]
fn who_has_no_token_is_not_listed() {
    let registry = Serving::registry(&["--token", "secret"]);
    let stranger = serve(registry.address(), &[]);
    let friend = serve(registry.address(), &["--registry-token", "secret"]);
    let listed = servers_until(registry.address(), |servers| !servers.is_empty());
    thread::sleep(Duration::from_millis(200));
    assert_eq!(
        run(&["servers", registry.address()]).ok().lines().count(),
        1
    );
    assert!(listed.starts_with(friend.address()) && !listed.contains(stranger.address()));
}

#[test]
fn a_registry_that_anybody_could_write_to_has_to_be_asked_for() {
    let complaint = run(&["registry", "--listen", "0.0.0.0:0"]).failed(2);
    assert!(complaint.contains("token"), "{complaint}");
    let registry = Serving::registry(&["--listen", "0.0.0.0:0", "--open"]);
    assert!(registry.address().starts_with("http://0.0.0.0:"));
}

/// The status of the answer to a request that says no more than its method and query.
fn status(url: &str, method: &str, query: &str) -> String {
    let (_, address) = url.split_once("//").expect("it is a URL");
    let (host, path) = address.split_once('/').expect("it has a path");
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    write!(
        stream,
        "{method} /{path}{query} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    )
    .expect("it is taken");
    let mut line = String::new();
    let mut answer = BufReader::new(stream);
    answer.read_line(&mut line).expect("there is an answer");
    line.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn how_much_is_too_much_for_a_registry_can_be_said() {
    let usual = Serving::registry(&[]);
    assert_eq!(status(usual.address(), "GET", "?watch=0"), "200");
    let polled = Serving::registry(&["--watches", "0"]);
    assert_eq!(status(polled.address(), "GET", "?watch=0"), "503");
    assert_eq!(status(polled.address(), "GET", "?watch=0&wait=0"), "200");
    let complaint = run(&["registry", "--watches", "20000"]).failed(2);
    assert!(complaint.contains("--connections"), "{complaint}");
    Serving::registry(&["--watches", "20000", "--connections", "30000"]);

    let closed = Serving::registry(&["--connections-per-address", "0"]);
    run(&["servers", closed.address()]).failed(3);

    let slow = Serving::registry(&["--posts-per-second", "1"]);
    let statuses = (0..20).map(|_| status(slow.address(), "DELETE", ""));
    let refused = statuses.filter(|status| status == "429").count();
    // Ten at once, and one more for each second that it takes.
    assert!((5..=10).contains(&refused), "{refused}");
}

#[test]
fn what_is_no_registry_has_a_status_of_its_own() {
    run(&["servers", "tcp@127.0.0.1:9000"]).failed(2);
    run(&["servers", "http://127.0.0.1:1/wgrpc/registry"]).failed(3);
    let server = Serving::start();
    let url = server.address().replace("tcp@", "http://") + "/wgrpc/registry";
    run(&["servers", &url]).failed(1);
    run(&["serve", "--registry", "nowhere"]).failed(2);
}
