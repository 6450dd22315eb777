//! The race: who takes how long, in turns.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::contenders::{Contender, Operation, Work};

/// The times of one operation.
pub(crate) struct Row {
    pub(crate) operation: Operation,
    pub(crate) results: Vec<Times>,
}

/// How a contender did.
pub(crate) struct Times {
    pub(crate) name: &'static str,
    /// The nanoseconds that one operation took, by round.
    pub(crate) nanos: Vec<f64>,
}

struct Lane {
    operation: Operation,
    runners: Vec<Runner>,
}

struct Runner {
    work: Work,
    /// How many operations fill a turn.
    times: u64,
    result: Times,
}

/// Lets all contenders have their turn in each of `rounds` rounds, at every operation whose name
/// contains `only`.
pub(crate) fn run(
    contenders: Vec<Contender>,
    only: &str,
    rounds: usize,
    batch: Duration,
) -> Result<Vec<Row>> {
    let mut lanes = Vec::new();
    for operation in Operation::all().filter(|operation| operation.to_string().contains(only)) {
        let runners = contenders.iter().map(|contender| {
            Runner::new(contender, operation, batch)
                .with_context(|| format!("{}: {operation}", contender.name))
        });
        lanes.push(Lane {
            operation,
            runners: runners.collect::<Result<_>>()?,
        });
    }
    for round in 0..rounds {
        for lane in &mut lanes {
            // Nobody always runs in the wake of the same other.
            let first = round % lane.runners.len();
            lane.runners.rotate_left(first);
            lane.runners.iter_mut().try_for_each(Runner::run)?;
            lane.runners.rotate_right(first);
        }
    }
    Ok(lanes.into_iter().map(Row::from).collect())
}

impl Runner {
    fn new(contender: &Contender, operation: Operation, batch: Duration) -> Result<Self> {
        let mut work = contender.work(operation)?;
        let mut times = 1;
        // What is counted begins once caches and branch predictors know their way.
        loop {
            let took = work(times)?;
            if took >= batch / 2 {
                let share = batch.as_secs_f64() / took.as_secs_f64();
                times = ((times as f64 * share) as u64).max(1);
                break;
            }
            times *= 2;
        }
        Ok(Self {
            work,
            times,
            result: Times {
                name: contender.name,
                nanos: Vec::new(),
            },
        })
    }

    fn run(&mut self) -> Result<()> {
        let took = (self.work)(self.times)?;
        let nanos = took.as_secs_f64() * 1e9 / self.times as f64;
        self.result.nanos.push(nanos);
        Ok(())
    }
}

impl From<Lane> for Row {
    fn from(lane: Lane) -> Self {
        Self {
            operation: lane.operation,
            results: lane
                .runners
                .into_iter()
                .map(|runner| runner.result)
                .collect(),
        }
    }
}
