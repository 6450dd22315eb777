//! The server: services behind any number of listeners, and the connections that they bring.
//!
//! [`services`] says what is served. `listener` accepts connections, `handshake` finds out what
//! each of them speaks, `connection` serves it, and `link` is what a connection shares with the
//! handlers that work for it.

mod builder;
mod connection;
mod handshake;
mod link;
mod listener;
mod request;
mod services;

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use builder::ServerBuilder;

use crate::address::{Address, AddressError};
use crate::announcer::Announcer;
use crate::client::Client;
use crate::codec::Formats;
use crate::connection::Budget;
use crate::error::{Error, Result};
use crate::http::DebugPage;
use crate::limits::ServerLimits;
use crate::middleware::Middleware;
use crate::service::IntoService;
use crate::transport::Io;

use link::Link;
use listener::Guests;
use services::Services;

/// How large the buffers of an in-memory connection are, in each direction.
const MEMORY_BUFFER: usize = 64 << 10;

/// A server: services, the addresses it listens on, and its connections.
///
/// Clones are handles of the same server. When the last one is dropped everything stops at once;
/// [`shutdown`](Self::shutdown) ends it without losing an accepted request.
///
/// ```no_run
/// # async fn example(arith: wgrpc_core::Service) -> wgrpc_core::Result<()> {
/// use wgrpc_core::Server;
///
/// let server = Server::builder().register(arith).listen("tcp@127.0.0.1:9000").await?;
/// server.listen("unix@/run/arith.sock").await?;
/// tokio::signal::ctrl_c().await.ok();
/// server.shutdown().await
/// # }
/// ```
#[derive(Clone)]
pub struct Server(Arc<Owner>);

/// Stops the server with the last handle.
struct Owner(Arc<Shared>);

/// How far a server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Not at all.
    Running,
    /// New requests are refused, those that were accepted are answered.
    Draining,
    /// Everything stops.
    Killed,
}

/// What the parts of a server share.
struct Shared {
    services: Services,
    formats: Formats,
    limits: ServerLimits,
    middleware: Vec<Arc<dyn Middleware>>,
    debug_page: DebugPage,
    announcers: Vec<Arc<dyn Announcer>>,
    phase: AtomicU8,
    /// Ends what waits for something else than a connection's task: accepting, handshakes, HTTP.
    stop: CancellationToken,
    /// Ends what may go on for a while when the server stops: HTTP.
    kill: CancellationToken,
    /// Every task of the server.
    tasks: TaskTracker,
    addresses: Mutex<Vec<Address>>,
    /// The connections, to be told when the phase changes.
    links: Mutex<Vec<Weak<Link>>>,
    guests: Mutex<Guests>,
    /// What long requests may take.
    budget: Arc<Budget>,
    /// Requests that wait for their handlers, on all connections.
    in_flight: Arc<AtomicUsize>,
}

impl Server {
    /// A server with options, and services to be registered.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Registers one more service.
    ///
    /// # Errors
    /// [`Error::Setup`] if there is a service of this name, or one of its methods cannot be
    /// served.
    pub fn register(&self, service: impl IntoService) -> Result<()> {
        self.shared().services.add(service.into_service())
    }

    /// Listens on one more address. Returns the address with its real port.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Listen`], or [`Error::Setup`] if the server is shutting down.
    pub async fn listen(
        &self,
        address: impl TryInto<Address, Error: Into<AddressError>>,
    ) -> Result<Address> {
        listener::listen(self.shared(), address.try_into().map_err(Into::into)?).await
    }

    /// The address of the first listener.
    ///
    /// # Panics
    /// If the server listens nowhere. [`addresses`](Self::addresses) does not panic.
    #[expect(
        clippy::expect_used,
        reason = "documented; nearly every server listens somewhere"
    )]
    pub fn address(&self) -> Address {
        self.addresses()
            .into_iter()
            .next()
            .expect("the server listens on no address")
    }

    /// The addresses of all listeners, in the order in which they were added.
    pub fn addresses(&self) -> Vec<Address> {
        self.shared().addresses.lock().clone()
    }

    /// Serves one connection that is established already: anything that reads and writes bytes.
    /// Returns when the connection has ended.
    pub async fn serve_connection<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let io = Io::from_stream(stream);
        let shared = self.shared();
        let serving = shared.tasks.spawn(handshake::serve(shared.clone(), io));
        // It ends by itself or with the server; it does not panic.
        let _ = serving.await;
    }

    /// A client of this server, connected in memory: the whole way, without a socket. For tests,
    /// and for callers in the same process.
    ///
    /// # Errors
    /// None in fact; the type is that of every way to connect.
    pub fn connect(&self) -> Result<Client> {
        let (ours, theirs) = tokio::io::duplex(MEMORY_BUFFER);
        let shared = self.shared();
        shared
            .tasks
            .spawn(handshake::serve(shared.clone(), Io::from_stream(theirs)));
        Client::builder().from_stream(ours)
    }

    /// Ends the server without losing a request that it has accepted: it has its end
    /// [announced](crate::Announcer::down), stops accepting, refuses new requests as not executed,
    /// answers what it has, and closes every connection in a way that lets the last replies
    /// arrive. After the drain time (30 s unless set otherwise) it stops what is left.
    ///
    /// # Errors
    /// [`Error::Limit`] if handlers were still at work after the drain time and were stopped.
    pub async fn shutdown(&self) -> Result<()> {
        let shared = self.shared();
        for announcer in &shared.announcers {
            announcer.down().await;
        }
        shared.enter(Phase::Draining);
        shared.tasks.close();
        let drain = shared.limits.drain;
        if tokio::time::timeout(drain, shared.tasks.wait())
            .await
            .is_ok()
        {
            return Ok(());
        }
        let stopped = shared.in_flight();
        shared.enter(Phase::Killed);
        shared.tasks.wait().await;
        if stopped == 0 {
            return Ok(());
        }
        let what = format!("{stopped} requests were stopped after the limit `drain` of {drain:?}");
        Err(Error::Limit(what))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .field("phase", &self.shared().phase())
            .finish_non_exhaustive()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.enter(Phase::Killed);
    }
}

impl Shared {
    #[inline]
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Killed,
        }
    }

    /// How many requests wait for their handlers.
    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Goes on to `phase`, and tells everybody.
    fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.stop.cancel();
        if phase == Phase::Killed {
            self.kill.cancel();
        }
        for link in self.links.lock().iter().filter_map(Weak::upgrade) {
            link.outbox.wake();
        }
    }

    /// Remembers a connection, until it has ended.
    fn remember(&self, link: &Arc<Link>) {
        let mut links = self.links.lock();
        // Every so often the dead are counted out; on average this costs nothing.
        if links.len() == links.capacity() {
            links.retain(|link| link.strong_count() > 0);
        }
        links.push(Arc::downgrade(link));
    }
}
