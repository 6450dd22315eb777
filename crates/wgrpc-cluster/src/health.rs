//! Who can be relied upon: a state machine for each server, and who may be used, given all of
//! them.
//!
//! A server that fails is left out for a time that doubles, then one call is its probe. Every call
//! reports how it ended, which costs a few atomic operations; the rest happens when something
//! changes. Time and randomness are arguments.

mod survey;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::outcome::Outcome;
use crate::window::Window;

pub use survey::Survey;

/// After how long without news a probe is taken for lost, and another one is made.
const PROBE_LOST: Duration = Duration::from_secs(30);

/// The value of [`Health::probe_at`] for a server that is well.
const WELL: u64 = u64::MAX;

/// When a server is left out, and for how long.
#[derive(Clone, Debug)]
pub struct HealthPolicy {
    /// After how many failures in a row: transport failures and timeouts, never errors of the
    /// application.
    pub failures_in_a_row: u32,
    /// Below which part of calls that succeed,
    pub success: f64,
    /// over this time,
    pub window: Duration,
    /// if there were at least so many calls.
    pub calls: u32,
    /// For how long at first. It doubles each time, and chance takes up to half of it off.
    pub first_term: Duration,
    /// For how long at most.
    pub longest_term: Duration,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            failures_in_a_row: 5,
            success: 0.8,
            window: Duration::from_secs(30),
            calls: 20,
            first_term: Duration::from_secs(1),
            longest_term: Duration::from_secs(60),
        }
    }
}

impl HealthPolicy {
    /// The number of the tenth of a window that it is now. In nanoseconds, half a thousand years
    /// fit.
    fn slot(&self, now: Duration) -> u64 {
        now.as_nanos() as u64 / (self.window.as_nanos() as u64 / 10).max(1)
    }
}

/// What is known about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing bad.
    Well,
    /// Calls to it fail.
    Sick,
    /// No connection can be made, or it is going away.
    Unreachable,
}

/// The health of one server, as this client sees it.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_cluster::{Condition, Health, HealthPolicy, Outcome};
///
/// let policy = HealthPolicy::default();
/// let health = Health::default();
/// let at = Duration::from_secs;
///
/// // A connection is refused: it is left out at once.
/// assert!(health.record(Outcome::Unreachable, at(10), at(10), 0, &policy));
/// assert_eq!(health.condition(), Condition::Unreachable);
/// // After at most a second one call may try it.
/// assert!(health.try_probe(at(11), Duration::ZERO));
/// assert!(!health.try_probe(at(11), Duration::ZERO));
/// assert!(health.record(Outcome::Answered, at(11), at(12), 0, &policy));
/// assert_eq!(health.condition(), Condition::Well);
/// ```
#[derive(Debug)]
pub struct Health {
    in_a_row: AtomicU32,
    window: Window<10>,
    /// From when on an ill server may be probed, in milliseconds; [`WELL`] if it is not ill. A
    /// copy of what stands behind the lock, for those who only want to know whether to take it.
    probe_at: AtomicU64,
    history: Mutex<History>,
}

#[derive(Debug, Default)]
struct History {
    illness: Option<Illness>,
    /// How many terms it was left out for since it was last well for long.
    terms: u32,
    well_since: Duration,
}

#[derive(Debug)]
struct Illness {
    condition: Condition,
    since: Duration,
    /// When its term ends.
    until: Duration,
    /// When the probe began that is under way.
    probe: Option<Duration>,
}

impl Health {
    /// What is known about the server.
    pub fn condition(&self) -> Condition {
        if !self.is_ill() {
            return Condition::Well;
        }
        let history = self.history.lock();
        let illness = history.illness.as_ref();
        illness.map_or(Condition::Well, |illness| illness.condition)
    }

    /// Takes note of how a call ended that began at `begun`. Returns whether the
    /// [condition](Self::condition) has changed, so that those who may be used have to be
    /// [found](Survey::of) again.
    ///
    /// An attempt to connect is reported in the same way; one that succeeds as
    /// [answered](Outcome::Answered). `random` is 64 fresh random bits.
    pub fn record(
        &self,
        outcome: Outcome,
        begun: Duration,
        now: Duration,
        random: u64,
        policy: &HealthPolicy,
    ) -> bool {
        let slot = || policy.slot(now);
        match outcome {
            Outcome::Answered | Outcome::Overloaded => {
                if self.in_a_row.load(Ordering::Relaxed) != 0 {
                    self.in_a_row.store(0, Ordering::Relaxed);
                }
                self.window.add(slot(), 1, 0);
                self.is_ill() && self.recover(begun, now)
            }
            Outcome::Failed => {
                let in_a_row = self
                    .in_a_row
                    .fetch_add(1, Ordering::Relaxed)
                    .saturating_add(1);
                self.window.add(slot(), 1, 1);
                let (calls, failures) = self.window.sums(slot());
                let is_too_much = in_a_row >= policy.failures_in_a_row
                    || calls >= u64::from(policy.calls)
                        && failures as f64 > (1.0 - policy.success) * calls as f64;
                (is_too_much || self.is_ill())
                    && self.fail(Condition::Sick, begun, now, random, policy)
            }
            Outcome::Unreachable => self.fail(Condition::Unreachable, begun, now, random, policy),
            Outcome::Unknown => {
                if self.is_ill() {
                    self.forget_probe(begun);
                }
                false
            }
        }
    }

    /// Whether an answer would change nothing but counts.
    #[inline]
    pub(crate) fn is_untroubled(&self) -> bool {
        self.in_a_row.load(Ordering::Relaxed) == 0 && !self.is_ill()
    }

    /// Takes note of answers that were not [recorded](Self::record) one by one, because it was
    /// [untroubled](Self::is_untroubled).
    pub(crate) fn count_answers(&self, answers: u32, now: Duration, policy: &HealthPolicy) {
        if answers > 0 {
            self.window.add(policy.slot(now), answers, 0);
        }
    }

    /// Whether the caller may make its call the probe of this server. If so, it has to
    /// [report](Self::record) how the call ended; nobody else is told so meanwhile.
    ///
    /// It may only if it could have been made for `reluctance` already: a call that is lost with
    /// the probe leaves the others, for which it is no risk, so much time to come first.
    pub fn try_probe(&self, now: Duration, reluctance: Duration) -> bool {
        let due = now.saturating_sub(reluctance);
        if (due.as_millis() as u64) < self.probe_at.load(Ordering::Relaxed) {
            return false;
        }
        let mut history = self.history.lock();
        let Some(illness) = &mut history.illness else {
            return false;
        };
        let is_free = illness.probe.is_none_or(|begun| now >= begun + PROBE_LOST);
        if due < illness.until || !is_free {
            return false;
        }
        illness.probe = Some(now);
        self.probe_at
            .store((now + PROBE_LOST).as_millis() as u64, Ordering::Relaxed);
        true
    }

    #[inline]
    fn is_ill(&self) -> bool {
        self.probe_at.load(Ordering::Relaxed) != WELL
    }

    /// An answer makes an ill server well, unless it was asked for before it fell ill.
    #[cold]
    fn recover(&self, begun: Duration, now: Duration) -> bool {
        let mut history = self.history.lock();
        if history
            .illness
            .as_ref()
            .is_none_or(|illness| begun <= illness.since)
        {
            return false;
        }
        history.illness = None;
        history.well_since = now;
        self.start_anew();
        self.probe_at.store(WELL, Ordering::Relaxed);
        true
    }

    #[cold]
    fn fail(
        &self,
        condition: Condition,
        begun: Duration,
        now: Duration,
        random: u64,
        policy: &HealthPolicy,
    ) -> bool {
        let mut history = self.history.lock();
        let well_since = history.well_since;
        let (since, has_changed) = match &mut history.illness {
            // One that began before it was well again tells nothing new.
            None if begun < well_since => return false,
            None => {
                if now.saturating_sub(well_since) >= policy.window {
                    history.terms = 0;
                }
                (now, true)
            }
            // Nor does one that began before it fell ill.
            Some(illness) if begun <= illness.since => return false,
            Some(illness) => {
                let has_changed = illness.condition != condition;
                illness.condition = condition;
                if now < illness.until {
                    return has_changed;
                }
                (illness.since, has_changed)
            }
        };
        let until = now + history.next_term(random, policy);
        history.illness = Some(Illness {
            condition,
            since,
            until,
            probe: None,
        });
        self.start_anew();
        self.probe_at
            .store(until.as_millis() as u64, Ordering::Relaxed);
        has_changed
    }

    /// A probe that was given up leaves its place to another.
    #[cold]
    fn forget_probe(&self, begun: Duration) {
        let mut history = self.history.lock();
        if let Some(illness) = &mut history.illness
            && illness.probe.is_some_and(|probe| begun >= probe)
        {
            illness.probe = None;
            self.probe_at
                .store(illness.until.as_millis() as u64, Ordering::Relaxed);
        }
    }

    fn start_anew(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
        self.window.clear();
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            in_a_row: AtomicU32::new(0),
            window: Window::default(),
            probe_at: AtomicU64::new(WELL),
            history: Mutex::default(),
        }
    }
}

impl History {
    fn next_term(&mut self, random: u64, policy: &HealthPolicy) -> Duration {
        let doubled = policy
            .first_term
            .saturating_mul(1_u32 << self.terms.min(31));
        self.terms = self.terms.saturating_add(1);
        let chance = random as f64 / u64::MAX as f64;
        doubled.min(policy.longest_term).mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests;
