//! One server of a cluster, and the connection that is kept up to it.
//!
//! A task of its own dials, waits for the end of the connection and dials again. Nobody else ever
//! waits for a dial while holding anything, so a server that does not answer costs the calls to
//! the others nothing.

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use wgrpc_core::{Address, BoxFuture, Cause, Client, Connector, Error, Result, Stay};

use crate::backoff::Backoff;
use crate::balance::{Begun, Node};
use crate::discovery::Endpoint;
use crate::health::Condition;
use crate::outcome::Outcome;
use crate::pool::{HURRY, Signals};

/// So many calls in a row whose time was up, without any reply meanwhile, and new calls get a new
/// connection; the old one lives until its calls have ended.
const STALLED_AFTER: u32 = 3;

/// A connection of this age, or one over which nothing has come for so long, may have died some
/// time ago.
const OLD: Duration = Duration::from_secs(10);

/// How long, at least, one over which nothing has come for long has for an answer before another
/// one is made beside it, and how much longer than an answer took last.
const DOUBT: Duration = Duration::from_millis(100);
const DOUBT_FACTOR: u32 = 3;

/// How connections are made.
pub(crate) type Dial =
    Arc<dyn Fn(Connector, Address) -> BoxFuture<'static, Result<Client>> + Send + Sync>;

/// One server of a cluster. When nobody has it any more, neither the list nor a call, its
/// connection is given up.
pub(crate) struct Member {
    core: Arc<Core>,
    keeper: AbortHandle,
}

/// What a member shares with the task that keeps up its connection.
pub(crate) struct Core {
    pub(crate) address: Address,
    /// What has been learnt about it; [renewed](Node::renewed) for each list.
    pub(crate) node: Node,
    pub(crate) signals: Arc<Signals>,
    state: Mutex<State>,
    /// The connection that `state` has, for calls: they take no lock.
    lent: ArcSwapOption<Link>,
    /// Ends the wait for the end of a connection that has stalled.
    stalled: Notify,
}

/// Whether there is a connection.
enum State {
    Up(Arc<Link>),
    /// Why there is none; `None` before the first dial has ended.
    Down(Option<Error>),
    /// Nobody wants it any more: there will not be one again.
    Gone,
}

/// A connection of a member. A call that has it keeps it, whatever becomes of the member.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) member: Arc<Core>,
    since: Duration,
    /// Calls over it in a row whose time was up.
    misses: AtomicU32,
    /// Whether new calls are made over another one.
    is_given_up: AtomicBool,
}

impl Member {
    /// Begins to keep up a connection to `endpoint`.
    pub(crate) fn start(
        endpoint: &Endpoint,
        connector: &Connector,
        signals: &Arc<Signals>,
    ) -> Arc<Self> {
        let core = Arc::new(Core {
            address: endpoint.address.clone(),
            node: Node::new(endpoint.clone()),
            signals: signals.clone(),
            state: Mutex::new(State::Down(None)),
            lent: ArcSwapOption::empty(),
            stalled: Notify::new(),
        });
        let keeper = Keeper {
            member: core.clone(),
            connector: connector.clone(),
        };
        let keeper = tokio::spawn(keeper.run()).abort_handle();
        Arc::new(Self { core, keeper })
    }
}

impl Deref for Member {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.keeper.abort();
        self.core.enter(State::Gone);
        self.core.signals.tell_of_leaving(&self.core);
    }
}

impl Core {
    fn enter(&self, next: State) {
        let state = self.state.lock();
        // The keeper may not have heard of it yet.
        if !matches!(&*state, State::Gone) {
            self.replace(state, next);
        }
    }

    /// Gives up this connection, if it is the one that is lent out; says whether it was.
    fn leave(&self, link: &Link) -> bool {
        let state = self.state.lock();
        let is_lent = matches!(&*state, State::Up(known) if std::ptr::eq(&**known, link));
        if is_lent {
            link.is_given_up.store(true, Ordering::Relaxed);
            self.replace(state, State::Down(None));
        }
        is_lent
    }

    fn replace(&self, mut state: MutexGuard<'_, State>, next: State) {
        let lent = match &next {
            State::Up(link) => Some(link.clone()),
            State::Down(_) | State::Gone => None,
        };
        let last = std::mem::replace(&mut *state, next);
        let lent = self.lent.swap(lent);
        drop(state);
        // Connections end, which is nothing to do under a lock.
        drop((last, lent));
    }

    /// The connection, if calls can be made over it.
    #[inline]
    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        let lent = self.lent.load();
        let link = lent.as_ref().filter(|link| link.takes_calls())?;
        Some(Arc::clone(link))
    }

    /// Whether there is a connection.
    pub(crate) fn is_up(&self) -> bool {
        let lent = self.lent.load();
        lent.as_ref().is_some_and(|link| link.takes_calls())
    }

    /// Whether it has left the list, so that there will not be a connection again.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(&*self.state.lock(), State::Gone)
    }

    /// Why there is no connection, if one was tried.
    pub(crate) fn why_down(&self) -> Option<Error> {
        match &*self.state.lock() {
            State::Up(_) | State::Gone => None,
            State::Down(error) => error.clone(),
        }
    }

    /// The error of a call that there is no connection for.
    pub(crate) fn why_no_call(&self) -> Error {
        let cause = match self.why_down() {
            Some(error) => Cause::new(error),
            None => Cause::new("there is no connection yet"),
        };
        Error::NotSent(cause)
    }

    /// Notes what an attempt to connect came to. That a sick server can be reached says nothing
    /// about whether it answers.
    fn dialled(&self, outcome: Outcome, begun: Duration) {
        let health = self.node.health();
        if outcome == Outcome::Unreachable || health.condition() == Condition::Unreachable {
            let (now, policy) = (self.signals.now(), &self.signals.options.health);
            health.record(outcome, begun, now, fastrand::u64(..), policy);
        }
    }

    /// Whether this connection is the one that is lent out.
    fn has(&self, link: &Link) -> bool {
        matches!(&*self.state.lock(), State::Up(known) if std::ptr::eq(&**known, link))
    }
}

impl Link {
    /// Whether calls can be made over it.
    #[inline]
    pub(crate) fn takes_calls(&self) -> bool {
        !self.is_given_up.load(Ordering::Relaxed) && self.client.is_available()
    }

    /// Begins a call over the connection that has not been tried before.
    #[inline]
    pub(crate) fn begin_first(&self, now: Duration) -> Begun {
        self.member.node.load().begin_first(now)
    }

    /// Begins another attempt over the connection.
    pub(crate) fn begin(&self, now: Duration) -> Begun {
        self.member.node.load().begin(now)
    }

    /// Learns how a call has ended: so do the load and the health of the server. Returns what was
    /// learnt: a server is not to blame for what a middleware of the client has done meanwhile.
    #[inline]
    pub(crate) fn end(&self, begun: Begun, outcome: Outcome, stay: Stay) -> Outcome {
        let node = &self.member.node;
        let now = (self.member.signals).since(stay.answered.unwrap_or_else(Instant::now));
        if let (Outcome::Answered, Some(held), Some(_)) = (outcome, stay.held, stay.answered)
            && self.misses.load(Ordering::Relaxed) == 0
            && node.health().is_untroubled()
            && node.load().end_alike(begun.at() + held, now)
        {
            return Outcome::Answered;
        }
        self.learn(begun, outcome, stay, now)
    }

    /// Learns from a call that is not like the one before.
    #[inline(never)]
    fn learn(&self, begun: Begun, outcome: Outcome, stay: Stay, now: Duration) -> Outcome {
        let (node, signals) = (&self.member.node, &self.member.signals);
        let at = begun.at();
        let sent = stay.held.map_or(now, |held| at + held);
        let outcome = match outcome {
            _ if stay.held.is_none() => Outcome::Unknown,
            // The answer came, and then something else took too long or went wrong.
            Outcome::Failed | Outcome::Unknown if stay.answered.is_some() => Outcome::Answered,
            // A server that had less than half of the time need not be slow.
            Outcome::Failed if now.saturating_sub(sent) < sent - at => Outcome::Unknown,
            outcome => outcome,
        };
        if matches!(outcome, Outcome::Answered | Outcome::Overloaded) {
            self.misses.store(0, Ordering::Relaxed);
        }
        let (load, health, policy) = (node.load(), node.health(), &signals.options.health);
        let tally = load.take_tally(now);
        health.count_answers(tally.answered, tally.at, policy);
        signals.options.budget.count_calls(tally.begun, now);
        load.end(begun.from(sent), now, outcome);
        let random = if outcome.is_bad() {
            fastrand::u64(..)
        } else {
            0
        };
        let outcome = if outcome == Outcome::Failed && self.has_ended_unnoticed(now) {
            Outcome::Unknown
        } else {
            outcome
        };
        if health.record(outcome, at, now, random, policy) {
            signals.tell(&self.member);
        }
        outcome
    }

    /// Whether it has ended and may have done so long ago, while nobody called because the server
    /// was left out: then it says nothing about whether the server is well. One that ends soon
    /// after it was made does.
    #[cold]
    fn has_ended_unnoticed(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) >= OLD
            && !self.client.is_available()
            && self.member.node.health().condition() != Condition::Well
    }

    /// Learns that there was no answer in time. A connection that has stalled is given up; calls
    /// in flight keep it until they end. If there are none nothing speaks for it, and it may have
    /// been forgotten on the way while it was idle: one miss is enough then.
    pub(crate) fn missed(&self) {
        let member = &self.member;
        let misses = self.misses.fetch_add(1, Ordering::Relaxed) + 1;
        let is_idle = member.node.load().in_flight() == 0;
        if is_idle || misses >= STALLED_AFTER {
            self.give_up();
        }
    }

    /// Lets a new connection be made for new calls, if that has not been done yet.
    pub(crate) fn give_up(&self) {
        if self.member.leave(self) {
            self.member.stalled.notify_one();
        }
    }

    /// Whether nothing has come over it for so long that the network may have forgotten it, and if
    /// so, after which time without an answer that is to be doubted.
    #[inline]
    pub(crate) fn doubt(&self, now: Duration) -> Option<Duration> {
        let latency = self.member.node.load().silent_for(OLD, now)?;
        let is_old = now.saturating_sub(self.since) >= OLD;
        is_old.then(|| DOUBT.max(latency.saturating_mul(DOUBT_FACTOR)))
    }
}

/// Keeps up the connection of one member.
struct Keeper {
    member: Arc<Core>,
    connector: Connector,
}

impl Keeper {
    async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            let begun = self.member.signals.now();
            match self.dial().await {
                Ok(client) => {
                    self.member.dialled(Outcome::Answered, begun);
                    let since = Instant::now();
                    let has_stalled = self.hold(client).await;
                    backoff.ended(since.elapsed());
                    // Calls may wait, and what has stalled only now did well for long.
                    if has_stalled && since.elapsed() >= OLD {
                        continue;
                    }
                }
                Err(error) => {
                    self.member.dialled(Outcome::Unreachable, begun);
                    self.member.enter(State::Down(Some(error)));
                    self.member.signals.tell(&self.member);
                }
            }
            let pause = backoff.next(fastrand::u64(..));
            // However many calls wait, and a server may refuse connections at once.
            let least = pause.min(HURRY);
            sleep(least).await;
            tokio::select! {
                biased;
                () = sleep(pause - least) => {}
                () = self.member.signals.hurry.notified() => {}
            }
        }
    }

    /// Lends the connection out until it has ended or stalled; says whether it has stalled.
    async fn hold(&self, client: Client) -> bool {
        let member = self.member.clone();
        let since = member.signals.now();
        let link = Arc::new(Link {
            client,
            member,
            since,
            misses: AtomicU32::new(0),
            is_given_up: AtomicBool::new(false),
        });
        self.member.enter(State::Up(link.clone()));
        self.member.signals.arrived.notify_one();
        self.member.signals.tell(&self.member);
        // A signal may be meant for an earlier connection.
        while self.member.has(&link) {
            tokio::select! {
                biased;
                () = link.client.closed() => {
                    self.member.leave(&link);
                }
                () = self.member.stalled.notified() => {}
            }
        }
        self.member.signals.tell(&self.member);
        link.client.is_available()
    }

    /// Makes a connection, when not too many others are being made.
    async fn dial(&self) -> Result<Client> {
        let signals = &self.member.signals;
        // Nobody closes it.
        let _turn = signals.dials.acquire().await;
        let limit = self
            .connector
            .connect_timeout()
            .map_or(signals.options.connect_timeout, |limit| {
                limit.min(signals.options.connect_timeout)
            });
        let dial = async {
            let address = self.member.address.clone();
            (signals.options.dial)(self.connector.clone(), address).await
        };
        // A user's function may panic. The server is dialled again nevertheless.
        let dial = AssertUnwindSafe(dial).catch_unwind();
        let cause = match timeout(limit, dial).await {
            Ok(Ok(result)) => return result,
            Ok(Err(_)) => "the function that dials has panicked".to_owned(),
            Err(_) => format!("no connection within {limit:?}"),
        };
        Err(Error::Connect {
            address: self.member.address.to_string(),
            cause: Cause::new(cause),
        })
    }
}
