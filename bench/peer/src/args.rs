//! The command line.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[derive(Parser)]
pub(crate) struct Options {
    /// What is measured.
    #[arg(long, value_enum, default_value = "gob")]
    pub(crate) mode: Mode,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// WgRPC with gob.
    Gob,
    /// WgRPC with JSON.
    Json,
    /// WgRPC with gob, through a client of many servers of which there is one.
    Cluster,
    /// Frames of bytes without an RPC framework: the limit.
    Raw,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves until it is killed, after a line `LISTENING 127.0.0.1:PORT`.
    Server {
        /// Where to listen.
        #[arg(long)]
        addr: SocketAddr,
    },
    /// Keeps calls outstanding, and prints what came of it.
    Client(Load),
    /// Runs all workloads in all modes by turns, and prints the tables.
    Compare(Race),
    /// Keeps one processor awake; part of `compare`.
    #[command(hide = true)]
    Spin,
}

/// What a client does.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// The server.
    #[arg(long)]
    pub(crate) addr: SocketAddr,
    /// What is called.
    #[arg(long, value_enum)]
    pub(crate) workload: Workload,
    /// How many connections.
    #[arg(long, default_value_t = 1)]
    pub(crate) conns: usize,
    /// How many calls are outstanding on each.
    #[arg(long, default_value_t = 1)]
    pub(crate) outstanding: usize,
    /// How many bytes an echo carries.
    #[arg(long, default_value_t = 0)]
    pub(crate) payload: usize,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) secs: f64,
    /// How long to run before that, in seconds.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) warmup: f64,
    /// Make exactly so many calls, instead of calling for some time.
    #[arg(long)]
    pub(crate) calls: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Two numbers there, one back.
    Multiply,
    /// A record with bytes there and back.
    Echo,
    /// One call on each connection, which then stays open until stdin ends.
    Idle,
}

/// How the comparison runs.
#[derive(Args, Debug)]
pub(crate) struct Race {
    /// How often each mode has its turn at each workload.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// How long a turn is measured, in seconds.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) secs: f64,
    /// How long it runs before that, in seconds.
    #[arg(long, default_value_t = 0.3)]
    pub(crate) warmup: f64,
    /// Only the workloads whose name contains this.
    #[arg(long, default_value = "")]
    pub(crate) only: String,
}
