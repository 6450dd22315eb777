//! Measures what a balancer costs a call: choosing a server, and taking note of how the call
//! ended; and what a change of the servers costs a client.
//!
//! Servers have the same weight unless a row says otherwise, and loads and latencies of their own;
//! keys are eight random bytes. All rows take turns in short batches over many rounds, so that
//! whatever else the machine does hits all alike; reported are medians.

mod changes;
mod rows;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;

use rows::Row;

/// Prints one table: nanoseconds for a call, by the number of servers.
#[derive(Parser)]
struct Options {
    /// How many turns each row has.
    #[arg(long, default_value_t = 41)]
    rounds: usize,
    /// How long a turn is, in milliseconds.
    #[arg(long, default_value_t = 2)]
    batch: u64,
    /// Measure only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Numbers of servers.
    #[arg(long, value_delimiter = ',', default_value = "3,100,10000")]
    servers: Vec<u32>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut table: Vec<Vec<Row>> = Vec::new();
    for &servers in &options.servers {
        let mut rows = rows::all(servers)?;
        rows.retain(|row| row.name.contains(&options.only));
        table.push(rows);
    }
    let batch = Duration::from_millis(options.batch);
    for column in &mut table {
        for row in column.iter_mut() {
            row.warm_up(batch);
        }
    }
    for _ in 0..options.rounds {
        for row in table.iter_mut().flatten() {
            row.take_turn();
        }
    }
    print(&table, &options);
    Ok(())
}

fn print(table: &[Vec<Row>], options: &Options) {
    let heads = options
        .servers
        .iter()
        .map(|servers| format!(" {servers} |"));
    println!("| servers |{}", heads.collect::<String>());
    println!("|---|{}", "---:|".repeat(table.len()));
    let Some(first) = table.first() else { return };
    for (place, row) in first.iter().enumerate() {
        let cells = table.iter().map(|column| {
            let nanos = column[place].median();
            if nanos < 1e6 {
                format!(" {nanos:.0} ns |")
            } else {
                format!(" {:.1} ms |", nanos / 1e6)
            }
        });
        println!("| {} |{}", row.name, cells.collect::<String>());
    }
    println!(
        "\nFor one call, or for one list. Medians of {} rounds of {} ms each.",
        options.rounds, options.batch
    );
}

impl Row {
    /// Finds how many operations fill a turn, until caches and branch predictors know their way.
    fn warm_up(&mut self, batch: Duration) {
        self.times = 1;
        loop {
            let took = self.time();
            if took >= batch / 2 {
                let share = batch.as_secs_f64() / took.as_secs_f64();
                self.times = ((self.times as f64 * share) as u64).max(1);
                return;
            }
            self.times *= 2;
        }
    }

    fn take_turn(&mut self) {
        let nanos = self.time().as_nanos() as f64 / self.times as f64;
        self.nanos.push(nanos);
    }

    fn time(&mut self) -> Duration {
        let begun = Instant::now();
        (self.work)(self.times);
        begun.elapsed()
    }

    fn median(&self) -> f64 {
        let mut nanos = self.nanos.clone();
        nanos.sort_by(f64::total_cmp);
        nanos.get(nanos.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
