//! A server together with what has been learnt about it.

use std::sync::Arc;

use super::Load;
use crate::discovery::Endpoint;
use crate::health::{Condition, Health};

/// A server that can be chosen, with what its calls have told.
///
/// ```
/// use wgrpc_cluster::{Endpoint, Node};
///
/// let node = Node::new(Endpoint::parse("tcp@10.0.0.1:9001")?);
/// // The next list says that it is to get twice as much; what was learnt is kept.
/// let heavier = node.renewed(Endpoint::parse("tcp@10.0.0.1:9001")?.weight(2));
/// assert_eq!(heavier.endpoint().weight, 2);
/// # Ok::<(), wgrpc_core::AddressError>(())
/// ```
#[derive(Debug)]
pub struct Node {
    endpoint: Endpoint,
    learnt: Arc<Learnt>,
}

/// What outlives a change of the endpoint's weight or other properties.
#[derive(Debug, Default)]
struct Learnt {
    load: Load,
    health: Health,
}

impl Node {
    /// A server about which nothing is known yet.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            learnt: Arc::default(),
        }
    }

    /// The same server as another list describes it: load and health are shared with this one.
    #[must_use]
    pub fn renewed(&self, endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            learnt: Arc::clone(&self.learnt),
        }
    }

    /// Where it is, and how much it is to get.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How busy and how fast it is.
    pub fn load(&self) -> &Load {
        &self.learnt.load
    }

    /// Whether it can be relied upon.
    pub fn health(&self) -> &Health {
        &self.learnt.health
    }

    /// What decides whether it may be used.
    pub(crate) fn state(&self) -> (Condition, bool) {
        (self.health().condition(), self.endpoint.is_wanted())
    }

    /// The weight as balancers count it: one of weight 0 that has to be used is like any other.
    pub(crate) fn weight(&self) -> u32 {
        self.endpoint.weight.max(1)
    }
}
