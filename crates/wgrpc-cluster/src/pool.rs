//! The servers of a client: which there are, which can be called now, and the choice among them.
//!
//! One task follows the list of servers and the state of each. Whatever changes, it publishes a new
//! [`View`] as a whole, which is all that a call looks at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use smallvec::SmallVec;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use wgrpc_core::{Address, Attempt, Attempts, Cause, Connector, Error};

use crate::balance::{Balancer, Choice, Node, SelectMode};
use crate::discovery::{Discovery, Endpoint};
use crate::health::{HealthPolicy, Survey};
use crate::member::{CONNECT_TIMEOUT, Core, Dial, Link, Member};
use crate::xclient::ServerState;

/// How long a call waits for a server that can be called, if there is none.
const PATIENCE: Duration = Duration::from_secs(3);

/// While calls wait, servers that are away are dialled at most this often, and hardly less.
pub(crate) const HURRY: Duration = Duration::from_millis(250);

/// How many servers are asked in vain before all are.
const TRIES: usize = 8;

/// What the members of a pool tell, and when.
pub(crate) struct Signals {
    /// Something about a member has changed.
    pub(crate) changed: Notify,
    /// A new view was published.
    published: Notify,
    /// Calls wait: servers that are away are dialled sooner.
    pub(crate) hurry: Notify,
    /// When a server is left out.
    pub(crate) policy: HealthPolicy,
    start: Instant,
}

impl Signals {
    /// The time since the pool began.
    #[inline]
    pub(crate) fn now(&self) -> Duration {
        self.since(Instant::now())
    }

    /// The time from when the pool began to `now`.
    #[inline]
    pub(crate) fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }
}

/// The servers as calls see them.
struct View {
    members: Vec<Arc<Member>>,
    /// The same servers, as a balancer sees them.
    nodes: Vec<Arc<Node>>,
    /// Which of them can be called, sorted.
    usable: Vec<u32>,
    /// Who is well, of those that are connected and of the others.
    survey: Survey,
    balancer: Arc<dyn Balancer>,
}

/// The servers of a client.
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    pub(crate) discovery: Arc<dyn Discovery>,
    pub(crate) signals: Arc<Signals>,
    select: SelectMode,
    dial: Dial,
    seed: u64,
    view: ArcSwap<View>,
}

/// A pool and the task that keeps it up to date; both end together.
pub(crate) struct Owner {
    pub(crate) pool: Arc<Pool>,
    task: AbortHandle,
}

impl Pool {
    /// Begins to follow `discovery`.
    pub(crate) fn start(
        connector: Connector,
        discovery: Arc<dyn Discovery>,
        select: SelectMode,
        policy: HealthPolicy,
        dial: Dial,
    ) -> Owner {
        let seed = fastrand::u64(..);
        let signals = Arc::new(Signals {
            changed: Notify::new(),
            published: Notify::new(),
            hurry: Notify::new(),
            policy,
            start: Instant::now(),
        });
        let view = ArcSwap::from_pointee(View {
            members: Vec::new(),
            nodes: Vec::new(),
            usable: Vec::new(),
            survey: Survey::default(),
            balancer: select.build(&[], seed).into(),
        });
        let pool = Arc::new(Self {
            connector,
            discovery,
            signals,
            select,
            dial,
            seed,
            view,
        });
        let servers = pool.discovery.servers();
        pool.take(&servers.endpoints);
        let following = pool.clone().follow(servers.version);
        let task = tokio::spawn(following).abort_handle();
        Owner { pool, task }
    }

    /// Follows the list of servers, and publishes what has become of them.
    async fn follow(self: Arc<Self>, mut version: u64) {
        loop {
            let servers = self.discovery.servers();
            if servers.version > version {
                version = servers.version;
                self.take(&servers.endpoints);
            }
            self.publish();
            tokio::select! {
                biased;
                () = self.discovery.changed(version) => {}
                () = self.signals.changed.notified() => {}
            }
        }
    }

    /// Takes over a list of servers: known ones keep their connection and what is known about
    /// them, vanished ones are let go.
    fn take(&self, endpoints: &[Endpoint]) {
        let old = self.view.load_full();
        let known: HashMap<&Address, &Arc<Member>> = old
            .members
            .iter()
            .map(|member| (&member.address, member))
            .collect();
        let members: Vec<Arc<Member>> = endpoints
            .iter()
            .map(|endpoint| match known.get(&endpoint.address) {
                Some(member) => Arc::clone(member),
                None => Member::start(endpoint, &self.connector, &self.dial, &self.signals),
            })
            .collect();
        let nodes: Vec<Arc<Node>> = endpoints
            .iter()
            .zip(&members)
            .map(|(endpoint, member)| Arc::new(member.node.renewed(endpoint.clone())))
            .collect();
        let balancer = self.select.build(&nodes, self.seed).into();
        self.view.store(Arc::new(View {
            members,
            nodes,
            usable: Vec::new(),
            survey: Survey::default(),
            balancer,
        }));
    }

    /// Finds out who can be called now, and tells those who wait for it.
    fn publish(&self) {
        let old = self.view.load();
        let mut survey = Survey::of(&old.nodes);
        let is_up = |index: &u32| {
            let member = old.members.get(*index as usize);
            member.is_some_and(|member| member.is_up())
        };
        let mut usable: Vec<u32> = survey.usable.iter().copied().filter(is_up).collect();
        if usable.is_empty() {
            // Better somebody of whom little good is known than nobody.
            usable = (0..old.members.len() as u32).filter(is_up).collect();
        }
        // Without a connection there is no probe; one would be missed for long.
        survey.ill.retain(is_up);
        self.view.store(Arc::new(View {
            members: old.members.clone(),
            nodes: old.nodes.clone(),
            usable,
            survey,
            balancer: old.balancer.clone(),
        }));
        self.signals.published.notify_waiters();
    }

    /// Chooses a server for a call, among those that can be called. `tried` are avoided if there
    /// are others. The call may be given to a server that has failed, to see whether it is well
    /// again; `reluctance` is for how long it leaves that to others, `None` for ever.
    #[inline]
    pub(crate) fn pick(
        &self,
        key: Option<&[u8]>,
        tried: &[Arc<Core>],
        reluctance: Option<Duration>,
        now: Duration,
    ) -> Option<Arc<Link>> {
        let view = self.view.load();
        let mut tried: SmallVec<[u32; 4]> = tried
            .iter()
            .filter_map(|tried| {
                // By address: a server that was struck off the list and put on it again meanwhile
                // is the same one.
                let mut known = view.members.iter();
                known.position(|known| known.address == tried.address)
            })
            .map(|index| index as u32)
            .collect();
        if let Some(reluctance) = reluctance {
            let random = fastrand::u64(..);
            let probe = view.survey.probe(&view.nodes, now, reluctance, random);
            if let Some(link) = probe.and_then(|index| view.link(index)) {
                return Some(link);
            }
        }
        // Somebody may have gone since the view was made; each is asked once at most.
        for _ in 0..=view.usable.len().min(TRIES) {
            let choice = Choice {
                nodes: &view.nodes,
                usable: &view.usable,
                tried: &tried,
                key,
                now,
            };
            let index = view.balancer.pick(&choice, fastrand::u64(..))?;
            if let Some(link) = view.link(index) {
                return Some(link);
            }
            tried.push(index as u32);
        }
        let mut anybody = view.usable.iter();
        anybody.find_map(|&index| view.link(index as usize))
    }

    /// Chooses a server as soon as one can be called.
    pub(crate) async fn wait(
        &self,
        key: Option<&[u8]>,
        tried: &[Arc<Core>],
        until: Option<Instant>,
    ) -> Option<Arc<Link>> {
        let until = sooner(PATIENCE, until);
        self.wait_until(until, || self.pick(key, tried, None, self.signals.now()))
            .await
    }

    /// Waits for a connection to this server, as long as it is in the list.
    pub(crate) async fn wait_for(
        &self,
        member: &Core,
        until: Option<Instant>,
    ) -> Option<Arc<Link>> {
        let until = sooner(CONNECT_TIMEOUT, until);
        let link_or_gone = || {
            let link = member.link();
            (link.is_some() || member.is_gone()).then_some(link)
        };
        self.wait_until(until, link_or_gone).await.flatten()
    }

    /// Every server of the list, once there is one with any.
    pub(crate) async fn wait_for_members(&self, until: Option<Instant>) -> Vec<Arc<Member>> {
        let until = sooner(PATIENCE, until);
        let members = || Some(self.members()).filter(|members| !members.is_empty());
        self.wait_until(until, members).await.unwrap_or_default()
    }

    /// Waits until `found` finds something.
    async fn wait_until<T>(&self, until: Instant, found: impl Fn() -> Option<T>) -> Option<T> {
        loop {
            let mut published = std::pin::pin!(self.signals.published.notified());
            published.as_mut().enable();
            if let Some(found) = found() {
                return Some(found);
            }
            let now = Instant::now();
            if now >= until {
                return None;
            }
            self.signals.hurry.notify_waiters();
            let _ = timeout_at(until.min(now + HURRY), published).await;
        }
    }

    /// Waits until a server can be called.
    pub(crate) async fn ready(&self) {
        let for_ever = || self.pick(None, &[], None, self.signals.now());
        while self
            .wait_until(Instant::now() + PATIENCE, for_ever)
            .await
            .is_none()
        {}
    }

    /// Every server of the list.
    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        self.view.load().members.clone()
    }

    /// The error that tells of these attempts, or why there was none.
    pub(crate) fn all_failed(&self, attempts: impl Iterator<Item = Attempt>) -> Error {
        match Attempts::new(attempts.collect()) {
            Some(attempts) => Error::Attempts(attempts),
            None => self.why_nobody(),
        }
    }

    /// Why there is nobody to call.
    pub(crate) fn why_nobody(&self) -> Error {
        let members = self.members();
        let mut why = members.iter().filter_map(|member| member.why_down());
        Error::NotSent(match (members.len(), why.next()) {
            (0, _) => Cause::new("no servers are known"),
            (count, Some(error)) => {
                Cause::new(format!("none of {count} servers can be reached: {error}"))
            }
            (count, None) => Cause::new(format!("none of {count} servers is connected yet")),
        })
    }

    /// Every server, and how it is doing.
    pub(crate) fn servers(&self) -> Vec<ServerState> {
        let view = self.view.load();
        let now = self.signals.now();
        let states = (0_u32..).zip(&view.members).map(|(index, member)| {
            let load = member.node.load();
            ServerState {
                address: member.address.clone(),
                is_connected: member.is_up(),
                error: member.why_down(),
                is_usable: view.usable.binary_search(&index).is_ok(),
                in_flight: load.in_flight(),
                latency: load.latency(now),
            }
        });
        states.collect()
    }
}

/// When this much time has passed, or before that at `until`.
fn sooner(patience: Duration, until: Option<Instant>) -> Instant {
    let patience = Instant::now() + patience;
    until.map_or(patience, |until| until.min(patience))
}

impl View {
    #[inline]
    fn link(&self, index: usize) -> Option<Arc<Link>> {
        self.members.get(index)?.link()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
