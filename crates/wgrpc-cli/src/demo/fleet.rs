//! Servers in processes of their own, which can be killed.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use wgrpc::Address;

use crate::exit::{Failure, Status};

/// A `wgrpc serve` of this same program. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    address: Address,
    /// Kept open: what the server prints must not fail.
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a server, and waits until it listens.
    pub(super) async fn start() -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(cannot_start)?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "tcp@127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot_start)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(cannot_start("its output cannot be read"));
        };
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).await.map_err(cannot_start)?;
        let address = line.trim_end().strip_prefix("listening ");
        let address = address.and_then(|address| address.parse().ok());
        Ok(Self {
            child,
            address: address.ok_or_else(|| cannot_start("it does not listen"))?,
            _stdout: stdout,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Its socket.
    pub(super) fn socket(&self) -> Option<SocketAddr> {
        self.address.target().parse().ok()
    }

    /// Kills it, as `kill -9` does: it cannot finish anything.
    pub(super) async fn kill(&mut self) -> Result<(), Failure> {
        let cannot = |error| Failure::new(Status::Failed, format_args!("cannot kill: {error}"));
        self.child.kill().await.map_err(cannot)
    }
}

fn cannot_start(reason: impl std::fmt::Display) -> Failure {
    Failure::new(
        Status::Failed,
        format_args!("cannot start a server: {reason}"),
    )
}
