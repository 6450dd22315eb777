//! Calls under load: a server, a client that keeps it busy, and the race between WgRPC and the
//! raw limit of the machine.
//!
//! `server` and `client` keep the contract of a harness that drives many RPC frameworks the same
//! way: the server says where it listens, the client runs one workload in a closed loop and prints
//! what it measured as a line of JSON. `compare` is a small harness of our own, which needs
//! nothing but this program.
//!
//! `args.rs` is the command line, `load.rs` the closed loop and `report.rs` its result; `wgrpc.rs`
//! and `raw.rs` are what is measured; `compare.rs` runs and prints the comparison.

mod args;
mod compare;
mod load;
mod raw;
mod report;
mod wgrpc;

use anyhow::Result;
use clap::Parser;

use args::{Command, Mode, Options};

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    match (options.command, options.mode) {
        (Command::Server { addr }, Mode::Raw) => runtime.block_on(raw::serve(addr)),
        (Command::Server { addr }, _) => runtime.block_on(wgrpc::serve(addr)),
        (Command::Client(load), Mode::Raw) => runtime.block_on(raw::run(load)),
        (Command::Client(load), mode) => runtime.block_on(wgrpc::run(load, mode)),
        (Command::Compare(race), _) => compare::run(&race),
        (Command::Spin, _) => compare::spin(),
    }
}
