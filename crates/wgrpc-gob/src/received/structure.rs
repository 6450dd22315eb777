//! A struct type that a peer has defined.

use super::Slot;
use crate::de::Plans;

/// The fields of a struct type, by their number on the wire.
///
/// The names stand one behind the other in one text: a peer may define very many fields in few
/// bytes, and a string for each would take ten times as much.
#[derive(Debug)]
pub(crate) struct Structure {
    names: Box<str>,
    /// Of each field where its name ends, and its type.
    fields: Box<[(u32, Slot)]>,
    /// How types of ours are read from this one.
    plans: Plans,
}

impl Structure {
    pub(super) fn new(names: Box<str>, fields: Box<[(u32, Slot)]>) -> Self {
        Self {
            names,
            fields,
            plans: Plans::default(),
        }
    }

    /// How many fields there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The name of field `number`, which must be less than [`len`](Self::len).
    pub(crate) fn name(&self, number: usize) -> &str {
        let start = number
            .checked_sub(1)
            .map_or(0, |before| self.fields[before].0);
        &self.names[start as usize..self.fields[number].0 as usize]
    }

    /// The type of field `number`, which must be less than [`len`](Self::len).
    #[inline]
    pub(crate) fn slot(&self, number: usize) -> Slot {
        self.fields[number].1
    }

    /// The types of the fields, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.fields.iter().map(|&(_, slot)| slot)
    }

    /// What the fields cost elsewhere if each costs `field` bytes beside its name.
    pub(super) fn cost(&self, field: usize) -> usize {
        self.names.len() + field * self.fields.len()
    }

    /// How types of ours are read from this one.
    #[inline]
    pub(crate) fn plans(&self) -> &Plans {
        &self.plans
    }
}
