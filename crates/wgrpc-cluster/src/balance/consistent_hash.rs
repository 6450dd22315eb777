//! Choosing by a key: the same server for the same key, in every process.
//!
//! Servers have points on a circle, and a key is thrown at it several times: the point that one
//! of the throws comes closest to, going clockwise, is the key's. With several throws few points
//! are enough for even shares ("multi-probe consistent hashing", Appleton and O'Reilly, 2015). A
//! server that comes or goes takes or leaves its own points and nothing else, so no key moves
//! between two others.

use std::sync::Arc;

use twox_hash::XxHash3_64;

use super::candidates::mix;
use super::draw::Draw;
use super::{Balancer, Choice, Node};

/// How many points a server has for each unit of its weight.
const POINTS: u64 = 64;

/// How many points there are in all, about. With more, weights count in coarser units.
const POINTS_MAX: u64 = 1 << 18;

/// How often a key is thrown; two places come out of each hash.
const THROWS: u64 = 4;

/// How many points are compared at once: one step is nearly always enough, and has no branches.
const STEP: usize = 4;

/// By the call's key, by chance if it has none.
///
/// Which server a key belongs to is decided by XXH3 (64 bits) of the key and of the servers'
/// addresses as they are written, and by nothing else.
#[derive(Debug)]
pub(super) struct ConsistentHash {
    /// For calls without a key.
    draw: Draw,
    /// The points, ascending, and a step of others behind the last that are never reached.
    points: Box<[u32]>,
    /// Whose they are.
    owners: Box<[u32]>,
    /// For each part of the circle, the first point in it or after it. There are about as many
    /// parts as points.
    parts: Box<[u32]>,
    /// By how many bits a place on the circle is shifted to be the number of a part.
    shift: u32,
}

impl ConsistentHash {
    pub(super) fn new(nodes: &[Arc<Node>]) -> Self {
        let unit = unit_of(nodes);
        let mut owned = Vec::new();
        for (index, node) in (0_u32..).zip(nodes) {
            let name = node.endpoint().address.to_string();
            let count = count_of(node.weight(), unit);
            owned.extend((0..count).map(|number| {
                let hash = XxHash3_64::oneshot_with_seed(number, name.as_bytes());
                ((hash >> 32) as u32, index)
            }));
        }
        owned.sort_unstable();
        let (mut points, owners): (Vec<u32>, Vec<u32>) = owned.into_iter().unzip();
        let bits = points.len().next_power_of_two().ilog2().max(2) - 1;
        let shift = 32 - bits;
        let parts = (0..1_u32 << bits).map(|part| {
            let start = part << shift;
            points.partition_point(|&point| point < start) as u32
        });
        let parts = parts.collect();
        points.extend([u32::MAX; STEP]);
        Self {
            draw: Draw::new(nodes),
            points: points.into(),
            owners: owners.into(),
            parts,
            shift,
        }
    }

    /// Whose the key is, of all.
    fn owner(&self, key: u64) -> Option<u32> {
        let mut nearest = (u32::MAX, 0);
        for place in places(key) {
            let position = self.first_from(place);
            let distance = self.points[position].wrapping_sub(place);
            if distance < nearest.0 {
                nearest = (distance, position);
            }
        }
        self.owners.get(nearest.1).copied()
    }

    /// Whose the key is, of those that are `open`: as if there were no others.
    fn owner_of(&self, key: u64, is_open: impl Fn(u32) -> bool) -> Option<u32> {
        let mut least = u32::MAX;
        let mut owner = None;
        for place in places(key) {
            let first = self.first_from(place);
            let around = (first..self.owners.len()).chain(0..first);
            for position in around {
                let distance = self.points[position].wrapping_sub(place);
                if distance >= least && owner.is_some() {
                    break;
                }
                if is_open(self.owners[position]) {
                    (least, owner) = (distance, Some(self.owners[position]));
                    break;
                }
            }
        }
        owner
    }

    /// The first point from this place on.
    fn first_from(&self, place: u32) -> usize {
        let mut position = self.parts[(place >> self.shift) as usize] as usize;
        while let Some(step) = self.points.get(position..position + STEP) {
            let below = step.iter().filter(|&&point| point < place).count();
            position += below;
            if below < STEP {
                break;
            }
        }
        if position < self.owners.len() {
            position
        } else {
            0
        }
    }
}

/// Where a key is thrown.
fn places(key: u64) -> impl Iterator<Item = u32> {
    (0..THROWS / 2).flat_map(move |throw| {
        let two = mix(key.wrapping_add(throw));
        [(two >> 32) as u32, two as u32]
    })
}

impl Balancer for ConsistentHash {
    fn pick(&self, choice: &Choice<'_>, random: u64) -> Option<usize> {
        let candidates = choice.candidates();
        let Some(key) = choice.key else {
            return self.draw.one(choice, &candidates, random);
        };
        let key = XxHash3_64::oneshot(key);
        // Whoever comes first of all also comes first of those that are open, if it is open.
        let owner = self.owner(key)?;
        let avoids = candidates.len() < choice.usable.len();
        let is_open =
            |index: u32| choice.is_usable(index) && !(avoids && choice.tried.contains(&index));
        if is_open(owner) {
            return Some(owner as usize);
        }
        self.owner_of(key, is_open).map(|index| index as usize)
    }
}

/// How many points one of this weight has.
fn count_of(weight: u32, unit: u32) -> u64 {
    ((u64::from(weight) * POINTS) >> unit).max(1)
}

/// By how many bits the numbers of points have to be shifted for them not to become too many.
fn unit_of(nodes: &[Arc<Node>]) -> u32 {
    let total = |unit: u32| -> u64 {
        let counts = nodes.iter().map(|node| count_of(node.weight(), unit));
        counts.sum()
    };
    (0..32)
        .find(|&unit| total(unit) <= POINTS_MAX)
        .unwrap_or(32)
}
