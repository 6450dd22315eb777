//! Revisions as clients see them.
//!
//! To a client a list is another one also when it becomes whole: it keeps servers that it knew for
//! as long as the registry is warming. A store does not count that, so that all front ends of one
//! have the same revisions. So clients see twice the store's revision, and one more for a list that
//! is whole.

/// Which list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Revision {
    /// That of the store.
    pub(super) of_store: u64,
    /// Servers may be missing.
    pub(super) is_warming: bool,
}

impl Revision {
    /// What a client has shown; it may be any number.
    pub(super) fn from_number(number: u64) -> Self {
        Self {
            of_store: number / 2,
            is_warming: number.is_multiple_of(2),
        }
    }

    pub(super) fn number(self) -> u64 {
        let twice = self.of_store.saturating_mul(2);
        twice.saturating_add(u64::from(!self.is_warming))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_differ_have_different_numbers() {
        let mut numbers = Vec::new();
        for of_store in [1, 2, 1_764_000_000_000] {
            for is_warming in [true, false] {
                let revision = Revision {
                    of_store,
                    is_warming,
                };
                assert_eq!(Revision::from_number(revision.number()), revision);
                numbers.push(revision.number());
            }
        }
        assert_eq!(numbers[..4], [2, 3, 4, 5]);
        assert!(numbers.is_sorted());
        Revision::from_number(u64::MAX);
    }
}
