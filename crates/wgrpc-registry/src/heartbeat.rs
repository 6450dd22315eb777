//! What keeps a server in a registry: it beats at once, then regularly, and never gives up.
//!
//! `rhythm.rs` says when. A server knows it as an [`Announcer`].

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use wgrpc_core::{Address, Announcer, BoxFuture, Protocol};

use crate::client::RegistryClient;
use crate::error::{Error, Result};
use crate::lease::{Registration, ServerMeta};
use crate::policy;
use crate::rhythm::{Rhythm, TTL};

/// How long a server goes on after it was taken off the list: clients ask every 10 s.
const LINGER: Duration = Duration::from_secs(12);

/// Registers a server for as long as it lives.
///
/// It registers as soon as the server listens, again every 30 s (a third of the
/// [time to live](Self::ttl), give or take a tenth), and after a failure in 1 s, then less and less
/// often, at least every 18 s, for ever. When the server [shuts down](Announcer::down) it is taken
/// off the list, and goes on for another 12 s, in which its clients turn to others.
///
/// ```
/// use wgrpc_core::Server;
/// use wgrpc_registry::{Heartbeat, Registry, RegistryClient};
///
/// # #[tokio::main]
/// # async fn main() -> wgrpc_core::Result<()> {
/// # use std::time::Duration;
/// let registry = Registry::builder().build().listen("127.0.0.1:0").await?;
///
/// let heartbeat = Heartbeat::new(registry.url())?.group("Arith").weight(3);
/// # let heartbeat = heartbeat.linger(Duration::ZERO);
/// let mut state = heartbeat.state();
/// let builder = Server::builder().announcer(heartbeat);
/// let server = builder.listen("tcp@127.0.0.1:0").await?;
///
/// state.wait_for(|state| state.is_registered()).await.expect("the server is there");
/// let listing = RegistryClient::new(registry.url())?.list(Some("Arith")).await?;
/// assert_eq!(listing.servers[0].address, server.address());
/// server.shutdown().await
/// # }
/// ```
pub struct Heartbeat {
    client: RegistryClient,
    group: String,
    ttl: Duration,
    meta: ServerMeta,
    advertise: Option<Address>,
    linger: Duration,
    shared: Arc<Shared>,
    task: Mutex<Option<AbortOnDrop>>,
}

struct Shared {
    /// What the server listens on.
    addresses: Mutex<Vec<Address>>,
    /// There is a new address.
    more: Notify,
    is_stopped: watch::Sender<bool>,
    state: watch::Sender<HeartbeatState>,
}

/// How a [`Heartbeat`] is getting on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HeartbeatState {
    /// There is no server to register yet.
    Idle,
    /// The last beat arrived: the server is registered.
    Registered,
    /// So many beats in a row did not arrive. The server may still be listed, and another beat
    /// comes soon.
    Failing {
        /// How many.
        failures: u32,
        /// What was wrong with the last one.
        error: Error,
    },
    /// It was stopped, and the server taken off the list if that was possible.
    Stopped,
}

impl HeartbeatState {
    /// Whether the last beat arrived.
    pub fn is_registered(&self) -> bool {
        matches!(self, Self::Registered)
    }
}

impl Heartbeat {
    /// A heartbeat to the registry at this URL: `http://host:port/wgrpc/registry`.
    ///
    /// # Errors
    /// If it is no such URL.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        Ok(Self::of_client(RegistryClient::new(url)?))
    }

    /// A heartbeat through a client of the registry that has been set up already.
    pub fn of_client(client: RegistryClient) -> Self {
        Self {
            client,
            group: String::new(),
            ttl: TTL,
            meta: ServerMeta::default(),
            advertise: None,
            linger: LINGER,
            shared: Arc::new(Shared {
                addresses: Mutex::default(),
                more: Notify::new(),
                is_stopped: watch::Sender::new(false),
                state: watch::Sender::new(HeartbeatState::Idle),
            }),
            task: Mutex::default(),
        }
    }

    /// The group that the server belongs to; none unless said so.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = group.into();
        self
    }

    /// How much of the load the server is to get, beside the others; 1 is usual.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.meta.weight = weight;
        self
    }

    /// The zone that the server is in.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.meta.zone = Some(zone.into());
        self
    }

    /// The version that the server runs.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.meta.version = Some(version.into());
        self
    }

    /// Everything that the server says of itself.
    #[must_use]
    pub fn meta(mut self, meta: ServerMeta) -> Self {
        self.meta = meta;
        self
    }

    /// How long the server is listed after its last beat; 90 s. It beats three times in that
    /// time. A Go registry has its own idea of it.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The address to register, in place of those that the server listens on: what clients see from
    /// outside of a container, say.
    ///
    /// Without it a server that listens on every interface is registered with the address from
    /// which it reaches the registry, and Unix sockets are not registered.
    #[must_use]
    pub fn advertise(mut self, address: impl Into<Address>) -> Self {
        self.advertise = Some(address.into());
        self
    }

    /// How long a server that shuts down goes on after it was taken off the list; 12 s, since
    /// clients ask every 10 s.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Shows this token to the registry.
    ///
    /// # Errors
    /// If it has characters that cannot be sent.
    pub fn token(mut self, token: &str) -> Result<Self> {
        self.client = self.client.token(token)?;
        Ok(self)
    }

    /// How it is getting on, as from now on.
    pub fn state(&self) -> watch::Receiver<HeartbeatState> {
        self.shared.state.subscribe()
    }

    fn beats(&self) -> Beats {
        Beats {
            client: self.client.clone(),
            template: Template {
                group: self.group.clone(),
                ttl: self.ttl,
                meta: self.meta.clone(),
            },
            shared: Arc::clone(&self.shared),
            rhythm: Rhythm::of(self.ttl),
        }
    }
}

impl Announcer for Heartbeat {
    fn up(&self, address: &Address) {
        let address = self.advertise.as_ref().unwrap_or(address);
        if address.protocol() == Protocol::Unix {
            tracing::debug!(%address, "a Unix socket is not registered");
            return;
        }
        let mut addresses = self.shared.addresses.lock();
        if addresses.contains(address) {
            return;
        }
        addresses.push(address.clone());
        drop(addresses);
        let mut task = self.task.lock();
        if task.is_none() {
            *task = Some(AbortOnDrop(tokio::spawn(self.beats().run())));
        }
        drop(task);
        self.shared.more.notify_one();
    }

    fn down(&self) -> BoxFuture<'_, ()> {
        let task = self.task.lock().take();
        self.shared.is_stopped.send_replace(true);
        let linger = self.linger;
        Box::pin(async move {
            // Without a task nobody was registered.
            let Some(task) = task else { return };
            if task.finish().await {
                tokio::time::sleep(linger).await;
            }
        })
    }
}

/// A task that ends with its owner.
struct AbortOnDrop(JoinHandle<()>);

impl AbortOnDrop {
    /// Waits for its end, and says whether it came by itself.
    async fn finish(mut self) -> bool {
        (&mut self.0).await.is_ok()
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The task that beats.
struct Beats {
    client: RegistryClient,
    template: Template,
    shared: Arc<Shared>,
    rhythm: Rhythm,
}

/// A registration but for its address.
struct Template {
    group: String,
    ttl: Duration,
    meta: ServerMeta,
}

impl Beats {
    async fn run(mut self) {
        let mut is_stopped = self.shared.is_stopped.subscribe();
        let mut failures = 0_u32;
        let mut registered = Vec::new();
        loop {
            // Never given up half way: a beat that overtook the farewell would undo it.
            let outcome = self.beat(&mut registered).await;
            let pause = match outcome {
                Ok(()) => {
                    failures = 0;
                    self.shared.state.send_replace(HeartbeatState::Registered);
                    self.rhythm.after_success(fastrand::f64())
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    if failures == 1 {
                        tracing::warn!(%error, "the server cannot be registered just now");
                    }
                    let state = HeartbeatState::Failing { failures, error };
                    self.shared.state.send_replace(state);
                    self.rhythm.after_failure(fastrand::f64())
                }
            };
            tokio::select! {
                biased;
                // Before all else: another beat could take as long as the registry is patient.
                _ = is_stopped.wait_for(|is_stopped| *is_stopped) => break,
                () = self.shared.more.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        for address in &registered {
            // Where that fails, as with a Go registry, the lease runs out by itself.
            if let Err(error) = self.client.deregister(&self.template.group, address).await {
                tracing::debug!(%address, %error, "the server cannot be taken off the list");
            }
        }
        self.shared.state.send_replace(HeartbeatState::Stopped);
    }

    /// Registers every address once, and notes what may be registered as from now on.
    async fn beat(&self, registered: &mut Vec<Address>) -> Result<()> {
        let addresses = self.shared.addresses.lock().clone();
        for address in addresses {
            let address = self.reachable(address).await?;
            if !registered.contains(&address) {
                registered.push(address.clone());
            }
            let registration = Registration {
                address,
                group: self.template.group.clone(),
                ttl: Some(self.template.ttl),
                meta: self.template.meta.clone(),
            };
            self.client.register(&registration).await?;
        }
        Ok(())
    }

    /// The address by which others reach a server that listens on every interface.
    async fn reachable(&self, address: Address) -> Result<Address> {
        let Some(port) = policy::port_on_every_interface(&address) else {
            return Ok(address);
        };
        let ip = self.client.local_ip().await?;
        let socket = SocketAddr::new(ip, port);
        Ok(format!("{}@{socket}", address.protocol()).parse()?)
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat")
            .field("registry", &self.client.url())
            .field("state", &*self.shared.state.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
