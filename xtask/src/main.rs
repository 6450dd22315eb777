//! The project's automation, as `cargo xtask …`: the same commands on a laptop and in CI.
//!
//! `test` (in `test.rs`) is the one that matters: it runs everything that decides whether a change
//! is good. `tidy` checks the rules of the house that no compiler knows, and `vectors` lets Go
//! write the bytes that the Rust tests are checked against.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]

mod command;
mod dependencies;
mod features;
mod metadata;
mod test;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

/// The project's automation.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run everything that CI runs: checks, lints, all tests, documentation
    #[command(after_help = test::describe_steps())]
    Test {
        /// Run only this step (may be repeated)
        #[arg(long, value_name = "STEP", hide_possible_values = true)]
        #[arg(value_parser = PossibleValuesParser::new(test::step_names()))]
        only: Vec<String>,
    },
    /// Check the rules of the house: headers, arrows, wire vocabulary, dead files
    Tidy,
    /// Let Go write the test vectors in interop/vectors anew
    Vectors,
}

fn main() -> ExitCode {
    let outcome = root().and_then(|root| match Args::parse().task {
        Task::Test { only } => test::run(&root, &only),
        Task::Tidy => tidy::run(&root),
        Task::Vectors => write_vectors(&root),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder: the parent of this crate's.
fn root() -> Result<PathBuf> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    parent
        .map(Path::to_path_buf)
        .context("this crate does not lie in a workspace")
}

fn write_vectors(root: &Path) -> Result<()> {
    tools::ensure(&[&tools::GO])?;
    command::run(command::go(root, "go").args([
        "run",
        "./cmd/peer",
        "vectors",
        "-out",
        "../vectors",
    ]))
}
