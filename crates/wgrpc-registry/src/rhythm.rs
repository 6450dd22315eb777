//! When a heartbeat beats, and how long a registry waits for all of them: pure. Randomness is an
//! argument.

use std::time::Duration;

/// How long a registry is asked to list a server after a beat.
pub(crate) const TTL: Duration = Duration::from_secs(90);

/// How long a beat may take, as any request of ours.
pub(crate) const BEAT_MAX: Duration = Duration::from_secs(2);

/// By how much of itself the pause between two beats is longer or shorter.
const JITTER: f64 = 0.1;

/// The same after a failure.
const RETRY_JITTER: f64 = 0.2;

/// The pause after the first failure.
const RETRY_MIN: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const RETRY_MAX: Duration = Duration::from_secs(15);

/// By how much the pause grows with each failure.
const RETRY_GROWTH: f64 = 1.6;

/// When the next beat is due.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    interval: Duration,
    /// Since the last success.
    failures: u32,
}

impl Rhythm {
    /// Three beats to a time to live.
    pub(crate) fn of(ttl: Duration) -> Self {
        Self {
            interval: ttl / 3,
            failures: 0,
        }
    }

    /// How long it takes until every server has beaten that asks for [`TTL`]: the longest pause,
    /// and the beat. After failures pauses are shorter.
    pub(crate) fn round() -> Duration {
        Self::of(TTL).after_success(1.0) + BEAT_MAX
    }

    /// The pause after a beat that arrived: the interval ±10 %, so that servers that were started
    /// together do not beat together. `random` is from 0 to 1.
    pub(crate) fn after_success(&mut self, random: f64) -> Duration {
        self.failures = 0;
        jittered(self.interval, JITTER, random)
    }

    /// The pause after one that did not: it grows, ±20 %, and never by more than the interval.
    pub(crate) fn after_failure(&mut self, random: f64) -> Duration {
        let growth = RETRY_GROWTH.powi(i32::try_from(self.failures).unwrap_or(i32::MAX));
        // Long before it is no number any more it is above the longest pause.
        let pause = RETRY_MIN.as_secs_f64() * growth;
        let pause = Duration::from_secs_f64(pause.min(RETRY_MAX.as_secs_f64()));
        self.failures = self.failures.saturating_add(1);
        jittered(pause.min(self.interval), RETRY_JITTER, random)
    }
}

/// The duration, less or more by at most this share of it.
fn jittered(duration: Duration, share: f64, random: f64) -> Duration {
    duration.mul_f64(1.0 + share * (2.0 * random.clamp(0.0, 1.0) - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_three_times_in_a_time_to_live_give_or_take_a_tenth() {
        let mut rhythm = Rhythm::of(TTL);
        assert_eq!(rhythm.after_success(0.0), Duration::from_secs(27));
        assert_eq!(rhythm.after_success(0.5), Duration::from_secs(30));
        assert_eq!(rhythm.after_success(1.0), Duration::from_secs(33));
    }

    #[test]
    fn pauses_after_failures_grow_to_a_bound_and_begin_anew_after_a_success() {
        let mut rhythm = Rhythm::of(TTL);
        let pauses: Vec<_> = (0..100_000).map(|_| rhythm.after_failure(0.5)).collect();
        let millis: Vec<_> = pauses[..8].iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [1000, 1600, 2560, 4096, 6553, 10485, 15000, 15000]);
        assert_eq!(pauses[99_999], RETRY_MAX);
        assert_eq!(rhythm.after_failure(1.0), Duration::from_secs(18));
        rhythm.after_success(0.5);
        assert_eq!(rhythm.after_failure(0.0), Duration::from_millis(800));
        let mut quick = Rhythm::of(Duration::from_millis(300));
        assert_eq!(quick.after_failure(0.5), Duration::from_millis(100));
    }

    #[test]
    fn within_a_round_everybody_beats_whether_the_last_beat_arrived_or_not() {
        let mut rhythm = Rhythm::of(TTL);
        assert_eq!(Rhythm::round(), rhythm.after_success(1.0) + BEAT_MAX);
        for _ in 0..100 {
            assert!(rhythm.after_failure(1.0) + BEAT_MAX < Rhythm::round());
        }
    }
}
