//! Counts what a call costs, in instructions and allocations, and holds it against a budget.
//!
//! Time differs from run to run, and on a shared machine by half; the instructions of a fixed
//! exchange hardly do. Client and server run on one thread and talk in memory, under valgrind,
//! which counts. Each exchange runs twice, the second time with more calls, and what that costs
//! more is divided by how many more there were: the start costs nothing.

mod budget;
mod callgrind;
mod exchange;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use budget::{Budget, Cost};
use exchange::Exchange;

/// Counts what a call costs, and fails if that is more than the budget allows.
#[derive(Parser)]
struct Options {
    /// Make what is measured now the budget.
    #[arg(long)]
    update: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// What runs under valgrind: one exchange, so many times
    #[command(hide = true)]
    Exchange { exchange: Exchange, rounds: usize },
}

/// How often an exchange runs, the first time and the second.
const ROUNDS: (usize, usize) = (20, 60);

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if let Some(Command::Exchange { exchange, rounds }) = options.command {
        exchange.run(rounds)?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/budget.json"));
    let known = Budget::read(path)?;
    let mut found = Budget::new();
    println!(
        "{:8} {:>20} {:>20}",
        "", "instructions a call", "allocations a call"
    );
    for exchange in Exchange::ALL {
        let cost = measure(exchange)?;
        let allowed = known.get(exchange.name());
        println!("{}", budget::row(exchange.name(), cost, allowed));
        found.insert(exchange.name(), cost);
    }
    if options.update {
        found.write(path)?;
        println!("This is the budget from now on.");
        return Ok(ExitCode::SUCCESS);
    }
    let excesses = found.excesses(&known);
    for excess in &excesses {
        println!("{excess}");
    }
    Ok(if excesses.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("Make it cheaper, or say why it must cost that and run `cargo cost --update`.");
        ExitCode::FAILURE
    })
}

fn measure(exchange: Exchange) -> Result<Cost> {
    let (few, many) = ROUNDS;
    let count = |rounds| {
        callgrind::count(exchange.name(), rounds)
            .with_context(|| format!("counting the exchange {}", exchange.name()))
    };
    let (first, second) = (count(few)?, count(many)?);
    let calls = (exchange.calls_a_round() * (many - few)) as f64;
    let each = |first: u64, second: u64| second.saturating_sub(first) as f64 / calls;
    Ok(Cost {
        instructions: each(first.instructions, second.instructions).round(),
        allocations: (10.0 * each(first.allocations, second.allocations)).round() / 10.0,
    })
}
