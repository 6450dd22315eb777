//! Registrations in this process: a [`Membership`] with a clock, and perhaps a file in which it
//! outlives the process.

mod snapshot;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wgrpc_core::{Address, BoxFuture};

use self::snapshot::Snapshot;
use super::Store;
use super::watchers::Watchers;
use crate::error::Result;
use crate::lease::{Changes, Listing, Registration};
use crate::membership::{Membership, MembershipConfig};

/// Between two looks at who is overdue, however many are.
const SWEEP_MIN: Duration = Duration::from_millis(100);

/// Keeps registrations in memory: what a registry does unless told otherwise.
///
/// With a snapshot it remembers who was registered when it starts again. It believes them alive for
/// their whole time to live then, since it cannot know for how long it was away.
pub struct MemoryStore {
    shared: Arc<Shared>,
    /// The sweeper, and what writes the snapshot; they end with the store.
    _tasks: JoinSet<()>,
}

struct Shared {
    membership: Mutex<Membership>,
    start: Instant,
    watchers: Watchers,
    /// Somebody may be overdue earlier than the sweeper thinks.
    earlier: Notify,
}

impl MemoryStore {
    /// A store that forgets everything with the process. Has to be called inside of a tokio
    /// runtime.
    pub fn new(config: MembershipConfig) -> Self {
        Self::start(Membership::new(config, first_revision()), None)
    }

    /// The same with revisions that begin here, for who can tell better than the clock which ones
    /// there never were. They need not be higher than those of a store that was here before.
    pub fn starting_at(config: MembershipConfig, revision: u64) -> Self {
        Self::start(Membership::new(config, revision), None)
    }

    /// A store that keeps a snapshot in this file, at most a second old, and begins with what the
    /// file has.
    ///
    /// The file is replaced in one step, so that it is whole at any time; beside it
    /// `FILE.tmp` is written. Has to be called inside of a tokio runtime.
    ///
    /// # Errors
    /// If the file can be neither read nor written, or is something else.
    pub async fn open(config: MembershipConfig, file: impl AsRef<Path>) -> Result<Self> {
        let file = Snapshot::new(file.as_ref());
        let saved = file.read().await?;
        let revision = first_revision().max(saved.revision.saturating_add(1));
        let mut membership = Membership::new(config, revision);
        for registration in saved.registrations {
            if let Err(error) = membership.register(registration, Duration::ZERO) {
                tracing::warn!(%error, "the snapshot has more servers than may be registered");
                break;
            }
        }
        file.write(&membership).await?;
        Ok(Self::start(membership, Some(file)))
    }

    fn start(membership: Membership, file: Option<Snapshot>) -> Self {
        let shared = Arc::new(Shared {
            watchers: Watchers::default(),
            membership: Mutex::new(membership),
            start: Instant::now(),
            earlier: Notify::new(),
        });
        let seen = shared.membership.lock().revision();
        let mut tasks = JoinSet::new();
        tasks.spawn(sweep(Arc::clone(&shared)));
        if let Some(file) = file {
            tasks.spawn(snapshot::keep(file, Arc::clone(&shared), seen));
        }
        Self {
            shared,
            _tasks: tasks,
        }
    }
}

/// A number that is higher than that of any registry that was here before, as long as those did not
/// change a thousand times a second.
fn first_revision() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    u64::try_from(millis).unwrap_or_default().max(1)
}

impl Shared {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Changes the membership and tells whoever waits for that.
    fn change<T>(&self, change: impl FnOnce(&mut Membership, Duration) -> T) -> T {
        let now = self.now();
        let mut membership = self.membership.lock();
        let (due, before) = (membership.next_sweep(), membership.revision());
        let outcome = change(&mut membership, now);
        let is_earlier = match (due, membership.next_sweep()) {
            (Some(before), Some(after)) => after < before,
            (None, after) => after.is_some(),
            (Some(_), None) => false,
        };
        let changed = membership.history().groups_since(before);
        drop(membership);
        match changed {
            Some(groups) => self.watchers.wake(&groups),
            None => self.watchers.wake_all(),
        }
        if is_earlier {
            self.earlier.notify_one();
        }
        outcome
    }

    /// Waits until something has changed since the revision `seen`, which may be any number.
    async fn changed(&self, group: Option<&str>, seen: u64) -> u64 {
        let look = || {
            let membership = self.membership.lock();
            let revision = membership.revision();
            let is_news = seen > revision || membership.history().has_changed(group, seen);
            is_news.then_some(revision)
        };
        self.watchers.wait(group, look).await
    }
}

/// Takes off the list whose time is over, for as long as the store lives.
async fn sweep(shared: Arc<Shared>) {
    loop {
        let due = shared.membership.lock().next_sweep();
        let is_due = async {
            match due.and_then(|due| shared.start.checked_add(due)) {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = is_due => {}
            () = shared.earlier.notified() => continue,
        }
        let random = fastrand::u64(..);
        let removed = shared.change(|membership, now| membership.sweep(now, random));
        if removed > 0 {
            tracing::debug!(removed, "servers have fallen silent");
        }
        tokio::time::sleep(SWEEP_MIN).await;
    }
}

impl Store for MemoryStore {
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<()>> {
        let change = |membership: &mut Membership, now| membership.register(registration, now);
        let outcome = self.shared.change(change);
        Box::pin(async { outcome })
    }

    fn deregister<'a>(
        &'a self,
        group: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool>> {
        let change = |membership: &mut Membership, _| membership.deregister(group, address);
        let outcome = self.shared.change(change);
        Box::pin(async move { Ok(outcome) })
    }

    fn list<'a>(&'a self, group: Option<&'a str>) -> BoxFuture<'a, Result<Listing>> {
        let now = self.shared.now();
        let listing = self.shared.membership.lock().listing(group, now);
        Box::pin(async { Ok(listing) })
    }

    fn changes<'a>(
        &'a self,
        group: Option<&'a str>,
        seen: u64,
    ) -> BoxFuture<'a, Result<Option<Changes>>> {
        let now = self.shared.now();
        let changes = self.shared.membership.lock().changes(group, seen, now);
        Box::pin(async { Ok(changes) })
    }

    fn changed<'a>(&'a self, group: Option<&'a str>, seen: u64) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { Ok(self.shared.changed(group, seen).await) })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let membership = self.shared.membership.lock();
        f.debug_struct("MemoryStore")
            .field("servers", &membership.len())
            .field("revision", &membership.revision())
            .finish()
    }
}

#[cfg(test)]
mod tests;
