//! The closed loop: a call that has ended is followed by the next at once, while the window lasts.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::args::Load;
use crate::report::Tally;

/// How many failures it takes until a caller gives up.
pub(crate) const PATIENCE: u32 = 100;

/// How long calls may take to end after the window.
const DRAIN: Duration = Duration::from_secs(10);

/// When calls are made and which of them count; shared by all callers of one run.
pub(crate) struct Window {
    load: Load,
    phase: AtomicU8,
    /// How many calls may still begin, if they are counted.
    left: Option<AtomicU64>,
    pub(crate) tally: Tally,
}

const WARM_UP: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

impl Window {
    pub(crate) fn new(load: Load) -> Arc<Self> {
        let phase = load.calls.map_or(WARM_UP, |_| MEASURED);
        Arc::new(Self {
            phase: AtomicU8::new(phase),
            left: load.calls.map(AtomicU64::new),
            load,
            tally: Tally::default(),
        })
    }

    pub(crate) fn load(&self) -> &Load {
        &self.load
    }

    /// Whether one more call may begin.
    #[inline]
    pub(crate) fn admits(&self) -> bool {
        match &self.left {
            Some(left) => left
                .fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                .is_ok(),
            None => self.phase.load(Relaxed) != OVER,
        }
    }

    /// A call has ended, which counts if the window is open.
    #[inline]
    pub(crate) fn ended(&self, latency: Duration) {
        if self.phase.load(Relaxed) == MEASURED {
            self.tally.count(latency);
        }
    }

    /// Lets the callers work until the window is over, and prints what they measured.
    pub(crate) async fn run(&self, mut callers: JoinSet<()>) -> Result<()> {
        let start = Instant::now();
        let done = async { while callers.join_next().await.is_some() {} };
        let took = if self.left.is_some() {
            done.await;
            start.elapsed()
        } else {
            let took = self.open_and_close().await?;
            if tokio::time::timeout(DRAIN, done).await.is_err() {
                self.tally.fail("calls did not end after the window");
            }
            took
        };
        say(&serde_json::to_string(
            &self.tally.report(&self.load, took)?,
        )?)
    }

    async fn open_and_close(&self) -> Result<Duration> {
        tokio::time::sleep(Duration::from_secs_f64(self.load.warmup)).await;
        self.phase.store(MEASURED, Relaxed);
        let start = Instant::now();
        say(r#"{"event":"start"}"#)?;
        tokio::time::sleep(Duration::from_secs_f64(self.load.secs)).await;
        self.phase.store(OVER, Relaxed);
        let took = start.elapsed();
        say(r#"{"event":"end"}"#)?;
        Ok(took)
    }
}

/// Prints a line, and sees to it that it leaves at once.
pub(crate) fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Says that all connections are up, and holds them until stdin ends.
pub(crate) async fn hold() -> Result<()> {
    say(r#"{"event":"ready"}"#)?;
    let stdin = || std::io::stdin().lock().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(stdin).await??;
    Ok(())
}

/// Bytes that do not compress into anything, for echoes.
pub(crate) fn payload(len: usize) -> Vec<u8> {
    let numbers = std::iter::successors(Some(1u32), |n| {
        Some(n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    });
    numbers.map(|n| (n >> 24) as u8).take(len).collect()
}
