//! Where the servers are: the seam behind which lists, registries and DNS stand.
//!
//! `fixed.rs` is a list that the program keeps itself, `registry.rs` one that a registry keeps.

mod fixed;
mod registry;

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wgrpc_core::{Address, AddressError, BoxFuture, Result};

use crate::balance::{Choice, Node, SelectMode};
use crate::health::Survey;

pub use fixed::ServerList;
pub use registry::RegistryDiscovery;

/// A server that can be called, as a discovery knows it.
///
/// ```
/// use wgrpc_cluster::Endpoint;
///
/// let endpoint = Endpoint::parse("tcp@10.0.0.1:9001")?.weight(3);
/// assert_eq!(endpoint.weight, 3);
/// # Ok::<(), wgrpc_core::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// How much of the load it is to get, beside the others; 1 is usual. One of weight 0 gets no
    /// calls as long as there are others.
    pub weight: u32,
    /// The zone that it is in, if that is known.
    pub zone: Option<String>,
    /// The version that it runs, if that is known.
    pub version: Option<String>,
    /// It is about to go away: it gets no calls as long as there are others.
    pub is_draining: bool,
}

impl Endpoint {
    /// A server of which only the address is known.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            zone: None,
            version: None,
            is_draining: false,
        }
    }

    /// The server at `protocol@address`.
    ///
    /// # Errors
    /// If that is no address.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        address.parse().map(Self::new)
    }

    /// The same server with another weight.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Whether it should get calls while there are others.
    pub fn is_wanted(&self) -> bool {
        self.weight > 0 && !self.is_draining
    }
}

impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self::new(address)
    }
}

/// The servers that a discovery knew at some time.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    /// Grows with every change of the list.
    pub version: u64,
    /// The servers, sorted by address, none of them twice.
    pub endpoints: Vec<Endpoint>,
    /// When the list was last known to be right; `None` if there is none yet.
    pub as_of: Option<Instant>,
}

/// The order of addresses as they are written. Most have the same protocol, and need not be.
pub(crate) fn in_order(a: &Address, b: &Address) -> Ordering {
    if a.protocol() == b.protocol() {
        a.target().cmp(b.target())
    } else {
        a.to_string().cmp(&b.to_string())
    }
}

/// Where the servers are.
///
/// A client asks [`servers`](Self::servers) and waits for changes in the background; it never waits
/// for a discovery while it makes a call, once there is a list.
pub trait Discovery: Send + Sync + 'static {
    /// Every server that is known now. Cheap.
    fn servers(&self) -> Arc<Servers>;

    /// Asks again now.
    ///
    /// Fails if nobody answers, or with nonsense; the servers that were known stay known.
    fn refresh(&self) -> BoxFuture<'_, Result<()>>;

    /// Sets the list by hand.
    fn update(&self, endpoints: Vec<Endpoint>);

    /// Waits until there is a list whose [version](Servers::version) is above `seen`.
    fn changed(&self, seen: u64) -> BoxFuture<'_, ()>;

    /// Whether one of its servers may be at this IP address. A client asks before it connects to
    /// what the name of a server stands for; all are admitted unless a discovery knows better.
    fn admits(&self, ip: IpAddr) -> bool {
        let _ = ip;
        true
    }

    /// The address of one of the servers that are known now, chosen in this way; `None` if there
    /// are none.
    ///
    /// Each choice is made anew, for programs that connect by themselves: turns begin anywhere,
    /// and nothing is known of anybody's load. An [`XClient`](crate::XClient) knows.
    fn get(&self, mode: &SelectMode) -> Option<Address> {
        let servers = self.servers();
        let known = servers.endpoints.iter().cloned();
        let nodes: Vec<Arc<Node>> = known.map(|known| Arc::new(Node::new(known))).collect();
        let usable = Survey::of(&nodes).usable;
        let choice = Choice {
            nodes: &nodes,
            usable: &usable,
            tried: &[],
            key: None,
            now: Duration::ZERO,
        };
        let balancer = mode.build(&nodes, fastrand::u64(..));
        let chosen = nodes.get(balancer.pick(&choice, fastrand::u64(..))?)?;
        Some(chosen.endpoint().address.clone())
    }

    /// The addresses of all servers that are known now.
    fn get_all(&self) -> Vec<Address> {
        let servers = self.servers();
        let addresses = servers.endpoints.iter().map(|known| known.address.clone());
        addresses.collect()
    }
}

impl<D: Discovery + ?Sized> Discovery for Arc<D> {
    fn servers(&self) -> Arc<Servers> {
        (**self).servers()
    }

    fn refresh(&self) -> BoxFuture<'_, Result<()>> {
        (**self).refresh()
    }

    fn update(&self, endpoints: Vec<Endpoint>) {
        (**self).update(endpoints);
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        (**self).changed(seen)
    }

    fn admits(&self, ip: IpAddr) -> bool {
        (**self).admits(ip)
    }
}
