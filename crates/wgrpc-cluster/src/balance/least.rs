//! Choosing the one that costs least, of two drawn by chance or of all if they are few.
//!
//! Two are nearly as good as all, and better where many clients choose by what they knew a moment
//! ago: not all of them run to the same server.

use std::sync::Arc;
use std::time::Duration;

use super::candidates::{below, mix};
use super::draw::Draw;
use super::{Balancer, Candidates, Choice, Load, Node};

/// How many servers are few: all of them are compared.
const FEW: usize = 8;

/// The one that costs least. The draw is by weight, so that servers that cost the same, as idle
/// ones do, get calls in proportion to their weights.
#[derive(Debug)]
pub(super) struct Least {
    draw: Draw,
    cost: Cost,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
enum Cost {
    Calls,
    Time,
}

impl Least {
    /// By calls in flight.
    pub(super) fn loaded(nodes: &[Arc<Node>]) -> Self {
        Self {
            draw: Draw::new(nodes),
            cost: Cost::Calls,
        }
    }

    /// By latency and calls in flight. Always of two: the fastest of all would get everything,
    /// for as long as its latency is the least known.
    pub(super) fn peak_ewma(nodes: &[Arc<Node>]) -> Self {
        Self {
            draw: Draw::new(nodes),
            cost: Cost::Time,
        }
    }

    fn of_all(
        &self,
        choice: &Choice<'_>,
        candidates: &Candidates<'_>,
        random: u64,
    ) -> Option<usize> {
        let mut least = self.draw.one(choice, candidates, random)?;
        let mut least_cost = self.cost(choice, least);
        let start = below(mix(random), candidates.len());
        for step in 0..candidates.len() {
            let index = candidates.get((start + step) % candidates.len())?;
            let cost = self.cost(choice, index);
            if cost < least_cost {
                (least, least_cost) = (index, cost);
            }
        }
        Some(least)
    }

    fn cost(&self, choice: &Choice<'_>, index: usize) -> f32 {
        choice.nodes.get(index).map_or(f32::MAX, |node| {
            self.cost.of(node.load(), choice.now, node.weight())
        })
    }
}

impl Balancer for Least {
    fn pick(&self, choice: &Choice<'_>, random: u64) -> Option<usize> {
        if let ([only], []) = (choice.usable, choice.tried) {
            return Some(*only as usize);
        }
        let candidates = choice.candidates();
        if candidates.len() == 1 {
            return candidates.get(0);
        }
        if matches!(self.cost, Cost::Calls) && candidates.len() <= FEW {
            return self.of_all(choice, &candidates, random);
        }
        let (first, second) = self.draw.two(choice, &candidates, random)?;
        let is_second = self.cost(choice, second) < self.cost(choice, first);
        Some(if is_second { second } else { first })
    }
}

impl Cost {
    fn of(self, load: &Load, now: Duration, weight: u32) -> f32 {
        match self {
            Self::Calls => load.calls(now, weight),
            Self::Time => load.cost(now, weight),
        }
    }
}
