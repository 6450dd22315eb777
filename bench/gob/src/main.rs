//! Measures how fast values are encoded and decoded: wgrpc-gob beside Go's encoding/gob, the other
//! gob crates and serde's usual formats.
//!
//! All contenders handle the same values on streams that have told their types. They take turns,
//! in short batches over many rounds, so that whatever else the machine does hits all alike;
//! reported are medians.
//!
//! `values.rs` is what is encoded, `contenders.rs` who encodes it, `race.rs` takes the times and
//! `table.rs` prints them.

mod contenders;
mod race;
mod table;
mod values;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

/// Prints one table: the time of each operation, and how it compares with wgrpc-gob.
#[derive(Parser)]
struct Options {
    /// How many times each contender has its turn.
    #[arg(long, default_value_t = 41)]
    rounds: usize,
    /// How long a turn is, in milliseconds.
    #[arg(long, default_value_t = 10)]
    batch: u64,
    /// Measure only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Leave out contenders whose name does not contain this, for a profile of one.
    #[arg(long, default_value = "")]
    contender: String,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut contenders = contenders::all()?;
    contenders.retain(|contender| contender.name.contains(&options.contender));
    let batch = Duration::from_millis(options.batch);
    let rows = race::run(contenders, &options.only, options.rounds, batch)?;
    table::print(&rows, &options);
    Ok(())
}
