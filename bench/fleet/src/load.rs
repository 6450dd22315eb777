//! Calls at a steady rate, counted by the second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use wgrpc::{Caller, XClient};

use crate::{Done, Order, WorkClient};

/// How often calls are made, several at a time.
const TICK: Duration = Duration::from_millis(2);

/// Longer than any call may take.
const LONGEST: Duration = Duration::from_secs(60);

/// Calls that are made at a steady rate until this is [ended](Self::end).
pub(crate) struct Load {
    counts: Arc<Mutex<Vec<Second>>>,
    task: JoinHandle<()>,
    /// Ends when the last call has ended.
    calls: mpsc::Receiver<()>,
}

/// What became of the calls that were made within a second.
#[derive(Clone)]
pub(crate) struct Second {
    latencies: Histogram<u64>,
    /// By process: how many it has answered.
    pub(crate) by_server: BTreeMap<u32, u64>,
    /// Texts of errors.
    pub(crate) errors: Vec<String>,
    /// How many replies were not those to their calls.
    pub(crate) wrong: u64,
    /// How long the longest call took, whatever became of it.
    pub(crate) longest: Duration,
}

impl Second {
    pub(crate) fn new() -> Self {
        Self {
            // One that grows would take what is beyond its range for the shortest there is.
            latencies: Histogram::new_with_max(LONGEST.as_micros() as u64, 3)
                .unwrap_or_else(|_| unreachable!("three digits are fine")),
            by_server: BTreeMap::new(),
            errors: Vec::new(),
            wrong: 0,
            longest: Duration::ZERO,
        }
    }

    fn add(&mut self, other: &Self) {
        // Both have the same form.
        let _ = self.latencies.add(&other.latencies);
        for (server, calls) in &other.by_server {
            *self.by_server.entry(*server).or_default() += calls;
        }
        self.errors.extend(other.errors.iter().cloned());
        self.wrong += other.wrong;
        self.longest = self.longest.max(other.longest);
    }

    /// All of these together.
    pub(crate) fn sum(seconds: &[Self]) -> Self {
        let mut sum = Self::new();
        seconds.iter().for_each(|second| sum.add(second));
        sum
    }

    /// Makes one call more, and returns how long it took.
    pub(crate) async fn call(&mut self, client: &XClient) -> Duration {
        let order = Order::new(self.calls(), 0);
        let begun = Instant::now();
        let result = WorkClient::new(client).do_it(&order).await;
        let took = begun.elapsed();
        self.count(&order, result, took);
        took
    }

    fn count(&mut self, order: &Order, result: wgrpc::Result<Done>, took: Duration) {
        self.longest = self.longest.max(took);
        match result {
            Ok(done) if done.order == *order => {
                let micros = took.as_micros().max(1) as u64;
                self.latencies.saturating_record(micros);
                *self.by_server.entry(done.server).or_default() += 1;
            }
            Ok(_) => self.wrong += 1,
            Err(error) => self.errors.push(error.to_string()),
        }
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.len() + self.errors.len() as u64 + self.wrong
    }

    /// Whether every call was answered, with the reply to it.
    pub(crate) fn is_flawless(&self) -> bool {
        self.errors.is_empty() && self.wrong == 0
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
    /// Begins to make so many calls a second, each of which carries so many bytes there and back.
    pub(crate) fn start<C>(client: &C, rate: u64, bytes: usize) -> Self
    where
        C: Caller<Call<Done>: 'static> + Clone + 'static,
    {
        let counts = Arc::new(Mutex::new(Vec::new()));
        let (call, calls) = mpsc::channel(1);
        let client = WorkClient::new(client.clone());
        let task = tokio::spawn(make_calls(client, rate, bytes, counts.clone(), call));
        Self {
            counts,
            task,
            calls,
        }
    }

    /// Stops calling, waits for the last calls and returns what became of all.
    pub(crate) async fn end(mut self) -> Result<Vec<Second>> {
        self.task.abort();
        let ended = timeout(LONGEST, self.calls.recv()).await;
        ended.context("a call has not ended")?;
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(counts.clone())
    }
}

async fn make_calls<C>(
    client: WorkClient<C>,
    rate: u64,
    bytes: usize,
    counts: Arc<Mutex<Vec<Second>>>,
    in_flight: mpsc::Sender<()>,
) where
    C: Caller<Call<Done>: 'static>,
{
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
            let order = Order::new(made, bytes);
            let (call, counts) = (client.do_it(&order), counts.clone());
            let in_flight = in_flight.clone();
            let begun = Instant::now();
            tokio::spawn(async move {
                let result = call.await;
                let took = begun.elapsed();
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                if counts.len() <= second {
                    counts.resize_with(second + 1, Second::new);
                }
                counts[second].count(&order, result, took);
                drop(in_flight);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_took_long_counts_as_long() {
        let (took, order) = (Duration::from_secs(3), Order::new(1, 1));
        let done = Done {
            order: order.clone(),
            server: 1,
        };
        let mut second = Second::new();
        second.count(&order, Ok(done), took);
        let p99 = second.p99();
        assert!(p99 >= took && p99 < took.mul_f64(1.01), "{p99:?}");
    }

    #[test]
    fn a_reply_to_another_call_is_wrong() {
        let (server, took) = (1, Duration::from_millis(1));
        let done = Done {
            order: Order::new(1, 1),
            server,
        };
        let mut second = Second::new();
        second.count(&Order::new(2, 1), Ok(done), took);
        assert_eq!((second.wrong, second.calls()), (1, 1));
        assert!(!second.is_flawless());
    }
}
