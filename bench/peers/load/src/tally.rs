//! The times of calls, and the line that says what came of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;
use thread_local::ThreadLocal;

use crate::args::Load;

/// The times of calls, gathered by all threads.
#[derive(Default)]
pub(crate) struct Tally {
    latencies: ThreadLocal<Mutex<Latencies>>,
    errors: AtomicU64,
    error: OnceLock<String>,
}

/// The times of one thread's calls, in nanoseconds.
struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // Three digits up to two minutes, which is longer than any call can take.
        let bounds = Histogram::new_with_bounds(1, 120_000_000_000, 3);
        Self(bounds.expect("the bounds are in order"))
    }
}

/// The line that ends a client's output.
#[derive(Serialize)]
struct Report {
    event: &'static str,
    /// How many calls ended within the window.
    calls: u64,
    errors: u64,
    /// The first of them.
    error: String,
    secs: f64,
    calls_per_s: f64,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    mean_us: f64,
    /// Of payload, in each direction.
    mb_per_s: f64,
}

impl Tally {
    pub(crate) fn count(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let latencies = self.latencies.get_or_default();
        let mut latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.0.saturating_record(nanos);
    }

    pub(crate) fn fail(&self, error: impl ToString) {
        self.errors.fetch_add(1, Relaxed);
        self.error.get_or_init(|| error.to_string());
    }

    pub(crate) fn report(&self, load: &Load, took: Duration) -> Result<String> {
        let mut all = Latencies::default().0;
        for latencies in &self.latencies {
            all.add(&latencies.lock().unwrap_or_else(PoisonError::into_inner).0)?;
        }
        let quantile = |quantile| all.value_at_quantile(quantile) as f64 / 1e3;
        let calls_per_s = all.len() as f64 / took.as_secs_f64().max(1e-9);
        Ok(serde_json::to_string(&Report {
            event: "result",
            calls: all.len(),
            errors: self.errors.load(Relaxed),
            error: self.error.get().cloned().unwrap_or_default(),
            secs: took.as_secs_f64(),
            calls_per_s,
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            max_us: all.max() as f64 / 1e3,
            mean_us: all.mean() / 1e3,
            mb_per_s: calls_per_s * load.payload as f64 / 1e6,
        })?)
    }
}
