//! What servers and clients ask of one registry, as a table.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use sim::registry::{Fleet, Way, run};

/// Count what servers and clients ask of one registry.
#[derive(Debug, Parser)]
struct Args {
    /// What all chance is made of
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Servers, clients and groups.
const SIZES: [(usize, usize, usize); 5] = [
    (100, 1_000, 1),
    (1_000, 10_000, 1),
    (1_000, 10_000, 10),
    (10_000, 100_000, 1),
    (10_000, 100_000, 100),
];

fn main() -> ExitCode {
    match print_tables(Args::parse().seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_tables(seed: u64) -> Result<()> {
    for (servers, clients, groups) in SIZES {
        println!("{servers} servers, {clients} clients, {groups} groups\n");
        println!("| clients are | requests/s | in | out | of a processor |");
        println!("|---|---:|---:|---:|---:|");
        for way in Way::ALL {
            let fleet = Fleet {
                servers,
                clients,
                groups,
                way,
                seed,
            };
            let (traffic, processor) = run(&fleet)?;
            println!(
                "| {way} | {:.0} | {} | {} | {} |",
                traffic.requests,
                bytes(traffic.received),
                bytes(traffic.sent),
                processor.map_or_else(|| "-".to_owned(), |it| format!("{:.1} %", it * 100.0)),
            );
        }
        println!();
    }
    Ok(())
}

/// Bytes a second, with three digits.
fn bytes(bytes: f64) -> String {
    let units = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
    let fitting = units.into_iter().find(|(unit, _)| bytes >= *unit);
    let (unit, name) = fitting.unwrap_or((1.0, "B/s"));
    let digits = match bytes / unit {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{:.digits$} {name}", bytes / unit)
}
