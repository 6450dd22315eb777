//! A Go server as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::{go_peer, scratch_folder};

/// A running Go server with the demo services, or a Go registry; it ends when this is dropped.
#[derive(Debug)]
pub struct GoServer {
    /// Where it listens: `protocol@address`, or the URL of a registry.
    pub address: String,
    child: Child,
    log: PathBuf,
}

impl GoServer {
    /// Starts `peer serve` with the given flags and waits until it listens: none for TCP,
    /// `["-net", "unix", "-addr", path]`, `["-http"]`, and `"-original"` for the first
    /// implementation's defects.
    ///
    /// # Panics
    ///
    /// When the server does not start.
    #[must_use]
    pub fn start(flags: &[&str]) -> Self {
        Self::run("serve", flags)
    }

    /// Starts `peer registry` with the given flags, such as `["-timeout", "2s"]`, and waits until
    /// it listens. Its address is a URL.
    ///
    /// # Panics
    ///
    /// When the registry does not start.
    #[must_use]
    pub fn registry(flags: &[&str]) -> Self {
        Self::run("registry", flags)
    }

    fn run(command: &str, flags: &[&str]) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("server-{}-{number}.log", std::process::id());
        let log = scratch_folder().join(name);
        let errors = File::create(&log)
            .unwrap_or_else(|error| panic!("cannot create {}: {error}", log.display()));
        let mut child = Command::new(go_peer())
            .arg(command)
            .args(flags)
            // It serves until its stdin ends, so that it cannot outlive this process.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start the Go peer: {error}"));
        let stdout = child.stdout.take().expect("stdout was asked to be piped");
        let mut line = String::new();
        // An error shows as a line that is not the expected one.
        let _ = BufReader::new(stdout).read_line(&mut line);
        let mut server = Self {
            address: String::new(),
            child,
            log,
        };
        let Some(address) = line.trim_end().strip_prefix("LISTENING ") else {
            panic!(
                "peer {command} {flags:?} printed {line:?} and logged:\n{}",
                server.log()
            );
        };
        server.address = address.to_owned();
        server
    }

    /// What the server has logged so far: why it closed a connection, for instance.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for the end that the closed stdin brings, at which Go removes a Unix socket's file.
    fn has_ended_within(&mut self, limit: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for GoServer {
    fn drop(&mut self) {
        // Nothing can be done about a child that is gone already, or a file that is.
        drop(self.child.stdin.take());
        if !self.has_ended_within(Duration::from_secs(2)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let _ = std::fs::remove_file(&self.log);
    }
}
