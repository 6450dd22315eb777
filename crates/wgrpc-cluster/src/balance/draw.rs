//! Drawing servers by chance, in proportion to their weights.

use std::sync::Arc;

use super::candidates::{Candidates, below, mix};
use super::{Choice, Node};

/// How often a draw is repeated that hit one that cannot be used. Then the weights are added up.
const TRIES: usize = 8;

/// Draws in proportion to the weights, in the same time for ten servers and ten thousand.
#[derive(Debug)]
pub(super) struct Draw {
    /// Walker's alias table; empty if all weights are equal.
    table: Box<[Slot]>,
}

/// A place in the table. Each is hit equally often, and shared by two servers.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Which part of the hits the server of this place gets, of 2^32.
    own: u32,
    /// Who gets the others.
    other: u32,
}

impl Draw {
    pub(super) fn new(nodes: &[Arc<Node>]) -> Self {
        let weights: Vec<u32> = nodes.iter().map(|node| node.weight()).collect();
        let is_even = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let table = if is_even {
            Box::default()
        } else {
            table_of(&weights)
        };
        Self { table }
    }

    /// One of the candidates.
    pub(super) fn one(
        &self,
        choice: &Choice<'_>,
        candidates: &Candidates<'_>,
        random: u64,
    ) -> Option<usize> {
        if self.table.is_empty() {
            return candidates.any(random);
        }
        let mut random = random;
        for _ in 0..TRIES {
            random = mix(random);
            let index = self.hit(random);
            if choice.is_open(index) {
                return Some(index as usize);
            }
        }
        one_by_sum(choice, candidates, mix(random))
    }

    /// Two different ones of the candidates; the same twice if there is only one.
    pub(super) fn two(
        &self,
        choice: &Choice<'_>,
        candidates: &Candidates<'_>,
        random: u64,
    ) -> Option<(usize, usize)> {
        let len = candidates.len();
        if self.table.is_empty() {
            let first = below(random, len);
            let second = below(mix(random), len.saturating_sub(1));
            let second = (second + usize::from(second >= first)).min(len.saturating_sub(1));
            return Some((candidates.get(first)?, candidates.get(second)?));
        }
        let first = self.one(choice, candidates, random)?;
        let mut random = random;
        for _ in 0..TRIES {
            random = mix(!random);
            let second = self.one(choice, candidates, random)?;
            if second != first {
                return Some((first, second));
            }
        }
        // One that weighs more than all others together: any of these will do.
        let other = candidates.iter().find(|&index| index != first);
        Some((first, other.unwrap_or(first)))
    }

    fn hit(&self, random: u64) -> u32 {
        let place = below(random, self.table.len());
        let slot = self.table[place];
        // The place is made of the upper bits.
        if random as u32 <= slot.own {
            place as u32
        } else {
            slot.other
        }
    }
}

/// Fills each place with what is left of one server's weight, and the rest with a server that has
/// more than its place can hold.
fn table_of(weights: &[u32]) -> Box<[Slot]> {
    let count = weights.len() as u128;
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let mut left: Vec<u128> = weights
        .iter()
        .map(|&weight| u128::from(weight) * count)
        .collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..weights.len()).partition(|&place| left[place] < total);
    let mut table: Vec<Slot> = (0_u32..)
        .zip(weights)
        .map(|(place, _)| Slot {
            own: u32::MAX,
            other: place,
        })
        .collect();
    while let (Some(place), Some(&other)) = (small.pop(), large.last()) {
        table[place] = Slot {
            own: (left[place] * u128::from(u32::MAX) / total) as u32,
            other: other as u32,
        };
        left[other] -= total - left[place];
        if left[other] < total {
            large.pop();
            small.push(other);
        }
    }
    table.into()
}

/// One of the candidates by adding up their weights: exact, and as long as there are servers.
fn one_by_sum(choice: &Choice<'_>, candidates: &Candidates<'_>, random: u64) -> Option<usize> {
    let weight = |index: usize| {
        choice
            .nodes
            .get(index)
            .map_or(1, |node| node.weight() as usize)
    };
    let total = candidates.iter().map(weight).sum();
    let mut target = below(random, total);
    for index in candidates.iter() {
        match target.checked_sub(weight(index)) {
            Some(rest) => target = rest,
            None => return Some(index),
        }
    }
    None
}
