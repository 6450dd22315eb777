//! How the fields of a sender's struct become those of one of ours.
//!
//! Names are compared once for each pair of types on a stream; after that a struct is read by
//! the numbers of its fields.

use std::any::TypeId;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::received::Structure;
use crate::zero::Gaps;

/// How one struct type of a sender is read by one visitor of ours.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The fields that both have, in the order of the wire.
    pub(super) matches: Box<[Match]>,
    /// The fields that only we have and that have no default.
    pub(super) gaps: Gaps,
}

/// A field that both have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// Its number on the wire.
    pub(super) number: usize,
    /// The name that serde knows it by.
    pub(super) name: &'static str,
}

impl Plan {
    /// Matches names: exactly where that is possible, and then without regard to case and
    /// underscores, where only one field of the sender is left that fits.
    ///
    /// serde lists the aliases of a field as if they were fields. Several names of ours that
    /// differ in case and underscores only are taken for aliases, and the first is used.
    pub(super) fn new(structure: &Structure, fields: &'static [&'static str]) -> Self {
        let mut numbers = vec![None; fields.len()];
        let mut others = Vec::new();
        for number in 0..structure.len() {
            match fields
                .iter()
                .position(|&field| field == structure.name(number))
            {
                // Of two fields with one name the later counts, as in Go.
                Some(place) => numbers[place] = Some(number),
                None => others.push(number),
            }
        }
        let exact = numbers.clone();
        let mut ambiguous = vec![false; fields.len()];
        for number in others {
            let name = structure.name(number);
            let place = (fields.iter().zip(&exact))
                .position(|(field, exact)| exact.is_none() && are_alike(field, name));
            if let Some(place) = place {
                ambiguous[place] |=
                    numbers[place].is_some_and(|other| structure.name(other) != name);
                numbers[place] = Some(number);
            }
        }
        let mut matches: Vec<Match> = (numbers.into_iter().zip(ambiguous).zip(fields))
            .filter(|((_, ambiguous), _)| !ambiguous)
            .filter_map(|((number, _), name)| {
                Some(Match {
                    number: number?,
                    name,
                })
            })
            .collect();
        matches.sort_unstable_by_key(|field| field.number);
        Self {
            matches: matches.into(),
            gaps: Gaps::new(),
        }
    }
}

/// Whether two names differ in ASCII case and underscores only.
pub(super) fn are_alike(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    let letters = name.bytes().filter(|&byte| byte != b'_');
    letters.map(|byte| byte.to_ascii_lowercase())
}

/// The plans for one struct type of a sender: a list that only grows, and usually has one entry.
#[derive(Debug, Default)]
pub(crate) struct Plans(OnceLock<Box<Link>>);

#[derive(Debug)]
struct Link {
    visitor: TypeId,
    fields: &'static [&'static str],
    plan: Plan,
    rest: Plans,
}

impl Plans {
    /// The plan by which the visitor `V` reads `structure` into `fields`. It is made if there is
    /// none yet, and if `room` allows another.
    #[inline]
    pub(super) fn plan<V>(
        &self,
        structure: &Structure,
        fields: &'static [&'static str],
        room: &AtomicUsize,
    ) -> Option<&Plan> {
        let visitor = typeid::of::<V>();
        let mut plans = self;
        loop {
            match plans.0.get() {
                Some(link) if link.visitor == visitor && std::ptr::eq(link.fields, fields) => {
                    return Some(&link.plan);
                }
                Some(link) => plans = &link.rest,
                None => plans.learn(visitor, structure, fields, room)?,
            }
        }
    }

    #[cold]
    fn learn(
        &self,
        visitor: TypeId,
        structure: &Structure,
        fields: &'static [&'static str],
        room: &AtomicUsize,
    ) -> Option<()> {
        let less = |room: usize| room.checked_sub(1);
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .ok()?;
        self.0.get_or_init(|| {
            Box::new(Link {
                visitor,
                fields,
                plan: Plan::new(structure, fields),
                rest: Self::default(),
            })
        });
        Some(())
    }
}
