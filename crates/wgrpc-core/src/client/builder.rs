//! How a client connects.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};

use super::driver::Driver;
use super::pending::Pending;
use super::{Client, Owner, Shared, State};
use crate::address::{Address, AddressError};
use crate::codec::{Codec, Encoding, Formats, Receiver, Sender};
use crate::connection::{Inbox, Outbox};
use crate::error::{Cause, Error, Result};
use crate::header::Meta;
use crate::limits::ClientLimits;
use crate::middleware::Middleware;
use crate::protocol::{self, ConnectOption, Ext};
use crate::transport::{self, Io};

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

    /// Sets the limits.
    pub fn limits(mut self, limits: ClientLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Connects to `protocol@address`.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Setup`] for a codec that nobody added, [`Error::Connect`] if
    /// there is no connection within the connect timeout.
    pub async fn connect(
        mut self,
        address: impl TryInto<Address, Error: Into<AddressError>>,
    ) -> Result<Client> {
        let address = address.try_into().map_err(Into::into)?;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let failed = |cause: Cause| Error::Connect {
            address: address.to_string(),
            cause,
        };
        let dial = transport::dial(&address);
        let io = match self.connect_timeout {
            None => dial.await,
            Some(limit) => match tokio::time::timeout(limit, dial).await {
                Ok(io) => io,
                Err(_) => {
                    return Err(failed(Cause::new(format!(
                        "no connection within {limit:?}"
                    ))));
                }
            },
        };
        self.start(io.map_err(|error| failed(Cause::new(error)))?)
    }

    /// Speaks over a stream that is connected already: anything that reads and writes bytes, as
    /// one half of [`tokio::io::duplex`] or a TLS stream.
    ///
    /// # Errors
    /// [`Error::Setup`] for a codec that nobody added.
    pub fn from_stream<S>(mut self, stream: S) -> Result<Client>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.start(Io::from_stream(stream)),
        }
    }

    fn start(self, io: Io) -> Result<Client> {
        let Some(format) = self.formats.find(&self.codec) else {
            return Err(Error::Setup(format!("no codec is named `{}`", self.codec)));
        };
        if let Some(excess) = self.meta.excess() {
            return Err(Error::Limit(excess));
        }
        let option = ConnectOption {
            codec: format.name().to_owned(),
            connect_timeout: nanoseconds(self.connect_timeout.unwrap_or_default()),
            handle_timeout: nanoseconds(self.handle_timeout),
            ext: Ext::OURS.0,
        };
        let message = &self.limits.message;
        let receiver = Receiver::new(&format, protocol::RESPONSE_HEADER_MAX, message.clone());
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                pending: Pending::new(),
                closed: None,
                is_closed_by_owner: false,
                is_draining: false,
                armed: None,
            }),
            outbox: Outbox::new(io.write, Sender::new(format.clone())),
            encoding: Encoding::new(format, message.clone()),
            limits: self.limits,
            middleware: self.middleware,
            meta: self.meta,
            timeout: self.timeout,
            peer: io.peer,
            server_ext: AtomicU64::new(0),
        });
        // The server gives up on a client that says nothing, so the handshake does not wait for
        // the first call.
        shared.outbox.append_handshake(&option.encode());
        shared.outbox.write_here();
        let driver = Driver::new(shared.clone(), Inbox::new(io.read, io.prefix), receiver);
        tokio::spawn(driver);
        Ok(Client(Arc::new(Owner(shared))))
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
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
