//! Keeps a front end's copy of the registrations fresh: everything once, then a watch.
//!
//! Whatever ends the watch (a member that stops, a connection that breaks, a history that etcd has
//! compacted) ends in the same way: everything is read anew, after a pause. That cannot miss a
//! change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, EventType, GetOptions, WatchOptions, WatchResponse, WatchStream};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use super::cluster::{Cluster, reason};
use super::mirror::{Entry, Keys, Mirror};
use super::revision;
use crate::error::Result;
use crate::lease::{Changes, Listing};
use crate::store::watchers::Watchers;

/// How many registrations are read at a time: of the longest, a fifth of what a message may have.
const PAGE: i64 = 500;

/// How often etcd is asked whether the watch is still alive.
const PULSE: Duration = Duration::from_secs(2);

/// After so long without a word the watch is dead.
const SILENCE_MAX: Duration = Duration::from_secs(6);

/// The pause after the watch has ended. It doubles, up to [`PAUSE_MAX`], ±20 %.
const PAUSE: Duration = Duration::from_millis(250);

const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A watch that has lived for so long was a good one: the next pause is a short one again.
const GOOD: Duration = Duration::from_secs(10);

/// What is known about the registrations, shared by those who ask and the one who follows.
pub(super) struct Copy {
    mirror: Mutex<Mirror>,
    /// Before this there may be servers that have not come back yet.
    warm: Instant,
    news: watch::Sender<News>,
    watchers: Watchers,
    /// Etcd has answered somebody: no need to wait any longer to follow it again.
    is_back: Notify,
}

/// How far the copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Of the last change in the copy.
    pub(super) revision: u64,
    /// The highest revision of etcd that we have heard of; what lies between changed nothing here.
    pub(super) known: u64,
    /// Whether changes come as they are made.
    is_fresh: bool,
}

impl Copy {
    pub(super) fn new(warm: Instant) -> Self {
        Self {
            mirror: Mutex::default(),
            warm,
            news: watch::Sender::default(),
            watchers: Watchers::default(),
            is_back: Notify::new(),
        }
    }

    pub(super) fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Says that etcd has just answered; the copy follows it again at once, if it does not.
    pub(super) fn etcd_is_back(&self) {
        if !self.news.borrow().is_fresh {
            self.is_back.notify_one();
        }
    }

    pub(super) fn listing(&self, group: Option<&str>, now: Instant) -> Listing {
        let is_fresh = self.news.borrow().is_fresh;
        let mut listing = self.mirror.lock().listing(group, now, is_fresh);
        listing.is_warming |= now < self.warm;
        listing
    }

    /// As [`Store::changes`](crate::Store::changes).
    pub(super) fn changes(
        &self,
        keys: &Keys,
        group: Option<&str>,
        seen: u64,
        now: Instant,
    ) -> Option<Changes> {
        let News {
            known, is_fresh, ..
        } = *self.news.borrow();
        if seen > known {
            return None;
        }
        let changes = self.mirror.lock().changes(keys, group, seen, now, is_fresh);
        let mut changes = changes?;
        changes.is_warming |= now < self.warm;
        Some(changes)
    }

    /// Waits until something has changed since the revision `seen`, or etcd has lost it.
    pub(super) async fn changed(&self, group: Option<&str>, seen: u64) -> u64 {
        let look = || {
            let is_lost = self.news.borrow().known < seen;
            let mirror = self.mirror.lock();
            let is_news = is_lost || mirror.history().has_changed(group, seen);
            is_news.then(|| mirror.revision())
        };
        self.watchers.wait(group, look).await
    }

    pub(super) fn hear(&self, key: &str, now: Instant) {
        self.mirror.lock().hear(key, now);
    }

    fn replace(&self, entries: HashMap<Vec<u8>, Entry>, known: u64) {
        let revision = {
            let mut mirror = self.mirror.lock();
            mirror.replace(entries, known);
            mirror.revision()
        };
        self.tell(News {
            revision,
            known,
            is_fresh: true,
        });
        self.watchers.wake_all();
    }

    fn apply(&self, keys: &Keys, message: &WatchResponse) {
        let now = Instant::now();
        let (latest, changed) = {
            let mut mirror = self.mirror.lock();
            let before = mirror.revision();
            for event in message.events() {
                let Some(held) = event.kv() else { continue };
                let revision = u64::try_from(held.mod_revision()).unwrap_or(0);
                match event.event_type() {
                    EventType::Put => mirror.put(held.key(), keys.read(held), revision, now),
                    EventType::Delete => mirror.remove(held.key(), revision),
                }
            }
            (mirror.revision(), mirror.history().groups_since(before))
        };
        let before = *self.news.borrow();
        self.tell(News {
            revision: latest,
            known: before.known.max(revision(message.header())),
            is_fresh: true,
        });
        match changed {
            Some(groups) => self.watchers.wake(&groups),
            None => self.watchers.wake_all(),
        }
    }

    fn lose(&self) {
        let before = *self.news.borrow();
        self.tell(News {
            is_fresh: false,
            ..before
        });
    }

    /// Wakes those who wait, if there is something new.
    fn tell(&self, news: News) {
        self.news.send_if_modified(|old| {
            let is_new = *old != news;
            *old = news;
            is_new
        });
    }
}

/// The one task of an [`EtcdStore`](super::EtcdStore).
pub(super) struct Follower {
    pub(super) cluster: Arc<Cluster>,
    pub(super) keys: Keys,
    pub(super) copy: Arc<Copy>,
}

impl Follower {
    /// Reads everything, and opens a watch of what comes after it.
    pub(super) async fn begin(&self) -> Result<WatchStream> {
        let (entries, known) = self.load().await?;
        let prefix = self.keys.prefix();
        let start = i64::try_from(known).unwrap_or(i64::MAX).saturating_add(1);
        let ask = |mut client: Client| async move {
            let options = WatchOptions::new()
                .with_prefix()
                .with_start_revision(start)
                .with_fragment();
            client.watch(prefix, Some(options)).await
        };
        let watch = self.cluster.ask(ask).await?;
        self.copy.replace(entries, known);
        Ok(watch)
    }

    /// Follows etcd for ever.
    pub(super) async fn run(self, first: WatchStream) {
        let mut watch = first;
        let mut pause = PAUSE;
        loop {
            let start = Instant::now();
            let end = self.follow(watch).await;
            self.copy.lose();
            warn!("etcd is lost, the last list of servers stands: {end}");
            if start.elapsed() >= GOOD {
                pause = PAUSE;
            }
            watch = loop {
                let pausing = sleep(pause.mul_f64(fastrand::f64().mul_add(0.4, 0.8)));
                tokio::select! {
                    () = pausing => {}
                    () = self.copy.is_back.notified() => {}
                }
                pause = (pause * 2).min(PAUSE_MAX);
                match self.begin().await {
                    Ok(watch) => break watch,
                    Err(error) => warn!("etcd is still lost: {error}"),
                }
            };
            info!("etcd is back, the list of servers is fresh");
        }
    }

    /// Follows a watch until it ends, and says why it has.
    async fn follow(&self, watch: WatchStream) -> String {
        let (mut requests, mut messages) = watch.split();
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                message = messages.message() => match message {
                    Ok(Some(message)) if message.canceled() => {
                        return format!("it has ended the watch: {}", cancellation(&message));
                    }
                    Ok(Some(message)) => {
                        heard = Instant::now();
                        self.copy.apply(&self.keys, &message);
                    }
                    Ok(None) => return "it has closed the watch".to_owned(),
                    Err(error) => return reason(&error),
                },
                _ = pulse.tick() => {
                    if heard.elapsed() >= SILENCE_MAX {
                        return format!("not a word from it for {} s", SILENCE_MAX.as_secs());
                    }
                    if let Err(error) = requests.request_progress().await {
                        return reason(&error);
                    }
                }
            }
        }
    }

    /// Everything that is registered at one revision, which is etcd's latest.
    async fn load(&self) -> Result<(HashMap<Vec<u8>, Entry>, u64)> {
        let end = &self.keys.end();
        let mut entries = HashMap::new();
        let mut start = self.keys.prefix().as_bytes().to_vec();
        let mut at = 0;
        loop {
            let ask = |mut client: Client| {
                let start = start.clone();
                async move {
                    let options = GetOptions::new()
                        .with_range(end.as_str())
                        .with_limit(PAGE)
                        .with_revision(at);
                    client.get(start, Some(options)).await
                }
            };
            let page = self.cluster.ask(ask).await?;
            if at == 0 {
                at = page
                    .header()
                    .map_or(0, etcd_client::ResponseHeader::revision);
            }
            for held in page.kvs() {
                match self.keys.read(held) {
                    Some(entry) => {
                        entries.insert(held.key().to_vec(), entry);
                    }
                    None => {
                        let key = String::from_utf8_lossy(held.key());
                        warn!("no registration in etcd at {key:?}");
                    }
                }
            }
            match page.kvs().last() {
                Some(last) if page.more() => start = [last.key(), b"\0"].concat(),
                _ => return Ok((entries, u64::try_from(at).unwrap_or(0))),
            }
        }
    }
}

fn cancellation(message: &WatchResponse) -> &str {
    match message.compact_revision() {
        0 => message.cancel_reason(),
        _ => "its history is compacted",
    }
}
