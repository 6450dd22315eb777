//! `wgrpc serve`: the demo services on any number of addresses.

use std::io::Write as _;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use wgrpc::registry::Heartbeat;
use wgrpc::{Server, ServerLimits};

use crate::args::Serve;
use crate::exit::{Failure, Status};
use crate::services;

#[tokio::main]
pub(crate) async fn run(serve: &Serve) -> Result<(), Failure> {
    log_to_stderr();
    let mut signals = Signals::new()?;
    let limits = ServerLimits {
        handle_timeout: serve.handle_timeout,
        ..Default::default()
    };
    let mut builder = Server::builder()
        .limits(limits)
        .debug_page(serve.debug_page());
    if let Some(url) = &serve.registry {
        builder = builder.announcer(heartbeat(serve, url)?);
    }
    let server = services::register(builder).start()?;
    for address in &serve.addresses {
        let address = server.listen(address).await?;
        say(&format!("listening {address}"))?;
    }
    signals.next().await;
    tokio::select! {
        ended = server.shutdown() => Ok(ended?),
        () = signals.next() => {
            Err(Failure::new(Status::Failed, "stopped before all requests were answered"))
        }
    }
}

/// What keeps the server in the registry at `url`.
fn heartbeat(serve: &Serve, url: &str) -> Result<Heartbeat, Failure> {
    let heartbeat = Heartbeat::new(url)?
        .group(&serve.service_name)
        .weight(serve.weight)
        .version(env!("CARGO_PKG_VERSION"));
    Ok(match &serve.registry_token {
        Some(token) => heartbeat.token(token)?,
        None => heartbeat,
    })
}

/// Prints a line that scripts wait for.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(Failure::output)
}

/// Shows what goes wrong, and more with `RUST_LOG`.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// The signals that ask a program to end.
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to listen, so that no signal ends the program any more.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            let cannot = |error| format!("cannot listen for signals: {error}");
            signal(kind).map_err(|error| Failure::new(Status::Failed, cannot(error)))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
