//! The servers of a client: which there are, which can be called now, and the choice among them.
//!
//! One task follows the list of servers and the state of each. Whatever changes, it publishes a new
//! [`View`] as a whole, which is all that a call looks at.

mod view;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use wgrpc_core::{Address, Attempt, Attempts, Cause, Connector, Error};

use crate::balance::SelectMode;
use crate::discovery::{Discovery, Endpoint};
use crate::health::HealthPolicy;
use crate::member::{Core, Dial, Link, Member};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::xclient::ServerState;
use view::{Fleet, View};

/// While calls wait, servers that are away are dialled at most this often, and hardly less.
pub(crate) const HURRY: Duration = Duration::from_millis(250);

/// How long changes are gathered after one that was taken in at once, unless there is nobody to
/// call. It bounds what ten thousand connections that come up together, or a discovery that speaks
/// of changes without end, can cost.
const SETTLE: Duration = Duration::from_millis(5);

/// How often a pool that nobody owns any more looks whether the last calls have ended.
const LINGER: Duration = Duration::from_millis(20);

/// How a pool works.
pub(crate) struct Options {
    /// How the server for a call is chosen.
    pub(crate) select: SelectMode,
    /// When a server is left out.
    pub(crate) health: HealthPolicy,
    /// What is sent again.
    pub(crate) retry: RetryPolicy,
    /// How much may be sent again.
    pub(crate) budget: RetryBudget,
    /// How connections are made.
    pub(crate) dial: Dial,
    /// How many are made at a time.
    pub(crate) dials: usize,
    /// How long one may take to come up.
    pub(crate) connect_timeout: Duration,
    /// How long a call waits for a server that can be called, if there is none.
    pub(crate) patience: Duration,
}

/// What the members of a pool tell and are told, and what they share.
pub(crate) struct Signals {
    /// Something about a member has changed.
    changed: Notify,
    /// Where those are that it is about, since the last view was made.
    restless: Mutex<Vec<Address>>,
    /// A connection has come up.
    pub(crate) arrived: Notify,
    /// A new view was published.
    published: Notify,
    /// Calls wait: servers that are away are dialled sooner.
    pub(crate) hurry: Notify,
    /// The dials that may begin now.
    pub(crate) dials: Semaphore,
    pub(crate) options: Options,
    /// For calls that have to go on. As long as they are under way it is there: see
    /// [`Pool::is_done`].
    pool: OnceLock<Weak<Pool>>,
    /// Whether nobody can make another call.
    is_abandoned: AtomicBool,
    /// Those that are not in the list any more, while calls to them are under way.
    leaving: Mutex<Vec<Weak<Core>>>,
    /// Random, so that not all clients begin at the same server.
    seed: u64,
    start: Instant,
}

impl Signals {
    /// Where calls go on that have failed once.
    pub(crate) fn pool(&self) -> Option<Arc<Pool>> {
        self.pool.get()?.upgrade()
    }

    /// Tells that this member has left the list.
    pub(crate) fn tell_of_leaving(&self, member: &Arc<Core>) {
        let mut leaving = self.leaving.lock();
        leaving.push(Arc::downgrade(member));
        leaving.retain(has_calls);
    }

    /// The moment when so much time had passed since the pool began.
    pub(crate) fn moment(&self, at: Duration) -> Instant {
        self.start + at
    }

    /// Tells that something about this member has changed.
    pub(crate) fn tell(&self, member: &Core) {
        self.restless.lock().push(member.address.clone());
        self.changed.notify_one();
    }

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

/// The servers of a client.
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    pub(crate) discovery: Arc<dyn Discovery>,
    pub(crate) signals: Arc<Signals>,
    view: ArcSwap<View>,
}

/// A pool for those who make calls. When there are none of them any more, and all calls have ended,
/// the task ends that keeps it up to date, and the connections do: calls need not own the pool.
pub(crate) struct Owner {
    pub(crate) pool: Arc<Pool>,
}

impl Pool {
    /// Begins to follow `discovery`.
    pub(crate) fn start(
        connector: Connector,
        discovery: Arc<dyn Discovery>,
        options: Options,
    ) -> Owner {
        let signals = Arc::new(Signals {
            changed: Notify::new(),
            restless: Mutex::default(),
            arrived: Notify::new(),
            published: Notify::new(),
            hurry: Notify::new(),
            dials: Semaphore::new(options.dials.clamp(1, Semaphore::MAX_PERMITS)),
            options,
            pool: OnceLock::new(),
            is_abandoned: AtomicBool::new(false),
            leaving: Mutex::default(),
            seed: fastrand::u64(..),
            start: Instant::now(),
        });
        let servers = discovery.servers();
        let fleet = fleet(&servers.endpoints, None, &connector, &signals);
        let pool = Arc::new(Self {
            connector,
            discovery,
            signals,
            view: ArcSwap::from_pointee(View::new(fleet)),
        });
        // It is set once, here.
        let _ = pool.signals.pool.set(Arc::downgrade(&pool));
        tokio::spawn(pool.clone().follow(servers.version));
        Owner { pool }
    }

    /// Follows the list of servers, and publishes what has become of them.
    async fn follow(self: Arc<Self>, mut version: u64) {
        loop {
            let is_abandoned = self.signals.is_abandoned.load(Ordering::Acquire);
            if is_abandoned && self.is_done() {
                break;
            }
            tokio::select! {
                biased;
                () = self.signals.changed.notified() => {}
                () = self.discovery.changed(version) => {}
                () = sleep(LINGER), if is_abandoned => {}
            }
            // Before it is looked at: what changes from now on is told again.
            let restless = std::mem::take(&mut *self.signals.restless.lock());
            let servers = self.discovery.servers();
            if servers.version > version {
                version = servers.version;
                let last = self.view.load().fleet.clone();
                let last = Some(&*last);
                let (connector, signals) = (&self.connector, &self.signals);
                let fleet = fleet(&servers.endpoints, last, connector, signals);
                self.publish(View::new(fleet));
            } else if !restless.is_empty() {
                self.publish(self.view.load().renewed(&restless));
            }
            let nobody = self.view.load().is_empty();
            tokio::select! {
                () = sleep(SETTLE) => {}
                // Calls may wait for it.
                () = self.signals.arrived.notified(), if nobody => {}
            }
        }
    }

    /// Whether all calls have ended, and it has no owner: none has it who could go on, and none is
    /// counted that could come to have it.
    fn is_done(self: &Arc<Self>) -> bool {
        let mut leaving = self.signals.leaving.lock();
        leaving.retain(has_calls);
        let view = self.view.load();
        let mut members = view.fleet.members.iter();
        leaving.is_empty()
            && members.all(|member| member.node.load().in_flight() == 0)
            && Arc::strong_count(self) == 1
    }

    /// Shows calls who can be called now, and tells those who wait for it.
    fn publish(&self, view: View) {
        self.view.store(Arc::new(view));
        self.signals.published.notify_waiters();
    }

    /// Chooses a server for a call, among those that can be called, at once. The call may be given
    /// to a server that has failed, to see whether it is well again; `reluctance` is for how long
    /// it leaves that to others.
    #[inline]
    pub(crate) fn pick_first(
        &self,
        key: Option<&[u8]>,
        reluctance: impl FnOnce() -> Duration,
        now: Duration,
    ) -> Option<Arc<Link>> {
        self.view.load().pick_first(key, reluctance, now)
    }

    /// Chooses a server for a call as long as it waits. `tried` are avoided if there are others.
    fn pick(&self, key: Option<&[u8]>, tried: &[Arc<Core>]) -> Option<Arc<Link>> {
        self.view.load().pick(key, tried, self.signals.now())
    }

    /// Chooses a server as soon as one can be called.
    pub(crate) async fn wait(
        &self,
        key: Option<&[u8]>,
        tried: &[Arc<Core>],
        until: Option<Instant>,
    ) -> Option<Arc<Link>> {
        let until = sooner(self.signals.options.patience, until);
        self.wait_until(until, || self.pick(key, tried)).await
    }

    /// Waits for a connection to this server, as long as it is in the list.
    pub(crate) async fn wait_for(
        &self,
        member: &Core,
        until: Option<Instant>,
    ) -> Option<Arc<Link>> {
        let until = sooner(self.signals.options.connect_timeout, until);
        let link_or_gone = || {
            let link = member.link();
            (link.is_some() || member.is_gone()).then_some(link)
        };
        self.wait_until(until, link_or_gone).await.flatten()
    }

    /// Every server of the list, once there is one with any.
    pub(crate) async fn wait_for_members(&self, until: Option<Instant>) -> Vec<Arc<Member>> {
        let until = sooner(self.signals.options.patience, until);
        let members = || Some(self.members()).filter(|members| !members.is_empty());
        self.wait_until(until, members).await.unwrap_or_default()
    }

    /// Waits until `found` finds something; for ever, if no time is given.
    async fn wait_until<T>(
        &self,
        until: Option<Instant>,
        found: impl Fn() -> Option<T>,
    ) -> Option<T> {
        loop {
            let mut published = std::pin::pin!(self.signals.published.notified());
            published.as_mut().enable();
            if let Some(found) = found() {
                return Some(found);
            }
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return None;
            }
            self.signals.hurry.notify_waiters();
            let next = now + HURRY;
            let _ = timeout_at(until.map_or(next, |until| until.min(next)), published).await;
        }
    }

    /// Waits until a server can be called.
    pub(crate) async fn ready(&self) {
        let _ = self.wait_until(None, || self.pick(None, &[])).await;
    }

    /// Every server of the list.
    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        self.view.load().fleet.members.clone()
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
        let states = (0_u32..).zip(&view.fleet.members).map(|(place, member)| {
            let load = member.node.load();
            ServerState {
                address: member.address.clone(),
                is_connected: member.is_up(),
                error: member.why_down(),
                is_usable: view.is_usable(place),
                in_flight: load.in_flight(),
                latency: load.latency(now),
            }
        });
        states.collect()
    }
}

/// The servers of a list. Known ones keep their connection and what is known about them; vanished
/// ones are let go once nobody has the last list any more.
fn fleet(
    endpoints: &[Endpoint],
    last: Option<&Fleet>,
    connector: &Connector,
    signals: &Arc<Signals>,
) -> Arc<Fleet> {
    let start = |endpoint: &Endpoint| Member::start(endpoint, connector, signals);
    let select = &signals.options.select;
    Arc::new(Fleet::new(endpoints, last, select, signals.seed, start))
}

/// When this much time has passed, or before that at `until`; never, if that is too far away.
fn sooner(patience: Duration, until: Option<Instant>) -> Option<Instant> {
    let patience = Instant::now().checked_add(patience);
    [patience, until].into_iter().flatten().min()
}

/// Whether calls to this member are under way.
fn has_calls(member: &Weak<Core>) -> bool {
    let member = member.upgrade();
    member.is_some_and(|member| member.node.load().in_flight() > 0)
}

impl Drop for Owner {
    fn drop(&mut self) {
        let signals = &self.pool.signals;
        signals.is_abandoned.store(true, Ordering::Release);
        signals.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
