//! A bound on what the long messages of all connections take together.
//!
//! Each message is bounded by itself, but ten thousand connections can each begin a long one. So
//! a long message takes its share of a common budget before it is read, and waits where there is
//! none left. What is short does not count: the number of connections and requests bounds that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

/// What long messages may take together.
#[derive(Debug)]
pub(crate) struct Budget {
    max: usize,
    used: AtomicUsize,
    waiting: Mutex<Vec<Waker>>,
}

/// What one connection has of a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of `max` bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            used: AtomicUsize::new(0),
            waiting: Mutex::default(),
        }
    }

    /// A share of nothing, which can grow.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

impl Share {
    /// How much it is, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Grows to `bytes`, if there is as much, or if nobody else has any: a message that is longer
    /// than the whole budget is not shut out for ever. Otherwise `waker` is woken when there may
    /// be more.
    pub(crate) fn grow(&mut self, bytes: usize, waker: &Waker) -> bool {
        if bytes <= self.bytes || self.try_grow(bytes) {
            return true;
        }
        self.budget.waiting.lock().push(waker.clone());
        // Somebody may have given something back just before that.
        self.try_grow(bytes)
    }

    fn try_grow(&mut self, bytes: usize) -> bool {
        let Budget { max, used, .. } = &*self.budget;
        let fits = |used: usize| {
            let after = (used - self.bytes).checked_add(bytes)?;
            (used == self.bytes || after <= *max).then_some(after)
        };
        let has_grown = used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits)
            .is_ok();
        if has_grown {
            self.bytes = bytes;
        }
        has_grown
    }

    /// Takes everything out, and leaves a share of nothing.
    pub(crate) fn take(&mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        Self {
            budget: self.budget.clone(),
            bytes,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
            let waiting = std::mem::take(&mut *self.budget.waiting.lock());
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_as_long_as_there_is_room_and_come_back() {
        let budget = Arc::new(Budget::new(100));
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.grow(60, Waker::noop()));
        assert!(first.grow(50, Waker::noop()), "it has as much already");
        assert!(!second.grow(60, Waker::noop()));
        assert!(second.grow(40, Waker::noop()));
        assert!(!second.grow(41, Waker::noop()));
        drop(first.take());
        assert!(second.grow(100, Waker::noop()));
        assert_eq!(budget.used.load(Ordering::Relaxed), 100);
    }

    #[test]
    fn a_message_longer_than_the_budget_is_read_alone() {
        let budget = Arc::new(Budget::new(100));
        let (mut long, mut other) = (budget.share(), budget.share());
        assert!(long.grow(1000, Waker::noop()));
        assert!(long.grow(2000, Waker::noop()));
        assert!(!other.grow(1, Waker::noop()));
        drop(long);
        assert!(other.grow(1, Waker::noop()));
    }
}
