//! Two counts over the last seconds, without a lock: how much, and how much of it of some kind.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The bits of each of the two counts in a slot.
const COUNT: u32 = 24;
const COUNT_MAX: u64 = (1 << COUNT) - 1;

/// Two counts over the last `N` slots of time.
///
/// A slot is one word: its number (of which 16 bits are enough to tell whether it is an old one)
/// and its counts, which stop at 16 million.
#[derive(Debug)]
pub(crate) struct Window<const N: usize>([AtomicU64; N]);

impl<const N: usize> Window<N> {
    /// Adds to the counts of now.
    pub(crate) fn add(&self, now: Duration, slot: Duration, all: u32, some: u32) {
        let number = number(now, slot);
        let add = |word| {
            let (then, had_all, had_some) = unpack(word);
            let (had_all, had_some) = if then == number as u16 {
                (had_all, had_some)
            } else {
                (0, 0)
            };
            Some(pack(
                number as u16,
                had_all + u64::from(all),
                had_some + u64::from(some),
            ))
        };
        let place = &self.0[(number % N as u64) as usize];
        let _ = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// The counts of the last `N` slots, that of now included.
    pub(crate) fn sums(&self, now: Duration, slot: Duration) -> (u64, u64) {
        let number = number(now, slot) as u16;
        self.0.iter().fold((0, 0), |(all, some), word| {
            let (then, more_all, more_some) = unpack(word.load(Ordering::Relaxed));
            if usize::from(number.wrapping_sub(then)) < N {
                (all + more_all, some + more_some)
            } else {
                (all, some)
            }
        })
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        for word in &self.0 {
            word.store(0, Ordering::Relaxed);
        }
    }
}

impl<const N: usize> Default for Window<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// The number of the slot that it is now. In nanoseconds, half a thousand years fit.
fn number(now: Duration, slot: Duration) -> u64 {
    now.as_nanos() as u64 / (slot.as_nanos() as u64).max(1)
}

fn pack(number: u16, all: u64, some: u64) -> u64 {
    u64::from(number) << (2 * COUNT) | all.min(COUNT_MAX) << COUNT | some.min(COUNT_MAX)
}

fn unpack(word: u64) -> (u16, u64, u64) {
    let number = (word >> (2 * COUNT)) as u16;
    (number, (word >> COUNT) & COUNT_MAX, word & COUNT_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    proptest! {
        #[test]
        fn a_window_counts_what_happened_in_its_slots(
            steps in proptest::collection::vec((0_u64..4_000, 0_u32..5, 0_u32..5), 0..100),
        ) {
            let window = Window::<10>::default();
            let mut now = Duration::from_secs(65_530);
            let mut events = Vec::new();
            for (wait, all, some) in steps {
                now += Duration::from_millis(wait);
                window.add(now, SECOND, all, some);
                events.push((now.as_secs(), u64::from(all), u64::from(some)));
                let recent = events.iter().filter(|(at, ..)| now.as_secs() - at < 10);
                let expected = recent.fold((0, 0), |sum, event| (sum.0 + event.1, sum.1 + event.2));
                prop_assert_eq!(window.sums(now, SECOND), expected);
            }
            window.clear();
            prop_assert_eq!(window.sums(now, SECOND), (0, 0));
        }
    }

    #[test]
    fn counts_stop_at_their_limit_and_do_not_run_into_each_other() {
        let window = Window::<10>::default();
        window.add(SECOND, SECOND, u32::MAX, 1);
        window.add(SECOND, SECOND, 1, 1);
        assert_eq!(window.sums(SECOND, SECOND), (COUNT_MAX, 2));
    }
}
