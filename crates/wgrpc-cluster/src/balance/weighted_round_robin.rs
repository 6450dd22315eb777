//! Choosing one after the other, in exact proportion to the weights.
//!
//! Every server of weight `w` has `w` turns in each cycle, at equal distances; the earliest turn
//! of all is next. A heap finds it in the logarithm of their number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::candidates::below;
use super::{Balancer, Choice, Node};

/// One after the other, in exact proportion to the weights, each evenly spread.
#[derive(Debug)]
pub(super) struct WeightedRoundRobin {
    /// Held for a few steps in the heap, never across a wait.
    schedule: Mutex<Schedule>,
}

#[derive(Debug)]
struct Schedule {
    turns: BinaryHeap<Reverse<Turn>>,
    /// Those that could not be used when it was their turn. They are asked again when fewer have
    /// turns than can be used.
    parked: Vec<u32>,
    /// The last turn that somebody had.
    last: Moment,
}

/// When in the schedule: a cycle, and a fraction of it in parts of 2^31.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    cycle: u64,
    fraction: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at: Moment,
    index: u32,
    /// Which of the server's turns in the cycle it is, from 0.
    number: u32,
}

impl WeightedRoundRobin {
    pub(super) fn new(nodes: &[Arc<Node>], seed: u64) -> Self {
        let first = (0..).zip(nodes).map(|(index, node)| {
            let turn = Turn::new(index, 0, 0, node.weight());
            Reverse(turn)
        });
        let mut schedule = Schedule {
            turns: first.collect(),
            parked: Vec::new(),
            last: Moment::default(),
        };
        // Many clients that start together must not all begin with the heaviest.
        for _ in 0..below(seed, nodes.len().max(1)) {
            schedule.take(|_| Fitness::Good, nodes);
        }
        Self {
            schedule: Mutex::new(schedule),
        }
    }
}

impl Balancer for WeightedRoundRobin {
    fn pick(&self, choice: &Choice<'_>, _random: u64) -> Option<usize> {
        let avoids = choice.candidates().len() < choice.usable.len();
        let fitness = |index| {
            if !choice.is_usable(index) {
                Fitness::Unusable
            } else if avoids && choice.tried.contains(&index) {
                Fitness::Tried
            } else {
                Fitness::Good
            }
        };
        let mut schedule = self.schedule.lock();
        if schedule.turns.len() < choice.usable.len() {
            schedule.readmit(choice);
        }
        if let Some(index) = schedule.take(fitness, choice.nodes) {
            return Some(index);
        }
        // All that had turns cannot be used any more, and others have come back instead.
        schedule.readmit(choice);
        schedule.take(fitness, choice.nodes)
    }
}

/// Whether a server may have its turn now.
enum Fitness {
    Good,
    /// Not for this call: it keeps its turn.
    Tried,
    /// Not for now: it has no turns until it comes back.
    Unusable,
}

impl Schedule {
    /// Gives the next turn to the first that may have it.
    fn take(&mut self, fitness: impl Fn(u32) -> Fitness, nodes: &[Arc<Node>]) -> Option<usize> {
        let mut kept = SmallVec::<[Turn; 4]>::new();
        let mut taken = None;
        while let Some(Reverse(turn)) = self.turns.pop() {
            match fitness(turn.index) {
                Fitness::Good => {
                    let weight = nodes
                        .get(turn.index as usize)
                        .map_or(1, |node| node.weight());
                    self.turns.push(Reverse(turn.next(weight)));
                    self.last = turn.at;
                    taken = Some(turn.index as usize);
                    break;
                }
                Fitness::Tried => kept.push(turn),
                Fitness::Unusable => self.parked.push(turn.index),
            }
        }
        self.turns.extend(kept.into_iter().map(Reverse));
        taken
    }

    /// Gives turns again to those that have come back.
    fn readmit(&mut self, choice: &Choice<'_>) {
        let Self {
            turns,
            parked,
            last,
        } = self;
        parked.retain(|&index| {
            if !choice.is_usable(index) {
                return true;
            }
            let weight = choice
                .nodes
                .get(index as usize)
                .map_or(1, |node| node.weight());
            turns.push(Reverse(Turn::after(*last, index, weight)));
            false
        });
    }
}

impl Turn {
    fn new(index: u32, cycle: u64, number: u32, weight: u32) -> Self {
        // In the middle of its part of the cycle. Half of the parts of 2^31 is 2^30.
        let fraction = ((2 * u64::from(number) + 1) << 30) / u64::from(weight);
        Self {
            at: Moment { cycle, fraction },
            index,
            number,
        }
    }

    fn next(self, weight: u32) -> Self {
        if self.number + 1 < weight {
            Self::new(self.index, self.at.cycle, self.number + 1, weight)
        } else {
            Self::new(self.index, self.at.cycle + 1, 0, weight)
        }
    }

    /// The first turn in what is left of the cycle.
    fn after(last: Moment, index: u32, weight: u32) -> Self {
        let number = ((last.fraction * u64::from(weight)) >> 31) as u32;
        let turn = Self::new(index, last.cycle, number.min(weight - 1), weight);
        if turn.at > last {
            turn
        } else {
            turn.next(weight)
        }
    }
}
