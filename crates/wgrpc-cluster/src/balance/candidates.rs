//! The usable servers without those that have been tried, as a sequence that costs nothing to
//! make.

use smallvec::SmallVec;

/// The servers that a call should be given to: see
/// [`Choice::candidates`](super::Choice::candidates).
#[derive(Clone, Debug)]
pub struct Candidates<'a> {
    usable: &'a [u32],
    /// Positions in `usable` that are left out, ascending, none of them twice.
    skipped: SmallVec<[usize; 4]>,
}

impl<'a> Candidates<'a> {
    #[inline]
    pub(super) fn new(usable: &'a [u32], tried: &[u32]) -> Self {
        if tried.is_empty() {
            return Self {
                usable,
                skipped: SmallVec::new(),
            };
        }
        let positions = tried
            .iter()
            .filter_map(|index| usable.binary_search(index).ok());
        let mut skipped: SmallVec<[usize; 4]> = positions.collect();
        skipped.sort_unstable();
        skipped.dedup();
        if skipped.len() == usable.len() {
            skipped.clear();
        }
        Self { usable, skipped }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.usable.len() - self.skipped.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.usable.is_empty()
    }

    /// The index in [`Choice::nodes`](super::Choice::nodes) of the one at this place, counted
    /// from 0.
    pub fn get(&self, place: usize) -> Option<usize> {
        let position = self.skipped.iter().fold(place, |position, &skipped| {
            position + usize::from(skipped <= position)
        });
        self.usable.get(position).map(|&index| index as usize)
    }

    /// One by chance: the same chance for each.
    pub fn any(&self, random: u64) -> Option<usize> {
        self.get(below(random, self.len()))
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

/// A number below `bound`, each as likely as the others as far as 64 bits go.
pub(super) fn below(random: u64, bound: usize) -> usize {
    ((u128::from(random) * bound as u128) >> 64) as usize
}

/// Other random bits, made of these.
pub(super) fn mix(random: u64) -> u64 {
    let mut bits = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn candidates_are_the_usable_that_were_not_tried(
            usable in proptest::collection::btree_set(0_u32..40, 0..20),
            tried in proptest::collection::vec(0_u32..40, 0..12),
        ) {
            let usable: Vec<u32> = usable.into_iter().collect();
            let untried = usable.iter().filter(|index| !tried.contains(index));
            let mut expected: Vec<usize> = untried.map(|&index| index as usize).collect();
            if expected.is_empty() {
                expected = usable.iter().map(|&index| index as usize).collect();
            }
            let candidates = Candidates::new(&usable, &tried);
            prop_assert_eq!(candidates.iter().collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(candidates.len(), expected.len());
            prop_assert_eq!(candidates.get(expected.len()), None);
        }
    }
}
