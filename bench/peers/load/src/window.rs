//! When calls are made and which of them count.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::args::Load;
use crate::tally::Tally;
use crate::{payload, say};

/// How long calls may take to end after the window.
const DRAIN: Duration = Duration::from_secs(10);

/// How often calls begin that are made at a steady rate.
const BEAT: Duration = Duration::from_micros(50);

/// Shared by all callers of one run.
pub struct Window {
    load: Load,
    /// What echoes carry.
    pub payload: Bytes,
    phase: AtomicU8,
    /// How many calls may still begin, if they are counted.
    left: Option<AtomicU64>,
    tally: Tally,
    /// Who works for this run.
    workers: TaskTracker,
    /// Where to say that a call is due, for each connection, if calls have a rate.
    paced: Mutex<Vec<mpsc::UnboundedSender<Instant>>>,
}

const WARM_UP: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

impl Window {
    /// A window that is to open.
    pub fn new(load: Load) -> Arc<Self> {
        let phase = load.calls.map_or(WARM_UP, |_| MEASURED);
        Arc::new(Self {
            payload: payload(load.payload),
            phase: AtomicU8::new(phase),
            left: load.calls.map(AtomicU64::new),
            load,
            tally: Tally::default(),
            workers: TaskTracker::new(),
            paced: Mutex::default(),
        })
    }

    /// What is to be done.
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Whether one more call may begin.
    #[inline]
    pub fn admits(&self) -> bool {
        match &self.left {
            Some(left) => left
                .fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                .is_ok(),
            None => self.phase.load(Relaxed) != OVER,
        }
    }

    /// A call has ended, which counts if the window is open.
    #[inline]
    pub fn ended(&self, latency: Duration) {
        if self.phase.load(Relaxed) == MEASURED {
            self.tally.count(latency);
        }
    }

    /// A call, or a connection, has failed.
    pub fn failed(&self, error: impl ToString) {
        self.tally.fail(error);
    }

    /// While somebody has one, the run is not over.
    pub fn token(&self) -> TaskTrackerToken {
        self.workers.token()
    }

    /// When calls of one more connection are due; until the window is over.
    pub fn paces(&self) -> Option<mpsc::UnboundedReceiver<Instant>> {
        self.load.rate?;
        let (due, calls) = mpsc::unbounded_channel();
        let mut paced = self.paced.lock().unwrap_or_else(PoisonError::into_inner);
        paced.push(due);
        Some(calls)
    }

    /// Lets the callers work until the window is over, and prints what they measured.
    pub async fn run(self: &Arc<Self>) -> Result<()> {
        let start = Instant::now();
        self.workers.close();
        let took = if self.left.is_some() {
            self.workers.wait().await;
            start.elapsed()
        } else {
            let window = self.clone();
            std::thread::Builder::new().spawn(move || window.pace())?;
            let window = self.clone();
            // The clock is a thread: it must be right however busy the runtime is.
            let clock = tokio::task::spawn_blocking(move || window.open_and_close());
            let took = clock.await.context("the clock stopped")??;
            if tokio::time::timeout(DRAIN, self.workers.wait())
                .await
                .is_err()
            {
                self.failed("calls did not end after the window");
            }
            took
        };
        say(&self.tally.report(&self.load, took)?)
    }

    fn open_and_close(&self) -> Result<Duration> {
        std::thread::sleep(Duration::from_secs_f64(self.load.warmup));
        self.phase.store(MEASURED, Relaxed);
        let start = Instant::now();
        say(r#"{"event":"start"}"#)?;
        std::thread::sleep(Duration::from_secs_f64(self.load.secs));
        self.phase.store(OVER, Relaxed);
        let took = start.elapsed();
        say(r#"{"event":"end"}"#)?;
        Ok(took)
    }

    /// Says when calls are due, by turns to each connection.
    fn pace(&self) {
        let paced = std::mem::take(&mut *self.paced.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(rate) = self.load.rate.filter(|_| !paced.is_empty()) else {
            return;
        };
        let start = Instant::now();
        let mut begun = 0;
        while self.phase.load(Relaxed) != OVER {
            let due = (start.elapsed().as_secs_f64() * rate) as usize;
            for call in begun..due {
                let at = start + Duration::from_secs_f64(call as f64 / rate);
                // A connection that is gone has said so itself.
                let _ = paced[call % paced.len()].send(at);
            }
            begun = due;
            std::thread::sleep(BEAT);
        }
    }
}
