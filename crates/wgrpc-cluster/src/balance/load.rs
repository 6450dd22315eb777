//! How busy a server is, and how fast: a few atomic numbers that every call touches.
//!
//! Averages are kept beside the millisecond that they are of, in one word. So there is no lock,
//! and of all calls that end within a millisecond only those write that change something.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::outcome::Outcome;

/// How long ago a latency weighs a third (1/e) of a new one, in milliseconds.
const DECAY: f32 = 2_000.0;

/// How long a failure counts, less and less, in milliseconds, if no call succeeds meanwhile. As
/// long as it does, a server gets next to nothing where the others are idle.
const FAILURE: f32 = 3_000.0;

/// How slow a failure is at least, in nanoseconds.
const FAILURE_COST: f32 = 1e9;

/// As how many calls in flight one failure counts.
const FAILURE_CALLS: f32 = 10.0;

/// The bits of the calls in flight, and those of each of the two counts above them: more than a
/// millisecond can bring. The upper one may overflow while nothing at all is answered, and then
/// forgets.
const IN_FLIGHT: u32 = 24;
const COUNT: u32 = 20;

/// One more call in flight, one more answer, and one more that was begun.
const ONE: u64 = 1;
const ANSWER: u64 = 1 << IN_FLIGHT;
const BEGUN: u64 = 1 << (IN_FLIGHT + COUNT);

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
    /// The calls in flight; and how many have begun, and how many were answered, since the
    /// [tally](Tally) was taken last. All in one word, since calls that are alike change nothing
    /// else.
    calls: AtomicU64,
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

    /// The same call, of which only the time from then on counts.
    pub(crate) fn from(self, at: Duration) -> Self {
        Self { at }
    }
}

/// What health and retries have not been told of yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// How many calls have begun, each counted once however often it is tried.
    pub(crate) begun: u32,
    /// How many were answered like others before them.
    pub(crate) answered: u32,
    /// When that was.
    pub(crate) at: Duration,
}

impl Load {
    /// Counts a call that begins.
    #[inline]
    pub fn begin(&self, now: Duration) -> Begun {
        self.calls.fetch_add(ONE, Ordering::Relaxed);
        Begun { at: now }
    }

    /// Counts a call that begins, and that has not been tried before.
    #[inline]
    pub(crate) fn begin_first(&self, now: Duration) -> Begun {
        self.calls.fetch_add(ONE + BEGUN, Ordering::Relaxed);
        Begun { at: now }
    }

    /// Counts a call that is answered, if that tells nothing new: it was not slow, nothing has
    /// failed, and another one was answered in the same millisecond. Says whether that is so.
    #[inline]
    pub(crate) fn end_alike(&self, begun: Duration, now: Duration) -> bool {
        let (at, average) = unpack(self.latency.load(Ordering::Relaxed));
        let is_alike = at == millis(now)
            && nanos(begun, now) <= average
            && self.failures.load(Ordering::Relaxed) == 0;
        if is_alike {
            self.calls.fetch_add(ANSWER - ONE, Ordering::Relaxed);
        }
        is_alike
    }

    /// Takes what was counted since the last time.
    pub(crate) fn take_tally(&self, now: Duration) -> Tally {
        let word = self.calls.fetch_and(ANSWER - 1, Ordering::Relaxed);
        let (at, _) = unpack(self.latency.load(Ordering::Relaxed));
        let age = Duration::from_millis(since(at, millis(now)) as u64);
        Tally {
            begun: (word / BEGUN) as u32,
            answered: (word % BEGUN / ANSWER) as u32,
            at: now.saturating_sub(age),
        }
    }

    /// Counts a call that ends, however it does.
    pub fn end(&self, begun: Begun, now: Duration, outcome: Outcome) {
        // What the call has done before is seen by whoever sees that it has ended.
        self.calls.fetch_sub(ONE, Ordering::Release);
        let taken = nanos(begun.at, now);
        match outcome {
            Outcome::Answered => {
                self.learn(taken, now);
                self.mend(begun.at);
            }
            // How long it would have taken is not known, only that it would have been longer.
            Outcome::Unknown => self.learn_at_least(taken, now),
            Outcome::Overloaded | Outcome::Failed | Outcome::Unreachable => self.fail(now),
        }
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> u32 {
        (self.calls.load(Ordering::Acquire) % ANSWER) as u32
    }

    /// How long calls take: a moving average that rises at once with a slow call and falls over
    /// seconds. `None` if none has been answered.
    pub fn latency(&self, now: Duration) -> Option<Duration> {
        let latency = self.decayed(now);
        (latency > 0.0).then(|| Duration::from_nanos(latency as u64))
    }

    /// How long calls took when one was answered last, if that is so long ago.
    #[inline]
    pub(crate) fn silent_for(&self, silence: Duration, now: Duration) -> Option<Duration> {
        let (at, average) = unpack(self.latency.load(Ordering::Relaxed));
        let is_silent = average > 0.0 && since(at, millis(now)) >= silence.as_millis() as f32;
        is_silent.then(|| Duration::from_nanos(average as u64))
    }

    /// What one more call would cost by the number of calls, for one of this weight.
    pub(crate) fn calls(&self, now: Duration, weight: u32) -> f32 {
        let (failures, freshness) = self.failing(now);
        (self.in_flight() as f32 + FAILURE_CALLS * failures * freshness) / weight as f32
    }

    /// What one more call would cost in time, for one of this weight.
    ///
    /// The latency counts twice, squared. In the long run it does so by itself: a server that is
    /// slow has more calls in flight. In a burst it has not, because nothing has come back yet;
    /// and a latency that is too high for a while, as an average that rises at once is after a
    /// single slow call, would send a good part of each burst to a server that is much slower.
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
        latency * latency * (in_flight as f32 / weight as f32 + 1.0)
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

    /// Forgets failures, because a call has succeeded that began after them.
    fn mend(&self, begun: Duration) {
        let word = self.failures.load(Ordering::Relaxed);
        if word != 0 && since(unpack(word).0, millis(begun)) > 0.0 {
            // If there was another one meanwhile, nothing is forgotten.
            let _ = self
                .failures
                .compare_exchange(word, 0, Ordering::Relaxed, Ordering::Relaxed);
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

/// How long something took, in nanoseconds.
#[inline]
fn nanos(begun: Duration, now: Duration) -> f32 {
    now.saturating_sub(begun).as_nanos() as u64 as f32
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Duration = Duration::from_secs(50);

    fn call(load: &Load, now: Duration, millis: u64, outcome: Outcome) {
        let begun = load.begin(now.saturating_sub(Duration::from_millis(millis)));
        load.end(begun, now, outcome);
    }

    fn latency(load: &Load, now: Duration) -> u128 {
        load.latency(now).unwrap().as_millis()
    }

    #[test]
    fn latency_rises_at_once_and_falls_over_seconds() {
        let load = Load::default();
        assert_eq!(load.latency(START), None);
        call(&load, START, 10, Outcome::Answered);
        call(&load, START, 200, Outcome::Answered);
        assert_eq!(latency(&load, START), 200);
        let mut now = START;
        for _ in 0..200 {
            now += Duration::from_millis(10);
            call(&load, now, 10, Outcome::Answered);
        }
        // After two seconds a third is left of what was above.
        assert!(
            (70..90).contains(&latency(&load, now)),
            "{}",
            latency(&load, now)
        );
        // Also if there are no calls: it may have become better.
        assert!(latency(&load, now + Duration::from_secs(4)) < 12);
    }

    #[test]
    fn a_server_is_silent_if_it_has_answered_and_then_not_for_long() {
        let load = Load::default();
        let (second, later) = (Duration::from_secs(1), START + Duration::from_secs(60));
        assert_eq!(load.silent_for(second, later), None);
        call(&load, START, 20, Outcome::Answered);
        assert_eq!(load.silent_for(second, START + second / 2), None);
        let latency = load.silent_for(second, later).unwrap();
        assert_eq!(latency.as_millis(), 20, "as it was then");
    }

    #[test]
    fn a_call_that_was_given_up_counts_only_if_it_was_slow() {
        let load = Load::default();
        call(&load, START, 500, Outcome::Unknown);
        assert_eq!(load.latency(START), None);
        call(&load, START, 10, Outcome::Answered);
        call(&load, START, 1, Outcome::Unknown);
        assert_eq!(latency(&load, START), 10);
        call(&load, START, 500, Outcome::Unknown);
        assert_eq!(latency(&load, START), 500);
    }

    #[test]
    fn failures_cost_more_than_slowness_and_fade_in_three_seconds() {
        let load = Load::default();
        call(&load, START, 1, Outcome::Answered);
        let (calls, cost) = (load.calls(START, 1), load.cost(START, 1));
        for outcome in [Outcome::Failed, Outcome::Unreachable, Outcome::Overloaded] {
            call(&load, START, 0, outcome);
        }
        assert!(load.calls(START, 1) >= calls + 30.0);
        assert!(load.cost(START, 1) > 100.0 * cost);
        let later = START + Duration::from_millis(1_500);
        assert!((14.0..16.0).contains(&load.calls(later, 1)));
        assert!(load.cost(later, 1) < load.cost(START, 1));
        let faded = START + Duration::from_secs(3);
        assert_eq!(load.calls(faded, 1), 0.0);
        assert!(load.cost(faded, 1) <= cost);
    }

    #[test]
    fn a_success_ends_the_failures_before_it_and_no_others() {
        let load = Load::default();
        let before = load.begin(START);
        for outcome in [Outcome::Failed, Outcome::Overloaded] {
            call(&load, START + Duration::from_millis(5), 1, outcome);
        }
        load.end(before, START + Duration::from_millis(6), Outcome::Answered);
        let now = START + Duration::from_millis(10);
        assert!(load.calls(now, 1) > 19.0);
        call(&load, now, 4, Outcome::Answered);
        assert_eq!(load.calls(now, 1), 0.0);
        assert!(load.cost(now, 1) < 1e14);
    }

    #[test]
    fn answers_that_are_alike_are_only_counted() {
        let load = Load::default();
        let (later, ms) = (START + Duration::from_micros(900), Duration::from_millis(1));
        let end = |begun, now| {
            let _ = load.begin_first(begun);
            load.end_alike(begun, now)
        };
        assert!(!end(START - ms, START));
        load.end(Begun { at: START - ms }, START, Outcome::Answered);
        assert!(end(later - ms, later), "as fast, in the same millisecond");
        assert!(!end(later - 2 * ms, later), "slower");
        assert!(!end(START, START + ms), "a millisecond later");
        assert_eq!((load.in_flight(), latency(&load, later)), (2, 1));
        let tally = load.take_tally(START + 5 * ms);
        assert_eq!((tally.begun, tally.answered, tally.at), (4, 1, START));
        let none = load.take_tally(START + 5 * ms);
        assert_eq!((none.begun, none.answered, load.in_flight()), (0, 0, 2));
        call(&load, START, 0, Outcome::Failed);
        assert!(!end(START, START), "after a failure");
    }

    #[test]
    fn a_server_that_nobody_has_heard_of_gets_one_call_and_then_has_to_answer() {
        let load = Load::default();
        assert_eq!(load.cost(START, 1), 0.0);
        let begun = load.begin(START);
        assert!(load.cost(START, 1) >= 1e18);
        load.end(begun, START + Duration::from_millis(2), Outcome::Answered);
        assert!(load.cost(START, 1) < 1e13);
    }

    proptest! {
        #[test]
        fn calls_in_flight_are_counted_and_costs_are_never_nonsense(
            steps in proptest::collection::vec((0_u64..100_000, 0_u64..5_000, 0_usize..5), 0..100),
        ) {
            let load = Load::default();
            // Across the moment at which milliseconds begin anew.
            let mut now = Duration::from_millis(u64::from(u32::MAX) - 1_000_000);
            let outcomes = [
                Outcome::Answered,
                Outcome::Failed,
                Outcome::Unknown,
                Outcome::Overloaded,
                Outcome::Unreachable,
            ];
            let mut slowest = 1;
            for (wait, takes, outcome) in steps {
                now += Duration::from_millis(wait);
                call(&load, now, takes, outcomes[outcome]);
                slowest = slowest.max(takes);
                prop_assert_eq!(load.in_flight(), 0);
                let (calls, cost) = (load.calls(now, 3), load.cost(now, 3));
                prop_assert!(calls.is_finite() && cost.is_finite() && calls >= 0.0 && cost >= 0.0);
                let latency = load.latency(now).unwrap_or_default();
                prop_assert!(latency <= Duration::from_millis(slowest) + Duration::from_micros(10));
            }
        }
    }
}
