//! One client for many servers: what users hold.
//!
//! `builder.rs` is its options, `call.rs` a call and everything that may have to be done for it,
//! `many.rs` the same call at every server, and `verbs.rs` what that is good for.

mod builder;
mod call;
mod many;
mod verbs;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc_core::{Address, CallOptions, Caller, Error, Result};
use wgrpc_gob::Gob;

pub use builder::XClientBuilder;
pub use call::XCall;

use crate::pool;

/// A client of many servers that offer the same: it knows where they are, keeps a connection to
/// each, gives each call to one of them, and tries another one where that is safe.
///
/// Clones share everything. When the last is dropped, or its calls have ended, the connections do.
///
/// ```no_run
/// # async fn example() -> wgrpc_core::Result<()> {
/// use wgrpc_cluster::{SelectMode, ServerList, XClient};
///
/// let servers = ServerList::parse(["tcp@10.0.0.1:9000", "tcp@10.0.0.2:9000"])?;
/// let client = XClient::builder().select(SelectMode::PeakEwma).start(servers)?;
/// let upper: String = client.call("Text.Upper", "hello").await?;
/// # Ok(())
/// # }
/// ```
///
/// A typed client takes it in the place of a [`Client`](wgrpc_core::Client).
#[derive(Clone)]
pub struct XClient(Arc<pool::Owner>);

/// A server as a client sees it at the moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerState {
    /// Where it is.
    pub address: Address,
    /// Whether there is a connection to it.
    pub is_connected: bool,
    /// Why there is none, if one was tried.
    pub error: Option<Error>,
    /// Whether it gets calls.
    pub is_usable: bool,
    /// Calls in flight.
    pub in_flight: u32,
    /// How long calls take there: a moving average. `None` if none has been answered.
    pub latency: Option<Duration>,
}

impl XClient {
    /// A client with options.
    pub fn builder() -> XClientBuilder {
        XClientBuilder::default()
    }

    /// Calls `method` (`Service.Method`) with `args` at one of the servers.
    ///
    /// If one of them is connected the request is on its way when this returns. What else there is
    /// to do, waiting for a server or trying another one, is done while the call is polled.
    pub fn call<A, R>(&self, method: &str, args: &A) -> XCall<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.call_with(method, args, CallOptions::new())
    }

    /// [Calls](Self::call) with options of the call's own.
    pub fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> XCall<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        XCall::start(&self.0.pool, method, args, options)
    }

    /// Every server that is known, and how it is doing.
    pub fn servers(&self) -> Vec<ServerState> {
        self.0.pool.servers()
    }

    /// Asks the discovery again now.
    ///
    /// # Errors
    /// Those of [`Discovery::refresh`](crate::Discovery::refresh).
    pub async fn refresh(&self) -> Result<()> {
        self.0.pool.discovery.refresh().await
    }

    /// Waits until a server can be called, for as long as that takes.
    pub async fn ready(&self) {
        self.0.pool.ready().await;
    }
}

impl Caller for XClient {
    type Call<R: DeserializeOwned + Send + 'static> = XCall<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> XCall<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        Self::call_with(self, method, args, options)
    }
}

impl fmt::Debug for XClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XClient")
            .field("retry", &self.0.pool.signals.options.retry)
            .field("servers", &self.servers())
            .finish()
    }
}
