//! The servers as calls see them: made anew as a whole when something changes, and shared by all
//! calls meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use smallvec::SmallVec;
use wgrpc_core::Address;

use crate::balance::{Balancer, Choice, Node, SelectMode};
use crate::discovery::Endpoint;
use crate::health::Survey;
use crate::member::{Core, Link, Member};

/// How many servers are asked in vain before all are.
const TRIES: usize = 8;

/// The servers of one list, and the choice among them.
pub(super) struct Fleet {
    pub(super) members: Vec<Arc<Member>>,
    /// The same servers, as a balancer sees them.
    nodes: Vec<Arc<Node>>,
    /// Which of them has this address.
    places: HashMap<Address, u32>,
    balancer: Box<dyn Balancer>,
}

/// The servers of one list, and which of them can be called. Who has left is found out here; who
/// has come, by the next view.
pub(super) struct View {
    pub(super) fleet: Arc<Fleet>,
    survey: Survey,
    /// The connection of each, once a call has asked for it: the next ones find it here.
    links: Box<[OnceLock<Arc<Link>>]>,
}

impl Fleet {
    /// The servers of this list. Those that are in the last one too keep their connection and
    /// what is known about them; `start` begins the others.
    pub(super) fn new(
        endpoints: &[Endpoint],
        last: Option<&Self>,
        select: &SelectMode,
        seed: u64,
        start: impl Fn(&Endpoint) -> Arc<Member>,
    ) -> Self {
        let mut members = Vec::with_capacity(endpoints.len());
        let mut nodes = Vec::with_capacity(endpoints.len());
        let mut places = HashMap::with_capacity(endpoints.len());
        for (place, endpoint) in (0_u32..).zip(endpoints) {
            let known = last.and_then(|last| last.get(&endpoint.address));
            let (member, node) = match known {
                Some((member, node)) if node.endpoint() == endpoint => {
                    (Arc::clone(member), Arc::clone(node))
                }
                Some((member, node)) => {
                    (Arc::clone(member), Arc::new(node.renewed(endpoint.clone())))
                }
                None => {
                    let member = start(endpoint);
                    let node = Arc::new(member.node.renewed(endpoint.clone()));
                    (member, node)
                }
            };
            members.push(member);
            nodes.push(node);
            places.insert(endpoint.address.clone(), place);
        }
        Self {
            balancer: select.build(&nodes, seed),
            members,
            nodes,
            places,
        }
    }

    fn get(&self, address: &Address) -> Option<(&Arc<Member>, &Arc<Node>)> {
        let place = *self.places.get(address)? as usize;
        Some((self.members.get(place)?, self.nodes.get(place)?))
    }

    fn is_up(&self, place: u32) -> bool {
        let member = self.members.get(place as usize);
        member.is_some_and(|member| member.is_up())
    }
}

impl View {
    /// Finds out who of these can be called now.
    pub(super) fn new(fleet: Arc<Fleet>) -> Self {
        let mut survey = Survey::of(&fleet.nodes);
        survey.usable.retain(|&place| fleet.is_up(place));
        if survey.usable.is_empty() {
            // Better somebody of whom little good is known than nobody.
            let all = 0..fleet.members.len() as u32;
            survey.usable = all.filter(|&place| fleet.is_up(place)).collect();
        }
        // Without a connection there is no probe; one would be missed for long.
        survey.ill.retain(|&place| fleet.is_up(place));
        let links = fleet.members.iter().map(|_| OnceLock::new()).collect();
        Self {
            fleet,
            survey,
            links,
        }
    }

    /// Chooses a server for a call that was not made before: see
    /// [`Pool::pick_first`](super::Pool::pick_first).
    #[inline]
    pub(super) fn pick_first(
        &self,
        key: Option<&[u8]>,
        reluctance: impl FnOnce() -> Duration,
        now: Duration,
    ) -> Option<Arc<Link>> {
        if !self.survey.ill.is_empty()
            && let Some(link) = self.probe(reluctance(), now)
        {
            return Some(link);
        }
        match self.link(self.choose(key, &[], now)?) {
            Some(link) => Some(link),
            None => self.pick(key, &[], now),
        }
    }

    /// One that wants to be probed.
    #[cold]
    fn probe(&self, reluctance: Duration, now: Duration) -> Option<Arc<Link>> {
        let nodes = &self.fleet.nodes;
        let place = self
            .survey
            .probe(nodes, now, reluctance, fastrand::u64(..))?;
        self.link(place)
    }

    /// Chooses a server; `tried` are avoided if there are others.
    #[cold]
    pub(super) fn pick(
        &self,
        key: Option<&[u8]>,
        tried: &[Arc<Core>],
        now: Duration,
    ) -> Option<Arc<Link>> {
        // By address: a server that was struck off the list and put on it again meanwhile is the
        // same one.
        let places = tried
            .iter()
            .filter_map(|tried| self.fleet.places.get(&tried.address));
        let mut tried: SmallVec<[u32; 4]> = SmallVec::new();
        places.for_each(|&place| tried.push(place));
        // Somebody may have gone since the view was made; each is asked once at most.
        for _ in 0..=self.survey.usable.len().min(TRIES) {
            let place = self.choose(key, &tried, now)?;
            if let Some(link) = self.link(place) {
                return Some(link);
            }
            tried.push(place as u32);
        }
        let mut anybody = self.survey.usable.iter();
        anybody.find_map(|&place| self.link(place as usize))
    }

    #[inline]
    fn choose(&self, key: Option<&[u8]>, tried: &[u32], now: Duration) -> Option<usize> {
        let choice = Choice {
            nodes: &self.fleet.nodes,
            usable: &self.survey.usable,
            tried,
            key,
            now,
        };
        self.fleet.balancer.pick(&choice, fastrand::u64(..))
    }

    /// The connection to the server at this place, if calls can be made over it.
    #[inline]
    fn link(&self, place: usize) -> Option<Arc<Link>> {
        match self.links.get(place)?.get() {
            Some(link) if link.takes_calls() => Some(link.clone()),
            _ => self.find_link(place),
        }
    }

    /// Asks the server itself, which may have another connection by now.
    #[cold]
    fn find_link(&self, place: usize) -> Option<Arc<Link>> {
        let link = self.fleet.members.get(place)?.link()?;
        let _ = self.links.get(place)?.set(link.clone());
        Some(link)
    }

    /// Whether nobody can be called.
    pub(super) fn is_empty(&self) -> bool {
        self.survey.usable.is_empty()
    }

    /// Whether calls are given to the server at this place.
    pub(super) fn is_usable(&self, place: u32) -> bool {
        self.survey.usable.binary_search(&place).is_ok()
    }

    /// Those that are connected and not well: the places of candidates for a probe.
    #[cfg(test)]
    pub(super) fn ill(&self) -> &[u32] {
        &self.survey.ill
    }
}
