//! Choosing by chance.

use std::sync::Arc;

use super::draw::Draw;
use super::{Balancer, Choice, Node};

/// By chance, in proportion to the weights.
#[derive(Debug)]
pub(super) struct Random(Draw);

impl Random {
    pub(super) fn new(nodes: &[Arc<Node>]) -> Self {
        Self(Draw::new(nodes))
    }
}

impl Balancer for Random {
    fn pick(&self, choice: &Choice<'_>, random: u64) -> Option<usize> {
        self.0.one(choice, &choice.candidates(), random)
    }
}
