//! The latest changes of a list: which servers they were about, and at which revision. Pure.
//!
//! What a server says now stands in the list itself; whoever is not there any more has gone. So a
//! change is a name and a number.

use std::collections::{BTreeSet, HashSet, VecDeque};

use wgrpc_core::Address;

use crate::lease::{Changes, Server};

/// The most changes that are remembered: at three a second, those of twenty minutes.
const CHANGES_MAX: usize = 4096;

/// Changes in the order of their revisions.
#[derive(Debug, Default)]
pub(crate) struct History {
    changes: VecDeque<Change>,
    /// Every change after this revision is here.
    floor: u64,
}

#[derive(Debug)]
struct Change {
    revision: u64,
    group: Box<str>,
    address: Address,
}

impl History {
    /// Remembers what changes after this revision.
    pub(crate) fn after(revision: u64) -> Self {
        Self {
            changes: VecDeque::new(),
            floor: revision,
        }
    }

    /// That of the latest change.
    pub(crate) fn revision(&self) -> u64 {
        self.changes.back().map_or(self.floor, |it| it.revision)
    }

    /// Notes that something about this server has changed. The oldest change may be forgotten.
    pub(crate) fn note(&mut self, revision: u64, group: &str, address: &Address) {
        if self.changes.len() >= CHANGES_MAX
            && let Some(oldest) = self.changes.pop_front()
        {
            self.floor = oldest.revision;
        }
        self.changes.push_back(Change {
            revision,
            group: group.into(),
            address: address.clone(),
        });
    }

    /// What has changed in one group, or in all of them, after the revision `seen`, if the list
    /// says of each server what `find` does. `None` if not all of it is remembered.
    pub(crate) fn changes(
        &self,
        group: Option<&str>,
        seen: u64,
        find: impl Fn(&str, &Address) -> Option<Server>,
    ) -> Option<Changes> {
        let mut changes = Changes {
            revision: self.revision(),
            ..Changes::default()
        };
        for (group, address) in self.since(seen, group)? {
            match find(group, address) {
                Some(server) => changes.servers.push(server),
                None => changes.gone.push((group.to_owned(), address.clone())),
            }
        }
        changes.sort();
        Some(changes)
    }

    /// The servers about which something has changed after the revision `seen`.
    fn since(&self, seen: u64, group: Option<&str>) -> Option<HashSet<(&str, &Address)>> {
        if seen < self.floor {
            return None;
        }
        let names = self.after_revision(seen);
        let names = names.map(|change| (&*change.group, &change.address));
        let wanted = names.filter(|it| group.is_none_or(|name| name == it.0));
        Some(wanted.collect())
    }

    /// Whether something has changed after the revision `seen`, in one group or anywhere; also if
    /// that is not remembered.
    pub(crate) fn has_changed(&self, group: Option<&str>, seen: u64) -> bool {
        let concerns = |change: &Change| group.is_none_or(|name| name == &*change.group);
        seen < self.floor || self.after_revision(seen).any(concerns)
    }

    /// The groups in which something has changed after the revision `seen`; `None` if not all of
    /// them are remembered.
    pub(crate) fn groups_since(&self, seen: u64) -> Option<BTreeSet<Box<str>>> {
        let groups = || self.after_revision(seen).map(|it| it.group.clone());
        (seen >= self.floor).then(|| groups().collect())
    }

    fn after_revision(&self, seen: u64) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|it| it.revision <= seen);
        self.changes.range(first..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> Address {
        format!("tcp@10.0.0.1:{number}").parse().unwrap()
    }

    #[test]
    fn a_server_that_has_changed_often_is_told_once() {
        let mut history = History::after(10);
        assert_eq!(history.revision(), 10);
        let (one, two) = (address(1), address(2));
        history.note(11, "a", &one);
        history.note(12, "b", &one);
        history.note(13, "a", &two);
        history.note(14, "a", &one);
        let all = [("a", &one), ("b", &one), ("a", &two)];
        assert_eq!(history.since(10, None), Some(HashSet::from(all)));
        assert_eq!(history.since(13, None), Some(HashSet::from([all[0]])));
        assert_eq!(history.since(11, Some("b")), Some(HashSet::from([all[1]])));
        assert_eq!(history.since(14, None), Some(HashSet::new()));
        assert_eq!(history.revision(), 14);
        assert_eq!(history.since(9, None), None);
    }

    #[test]
    fn a_change_is_one_of_its_group_and_of_all() {
        let mut history = History::after(10);
        history.note(11, "a", &address(1));
        history.note(12, "b", &address(1));
        let has_changed =
            |seen| [Some("a"), Some("b"), None].map(|it| history.has_changed(it, seen));
        assert_eq!(has_changed(9), [true; 3], "nobody knows");
        assert_eq!(has_changed(10), [true; 3]);
        assert_eq!(has_changed(11), [false, true, true]);
        assert_eq!(has_changed(12), [false; 3]);
        let groups = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect();
        assert_eq!(history.groups_since(9), None);
        assert_eq!(history.groups_since(10), Some(groups(&["a", "b"])));
        assert_eq!(history.groups_since(11), Some(groups(&["b"])));
        assert_eq!(history.groups_since(12), Some(groups(&[])));
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut history = History::after(0);
        let server = address(1);
        for revision in 1..=CHANGES_MAX as u64 + 7 {
            history.note(revision, "", &server);
        }
        assert_eq!(history.changes.len(), CHANGES_MAX);
        assert_eq!(history.since(6, None), None);
        assert_eq!(history.since(7, None).unwrap().len(), 1);
    }
}
