//! The options of a client.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Client;
use super::connector::{Connector, Options};
use crate::address::{Address, AddressError};
use crate::codec::{Codec, Encoding, Formats};
use crate::error::{Error, Result};
use crate::header::Meta;
use crate::limits::ClientLimits;
use crate::middleware::Middleware;
use crate::protocol;
use crate::transport::Lookup;

/// Options of a client.
///
/// ```no_run
/// # async fn example() -> wgrpc_core::Result<()> {
/// use std::time::Duration;
/// use wgrpc_core::Client;
///
/// let client = Client::builder()
///     .codec("application/json")
///     .timeout(Duration::from_secs(2))
///     .meta("token", "letmein")
///     .connect("unix@/run/arith.sock")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ClientBuilder {
    codec: String,
    formats: Formats,
    connect_timeout: Option<Duration>,
    handle_timeout: Duration,
    timeout: Option<Duration>,
    limits: ClientLimits,
    middleware: Vec<Arc<dyn Middleware>>,
    meta: Meta,
    lookup: Lookup,
    error: Option<Error>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            codec: protocol::GOB.to_owned(),
            formats: Formats::default(),
            connect_timeout: Some(Duration::from_secs(10)),
            handle_timeout: Duration::ZERO,
            timeout: Some(Duration::from_secs(30)),
            limits: ClientLimits::default(),
            middleware: Vec::new(),
            meta: Meta::new(),
            lookup: Lookup::default(),
            error: None,
        }
    }
}

impl ClientBuilder {
    /// Which codec to speak, by its name: `application/gob` (the default), `application/json`,
    /// or one added by [`add_codec`](Self::add_codec).
    pub fn codec(mut self, name: impl Into<String>) -> Self {
        self.codec = name.into();
        self
    }

    /// Adds a codec of your own and speaks it.
    pub fn add_codec(mut self, codec: impl Codec) -> Self {
        self.codec = codec.name().to_owned();
        if let Err(error) = self.formats.add(Arc::new(codec)) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// How long connecting may take, the handshake included: 10 s unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Connecting may take for ever.
    pub fn no_connect_timeout(mut self) -> Self {
        self.connect_timeout = None;
        self
    }

    /// How long a call may take unless it says otherwise: 30 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A call may take for ever unless it says otherwise.
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Asks the server to end each request of this connection with an error after this time.
    /// Zero, the default, asks for no limit.
    pub fn handle_timeout(mut self, timeout: Duration) -> Self {
        self.handle_timeout = timeout;
        self
    }

    /// Sends this metadata with every call. Servers written in Go ignore it.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.meta.insert(key, value);
        self
    }

    /// Puts `middleware` around every call, inside of what was added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Finds the IP addresses of a host in another way than the system does: by a table, say, or by
    /// DNS over TLS. It is asked for names only.
    pub fn resolver<F, L>(mut self, resolver: F) -> Self
    where
        F: Fn(String) -> L + Send + Sync + 'static,
        L: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        self.lookup.set_resolver(resolver);
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: ClientLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Checks the options, and makes connections of them.
    ///
    /// # Errors
    /// [`Error::Setup`] for a codec that nobody added, [`Error::Limit`] for too much metadata.
    pub fn connector(self) -> Result<Connector> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let Some(format) = self.formats.find(&self.codec) else {
            return Err(Error::Setup(format!("no codec is named `{}`", self.codec)));
        };
        if let Some(excess) = self.meta.excess() {
            return Err(Error::Limit(excess));
        }
        let options = Arc::new(Options {
            encoding: Encoding::new(format.clone(), self.limits.message.clone()),
            format,
            connect_timeout: self.connect_timeout,
            handle_timeout: self.handle_timeout,
            timeout: self.timeout,
            limits: self.limits,
            middleware: self.middleware,
            meta: self.meta,
        });
        Ok(Connector {
            options,
            lookup: self.lookup,
        })
    }

    /// Connects to `protocol@address`.
    ///
    /// # Errors
    /// Those of [`connector`](Self::connector) and of [`Connector::connect`].
    pub async fn connect(
        self,
        address: impl TryInto<Address, Error: Into<AddressError>>,
    ) -> Result<Client> {
        self.connector()?.connect(address).await
    }

    /// Speaks over a stream that is connected already: anything that reads and writes bytes, as
    /// one half of [`tokio::io::duplex`] or a TLS stream.
    ///
    /// # Errors
    /// Those of [`connector`](Self::connector).
    pub fn from_stream<S>(self, stream: S) -> Result<Client>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        Ok(self.connector()?.from_stream(stream))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("codec", &self.codec)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("handle_timeout", &self.handle_timeout)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
