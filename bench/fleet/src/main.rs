//! Servers and networks that fail under load, and what their clients notice.
//!
//! Registry and servers are processes of their own, which are really killed. One client makes
//! calls at a steady rate, whether or not earlier ones have ended, and counts by the second.
//!
//! `process.rs` starts and kills, `load.rs` calls and counts, `scenario.rs` is what happens
//! to the servers meanwhile, and what must not. `network.rs` is what happens to the network, and
//! `cable.rs` does it.

mod cable;
mod load;
mod network;
mod process;
mod scenario;

use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wgrpc::registry::{Heartbeat, Registry};
use wgrpc::{Server, message, service};

use network::Length;

/// The bytes of a large body.
const LARGE: usize = 4 << 20;

/// Runs scenarios and prints a table of each. Fails if a promise was not kept.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the scenarios of servers whose name contains this.
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
    /// Runs the scenarios of networks whose name contains this.
    Network {
        /// A part of the name; nothing for all.
        #[arg(default_value = "")]
        only: String,
        /// Calls a second.
        #[arg(long, default_value_t = 1_000)]
        rate: u64,
        /// Takes seconds for each scenario, and leaves out what takes the kernel longer.
        #[arg(long)]
        short: bool,
        /// It has entered a network of its own.
        #[arg(long, hide = true)]
        apart: bool,
    },
    /// One of the servers; part of the other two.
    #[command(hide = true)]
    Server {
        #[arg(long)]
        listen: String,
        #[arg(long)]
        registry: Option<String>,
        /// How long a call takes, in microseconds.
        #[arg(long, default_value_t = 0)]
        delay: u64,
        /// Where it takes large bodies over plain TCP besides.
        #[arg(long)]
        plain: Option<String>,
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
        Command::Network { apart: false, .. } => match cable::enter("--apart")? {},
        Command::Network {
            only, rate, short, ..
        } => {
            let length = if short { Length::Short } else { Length::Full };
            runtime.block_on(network::run(&only, rate, length))
        }
        Command::Server {
            listen,
            registry,
            delay,
            plain,
        } => runtime.block_on(async {
            if let Some(plain) = plain {
                tokio::spawn(take_plainly(TcpListener::bind(plain).await?));
            }
            serve(&listen, registry, Duration::from_micros(delay)).await
        }),
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

    /// Takes these bytes, and says how many they were.
    async fn take(&self, bytes: Vec<u8>) -> u64 {
        bytes.len() as u64
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

/// Takes large bodies over one connection, and answers each with a byte.
async fn take_plainly(listener: TcpListener) -> Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut body = vec![0; LARGE];
    loop {
        stream.read_exact(&mut body).await?;
        stream.write_u8(1).await?;
    }
}

async fn register(listen: &str) -> Result<()> {
    let registry = Registry::builder().build().listen(listen).await?;
    process::listening(registry.url()).await
}
