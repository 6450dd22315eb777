//! Calls at a steady rate, counted by the second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use wgrpc::XClient;

use crate::WorkClient;

/// How often calls are made, several at a time.
const TICK: Duration = Duration::from_millis(2);

/// Calls that take longer are counted as if they took this.
const LONGEST: Duration = Duration::from_secs(60);

/// Calls that are made at a steady rate until this is [ended](Self::end).
pub(crate) struct Load {
    counts: Arc<Mutex<Vec<Second>>>,
    task: JoinHandle<()>,
}

/// What became of the calls that were made within a second.
#[derive(Clone)]
pub(crate) struct Second {
    latencies: Histogram<u64>,
    /// By process: how many it has answered.
    pub(crate) by_server: BTreeMap<u32, u64>,
    /// Texts of errors.
    pub(crate) errors: Vec<String>,
}

impl Second {
    fn new() -> Self {
        Self {
            // One that grows would take what is beyond its range for the shortest there is.
            latencies: Histogram::new_with_max(LONGEST.as_micros() as u64, 3)
                .unwrap_or_else(|_| unreachable!("three digits are fine")),
            by_server: BTreeMap::new(),
            errors: Vec::new(),
        }
    }

    fn add(&mut self, other: &Self) {
        // Both have the same form.
        let _ = self.latencies.add(&other.latencies);
        for (server, calls) in &other.by_server {
            *self.by_server.entry(*server).or_default() += calls;
        }
        self.errors.extend(other.errors.iter().cloned());
    }

    /// All of these together.
    pub(crate) fn sum(seconds: &[Self]) -> Self {
        let mut sum = Self::new();
        seconds.iter().for_each(|second| sum.add(second));
        sum
    }

    fn answered(&mut self, server: u32, took: Duration) {
        let micros = took.as_micros().max(1) as u64;
        self.latencies.saturating_record(micros);
        *self.by_server.entry(server).or_default() += 1;
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.len() + self.errors.len() as u64
    }

    /// The 99th percentile.
    pub(crate) fn p99(&self) -> Duration {
        Duration::from_micros(self.latencies.value_at_quantile(0.99))
    }

    /// Which part of the calls this process has answered.
    pub(crate) fn share(&self, server: u32) -> f64 {
        let answered: u64 = self.by_server.values().sum();
        let own = self.by_server.get(&server).copied().unwrap_or_default();
        own as f64 / answered.max(1) as f64
    }
}

impl Load {
    /// Begins to make so many calls a second.
    pub(crate) fn start(client: &XClient, rate: u64) -> Self {
        let counts = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(calls(WorkClient::new(client.clone()), rate, counts.clone()));
        Self { counts, task }
    }

    /// Stops calling, waits for the last calls and returns what became of all.
    pub(crate) async fn end(self) -> Vec<Second> {
        self.task.abort();
        // Longer than any call may take here.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }
}

async fn calls(client: WorkClient<XClient>, rate: u64, counts: Arc<Mutex<Vec<Second>>>) {
    let start = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut made = 0;
    loop {
        ticks.tick().await;
        let due = (start.elapsed().as_secs_f64() * rate as f64) as u64;
        while made < due {
            made += 1;
            let second = (made / rate) as usize;
            let (call, counts) = (client.do_it(), counts.clone());
            let begun = Instant::now();
            tokio::spawn(async move {
                let result = call.await;
                let took = begun.elapsed();
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                if counts.len() <= second {
                    counts.resize_with(second + 1, Second::new);
                }
                let count = &mut counts[second];
                match result {
                    Ok(server) => count.answered(server, took),
                    Err(error) => count.errors.push(error.to_string()),
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_took_long_counts_as_long() {
        let mut second = Second::new();
        let took = Duration::from_secs(3);
        second.answered(1, took);
        let p99 = second.p99();
        assert!(p99 >= took && p99 < took.mul_f64(1.01), "{p99:?}");
    }
}
