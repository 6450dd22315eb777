//! How busy a server is, and how fast: a few atomic numbers that every call touches.
//!
//! Averages are kept beside the millisecond that they are of, in one word. So there is no lock,
//! and of all calls that end within a millisecond only those write that change something.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::outcome::Outcome;

/// How long ago a latency weighs a third (1/e) of a new one, in milliseconds.
const DECAY: f32 = 10_000.0;

/// How long a failure counts, less and less, in milliseconds.
const FAILURE: f32 = 10_000.0;

/// How slow a failure is at least, in nanoseconds.
const FAILURE_COST: f32 = 1e9;

/// As how many calls in flight one failure counts.
const FAILURE_CALLS: f32 = 10.0;

/// The load of one server, as this client sees it.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_cluster::{Load, Outcome};
///
/// let load = Load::default();
/// let begun = load.begin(Duration::from_millis(0));
/// assert_eq!(load.in_flight(), 1);
/// load.end(begun, Duration::from_millis(3), Outcome::Answered);
/// assert_eq!(load.in_flight(), 0);
/// assert_eq!(load.latency(Duration::from_millis(3)), Some(Duration::from_millis(3)));
/// ```
#[derive(Debug, Default)]
pub struct Load {
    in_flight: AtomicU32,
    /// Nanoseconds; 0 as long as nothing has been measured.
    latency: AtomicU64,
    /// How many failures, each of which fades.
    failures: AtomicU64,
}

/// A call that is in flight, to be given back when it [ends](Load::end).
#[derive(Debug)]
#[must_use = "a call that has begun has to end"]
pub struct Begun {
    at: Duration,
}

impl Begun {
    /// When it began.
    pub fn at(&self) -> Duration {
        self.at
    }
}

impl Load {
    /// Counts a call that begins.
    pub fn begin(&self, now: Duration) -> Begun {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Begun { at: now }
    }

    /// Counts a call that ends, however it does.
    pub fn end(&self, begun: Begun, now: Duration, outcome: Outcome) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let taken = now.saturating_sub(begun.at).as_nanos() as f32;
        match outcome {
            Outcome::Answered => self.learn(taken, now),
            // How long it would have taken is not known, only that it would have been longer.
            Outcome::Unknown => self.learn_at_least(taken, now),
            Outcome::Overloaded | Outcome::Failed | Outcome::Unreachable => self.fail(now),
        }
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long calls take: a moving average that rises at once with a slow call and falls over
    /// seconds. `None` if none has been answered.
    pub fn latency(&self, now: Duration) -> Option<Duration> {
        let latency = self.decayed(now);
        (latency > 0.0).then(|| Duration::from_nanos(latency as u64))
    }

    /// What one more call would cost by the number of calls, for one of this weight.
    pub(crate) fn calls(&self, now: Duration, weight: u32) -> f32 {
        let (failures, freshness) = self.failing(now);
        (self.in_flight() as f32 + FAILURE_CALLS * failures * freshness) / weight as f32
    }

    /// What one more call would cost in time, for one of this weight.
    pub(crate) fn cost(&self, now: Duration, weight: u32) -> f32 {
        let in_flight = self.in_flight();
        let mut latency = self.decayed(now);
        let (_, freshness) = self.failing(now);
        if freshness > 0.0 {
            // However many they were: so of several that fail, the one that has not been tried
            // for longest is next, and one that is well again is found.
            latency += freshness * FAILURE_COST.max(10.0 * latency);
        } else if latency == 0.0 && in_flight > 0 {
            // Nobody knows how fast it is; until the first call has told, it gets no more.
            latency = FAILURE_COST;
        }
        latency * (in_flight as f32 / weight as f32 + 1.0)
    }

    fn learn(&self, taken: f32, now: Duration) {
        let word = self.latency.load(Ordering::Relaxed);
        let (at, average) = unpack(word);
        let now = millis(now);
        let age = since(at, now);
        if taken <= average && age == 0.0 {
            return;
        }
        let learnt = if taken > average {
            taken
        } else {
            let kept = (-age / DECAY).exp();
            average * kept + taken * (1.0 - kept)
        };
        // If another call was faster, its word is as good as this one's.
        let _ = self.latency.compare_exchange(
            word,
            pack(now, learnt.max(1.0)),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    fn learn_at_least(&self, taken: f32, now: Duration) {
        let (_, average) = unpack(self.latency.load(Ordering::Relaxed));
        if average > 0.0 && taken > average {
            self.learn(taken, now);
        }
    }

    #[cold]
    fn fail(&self, now: Duration) {
        let count = |word| {
            let (failures, freshness) = faded(word, now);
            Some(pack(millis(now), failures * freshness + 1.0))
        };
        let _ = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
    }

    /// How many failures there were, and how fresh the last one is: from 1 down to 0.
    fn failing(&self, now: Duration) -> (f32, f32) {
        match self.failures.load(Ordering::Relaxed) {
            0 => (0.0, 0.0),
            word => faded(word, now),
        }
    }

    /// The average as it is now: what has not been measured for long may have become better.
    fn decayed(&self, now: Duration) -> f32 {
        let (at, average) = unpack(self.latency.load(Ordering::Relaxed));
        let age = since(at, millis(now));
        if age < DECAY / 100.0 {
            average
        } else {
            average * (-age / DECAY).exp()
        }
    }
}

/// A number of failures, and what is left of each.
fn faded(word: u64, now: Duration) -> (f32, f32) {
    let (at, failures) = unpack(word);
    (failures, (1.0 - since(at, millis(now)) / FAILURE).max(0.0))
}

/// A number with the time that it is of.
fn pack(at: u32, number: f32) -> u64 {
    u64::from(at) << 32 | u64::from(number.to_bits())
}

fn unpack(word: u64) -> (u32, f32) {
    ((word >> 32) as u32, f32::from_bits(word as u32))
}

/// Milliseconds; the count begins anew every 49 days.
fn millis(now: Duration) -> u32 {
    (now.as_secs() as u32)
        .wrapping_mul(1_000)
        .wrapping_add(now.subsec_millis())
}

/// How many milliseconds ago `at` was. Calls end in any order, so it may also lie ahead.
fn since(at: u32, now: u32) -> f32 {
    (now.wrapping_sub(at) as i32).max(0) as f32
}
