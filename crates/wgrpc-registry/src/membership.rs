//! Who is a member, and for how long: pure. Time and randomness are arguments.
//!
//! `store/memory.rs` gives it a clock. Time is counted from a start of the caller's choice, and
//! must not go backwards.

use std::collections::HashMap;
use std::time::Duration;

use wgrpc_core::Address;

use crate::error::{Error, Result};
use crate::history::History;
use crate::lease::{Changes, Listing, Registration, Server, ServerMeta};
use crate::rhythm::Rhythm;

/// After so many times its time to live without a sign of life nothing protects a server.
const PRESERVED_MAX: u32 = 3;

/// How a [`Membership`] deals with numbers and failures.
#[derive(Clone, Debug)]
pub struct MembershipConfig {
    /// The most servers; 10,000. More are refused: a server that is alive is never displaced.
    pub servers_max: usize,
    /// How long after the start the list is said to be [warming](Listing::is_warming); 35 s, in
    /// which every server has shown up that beats as ours do: the longest pause between two beats,
    /// and a beat.
    pub warm_up: Duration,
    /// The most servers, in percent of all, that may be taken off within one
    /// [interval](Self::preserve_interval) because they fell silent; 15, and one in any case.
    ///
    /// If many fall silent at once, it is rather the network that has failed, or the registry. Then
    /// it is better to list some that are gone than to miss many that are not: clients find out
    /// by themselves which of them answer. It ends after three times the time to live. 100 is no
    /// such protection.
    pub preserve_percent: u8,
    /// The interval of that bound; 30 s, and a third of the time to live where that is less.
    pub preserve_interval: Duration,
}

impl Default for MembershipConfig {
    fn default() -> Self {
        Self {
            servers_max: 10_000,
            warm_up: Rhythm::round(),
            preserve_percent: 15,
            preserve_interval: Duration::from_secs(30),
        }
    }
}

/// The servers that are believed alive.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_registry::{Membership, Registration};
///
/// let mut membership = Membership::new(Default::default(), 1);
/// let mut server = Registration::new("tcp@10.0.0.1:9001".parse()?);
/// server.ttl = Some(Duration::from_secs(90));
/// membership.register(server, Duration::ZERO)?;
///
/// let random = 4;
/// assert_eq!(membership.sweep(Duration::from_secs(89), random), 0);
/// assert_eq!(membership.sweep(Duration::from_secs(90), random), 1);
/// # Ok::<(), wgrpc_registry::Error>(())
/// ```
#[derive(Debug)]
pub struct Membership {
    config: MembershipConfig,
    groups: HashMap<Box<str>, HashMap<Address, Member>>,
    len: usize,
    history: History,
    /// Before this nothing is overdue, so that most sweeps have nothing to do. Renewals only move
    /// the true moment further away.
    due: Option<Duration>,
    interval: Interval,
}

#[derive(Debug)]
struct Member {
    ttl: Option<Duration>,
    meta: ServerMeta,
    renewed: Duration,
}

/// In which only so many servers are taken off.
#[derive(Debug, Default)]
struct Interval {
    end: Duration,
    left: usize,
}

impl Membership {
    /// Nobody yet, at the time 0. The first change has a revision above `revision`.
    pub fn new(config: MembershipConfig, revision: u64) -> Self {
        Self {
            config,
            groups: HashMap::new(),
            len: 0,
            history: History::after(revision),
            due: None,
            interval: Interval::default(),
        }
    }

    /// Registers a server or renews it.
    ///
    /// # Errors
    /// If there is no room for another one.
    pub fn register(&mut self, registration: Registration, now: Duration) -> Result<()> {
        let Registration {
            address,
            group,
            ttl,
            meta,
        } = registration;
        let known = self.groups.get_mut(&*group);
        let known = known.and_then(|group| group.get_mut(&address));
        let member = Member {
            ttl,
            meta,
            renewed: now,
        };
        if let Some(known) = known {
            let before = std::mem::replace(known, member);
            if before.meta != known.meta {
                self.note(&group, &address);
            }
        } else {
            self.make_room(now)?;
            self.len += 1;
            self.note(&group, &address);
            let members = self.groups.entry(group.into_boxed_str()).or_default();
            members.insert(address, member);
        }
        self.due = earliest(self.due, ttl.map(|ttl| now.saturating_add(ttl)));
        Ok(())
    }

    /// Something is new about this server: it has come, changed or gone.
    fn note(&mut self, group: &str, address: &Address) {
        self.history.note(self.revision() + 1, group, address);
    }

    /// Only servers that are overdue have to make room.
    fn make_room(&mut self, now: Duration) -> Result<()> {
        if self.len < self.config.servers_max {
            return Ok(());
        }
        if self.due.is_some_and(|due| due <= now) {
            self.remove_if(|member| member.deadline(1).is_some_and(|deadline| deadline <= now));
            self.due = self.deadlines(1).min();
        }
        if self.len < self.config.servers_max {
            return Ok(());
        }
        let most = self.config.servers_max;
        Err(Error::Full(format!(
            "the registry has {most} servers, more are not taken"
        )))
    }

    /// Takes a server off at its own wish, and says whether it was there.
    pub fn deregister(&mut self, group: &str, address: &Address) -> bool {
        let Some(members) = self.groups.get_mut(group) else {
            return false;
        };
        if members.remove(address).is_none() {
            return false;
        }
        if members.is_empty() {
            self.groups.remove(group);
        }
        self.len -= 1;
        self.note(group, address);
        true
    }

    /// Takes servers off whose time is over, and says how many. If it is over for many at once,
    /// chance decides [which of them](MembershipConfig::preserve_percent), by `random`.
    pub fn sweep(&mut self, now: Duration, random: u64) -> usize {
        if self.due.is_none_or(|due| now < due) {
            return 0;
        }
        let before = self.len;
        let overdue = self.overdue(now);
        if now >= self.interval.end && !overdue.is_empty() {
            let shortest = overdue.iter().map(|silent| silent.ttl).min();
            let third = shortest.map_or(Duration::MAX, |ttl| ttl / 3);
            let percent = usize::from(self.config.preserve_percent);
            self.interval = Interval {
                end: now.saturating_add(self.config.preserve_interval.min(third)),
                left: (self.len * percent / 100).max(1),
            };
        }
        let is_lost = |member: &Member| {
            let deadline = member.deadline(PRESERVED_MAX);
            deadline.is_some_and(|deadline| deadline <= now)
        };
        self.remove_if(is_lost);
        self.remove_some(overdue, random);
        let is_due = |deadline: &Duration| *deadline > now;
        self.due = self.deadlines(1).filter(is_due).min();
        if self.deadlines(1).any(|deadline| deadline <= now) {
            // Some are preserved: until the next interval, or until they are lost.
            self.due = earliest(self.due, Some(self.interval.end));
            self.due = earliest(self.due, self.deadlines(PRESERVED_MAX).min());
        }
        before - self.len
    }

    /// As many of those that are overdue as the interval has left, at random.
    fn remove_some(&mut self, mut overdue: Vec<Silent>, random: u64) {
        overdue.retain(|silent| {
            let group = self.groups.get(&silent.group);
            group.is_some_and(|group| group.contains_key(&silent.address))
        });
        // In an order of their own first, since that of the table is not the same twice.
        overdue.sort_by_cached_key(|silent| (silent.group.clone(), silent.address.to_string()));
        fastrand::Rng::with_seed(random).shuffle(&mut overdue);
        for silent in overdue.iter().take(self.interval.left) {
            let Some(group) = self.groups.get_mut(&silent.group) else {
                continue;
            };
            group.remove(&silent.address);
            if group.is_empty() {
                self.groups.remove(&silent.group);
            }
            self.len -= 1;
            self.note(&silent.group, &silent.address);
        }
        self.interval.left -= overdue.len().min(self.interval.left);
    }

    fn overdue(&self, now: Duration) -> Vec<Silent> {
        let members = self.groups.iter().flat_map(|(group, members)| {
            members
                .iter()
                .map(move |(address, member)| (group, address, member))
        });
        members
            .filter_map(|(group, address, member)| {
                let ttl = member.ttl?;
                (member.renewed.saturating_add(ttl) <= now).then(|| Silent {
                    group: group.clone(),
                    address: address.clone(),
                    ttl,
                })
            })
            .collect()
    }

    fn remove_if(&mut self, is_gone: impl Fn(&Member) -> bool) {
        let mut gone = Vec::new();
        self.groups.retain(|group, members| {
            let removed = members.extract_if(|_, member| is_gone(member));
            gone.extend(removed.map(|(address, _)| (group.clone(), address)));
            !members.is_empty()
        });
        self.len -= gone.len();
        for (group, address) in gone {
            self.note(&group, &address);
        }
    }

    fn deadlines(&self, times: u32) -> impl Iterator<Item = Duration> {
        let members = self.groups.values().flat_map(HashMap::values);
        members.filter_map(move |member| member.deadline(times))
    }

    /// When the next [`sweep`](Self::sweep) may have something to do.
    pub fn next_sweep(&self) -> Option<Duration> {
        self.due
    }

    /// Grows with every change of what is listed.
    pub fn revision(&self) -> u64 {
        self.history.revision()
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The servers of one group, or all of them.
    pub fn listing(&self, group: Option<&str>, now: Duration) -> Listing {
        let groups = self
            .groups
            .iter()
            .filter(|(name, _)| group.is_none_or(|it| it == &***name));
        let mut servers: Vec<_> = groups
            .flat_map(|(name, members)| {
                let members = members.iter();
                members.map(move |(address, member)| member.server(name, address, now))
            })
            .collect();
        Server::sort(&mut servers);
        Listing {
            revision: self.revision(),
            is_warming: now < self.config.warm_up,
            servers,
        }
    }

    /// What has changed in one group, or in all of them, since the revision `seen`; `None` if that
    /// was too long ago.
    pub fn changes(&self, group: Option<&str>, seen: u64, now: Duration) -> Option<Changes> {
        if seen > self.revision() {
            return None;
        }
        let changes = self.history.changes(group, seen, |group, address| {
            let member = self.groups.get(group)?.get(address)?;
            Some(member.server(group, address, now))
        });
        Some(Changes {
            is_warming: now < self.config.warm_up,
            ..changes?
        })
    }

    /// The latest changes.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Everything that is registered, for a snapshot.
    pub fn registrations(&self) -> Vec<Registration> {
        let members = self.groups.iter().flat_map(|(group, members)| {
            members.iter().map(move |(address, member)| Registration {
                address: address.clone(),
                group: group.to_string(),
                ttl: member.ttl,
                meta: member.meta.clone(),
            })
        });
        members.collect()
    }
}

impl Member {
    fn server(&self, group: &str, address: &Address, now: Duration) -> Server {
        Server {
            address: address.clone(),
            group: group.to_owned(),
            meta: self.meta.clone(),
            age: Some(now.saturating_sub(self.renewed)),
        }
    }

    /// When so many of its times to live are over.
    fn deadline(&self, times: u32) -> Option<Duration> {
        let ttl = self.ttl?.saturating_mul(times);
        Some(self.renewed.saturating_add(ttl))
    }
}

/// A server whose time is over.
struct Silent {
    group: Box<str>,
    address: Address,
    ttl: Duration,
}

fn earliest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests;
