//! Those who wait for the list to change: a change wakes who follows its group, or everything, and
//! nobody else.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Who waits, by what they follow.
#[derive(Default)]
pub(super) struct Watchers {
    /// For those who follow everything.
    all: Arc<Notify>,
    /// Every group for which somebody waits, and no other: there are never more than watchers.
    groups: Mutex<HashMap<Box<str>, Group>>,
}

/// A group that somebody follows.
#[derive(Default)]
struct Group {
    changed: Arc<Notify>,
    watchers: usize,
}

impl Watchers {
    /// Waits until `look` finds something. It looks at once, and again when something has changed
    /// in the group, or anywhere if it is `None`.
    pub(super) async fn wait<T>(
        &self,
        group: Option<&str>,
        look: impl Fn() -> Option<T> + Send,
    ) -> T {
        let place = Place::take(self, group);
        loop {
            let mut changed = pin!(place.changed.notified());
            // Before the look, so that nothing happens unseen between the two.
            changed.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }

    /// Wakes those who follow one of these groups, or everything. Who has waited longest is told
    /// first, and groups come in their order: nothing is left to chance.
    pub(super) fn wake(&self, groups: &BTreeSet<Box<str>>) {
        if groups.is_empty() {
            return;
        }
        self.all.notify_waiters();
        for group in groups {
            let watched = self
                .groups
                .lock()
                .get(group)
                .map(|it| Arc::clone(&it.changed));
            if let Some(changed) = watched {
                changed.notify_waiters();
            }
        }
    }

    /// Wakes everybody: nobody knows what has changed.
    pub(super) fn wake_all(&self) {
        self.all.notify_waiters();
        let groups = self.groups.lock().keys().cloned().collect();
        self.wake(&groups);
    }
}

/// Somebody who waits; no longer when this is dropped.
struct Place<'a> {
    watchers: &'a Watchers,
    group: Option<&'a str>,
    changed: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn take(watchers: &'a Watchers, group: Option<&'a str>) -> Self {
        let changed = match group {
            None => Arc::clone(&watchers.all),
            Some(group) => {
                let mut groups = watchers.groups.lock();
                let group = groups.entry(group.into()).or_default();
                group.watchers += 1;
                Arc::clone(&group.changed)
            }
        };
        Self {
            watchers,
            group,
            changed,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(name) = self.group else { return };
        let mut groups = self.watchers.groups.lock();
        if let Some(group) = groups.get_mut(name) {
            group.watchers -= 1;
            if group.watchers == 0 {
                groups.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody who waits for ever.
    struct Watcher<'a> {
        waiting: Pin<Box<dyn Future<Output = ()> + 'a>>,
        woken: Arc<Count>,
    }

    impl<'a> Watcher<'a> {
        fn new(watchers: &'a Watchers, group: Option<&'a str>) -> Self {
            let mut watcher = Self {
                waiting: Box::pin(watchers.wait(group, || None)),
                woken: Arc::default(),
            };
            watcher.poll();
            watcher
        }

        fn poll(&mut self) {
            let waker = Waker::from(Arc::clone(&self.woken));
            let poll = self.waiting.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(poll.is_pending());
        }

        fn woken(&self) -> usize {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    fn groups(names: &[&str]) -> BTreeSet<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn a_change_wakes_those_whom_it_concerns_and_nobody_else() {
        let watchers = Watchers::default();
        let follow = [Some("a"), Some("a"), Some("b"), Some(""), None];
        let mut all = follow.map(|group| Watcher::new(&watchers, group));
        let mut told = |change: &dyn Fn(&Watchers)| {
            let before = all.each_ref().map(Watcher::woken);
            change(&watchers);
            let after = all.each_ref().map(Watcher::woken);
            all.iter_mut().for_each(Watcher::poll);
            std::array::from_fn(|at| after[at] - before[at])
        };
        assert_eq!(told(&|it| it.wake(&groups(&["a"]))), [1, 1, 0, 0, 1]);
        assert_eq!(told(&|it| it.wake(&groups(&[""]))), [0, 0, 0, 1, 1]);
        assert_eq!(told(&|it| it.wake(&groups(&["a", "b"]))), [1, 1, 1, 0, 1]);
        assert_eq!(told(&|it| it.wake(&groups(&["c"]))), [0, 0, 0, 0, 1]);
        assert_eq!(told(&|it| it.wake(&groups(&[]))), [0; 5]);
        assert_eq!(told(&Watchers::wake_all), [1; 5]);
    }

    #[test]
    fn of_groups_that_nobody_follows_nothing_is_kept() {
        let watchers = Watchers::default();
        let names: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
        let all: Vec<_> = names
            .iter()
            .chain(&names)
            .map(|name| Watcher::new(&watchers, Some(name)))
            .collect();
        watchers.wake_all();
        assert_eq!(watchers.groups.lock().len(), 1000);
        drop(all);
        assert!(watchers.groups.lock().is_empty());
        watchers.wake(&groups(&["a"]));
        assert!(watchers.groups.lock().is_empty());
    }
}
