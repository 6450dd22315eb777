//! Two counts over the last seconds, without a lock: how much, and how much of it of some kind.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bits of each of the two counts in a slot.
const COUNT: u32 = 24;
const COUNT_MAX: u64 = (1 << COUNT) - 1;

/// Two counts over the last `N` slots of time, which its owner numbers.
///
/// A slot is one word: its number (of which 16 bits are enough to tell whether it is an old one)
/// and its counts, which stop at 16 million.
#[derive(Debug)]
pub(crate) struct Window<const N: usize>([AtomicU64; N]);

impl<const N: usize> Window<N> {
    /// Adds to the counts of the slot that it is now.
    #[inline]
    pub(crate) fn add(&self, number: u64, all: u32, some: u32) {
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
    pub(crate) fn sums(&self, number: u64) -> (u64, u64) {
        let number = number as u16;
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

    proptest! {
        #[test]
        fn a_window_counts_what_happened_in_its_slots(
            steps in proptest::collection::vec((0_u64..4_000, 0_u32..5, 0_u32..5), 0..100),
        ) {
            let window = Window::<10>::default();
            let mut millis = 65_530_000;
            let mut events = Vec::new();
            for (wait, all, some) in steps {
                millis += wait;
                let now = millis / 1_000;
                window.add(now, all, some);
                events.push((now, u64::from(all), u64::from(some)));
                let recent = events.iter().filter(|(at, ..)| now - at < 10);
                let expected = recent.fold((0, 0), |sum, event| (sum.0 + event.1, sum.1 + event.2));
                prop_assert_eq!(window.sums(now), expected);
            }
            window.clear();
            prop_assert_eq!(window.sums(millis / 1_000), (0, 0));
        }
    }

    #[test]
    fn counts_stop_at_their_limit_and_do_not_run_into_each_other() {
        let window = Window::<10>::default();
        window.add(1, u32::MAX, 1);
        window.add(1, 1, 1);
        assert_eq!(window.sums(1), (COUNT_MAX, 2));
    }
}
