//! Running the command.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The output of a run that succeeded and had nothing to complain about.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert!(self.status == Some(0) && self.stderr.is_empty(), "{self:?}");
        self.stdout
    }

    /// The complaint of a run that printed nothing and ended with `status`.
    #[track_caller]
    pub(crate) fn failed(self, status: i32) -> String {
        assert!(
            self.status == Some(status) && self.stdout.is_empty(),
            "{self:?}"
        );
        self.stderr
    }
}

/// The command, to be run with these arguments.
pub(crate) fn wgrpc(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrpc"));
    command.args(args).env_remove("RUST_LOG");
    command
}

/// Runs the command to its end.
pub(crate) fn run(args: &[&str]) -> Outcome {
    run_with_input(args, b"")
}

/// Runs the command to its end with this on its stdin.
pub(crate) fn run_with_input(args: &[&str], input: &[u8]) -> Outcome {
    let mut command = wgrpc(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // From a thread of its own, since the command prints while it reads.
    let output = thread::scope(|scope| {
        // A command that does not read its stdin to the end is no failure.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("the command ends")
    });
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("it prints text"),
        stderr: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// A running `wgrpc serve` or `wgrpc registry`; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Where it listens.
    pub(crate) addresses: Vec<String>,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Serving {
    /// Serves on TCP.
    pub(crate) fn start() -> Self {
        Self::on(&["tcp@127.0.0.1:0"])
    }

    /// Serves on `addresses`.
    pub(crate) fn on(addresses: &[&str]) -> Self {
        Self::with(addresses, &[])
    }

    /// Serves on `addresses`, with further options.
    pub(crate) fn with(addresses: &[&str], options: &[&str]) -> Self {
        let listen = addresses.iter().flat_map(|address| ["--listen", address]);
        let args: Vec<_> = ["serve"]
            .into_iter()
            .chain(listen)
            .chain(options.to_vec())
            .collect();
        Self::spawn(&args, addresses.len())
    }

    /// A registry, with these options.
    pub(crate) fn registry(options: &[&str]) -> Self {
        Self::spawn(&[&["registry"], options].concat(), 1)
    }

    /// What says `lines` times where it listens.
    fn spawn(args: &[&str], lines: usize) -> Self {
        let mut child = wgrpc(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = || {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("it prints a line");
            let address = line.trim_end().strip_prefix("listening ");
            address
                .unwrap_or_else(|| panic!("not an address: {line:?}"))
                .to_owned()
        };
        let addresses = (0..lines).map(|_| line()).collect();
        Self {
            addresses,
            child,
            stdout,
        }
    }

    /// The first address.
    pub(crate) fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// Its page `/debug/wgrpc`, with the head of the response.
    pub(crate) fn page(&self) -> String {
        let target = self.address().strip_prefix("tcp@").expect("it is on TCP");
        let mut stream = TcpStream::connect(target).expect("it listens");
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n",
            wgrpc::DEBUG_PATH
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("it answers");
        page
    }

    /// Sends a signal, by its name: `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status();
        assert!(kill.expect("there is a command `kill`").success());
    }

    /// Waits for the end, and says how it came, and what else was printed.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                let mut rest = String::new();
                self.stdout
                    .read_to_string(&mut rest)
                    .expect("it prints text");
                return (status, rest);
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
