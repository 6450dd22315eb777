//! A registry and servers in processes of their own, which can be killed.

use std::fmt::Display;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use wgrpc::Address;

use crate::exit::{Failure, Status};

/// A registry, in a process of its own.
pub(super) struct Registry {
    _process: Process,
    url: String,
}

impl Registry {
    pub(super) async fn start() -> Result<Self, Failure> {
        let (process, url) = Process::start(&["registry", "--listen", "127.0.0.1:0"]).await?;
        Ok(Self {
            _process: process,
            url,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// A server, in a process of its own.
pub(super) struct Server {
    process: Process,
    address: Address,
}

impl Server {
    /// Starts a server that listens at `address` and registers itself.
    pub(super) async fn start(address: &str, registry: &Registry) -> Result<Self, Failure> {
        let args = ["serve", "--listen", address, "--registry", registry.url()];
        let (process, address) = Process::start(&args).await?;
        let address = address.parse().map_err(cannot_start)?;
        Ok(Self { process, address })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Kills it, as `kill -9` does: it can finish nothing, and tell nobody.
    pub(super) async fn kill(&mut self) -> Result<(), Failure> {
        let cannot = |error| Failure::new(Status::Failed, format_args!("cannot kill: {error}"));
        self.process.child.kill().await.map_err(cannot)
    }
}

/// A run of this same program that says where it listens. It is killed when this is dropped, and
/// ends by itself when this process has ended in a way that drops nothing.
struct Process {
    child: Child,
    /// Kept open: what it prints must not fail.
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it, and waits until it says where it listens.
    async fn start(args: &[&str]) -> Result<(Self, String), Failure> {
        let program = std::env::current_exe().map_err(cannot_start)?;
        let mut child = Command::new(program)
            .arg("--end-with-stdin")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What is typed at the terminal is for this process to answer.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot_start)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(cannot_start("its output cannot be read"));
        };
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).await.map_err(cannot_start)?;
        let Some(address) = line.trim_end().strip_prefix("listening ") else {
            return Err(cannot_start("it does not listen"));
        };
        let process = Self {
            child,
            _stdout: stdout,
        };
        Ok((process, address.to_owned()))
    }
}

fn cannot_start(reason: impl Display) -> Failure {
    Failure::new(
        Status::Failed,
        format_args!("cannot start a process of the demo: {reason}"),
    )
}
