//! The servers as calls see them: made anew as a whole when something changes, and shared by all
//! calls meanwhile.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use smallvec::SmallVec;
use wgrpc_core::Address;

use crate::balance::{Balancer, Choice, Node, SelectMode};
use crate::discovery::{Endpoint, in_order};
use crate::health::{Condition, Survey};
use crate::member::{Core, Link, Member};

/// How many servers are asked in vain before all are.
const TRIES: usize = 8;

/// The servers of one list, and the choice among them.
pub(super) struct Fleet {
    /// In the order of their addresses.
    pub(super) members: Vec<Arc<Member>>,
    /// The same servers, as a balancer sees them.
    nodes: Vec<Arc<Node>>,
    balancer: Box<dyn Balancer>,
}

/// The servers of one list, and which of them can be called. Who has left is found out here; who
/// has come, by the next view.
pub(super) struct View {
    pub(super) fleet: Arc<Fleet>,
    /// Whether each is connected, and the rest that decides whether it may be used: side by side,
    /// for there may be thousands, and each is somewhere else.
    up: Vec<bool>,
    states: Vec<(Condition, bool)>,
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
        let mut listed: Vec<&Endpoint> = endpoints.iter().collect();
        listed.sort_by(|a, b| in_order(&a.address, &b.address));
        listed.dedup_by(|a, b| a.address == b.address);
        let mut members = Vec::with_capacity(listed.len());
        let mut nodes = Vec::with_capacity(listed.len());
        let last = last.map(|last| last.members.iter().zip(&last.nodes));
        let mut last = last.into_iter().flatten().peekable();
        for endpoint in listed {
            // Who comes before this one has left.
            let is_before = |member: &Member| in_order(&member.address, &endpoint.address).is_lt();
            while last.next_if(|(member, _)| is_before(member)).is_some() {}
            let known = last.next_if(|(member, _)| member.address == endpoint.address);
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
        }
        Self {
            balancer: select.build(&nodes, seed),
            members,
            nodes,
        }
    }

    /// Which of them has this address.
    fn place(&self, address: &Address) -> Option<usize> {
        let place = (self.members).binary_search_by(|it| in_order(&it.address, address));
        place.ok()
    }
}

impl View {
    /// Finds out who of these can be called now.
    pub(super) fn new(fleet: Arc<Fleet>) -> Self {
        let up = fleet.members.iter().map(|member| member.is_up());
        let states = fleet.nodes.iter().map(|node| node.state());
        let (up, states) = (up.collect(), states.collect());
        Self::of(fleet, up, states)
    }

    /// The same servers, of which only these may have changed.
    pub(super) fn renewed(&self, changed: &[Address]) -> Self {
        let (mut up, mut states) = (self.up.clone(), self.states.clone());
        for place in changed.iter().filter_map(|it| self.fleet.place(it)) {
            up[place] = self.fleet.members[place].is_up();
            states[place] = self.fleet.nodes[place].state();
        }
        Self::of(self.fleet.clone(), up, states)
    }

    fn of(fleet: Arc<Fleet>, up: Vec<bool>, states: Vec<(Condition, bool)>) -> Self {
        let mut survey = Survey::of_states(&states);
        survey.usable.retain(|&place| up[place as usize]);
        if survey.usable.is_empty() {
            // Better somebody of whom little good is known than nobody.
            let all = (0_u32..).zip(&up);
            survey.usable = all
                .filter_map(|(place, &is_up)| is_up.then_some(place))
                .collect();
        }
        // Without a connection there is no probe; one would be missed for long.
        survey.ill.retain(|&place| up[place as usize]);
        let links = up.iter().map(|_| OnceLock::new()).collect();
        Self {
            fleet,
            up,
            states,
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
            .filter_map(|tried| self.fleet.place(&tried.address));
        let mut tried: SmallVec<[u32; 4]> = places.map(|place| place as u32).collect();
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
