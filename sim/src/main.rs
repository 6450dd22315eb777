//! The simulation as a command: any number of seeds, on every processor.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use sim::{Outcome, Telling};

/// Simulate clusters in which everything goes wrong, one for each seed.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Tell everything that happens with this seed, and run no other
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from"])]
    replay: Option<u64>,
}

/// What all seeds together have come to.
#[derive(Default)]
struct Sum {
    calls: usize,
    failed: usize,
    recovered: Duration,
    slowest: u64,
    wrong: Vec<(u64, Vec<String>)>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.replay {
        Some(seed) => replay(seed),
        None => simulate(args.from..args.from.saturating_add(args.seeds)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn replay(seed: u64) -> Result<bool> {
    let outcome = sim::run(seed, Telling::Everything)?;
    println!(
        "seed {seed}: {} calls, {} failed, {} things are wrong, hash {:016x}",
        outcome.calls,
        outcome.failed,
        outcome.wrong.len(),
        outcome.hash
    );
    Ok(outcome.wrong.is_empty())
}

fn simulate(seeds: std::ops::Range<u64>) -> Result<bool> {
    let start = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sum::default());
    let work = || -> Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(());
            }
            let outcome = sim::run(seed, Telling::Quiet)?;
            if let Ok(mut sum) = sum.lock() {
                sum.add(seed, outcome);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results = workers.into_iter().map(|worker| match worker.join() {
            Ok(result) => result,
            Err(_) => Err(anyhow::anyhow!("a run has panicked")),
        });
        results.collect::<Result<Vec<()>>>()
    })?;
    let sum = sum.into_inner().unwrap_or_default();
    println!(
        "{} seeds in {:.1} s: {} calls, {} failed of what went wrong; all was well after {:.1} s \
         at most (seed {})",
        seeds.end - seeds.start,
        start.elapsed().as_secs_f64(),
        sum.calls,
        sum.failed,
        sum.recovered.as_secs_f64(),
        sum.slowest,
    );
    println!("{} seeds are wrong", sum.wrong.len());
    Ok(sum.wrong.is_empty())
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.calls += outcome.calls;
        self.failed += outcome.failed;
        if outcome.recovered >= self.recovered {
            self.recovered = outcome.recovered;
            self.slowest = seed;
        }
        if outcome.wrong.is_empty() {
            return;
        }
        println!("seed {seed}, replay with: cargo xtask sim --replay {seed}");
        for line in outcome.wrong.iter().take(10) {
            println!("  {line}");
        }
        self.wrong.push((seed, outcome.wrong));
    }
}
