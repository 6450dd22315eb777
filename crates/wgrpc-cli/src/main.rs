//! The `wgrpc` command: serve, call, be a registry, look into gob streams, and see a demo.
//!
//! `args` says what can be typed; every subcommand has a file of its own. `exit` has the statuses
//! that scripts rely on, `services` what is served, `plain` and `tree` are values as JSON, and
//! `style` is what terminals show.

mod args;
mod call;
mod demo;
mod exit;
mod gob;
mod plain;
mod registry;
mod serve;
mod servers;
mod services;
mod style;
mod tree;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve::run(&serve),
        Command::Call(call) => call::run(&call),
        Command::Registry(registry) => registry::run(&registry),
        Command::Servers(servers) => servers::run(&servers),
        Command::Gob(gob) => gob::run(&gob),
        Command::Demo(demo) => demo::run(&demo),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
