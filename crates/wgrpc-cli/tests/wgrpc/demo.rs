//! `wgrpc demo`: it runs to its end, and says what it has seen.

use std::io::{BufRead, BufReader, Lines, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{run, wgrpc};

#[test]
fn everything_is_as_expected_and_plain_where_nobody_looks() {
    let printed = run(&["demo", "--once"]).ok();
    assert!(!printed.contains('\u{1b}'), "{printed}");
    assert!(!printed.contains('✗'), "{printed}");
    // Two of the servers, six ways, two errors and what goes on, and the many.
    assert_eq!(printed.matches('✓').count(), 12, "{printed}");
    for said in [
        "kill -9 of server 2",
        "server 2 is started again",
        " calls since",
        "none failed",
        "tcp  application/gob",
        "unix application/json",
        "divide by zero",
        "calls/s",
    ] {
        assert!(printed.contains(said), "{printed}");
    }
}

#[test]
fn the_servers_stay_and_do_what_is_said_until_a_signal() {
    let mut demo = Demo::start();
    let invitation = demo.line("wgrpc call ");
    let words: Vec<&str> = invitation.split_whitespace().skip(1).collect();
    let words: Vec<&str> = words.iter().map(|word| word.trim_matches('\'')).collect();
    let registry = words[2].to_owned();
    assert_eq!(run(&["servers", &registry]).ok().lines().count(), 3);
    let replies = run(&words).ok();
    assert_eq!(replies.matches("\"reply\":42}\n").count(), 3, "{replies}");
    demo.signal("TERM");
    let (status, complaint) = demo.wait();
    assert_eq!((status, &*complaint), (Some(0), ""));
}

#[test]
fn its_servers_end_with_it() {
    for signal in ["INT", "TERM", "KILL"] {
        let mut demo = Demo::start();
        let servers = [(); 3].map(|()| demo.line("tcp@"));
        demo.signal(signal);
        let (status, complaint) = demo.wait();
        match signal {
            "KILL" => assert_eq!((status, &*complaint), (None, "")),
            _ => assert_eq!(
                (status, &*complaint),
                (Some(1), "error: stopped before the end\n")
            ),
        }
        for server in servers {
            let socket = server.strip_prefix("tcp@").unwrap();
            let start = Instant::now();
            while TcpStream::connect(socket).is_ok() {
                assert!(
                    start.elapsed() < Duration::from_secs(10),
                    "{server} is there"
                );
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// A running demo, without `--once`.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    fn start() -> Self {
        let mut child = wgrpc(&["demo"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let lines = BufReader::new(stdout).lines();
        Self { child, lines }
    }

    /// The next line that starts so, without the blanks before it.
    fn line(&mut self, start: &str) -> String {
        let lines = self
            .lines
            .by_ref()
            .map(|line| line.expect("it prints text"));
        let mut lines = lines.map(|line| line.trim().to_owned());
        let found = lines.find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no line begins with {start}"))
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status();
        assert!(kill.expect("there is a command `kill`").success());
    }

    /// Waits for the end; the status, and what was complained about.
    fn wait(&mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("the child is ours");
        let mut complaint = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr is piped");
        stderr
            .read_to_string(&mut complaint)
            .expect("it prints text");
        (status.code(), complaint)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("TERM");
        }
    }
}
