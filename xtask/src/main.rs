//! The project's automation, as `cargo xtask …`: the same commands on a laptop and in CI.
//!
//! `test` (in `test.rs`) is the one that matters: it runs everything that decides whether a change
//! is good. `tidy` checks the rules of the house that no compiler knows, `sim` runs the simulation
//! at length, and `vectors` lets Go write the bytes that the Rust tests are checked against.
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
    /// Simulate clusters in which everything goes wrong, one for each seed
    Sim {
        /// How many seeds
        #[arg(long, default_value_t = 20_000)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Tell everything that happens with this seed, and run no other
        #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from"])]
        replay: Option<u64>,
        /// Count instead what servers and clients ask of one registry, as docs/registry.md has it
        #[arg(long, conflicts_with_all = ["seeds", "from", "replay"])]
        registry: bool,
    },
    /// Let Go write the test vectors in interop/vectors anew
    Vectors,
}

fn main() -> ExitCode {
    let outcome = root().and_then(|root| match Args::parse().task {
        Task::Test { only } => test::run(&root, &only),
        Task::Tidy => tidy::run(&root),
        Task::Sim { registry: true, .. } => simulate(&root, "registry", &[]),
        Task::Sim {
            replay: Some(seed), ..
        } => simulate(&root, "sim", &["--replay", &seed.to_string()]),
        Task::Sim { seeds, from, .. } => {
            let (seeds, from) = (seeds.to_string(), from.to_string());
            simulate(&root, "sim", &["--seeds", &seeds, "--from", &from])
        }
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

fn simulate(root: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let cargo = ["run", "--quiet", "--profile", "sim", "--package", "sim"];
    let mut command = command::cargo(root);
    command.args(cargo).args(["--bin", program, "--"]);
    command::run(command.args(arguments))
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
