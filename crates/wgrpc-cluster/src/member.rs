//! One server of a cluster, and the connection that is kept up to it.
//!
//! A task of its own dials, waits for the end of the connection and dials again. Nobody else ever
//! waits for a dial while holding anything, so a server that does not answer costs the calls to
//! the others nothing.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use wgrpc_core::{Address, BoxFuture, Cause, Client, Connector, Error, Result};

use crate::backoff::Backoff;
use crate::balance::Node;
use crate::discovery::Endpoint;
use crate::health::Condition;
use crate::outcome::Outcome;
use crate::pool::Signals;

/// How long a connection may take to come up.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// So many calls in a row whose time was up, without any reply meanwhile, and new calls get a new
/// connection; the old one lives until its calls have ended.
const STALLED_AFTER: u32 = 3;

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
    state: Mutex<State>,
    /// Calls in a row whose time was up.
    misses: AtomicU32,
    /// Ends the wait for the next dial.
    hurry: Notify,
    /// Ends the wait for the end of a connection that has stalled.
    stalled: Notify,
}

/// Whether there is a connection.
enum State {
    Up(Link),
    /// Why there is none; `None` before the first dial has ended.
    Down(Option<Error>),
}

/// A connection of a member, told apart from its earlier ones.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) client: Client,
    number: u64,
}

impl Member {
    /// Begins to keep up a connection to `endpoint`.
    pub(crate) fn start(
        endpoint: &Endpoint,
        connector: &Connector,
        dial: &Dial,
        signals: &Arc<Signals>,
    ) -> Arc<Self> {
        let core = Arc::new(Core {
            address: endpoint.address.clone(),
            node: Node::new(endpoint.clone()),
            state: Mutex::new(State::Down(None)),
            misses: AtomicU32::new(0),
            hurry: Notify::new(),
            stalled: Notify::new(),
        });
        let keeper = Keeper {
            member: core.clone(),
            connector: connector.clone(),
            dial: dial.clone(),
            signals: signals.clone(),
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
    }
}

impl Core {
    /// The connection, if calls can be made over it.
    #[inline]
    pub(crate) fn link(&self) -> Option<Link> {
        match &*self.state.lock() {
            State::Up(link) if link.client.is_available() => Some(link.clone()),
            _ => None,
        }
    }

    /// Whether there is a connection.
    pub(crate) fn is_up(&self) -> bool {
        matches!(&*self.state.lock(), State::Up(link) if link.client.is_available())
    }

    /// Why there is no connection, if one was tried.
    pub(crate) fn why_down(&self) -> Option<Error> {
        match &*self.state.lock() {
            State::Up(_) => None,
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

    /// Dials now instead of later, if it waits for that.
    pub(crate) fn hurry(&self) {
        if matches!(&*self.state.lock(), State::Down(_)) {
            self.hurry.notify_one();
        }
    }

    /// Learns that there was an answer over the connection.
    #[inline]
    pub(crate) fn answered(&self) {
        if self.misses.load(Ordering::Relaxed) != 0 {
            self.misses.store(0, Ordering::Relaxed);
        }
    }

    /// Learns that there was no answer over `link` in time.
    pub(crate) fn missed(&self, link: &Link) {
        let misses = self.misses.fetch_add(1, Ordering::Relaxed) + 1;
        if misses >= STALLED_AFTER {
            self.replace(link);
        }
    }

    /// Notes what an attempt to connect came to. That a sick server can be reached says nothing
    /// about whether it answers.
    fn dialled(&self, outcome: Outcome, begun: Duration, signals: &Signals) {
        let health = self.node.health();
        if outcome == Outcome::Unreachable || health.condition() == Condition::Unreachable {
            let (now, policy) = (signals.now(), &signals.policy);
            health.record(outcome, begun, now, fastrand::u64(..), policy);
        }
    }

    /// Gives up a connection that has stalled; calls in flight keep it until they end.
    fn replace(&self, stalled: &Link) {
        let mut state = self.state.lock();
        if matches!(&*state, State::Up(link) if link.number == stalled.number) {
            *state = State::Down(None);
            drop(state);
            self.misses.store(0, Ordering::Relaxed);
            self.stalled.notify_one();
        }
    }
}

/// Keeps up the connection of one member.
struct Keeper {
    member: Arc<Core>,
    connector: Connector,
    dial: Dial,
    signals: Arc<Signals>,
}

impl Keeper {
    async fn run(self) {
        let mut backoff = Backoff::default();
        for number in 0.. {
            let begun = self.signals.now();
            match self.dial().await {
                Ok(client) => {
                    self.member.dialled(Outcome::Answered, begun, &self.signals);
                    let since = Instant::now();
                    self.hold(Link { client, number }).await;
                    backoff.ended(since.elapsed());
                }
                Err(error) => {
                    self.member
                        .dialled(Outcome::Unreachable, begun, &self.signals);
                    *self.member.state.lock() = State::Down(Some(error));
                    self.signals.changed.notify_one();
                }
            }
            let pause = backoff.next(fastrand::u64(..));
            tokio::select! {
                () = sleep(pause) => {}
                () = self.member.hurry.notified() => {}
            }
        }
    }

    /// Lends the connection out until it has ended or stalled.
    async fn hold(&self, link: Link) {
        let Link { client, number } = link.clone();
        *self.member.state.lock() = State::Up(link);
        self.signals.changed.notify_one();
        let is_held =
            || matches!(&*self.member.state.lock(), State::Up(link) if link.number == number);
        while is_held() {
            tokio::select! {
                () = client.closed() => *self.member.state.lock() = State::Down(None),
                () = self.member.stalled.notified() => {}
            }
        }
        self.signals.changed.notify_one();
    }

    async fn dial(&self) -> Result<Client> {
        let limit = self
            .connector
            .connect_timeout()
            .map_or(CONNECT_TIMEOUT, |limit| limit.min(CONNECT_TIMEOUT));
        let address = self.member.address.clone();
        let dial = (self.dial)(self.connector.clone(), address);
        match timeout(limit, dial).await {
            Ok(result) => result,
            Err(_) => Err(Error::Connect {
                address: self.member.address.to_string(),
                cause: Cause::new(format!("no connection within {limit:?}")),
            }),
        }
    }
}
