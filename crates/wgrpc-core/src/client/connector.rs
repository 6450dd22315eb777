//! Connections that are made alike, and arguments that are encoded once for all of them.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use bytes::{Buf, Bytes};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Instant;
use wgrpc_gob::Gob;

use super::driver::Driver;
use super::pending::Pending;
use super::{Client, Owner, Shared, State, call};
use crate::address::{Address, AddressError};
use crate::codec::{Encoding, Format, Receiver, Sender, Types};
use crate::connection::{Content, Inbox, Outbox};
use crate::error::{Cause, Error, Result};
use crate::header::Meta;
use crate::limits::ClientLimits;
use crate::middleware::Middleware;
use crate::protocol::{self, ConnectOption, Ext};
use crate::transport::{self, Io, Lookup};

/// Encoded arguments of this size or more are kept in the buffer that they were encoded into.
const LARGE: usize = 16 << 10;

/// So many bytes of a method's name and encoded arguments are kept in place.
const SHORT: usize = 61;

/// Makes connections with the same options: [`ClientBuilder::connector`](super::ClientBuilder)
/// sets it up.
///
/// What it [encodes](Self::encode) can be sent over each of its connections, so a call to many
/// servers, or one that is made again, is encoded once.
///
/// ```no_run
/// # async fn example() -> wgrpc_core::Result<()> {
/// use wgrpc_core::{CallOptions, Client};
///
/// let connector = Client::builder().connector()?;
/// let args = connector.encode("hello")?;
/// for address in ["tcp@10.0.0.1:9000", "tcp@10.0.0.2:9000"] {
///     let client = connector.connect(address).await?;
///     let upper: String = client.call_encoded("Text.Upper", &args, CallOptions::new()).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    pub(super) options: Arc<Options>,
    pub(super) lookup: Lookup,
}

/// What the connections of a connector have in common.
pub(super) struct Options {
    /// Shared, so that bytes mean the same on every connection.
    pub(super) encoding: Encoding,
    pub(super) format: Format,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) handle_timeout: Duration,
    /// How long a call may take unless it says otherwise.
    pub(super) timeout: Option<Duration>,
    pub(super) limits: ClientLimits,
    pub(super) middleware: Vec<Arc<dyn Middleware>>,
    /// Metadata that goes with every call.
    pub(super) meta: Meta,
}

impl Connector {
    /// The same, but connects over TCP only to IP addresses that `admits` admits, whatever name
    /// stood for them. IPv4 addresses are never shown as IPv6 ones.
    ///
    /// This is for addresses that others have written down: whoever owns a name can let it mean
    /// any machine, such as one that only this program can reach.
    ///
    /// ```no_run
    /// # async fn example(found: &str) -> wgrpc_core::Result<()> {
    /// use wgrpc_core::Client;
    ///
    /// let connector = Client::builder().connector()?.admitting(|ip| !ip.is_loopback());
    /// let client = connector.connect(found).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn admitting(mut self, admits: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.lookup.set_admits(admits);
        self
    }

    /// Connects to `protocol@address`.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Connect`] if there is no connection within the connect
    /// timeout.
    pub async fn connect(
        &self,
        address: impl TryInto<Address, Error: Into<AddressError>>,
    ) -> Result<Client> {
        let address = address.try_into().map_err(Into::into)?;
        let failed = |cause: Cause| Error::Connect {
            address: address.to_string(),
            cause,
        };
        let dial = transport::dial(&address, &self.lookup);
        let io = match self.options.connect_timeout {
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
        Ok(self.start(io.map_err(|error| failed(Cause::new(error)))?))
    }

    /// Speaks over a stream that is connected already: anything that reads and writes bytes, as
    /// one half of [`tokio::io::duplex`] or a TLS stream.
    pub fn from_stream<S>(&self, stream: S) -> Client
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        self.start(Io::from_stream(stream))
    }

    /// Encodes arguments for any number of calls over its connections.
    ///
    /// # Errors
    /// [`Error::Encode`] if they cannot be sent in this codec.
    pub fn encode<A>(&self, args: &A) -> Result<Arguments>
    where
        A: Serialize + Gob + ?Sized,
    {
        let mut encoded = Arguments::default();
        self.encode_for("", args, &mut encoded)?;
        Ok(encoded)
    }

    /// [Encodes](Self::encode) arguments for calls of `method`, whose name is
    /// [kept](Arguments::method) with them, and leaves them in `encoded`: where they stay, they are
    /// not moved.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    #[inline]
    pub fn encode_for<A>(&self, method: &str, args: &A, encoded: &mut Arguments) -> Result<()>
    where
        A: Serialize + Gob + ?Sized,
    {
        call::with_scratch(|scratch| {
            scratch.extend_from_slice(method.as_bytes());
            encoded.types = self
                .options
                .encoding
                .encode(args, scratch)
                .map_err(|error| Error::Encode(Cause::new(error)))?;
            encoded.meaning = if encoded.types.are_fixed() {
                Meaning::Everywhere(self.options.format.clone())
            } else {
                Meaning::Here(self.options.clone())
            };
            encoded.body.fill(method, scratch);
            Ok(())
        })
    }

    /// How long connecting may take; `None` is for ever.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.options.connect_timeout
    }

    /// How long a call may take unless it says otherwise; `None` is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        self.options.timeout
    }

    fn start(&self, io: Io) -> Client {
        let options = &self.options;
        let option = ConnectOption {
            codec: options.format.name().to_owned(),
            connect_timeout: nanoseconds(options.connect_timeout.unwrap_or_default()),
            handle_timeout: nanoseconds(options.handle_timeout),
            ext: Ext::OURS.0,
        };
        let format = &options.format;
        let message = options.limits.message.clone();
        let receiver = Receiver::new(format, protocol::RESPONSE_HEADER_MAX, message);
        let shared = Arc::new(Shared {
            outbox: Outbox::new(
                io.write,
                Sender::new(format.clone(), protocol::REQUEST_HEADER_MAX),
                State {
                    pending: Pending::new(),
                    numbers: None,
                    closed: None,
                    is_closed_by_owner: false,
                    is_draining: false,
                    delivered: Instant::now(),
                    armed: None,
                    is_looking: false,
                },
            ),
            decoding: receiver.decoding(),
            options: options.clone(),
            peer: io.peer,
            is_over: AtomicBool::new(false),
            server_ext: AtomicU64::new(0),
            ended: Notify::new(),
        });
        // The server gives up on a client that says nothing, so the handshake does not wait for
        // the first call.
        shared.outbox.append_handshake(&option.encode());
        shared.outbox.write_here();
        let driver = Driver::new(shared.clone(), Inbox::new(io.read, io.prefix), receiver);
        tokio::spawn(driver);
        Client(Arc::new(Owner(shared)))
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("codec", &self.options.format.name())
            .field("connect_timeout", &self.options.connect_timeout)
            .field("timeout", &self.options.timeout)
            .finish_non_exhaustive()
    }
}

/// Encoded arguments, for any number of calls over the connections of one [`Connector`]. Cheap to
/// clone.
///
/// The default is none at all, to be [encoded into](Connector::encode_for); a call with none fails.
#[derive(Clone, Default)]
pub struct Arguments {
    meaning: Meaning,
    pub(super) types: Types,
    pub(super) body: Kept,
}

/// The name of a method, and the bytes of encoded arguments.
#[derive(Clone)]
pub(super) enum Kept {
    /// Short ones, as most are, in place: first the name, which ends where the arguments start.
    Short {
        bytes: [u8; SHORT],
        start: u8,
        end: u8,
    },
    /// Long ones, never copied again.
    Long { method: Box<str>, args: Bytes },
}

impl Kept {
    /// Keeps what is in `scratch`: the name of the method and, behind it, the arguments.
    #[inline]
    fn fill(&mut self, method: &str, scratch: &mut Vec<u8>) {
        match self {
            Self::Short { bytes, start, end } if scratch.len() <= SHORT => {
                bytes[..scratch.len()].copy_from_slice(scratch);
                (*start, *end) = (method.len() as u8, scratch.len() as u8);
            }
            _ => *self = Self::long(method, scratch),
        }
    }

    #[cold]
    fn long(method: &str, scratch: &mut Vec<u8>) -> Self {
        let args = if scratch.len() < LARGE {
            Bytes::copy_from_slice(&scratch[method.len()..])
        } else {
            let mut all = Bytes::from(std::mem::take(scratch));
            all.advance(method.len());
            all
        };
        Self::Long {
            method: method.into(),
            args,
        }
    }

    #[inline]
    pub(super) fn content(&self) -> Content<'_> {
        match self {
            Self::Short { bytes, start, end } => {
                Content::Copied(&bytes[usize::from(*start)..usize::from(*end)])
            }
            Self::Long { args, .. } => Content::Shared(args),
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::Short {
            bytes: [0; SHORT],
            start: 0,
            end: 0,
        }
    }
}

/// Where encoded bytes mean what they were encoded from.
#[derive(Clone, Default)]
enum Meaning {
    /// There are none yet.
    #[default]
    Nowhere,
    /// On every connection that speaks this codec.
    Everywhere(Format),
    /// On the connections of one connector, which has numbered the types in them.
    Here(Arc<Options>),
}

impl Arguments {
    /// The method that they were [encoded for](Connector::encode_for); empty if none was named.
    pub fn method(&self) -> &str {
        match &self.body {
            Kept::Short { bytes, start, .. } => {
                std::str::from_utf8(&bytes[..usize::from(*start)]).expect("it was a str")
            }
            Kept::Long { method, .. } => method,
        }
    }

    /// Whether they mean on a connection with these options what they mean here.
    #[inline]
    pub(super) fn are_of(&self, options: &Arc<Options>) -> bool {
        match &self.meaning {
            Meaning::Everywhere(format) => format.is_same(&options.format),
            Meaning::Here(own) => Arc::ptr_eq(own, options),
            Meaning::Nowhere => false,
        }
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apart = self.types.segments().iter();
        let apart: usize = apart.map(|segment| segment.bytes.len()).sum();
        let len = self.body.content().bytes().len() + apart;
        write!(f, "Arguments({len} bytes)")
    }
}
