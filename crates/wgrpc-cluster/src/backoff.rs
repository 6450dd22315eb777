//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// How long the first wait is.
const FIRST: Duration = Duration::from_millis(100);

/// How much longer each further one is.
const FACTOR: f64 = 1.6;

/// How long none is, before chance.
const MOST: Duration = Duration::from_secs(30);

/// How much chance adds or takes, at most.
const JITTER: f64 = 0.2;

/// How long a connection has to last for the waits to begin anew.
const LASTING: Duration = Duration::from_secs(10);

/// The waits between attempts to connect to one server: 100 ms, then 1.6 times as long each time
/// up to 30 s, each a fifth more or less by chance. They begin anew once a connection has lasted
/// for 10 s, so that a server that accepts and closes at once is not asked in a circle.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_cluster::Backoff;
///
/// let mut backoff = Backoff::new();
/// let half = u64::MAX / 2; // The middle of what chance can bring.
/// assert_eq!(backoff.next(half).as_millis(), 100);
/// assert_eq!(backoff.next(half).as_millis(), 160);
/// backoff.ended(Duration::from_secs(60));
/// assert_eq!(backoff.next(half).as_millis(), 100);
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    wait: Duration,
}

impl Backoff {
    /// The waits from the first on.
    pub fn new() -> Self {
        Self { wait: FIRST }
    }

    /// How long to wait now. `random` is 64 fresh random bits.
    pub fn next(&mut self, random: u64) -> Duration {
        let wait = self.wait;
        self.wait = wait.mul_f64(FACTOR).min(MOST);
        let chance = random as f64 / u64::MAX as f64;
        wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance)
    }

    /// A connection has ended after it was up for so long.
    pub fn ended(&mut self, up: Duration) {
        if up >= LASTING {
            *self = Self::new();
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_stay_there() {
        let mut backoff = Backoff::new();
        let mut waits: Vec<u128> = Vec::new();
        for _ in 0..20 {
            waits.push(backoff.next(u64::MAX / 2).as_millis());
        }
        assert_eq!(waits[..5], [100, 160, 256, 409, 655]);
        assert!(waits.is_sorted());
        assert_eq!(waits[19], 30_000);
    }

    #[test]
    fn only_a_connection_that_lasted_makes_the_waits_short_again() {
        let mut backoff = Backoff::new();
        backoff.next(0);
        backoff.ended(Duration::from_millis(9_999));
        assert!(backoff.next(0) > FIRST);
        backoff.ended(Duration::from_secs(10));
        assert!(backoff.next(0) < FIRST);
    }

    proptest! {
        #[test]
        fn chance_moves_a_wait_by_a_fifth_at_most(randoms: Vec<u64>) {
            let mut backoff = Backoff::new();
            let mut middle = 0.1_f64;
            for random in randoms {
                let wait = backoff.next(random).as_secs_f64();
                prop_assert!((wait / middle - 1.0).abs() <= 0.2 + 1e-6);
                middle = (middle * 1.6).min(30.0);
            }
        }
    }
}
