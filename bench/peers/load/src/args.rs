//! The command line: how the runner tells a contender what to do.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;

use crate::say;

/// What a contender was asked to do.
pub fn options() -> Options {
    Options::parse()
}

/// A contender's command line.
#[derive(Parser)]
pub struct Options {
    /// Which of the contender's variants; each contender has names of its own.
    #[arg(long, default_value = "")]
    pub mode: String,
    /// Which side.
    #[command(subcommand)]
    pub command: Command,
}

/// The two sides.
#[derive(Subcommand)]
pub enum Command {
    /// Serves until it is killed, after a line `LISTENING 127.0.0.1:PORT`.
    Server(Listen),
    /// Makes calls, and prints what came of them.
    Client(Load),
}

/// What a server does.
#[derive(Args, Clone, Copy)]
pub struct Listen {
    /// Where to listen.
    #[arg(long)]
    pub addr: SocketAddr,
    /// How long the handler of `multiply` waits, in microseconds.
    #[arg(long, default_value_t = 0)]
    delay: u64,
}

impl Listen {
    /// Listens, and says so.
    pub async fn bind(&self) -> Result<TcpListener> {
        let listener = TcpListener::bind(self.addr).await?;
        announce(&[listener.local_addr()?])?;
        Ok(listener)
    }

    /// What the handler of `multiply` awaits.
    pub fn delay(&self) -> Delay {
        Delay(Duration::from_micros(self.delay))
    }
}

/// Says where a server listens.
pub fn announce(addrs: &[SocketAddr]) -> Result<()> {
    let addrs: Vec<_> = addrs.iter().map(SocketAddr::to_string).collect();
    say(&format!("LISTENING {}", addrs.join(",")))
}

/// The time that a handler takes.
#[derive(Clone, Copy)]
pub struct Delay(Duration);

impl Delay {
    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.0.is_zero()
    }

    /// Lets it pass.
    pub async fn pass(self) {
        if !self.is_none() {
            tokio::time::sleep(self.0).await;
        }
    }
}

/// What a client does.
#[derive(Args, Clone, Debug)]
pub struct Load {
    /// The server, or several of one contender.
    #[arg(long = "addr", value_delimiter = ',', required = true)]
    pub addrs: Vec<SocketAddr>,
    /// What is called.
    #[arg(long, value_enum)]
    pub workload: Workload,
    /// How many connections.
    #[arg(long, default_value_t = 1)]
    pub conns: usize,
    /// How many calls are outstanding on each.
    #[arg(long, default_value_t = 1)]
    pub outstanding: usize,
    /// How many bytes an echo carries.
    #[arg(long, default_value_t = 0)]
    pub payload: usize,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 1.0)]
    pub secs: f64,
    /// How long to run before that, in seconds.
    #[arg(long, default_value_t = 0.3)]
    pub warmup: f64,
    /// Make exactly so many calls, instead of calling for some time.
    #[arg(long)]
    pub calls: Option<u64>,
    /// Begin so many calls a second, whether or not earlier ones have ended.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Make all calls of a connection from one task.
    #[arg(long)]
    pub joined: bool,
}

impl Load {
    /// The only server.
    pub fn addr(&self) -> Result<SocketAddr> {
        self.addrs.first().copied().context("no address")
    }
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Two numbers there, one back.
    Multiply,
    /// A record with bytes there and back.
    Echo,
    /// One call on each connection, which then stays open until stdin ends.
    Idle,
}
