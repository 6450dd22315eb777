//! The client: one connection, many calls at a time.
//!
//! [`Client`] is a cheap handle. Its options (`builder`) make any number of connections
//! (`connector`). A call is encoded and put into the outbox by whoever makes it
//! (`call`, `exchange`), waits in a table (`pending`), and is answered by the connection's one task
//! (`driver`), which reads replies and leaves decoding them to the callers.

mod builder;
mod call;
mod connector;
mod driver;
mod exchange;
mod numbers;
mod pending;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::time::Instant;
use wgrpc_gob::Gob;

pub use builder::ClientBuilder;
pub use call::{Call, Stay};
pub use connector::{Arguments, Connector};

use crate::address::{Address, AddressError};
use crate::caller::{CallOptions, Caller};
use crate::codec::{Body, Decoding};
use crate::connection::Outbox;
use crate::error::{Cause, Error, Result};
use crate::header::Meta;
use crate::protocol::Ext;
use crate::transport::Peer;

use connector::Options;
use numbers::Numbers;
use pending::Pending;

/// Why no more calls are made over a connection whose server has begun to go away.
const SHUTTING_DOWN: &str = "the server is shutting down";

/// A connection to a server, over which any number of calls run at a time.
///
/// Clones share the connection. It never reconnects: once it is lost, every call says so. When
/// the last clone is dropped, or on [`close`](Self::close), the connection ends and the calls
/// that are still in flight with it.
///
/// ```no_run
/// # async fn example() -> wgrpc_core::Result<()> {
/// use wgrpc_core::Client;
///
/// let client = Client::connect("tcp@127.0.0.1:9000").await?;
/// let upper: String = client.call("Text.Upper", "hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Owner>);

/// Closes the connection with the last handle; calls in flight do not keep it open.
struct Owner(Arc<Shared>);

/// What handles, calls and the connection's task share.
struct Shared {
    outbox: Outbox<State>,
    decoding: Decoding,
    options: Arc<Options>,
    peer: Peer,
    /// Whether no more calls can be made, for those who only ask.
    is_over: AtomicBool,
    /// What the server has said that it understands.
    server_ext: AtomicU64,
    /// Tells those who wait for it that no more calls can be made.
    ended: Notify,
}

/// The calls of a connection: what changes with each of them, under the lock of the outbox.
struct State {
    pending: Pending<Reply>,
    /// The methods that the server knows by numbers, if it understands these.
    numbers: Option<Box<Numbers>>,
    /// Why no more calls are possible.
    closed: Option<Error>,
    /// Whether the owner has closed the client, lost or not.
    is_closed_by_owner: bool,
    /// Whether the server has said that it shuts down: calls in flight may still be answered, but
    /// no more are made.
    is_draining: bool,
    /// When replies were last handed to their calls.
    delivered: Instant,
    /// When the connection's task wakes up by itself to look at deadlines.
    armed: Option<Instant>,
    /// Whether the connection's task looks for replies instead of sleeping, if it is awake.
    is_looking: bool,
}

/// A successful answer.
#[derive(Debug)]
struct Reply {
    body: Body<'static>,
    meta: Meta,
}

impl Client {
    /// Connects to `protocol@address`, with the defaults of [`builder`](Self::builder).
    ///
    /// # Errors
    /// [`Error::Address`] for an address that is none, [`Error::Connect`] if nobody answers there
    /// or the time for it (10 s) is up.
    pub async fn connect(
        address: impl TryInto<Address, Error: Into<AddressError>>,
    ) -> Result<Self> {
        Self::builder().connect(address).await
    }

    /// A client with options.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Calls `method` (`Service.Method`) with `args`.
    ///
    /// The request is on its way when this returns; the call is the answer to come. `R` is the
    /// type of the reply; `()` takes any reply and drops it.
    pub fn call<A, R>(&self, method: &str, args: &A) -> Call<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned,
    {
        self.call_with(method, args, CallOptions::new())
    }

    /// [Calls](Self::call) with options of the call's own.
    pub fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Call<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned,
    {
        Call::start(&self.0.0, method, args, options)
    }

    /// Calls `method` with arguments that its [`Connector`] has encoded: once for any number of
    /// calls over any of its connections.
    ///
    /// The call fails with [`Error::Setup`] if the connector of another codec has encoded them, or
    /// any other connector if there are types in them that only show at run time.
    pub fn call_encoded<R>(&self, method: &str, args: &Arguments, options: CallOptions) -> Call<R>
    where
        R: DeserializeOwned,
    {
        self.call_encoded_at(method, args, options, Instant::now())
    }

    /// [Calls](Self::call_encoded) at the moment `now`, for callers who have looked at the clock
    /// already: a call's time begins then.
    pub fn call_encoded_at<R>(
        &self,
        method: &str,
        args: &Arguments,
        options: CallOptions,
        now: Instant,
    ) -> Call<R>
    where
        R: DeserializeOwned,
    {
        Call::start_encoded(&self.0.0, method, args, options, now)
    }

    /// Whether calls can be made: the client was not closed, the connection is not known to be
    /// lost and the server has not said that it shuts down.
    pub fn is_available(&self) -> bool {
        !self.0.0.is_over.load(Ordering::Acquire)
    }

    /// Waits until no more calls can be made: until the client is not
    /// [available](Self::is_available) any more.
    pub async fn closed(&self) {
        let mut ended = std::pin::pin!(self.0.0.ended.notified());
        ended.as_mut().enable();
        if self.is_available() {
            ended.await;
        }
    }

    /// Ends the connection. Calls in flight end with [`Error::Closed`].
    ///
    /// # Errors
    /// [`Error::Closed`] if it was closed before.
    pub fn close(&self) -> Result<()> {
        let shared = &self.0.0;
        // A connection that was lost can be closed, once.
        if std::mem::replace(&mut shared.outbox.lock().is_closed_by_owner, true) {
            return Err(Error::Closed { sent: false });
        }
        shared.end(Error::Closed { sent: true });
        Ok(())
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        &self.0.0.peer
    }

    /// The extensions that the server has shown to know; none before its first reply, and none
    /// ever from a Go server.
    pub fn server_extensions(&self) -> Ext {
        Ext(self.0.0.server_ext.load(Ordering::Relaxed))
    }
}

impl Caller for Client {
    type Call<R: DeserializeOwned + Send + 'static> = Call<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        Self::call_with(self, method, args, options)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("peer", self.peer())
            .field("is_available", &self.is_available())
            .finish_non_exhaustive()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.end(Error::Closed { sent: true });
    }
}

impl Shared {
    /// Ends the connection: every call in flight fails with `error`, later ones are not sent.
    fn end(&self, error: Error) {
        let mut wakers = Vec::new();
        {
            let mut state = self.outbox.lock();
            if state.closed.is_some() {
                return;
            }
            state.pending.fail_all(&error, |waker| wakers.push(waker));
            state.closed = Some(error.clone());
            self.is_over.store(true, Ordering::Release);
        }
        self.outbox.close(Cause::new(error.to_string()));
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.ended.notify_waiters();
        self.outbox.wake();
    }
}

/// What a call is told that is made after the connection has ended with `error`.
fn not_sent(error: &Error) -> Error {
    match error {
        Error::Closed { .. } => Error::Closed { sent: false },
        Error::Lost(cause) => Error::NotSent(cause.clone()),
        other => Error::NotSent(Cause::new(other.to_string())),
    }
}
