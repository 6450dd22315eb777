//! The registrations of an etcd cluster as one front end knows them: pure. Time is an argument.

use std::collections::HashMap;

use etcd_client::KeyValue;
use tokio::time::Instant;
use wgrpc_core::Address;

use crate::error::{Error, Result};
use crate::history::History;
use crate::lease::{Changes, Listing, Registration, Server};

/// How registrations are named in etcd.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Ends with a slash.
    prefix: String,
}

impl Keys {
    /// # Errors
    /// If the prefix is empty: the registry would take all of etcd for its own.
    pub(super) fn new(prefix: &str) -> Result<Self> {
        let trimmed = prefix.trim_end_matches('/');
        if trimmed.is_empty() {
            let text = "the prefix of the keys in etcd must not be empty";
            return Err(Error::Setup(text.to_owned()));
        }
        Ok(Self {
            prefix: format!("{trimmed}/"),
        })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The first key behind all of ours: the slash at the end, plus one.
    pub(super) fn end(&self) -> String {
        format!("{}0", self.prefix.trim_end_matches('/'))
    }

    /// The key of a registration. A slash in the group's name is written as another text, so that
    /// no two registrations have the same key.
    pub(super) fn of(&self, group: &str, address: &Address) -> String {
        let group = group.replace('%', "%25").replace('/', "%2F");
        format!("{}{group}/{address}", self.prefix)
    }

    /// What stands under a key. Somebody else may have written it: what we would not have written
    /// is none of ours.
    pub(super) fn read(&self, held: &KeyValue) -> Option<Entry> {
        let registration: Registration = serde_json::from_slice(held.value()).ok()?;
        let key = self.of(&registration.group, &registration.address);
        if key.as_bytes() != held.key() || registration.check().is_err() {
            return None;
        }
        Some(Entry {
            registration,
            lease: held.lease(),
            heard: None,
        })
    }
}

/// A registration, as etcd has it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) registration: Registration,
    pub(super) lease: i64,
    /// When its last heartbeat came through this front end.
    pub(super) heard: Option<Instant>,
}

impl Entry {
    fn server(&self, now: Instant, is_fresh: bool) -> Server {
        Server {
            address: self.registration.address.clone(),
            group: self.registration.group.clone(),
            meta: self.registration.meta.clone(),
            age: self.age(now, is_fresh),
        }
    }

    /// How long ago it was heard of. If that is longer than it would be listed, others have heard
    /// of it since; unless etcd has not been heard of itself.
    fn age(&self, now: Instant, is_fresh: bool) -> Option<std::time::Duration> {
        let age = now.saturating_duration_since(self.heard?);
        let is_over = self.registration.ttl.is_some_and(|ttl| age > ttl);
        (!is_fresh || !is_over).then_some(age)
    }
}

/// The copy itself: key → registration.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    entries: HashMap<Vec<u8>, Entry>,
    history: History,
}

impl Mirror {
    /// Of the last change in it.
    pub(super) fn revision(&self) -> u64 {
        self.history.revision()
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Takes over everything that etcd has at a revision. If nothing has changed, neither does
    /// the revision, unless etcd's own has gone back.
    pub(super) fn replace(&mut self, mut entries: HashMap<Vec<u8>, Entry>, revision: u64) {
        let is_same = entries.len() == self.entries.len()
            && entries.iter().all(|(key, entry)| {
                let old = self.entries.get(key);
                old.is_some_and(|old| old.registration == entry.registration)
            });
        for (key, entry) in &mut entries {
            entry.heard = self.entries.get(key).and_then(|old| old.heard);
        }
        self.entries = entries;
        if !is_same || revision < self.revision() || self.revision() == 0 {
            self.history = History::after(revision);
        }
    }

    /// A key was written, with a new lease perhaps. What is none of ours hides what was.
    pub(super) fn put(&mut self, key: &[u8], entry: Option<Entry>, revision: u64, now: Instant) {
        match entry {
            Some(mut entry) => {
                entry.heard = Some(now);
                let name = &entry.registration;
                self.history.note(revision, &name.group, &name.address);
                self.entries.insert(key.to_vec(), entry);
            }
            None => self.remove(key, revision),
        }
    }

    pub(super) fn remove(&mut self, key: &[u8], revision: u64) {
        if let Some(Entry { registration, .. }) = self.entries.remove(key) {
            let (group, address) = (&registration.group, &registration.address);
            self.history.note(revision, group, address);
        }
    }

    /// A heartbeat of a server has come, and changed nothing.
    pub(super) fn hear(&mut self, key: &str, now: Instant) {
        if let Some(entry) = self.entries.get_mut(key.as_bytes()) {
            entry.heard = Some(now);
        }
    }

    /// The servers of one group, or all of them. A copy that is not fresh says so.
    pub(super) fn listing(&self, group: Option<&str>, now: Instant, is_fresh: bool) -> Listing {
        let entries = self.entries.values();
        let wanted = entries.filter(|it| group.is_none_or(|group| it.registration.group == group));
        let mut servers: Vec<_> = wanted.map(|entry| entry.server(now, is_fresh)).collect();
        Server::sort(&mut servers);
        Listing {
            revision: self.revision(),
            is_warming: !is_fresh,
            servers,
        }
    }

    /// What has changed in one group, or in all of them, after the revision `seen`, which is none
    /// that etcd has not reached; `None` if that is not remembered.
    pub(super) fn changes(
        &self,
        keys: &Keys,
        group: Option<&str>,
        seen: u64,
        now: Instant,
        is_fresh: bool,
    ) -> Option<Changes> {
        let changes = self.history.changes(group, seen, |group, address| {
            let entry = self.entries.get(keys.of(group, address).as_bytes())?;
            Some(entry.server(now, is_fresh))
        });
        Some(Changes {
            is_warming: !is_fresh,
            ..changes?
        })
    }
}

#[cfg(test)]
mod tests;
