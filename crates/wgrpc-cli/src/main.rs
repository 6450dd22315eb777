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
use exit::Status;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.end_with_stdin {
        std::thread::spawn(end_with_stdin);
    }
    let done = match cli.command {
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

/// Waits for the end of stdin, and ends the process.
fn end_with_stdin() {
    // It is the end too if it cannot be read.
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    std::process::exit(Status::Failed as i32);
}
