//! Servers that die, freeze or vanish under load, and what their clients notice.
//!
//! Registry and servers are processes of their own, which are really killed. One client makes
//! calls at a steady rate, whether or not earlier ones have ended, and counts by the second.
//!
//! `process.rs` starts and kills, `load.rs` calls and counts, `scenario.rs` is what happens
//! meanwhile, and what must not.

mod load;
mod process;
mod scenario;

use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use wgrpc::registry::{Heartbeat, Registry};
use wgrpc::{Server, message, service};

/// Runs scenarios and prints a table of each. Fails if a promise was not kept.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the scenarios whose name contains this.
    Run {
        /// A part of the name; nothing for all.
        #[arg(default_value = "")]
        only: String,
        /// Calls a second.
        #[arg(long, default_value_t = 5_000)]
        rate: u64,
        /// How long the longest phase of a scenario is, in seconds.
        #[arg(long, default_value_t = 30)]
        secs: u64,
    },
    /// One of the servers; part of `run`.
    #[command(hide = true)]
    Server {
        #[arg(long)]
        listen: String,
        #[arg(long)]
        registry: Option<String>,
        /// How long a call takes, in microseconds.
        #[arg(long, default_value_t = 0)]
        delay: u64,
    },
    /// The registry; part of `run`.
    #[command(hide = true)]
    Registry {
        #[arg(long)]
        listen: String,
    },
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match Options::parse().command {
        Command::Run { only, rate, secs } => {
            runtime.block_on(scenario::run(&only, rate, Duration::from_secs(secs)))
        }
        Command::Server {
            listen,
            registry,
            delay,
        } => runtime.block_on(serve(&listen, registry, Duration::from_micros(delay))),
        Command::Registry { listen } => runtime.block_on(register(&listen)),
    }
}

/// What a call carries: its number, and bytes that follow from it.
#[message]
#[derive(Clone, PartialEq)]
struct Order {
    call: u64,
    bytes: Vec<u8>,
}

impl Order {
    fn new(call: u64, bytes: usize) -> Self {
        let bytes = vec![call as u8; bytes];
        Self { call, bytes }
    }
}

/// The order that was done, and the process that has done it.
#[message]
struct Done {
    order: Order,
    server: u32,
}

struct Work {
    delay: Duration,
}

#[service]
impl Work {
    /// Does nothing, for as long as it was told to, and says who has done it.
    #[method(idempotent)]
    async fn do_it(&self, order: Order) -> Done {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let server = std::process::id();
        Done { order, server }
    }
}

async fn serve(listen: &str, registry: Option<String>, delay: Duration) -> Result<()> {
    let mut server = Server::builder().register(Work { delay });
    if let Some(url) = registry {
        server = server.announcer(Heartbeat::new(url)?);
    }
    let server = server.listen(listen).await?;
    process::listening(&server.address().to_string()).await
}

async fn register(listen: &str) -> Result<()> {
    let registry = Registry::builder().build().listen(listen).await?;
    process::listening(registry.url()).await
}
