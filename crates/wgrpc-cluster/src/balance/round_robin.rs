//! Choosing one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Balancer, Choice};

/// One after the other, beginning anywhere, so that many clients that start together do not all
/// begin at the same server.
#[derive(Debug)]
pub(super) struct RoundRobin {
    next: AtomicUsize,
}

impl RoundRobin {
    pub(super) fn new(seed: u64) -> Self {
        // The upper half of the numbers is left for counting on without an overflow.
        let start = (seed >> 33) as usize;
        Self {
            next: AtomicUsize::new(start),
        }
    }
}

impl Balancer for RoundRobin {
    fn pick(&self, choice: &Choice<'_>, _random: u64) -> Option<usize> {
        let candidates = choice.candidates();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        candidates.get(turn.checked_rem(candidates.len())?)
    }
}
