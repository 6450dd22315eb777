//! What is sent again after a failure, how often, and how much of that all calls together may do.

use std::time::Duration;

use parking_lot::Mutex;
use wgrpc_core::{Error, Executed};

use crate::window::Window;

/// What happens when a call to one of many servers fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailMode {
    /// The call fails.
    FailFast,
    /// The same server is tried again.
    FailTry,
    /// Another server is tried each time, as long as there is one.
    #[default]
    FailOver,
}

/// How often a call is tried, and for how long each time.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_cluster::RetryPolicy;
///
/// let policy = RetryPolicy::default();
/// let second = Duration::from_secs(1);
/// // Three attempts have to fit into three seconds.
/// assert_eq!(policy.timeout(0, 3 * second, true), second);
/// // A call that must not be executed twice can wait for its answer until its time is up.
/// assert_eq!(policy.timeout(0, 3 * second, false), 3 * second);
/// ```
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// What happens after a failure.
    pub fail_mode: FailMode,
    /// How many attempts there are in all; 1 at least.
    pub attempts: u32,
    /// How long an attempt of an idempotent call may take. If nothing is said: its share of the
    /// time that the call has left.
    pub attempt_timeout: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            fail_mode: FailMode::default(),
            attempts: 3,
            attempt_timeout: None,
        }
    }
}

impl RetryPolicy {
    /// How long the next attempt may take, after `made` attempts, of a call that has `left` until
    /// its time is up; [`Duration::MAX`] is for ever.
    ///
    /// A call that is not idempotent is never cut short: after a timeout it could not be made
    /// again.
    #[inline]
    pub fn timeout(&self, made: u32, left: Duration, is_idempotent: bool) -> Duration {
        let attempts = match self.fail_mode {
            FailMode::FailFast => 1,
            FailMode::FailTry | FailMode::FailOver => self.attempts,
        };
        let attempts_left = attempts.saturating_sub(made).max(1);
        if !is_idempotent || attempts_left == 1 || left == Duration::MAX {
            return match self.attempt_timeout {
                Some(timeout) if is_idempotent => timeout.min(left),
                _ => left,
            };
        }
        let timeout = self.attempt_timeout.unwrap_or(left / attempts_left);
        timeout.min(left)
    }

    /// Whether there may be another attempt, after `made` attempts of which the last ended with
    /// `error`. Whether there is time left, and [budget](RetryBudget), is for others to say.
    pub fn allows(&self, made: u32, error: &Error, is_idempotent: bool) -> bool {
        self.has_more(made) && may_send_again(error, is_idempotent)
    }

    /// Whether there may be so many attempts and another one.
    pub(crate) fn has_more(&self, made: u32) -> bool {
        self.fail_mode != FailMode::FailFast && made < self.attempts
    }
}

/// Whether a request may be sent again that ended so: it is known that it was not executed, or
/// it does no harm to execute it twice and nobody knows.
///
/// An answer that says that the request is wrong, or that its handler panicked or took too
/// long, is not a reason: it would be the same at the next server.
pub fn may_send_again(error: &Error, is_idempotent: bool) -> bool {
    match error {
        Error::Timeout { .. } | Error::Closed { .. } | Error::Lost(_) => {
            is_idempotent || error.is_executed() == Executed::No
        }
        _ => error.is_retryable(),
    }
}

/// How much all calls of a client together may be sent again: a fifth of its calls and 10 a
/// second more, over the last 10 s. It keeps a client from multiplying the load of servers that
/// cannot cope.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_cluster::RetryBudget;
///
/// let budget = RetryBudget::default();
/// let now = Duration::from_secs(60);
/// for _ in 0..1_000 {
///     budget.count_call(now);
/// }
/// let granted = (0..1_000).filter(|_| budget.try_retry(now)).count();
/// assert_eq!(granted, 200 + 100);
/// ```
#[derive(Debug)]
pub struct RetryBudget {
    share: f64,
    per_second: f64,
    /// Calls and retries, by seconds. A slot more than the window has, since that of now has just
    /// begun.
    window: Window<11>,
    /// Held while a retry is granted, so that two cannot be granted the same.
    granting: Mutex<()>,
}

impl RetryBudget {
    /// A budget of this share of the calls (0.2 is a fifth), and so many a second more.
    pub fn new(share: f64, per_second: f64) -> Self {
        Self {
            share,
            per_second,
            window: Window::default(),
            granting: Mutex::new(()),
        }
    }

    /// Counts a call, once however often it is tried.
    pub fn count_call(&self, now: Duration) {
        self.count_calls(1, now);
    }

    /// Counts so many calls.
    pub(crate) fn count_calls(&self, calls: u32, now: Duration) {
        if calls > 0 {
            self.window.add(now.as_secs(), calls, 0);
        }
    }

    /// Takes one retry out of the budget, if there is one left.
    pub fn try_retry(&self, now: Duration) -> bool {
        let _granting = self.granting.lock();
        let (calls, retries) = self.window.sums(now.as_secs());
        let granted = self.share * calls as f64 + self.per_second * 10.0;
        if retries as f64 + 1.0 > granted {
            return false;
        }
        self.window.add(now.as_secs(), 0, 1);
        true
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(0.2, 10.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wgrpc_core::{Code, Fault};

    use super::*;

    #[test]
    fn only_what_was_not_executed_or_does_no_harm_is_sent_again() {
        let timeout = |sent| Error::Timeout {
            after: Duration::from_secs(1),
            sent,
        };
        let refused = |code| Error::Refused(Fault::new("no").with_code(code));
        // The error, and whether a call may be sent again after it: any, one that is idempotent.
        for (error, any, idempotent) in [
            (Error::Closed { sent: false }, true, true),
            (Error::Closed { sent: true }, false, true),
            (timeout(false), true, true),
            (timeout(true), false, true),
            (refused(Code::Overloaded), true, true),
            (refused(Code::ShuttingDown), true, true),
            (refused(Code::NotFound), false, false),
            (refused(Code::Forbidden), false, false),
            (Error::Remote(Fault::new("no such user")), false, false),
            (
                Error::Remote(Fault::new("x").with_code(Code::Panicked)),
                false,
                false,
            ),
            (Error::Limit("too long".to_owned()), false, false),
        ] {
            assert_eq!(may_send_again(&error, false), any, "{error:?}");
            assert_eq!(may_send_again(&error, true), idempotent, "{error:?}");
        }
    }

    #[test]
    fn there_are_as_many_attempts_as_the_policy_says() {
        let error = Error::Closed { sent: false };
        let mut policy = RetryPolicy::default();
        assert!(policy.allows(1, &error, false) && policy.allows(2, &error, false));
        assert!(!policy.allows(3, &error, false));
        policy.fail_mode = FailMode::FailTry;
        assert!(policy.allows(2, &error, false));
        policy.fail_mode = FailMode::FailFast;
        assert!(!policy.allows(1, &error, true));
    }

    #[test]
    fn attempts_share_the_time_that_is_left() {
        let second = Duration::from_secs(1);
        let mut policy = RetryPolicy::default();
        assert_eq!(policy.timeout(0, 3 * second, true), second);
        assert_eq!(policy.timeout(1, 3 * second, true), 3 * second / 2);
        assert_eq!(policy.timeout(2, 3 * second, true), 3 * second);
        assert_eq!(policy.timeout(0, 3 * second, false), 3 * second);
        assert_eq!(policy.timeout(0, Duration::MAX, true), Duration::MAX);
        policy.attempt_timeout = Some(second);
        assert_eq!(policy.timeout(0, Duration::MAX, true), second);
        assert_eq!(policy.timeout(0, second / 2, true), second / 2);
        policy.attempt_timeout = None;
        policy.fail_mode = FailMode::FailFast;
        assert_eq!(policy.timeout(0, 3 * second, true), 3 * second);
    }

    proptest! {
        #[test]
        fn no_ten_seconds_have_more_retries_than_the_budget_grants(
            steps in proptest::collection::vec((0_u64..1_500, 0_u32..300, 0_u32..150), 1..60),
        ) {
            let budget = RetryBudget::default();
            let mut now = Duration::from_secs(1_000);
            let mut past: Vec<(Duration, u32, u32)> = Vec::new();
            for (wait, calls, wanted) in steps {
                now += Duration::from_millis(wait);
                (0..calls).for_each(|_| budget.count_call(now));
                let granted = (0..wanted).filter(|_| budget.try_retry(now)).count() as u32;
                past.push((now, calls, granted));
                if granted == 0 {
                    continue;
                }
                let within = |seconds: u64| {
                    let recent = past.iter().filter(move |(at, ..)| {
                        now - *at <= Duration::from_secs(seconds)
                    });
                    recent.fold((0.0, 0.0), |sum, &(_, calls, granted)| {
                        (sum.0 + f64::from(calls), sum.1 + f64::from(granted))
                    })
                };
                // Slots are a second long, so calls may count for that much longer.
                prop_assert!(within(10).1 <= 0.2 * within(11).0 + 100.0);
            }
        }
    }
}
