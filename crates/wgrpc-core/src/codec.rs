//! The codecs of a connection: how headers and bodies become bytes and are found again in a
//! stream.
//!
//! Four parts, because they live in four places. [`Encoding`] turns a body into bytes, in the
//! caller's or handler's task, away from any lock. [`Sender`] puts headers and bodies into the
//! outgoing stream, under the outbox's lock: it alone knows what the peer has been told before.
//! [`Receiver`] finds messages in the incoming stream; a body stays bytes until [`Decoding`]
//! makes a value of it, in the task that wants it.

mod body;
mod custom;
mod gob;
mod header;
pub(crate) mod json;

use std::sync::Arc;

use serde::Serialize;
use wgrpc_gob::{Dynamics, Gob, Schema, Segment, encode_apart};

pub(crate) use body::{Body, Decoding, Place};
pub use custom::{Codec, Target};

use crate::error::{Cause, Error, Result};
use crate::header::Header;
use crate::protocol;

/// A failure of a codec, with its cause.
pub type CodecError = Box<dyn std::error::Error + Send + Sync>;

/// Which codec a connection speaks.
#[derive(Clone)]
pub(crate) enum Format {
    Gob,
    Json,
    Custom(Arc<dyn Codec>),
}

impl Format {
    /// The name by which the handshake asks for it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Gob => protocol::GOB,
            Self::Json => protocol::JSON,
            Self::Custom(codec) => codec.name(),
        }
    }

    /// Whether it is this very codec.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Gob, Self::Gob) | (Self::Json, Self::Json) => true,
            (Self::Custom(a), Self::Custom(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// The codecs that a server or client can speak, by name.
#[derive(Clone, Default)]
pub(crate) struct Formats(Vec<Arc<dyn Codec>>);

impl Formats {
    /// Adds a codec of the user's.
    pub(crate) fn add(&mut self, codec: Arc<dyn Codec>) -> Result<()> {
        if self.find(codec.name()).is_some() {
            let name = codec.name();
            return Err(Error::Setup(format!(
                "a codec named `{name}` is registered already"
            )));
        }
        self.0.push(codec);
        Ok(())
    }

    /// The codec of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Format> {
        match name {
            protocol::GOB => Some(Format::Gob),
            protocol::JSON => Some(Format::Json),
            _ => self
                .0
                .iter()
                .find(|c| c.name() == name)
                .cloned()
                .map(Format::Custom),
        }
    }
}

/// Turns bodies into bytes for one connection.
pub(crate) struct Encoding {
    format: Format,
    dynamics: Dynamics,
    limits: wgrpc_gob::Limits,
}

/// What belongs to an encoded body besides the bytes in its buffer: the gob types that its peer has
/// to know, and the long bytes that were left out. Empty for other codecs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    fixed: Option<&'static Schema>,
    more: wgrpc_gob::Needs,
}

impl Types {
    /// Whether all types have numbers that are the same in the whole process.
    pub(crate) fn are_fixed(&self) -> bool {
        self.more.schemas().is_empty()
    }

    /// What was left out of the buffer, in the order of the body.
    #[inline]
    pub(crate) fn segments(&self) -> &[Segment] {
        self.more.segments()
    }
}

impl Encoding {
    pub(crate) fn new(format: Format, limits: wgrpc_gob::Limits) -> Self {
        Self {
            format,
            dynamics: Dynamics::new(limits.types),
            limits,
        }
    }

    /// Appends `value` to `out`, but for long bytes; on an error `out` is as it was.
    #[inline]
    pub(crate) fn encode<T>(&self, value: &T, out: &mut Vec<u8>) -> Result<Types, CodecError>
    where
        T: Serialize + Gob + ?Sized,
    {
        match &self.format {
            Format::Gob => {
                let schema = Schema::of::<T>();
                let more = encode_apart(schema, value, &self.dynamics, &self.limits, out)?;
                Ok(Types {
                    fixed: Some(schema),
                    more,
                })
            }
            Format::Json => {
                let start = out.len();
                json::write(value, out)?;
                out.push(b'\n');
                self.within_limit(start, out)
            }
            Format::Custom(codec) => {
                let start = out.len();
                codec
                    .encode(&value, out)
                    .inspect_err(|_| out.truncate(start))?;
                self.within_limit(start, out)
            }
        }
    }

    fn within_limit(&self, start: usize, out: &mut Vec<u8>) -> Result<Types, CodecError> {
        let (len, most) = (out.len() - start, self.limits.message);
        if len > most {
            out.truncate(start);
            let what = format!("a message of {len} bytes exceeds the limit `message` of {most}");
            return Err(what.into());
        }
        Ok(Types::default())
    }
}

/// Both ways between bodies and values, for one connection.
pub(crate) struct Bodies {
    pub(crate) encoding: Encoding,
    pub(crate) decoding: Decoding,
}

/// Puts headers and bodies into an outgoing stream.
pub(crate) struct Sender {
    format: Format,
    gob: gob::Sender,
    /// The longest header that the peer reads.
    header_max: usize,
}

impl Sender {
    /// A sender to a peer that reads headers of up to `header_max` bytes.
    pub(crate) fn new(format: Format, header_max: usize) -> Self {
        Self {
            format,
            gob: gob::Sender::default(),
            header_max,
        }
    }

    /// Appends all that comes before the body: definitions that the peer does not have yet, and
    /// the header. The encoded body follows as it is. On an error `out` is as it was.
    ///
    /// A header that the peer would not read is an error: the peer closes the connection. In gob
    /// none is too long, but a text can be several times as long as what it stands for.
    #[inline]
    pub(crate) fn begin(
        &mut self,
        header: &Header<'_>,
        types: &Types,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        match &self.format {
            Format::Gob => {
                self.gob.begin(header, types, out);
                return Ok(());
            }
            Format::Json => {
                json::write_untyped(&header::Text::from(header), out).map_err(unencoded)?;
                out.push(b'\n');
            }
            Format::Custom(codec) => {
                let text = header::Text::from(header);
                codec
                    .encode(&text, out)
                    .inspect_err(|_| out.truncate(start))
                    .map_err(unencoded)?;
            }
        }
        let (len, most) = (out.len() - start, self.header_max);
        if len > most {
            out.truncate(start);
            return Err(Error::Limit(format!(
                "a header of {len} bytes in this codec exceeds the limit of {most}: send less \
                 metadata"
            )));
        }
        Ok(())
    }
}

fn unencoded(error: impl Into<CodecError>) -> Error {
    Error::Encode(Cause::new(error))
}

/// Finds messages in an incoming stream.
pub(crate) struct Receiver {
    state: State,
    /// The header whose body has not arrived yet.
    header: Option<Box<Header<'static>>>,
    header_max: usize,
    limits: wgrpc_gob::Limits,
}

enum State {
    Gob(Box<gob::Receiver>),
    Json {
        header: json::Frame,
        body: json::Frame,
    },
    Custom(Arc<dyn Codec>),
}

/// A message of an incoming stream. It is filled where it stands, one after the other: to move it
/// costs more than to read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) header: Header<'a>,
    pub(crate) body: Body<'a>,
}

/// What stands at the front of an incoming stream.
#[derive(Debug)]
pub(crate) enum Next {
    /// Nothing complete. `consumed` bytes are done with; it makes no sense to look again before
    /// `missing` more have arrived.
    Partial { consumed: usize, missing: usize },
    /// A message, or one value of it, which took `consumed` bytes.
    Whole { consumed: usize },
}

impl Receiver {
    /// A receiver of messages whose headers are not longer than `header_max`.
    pub(crate) fn new(format: &Format, header_max: usize, limits: wgrpc_gob::Limits) -> Self {
        let state = match format {
            Format::Gob => State::Gob(Box::new(gob::Receiver::new(limits.clone()))),
            Format::Json => State::Json {
                header: json::Frame::new(header_max),
                body: json::Frame::new(limits.message),
            },
            Format::Custom(codec) => State::Custom(codec.clone()),
        };
        Self {
            state,
            header: None,
            header_max,
            limits,
        }
    }

    /// What makes values of the bodies that it finds.
    pub(crate) fn decoding(&self) -> Decoding {
        match &self.state {
            State::Gob(gob) => Decoding::Gob(gob.stream().clone()),
            State::Json { .. } => Decoding::Json {
                decoded_max: self.limits.decoded,
            },
            State::Custom(codec) => Decoding::Custom(codec.clone()),
        }
    }

    /// Looks for the next message in `bytes`, which begin where the last one ended, and fills
    /// `message` with it if it is there.
    ///
    /// Fails where the stream cannot be followed any further.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        bytes: &'a [u8],
        message: &mut Message<'a>,
    ) -> Result<Next, CodecError> {
        let mut at = 0;
        match self.header.take() {
            Some(header) => message.header = *header,
            None => match self.header(bytes, &mut message.header)? {
                Next::Whole { consumed } => {
                    check_header(&message.header)?;
                    at = consumed;
                }
                partial @ Next::Partial { .. } => return Ok(partial),
            },
        }
        Ok(match self.body(&bytes[at..], &mut message.body)? {
            Next::Whole { consumed } => Next::Whole {
                consumed: at + consumed,
            },
            Next::Partial { consumed, missing } => {
                let header = std::mem::take(&mut message.header);
                self.header = Some(Box::new(header.into_owned()));
                Next::Partial {
                    consumed: at + consumed,
                    missing,
                }
            }
        })
    }

    /// Whether a header has arrived whose body has not.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.header.is_none()
    }

    #[inline]
    fn header<'a>(&mut self, bytes: &'a [u8], header: &mut Header<'a>) -> Result<Next, CodecError> {
        let max = self.header_max;
        let mut text = Body::default();
        let (found, decoding) = match &mut self.state {
            State::Gob(gob) => return gob.header(bytes, max, header),
            State::Json { header, .. } => {
                // It is bounded already: by its length, and in the number of its entries.
                let decoded_max = usize::MAX;
                let found = scan_json(header, bytes, &mut text)?;
                (found, Decoding::Json { decoded_max })
            }
            State::Custom(codec) => {
                let found = scan_custom(&**codec, bytes, max, &mut text)?;
                (found, Decoding::Custom(codec.clone()))
            }
        };
        if let Next::Whole { .. } = found {
            let text = decoding.decode_plainly::<header::Text<'static>>(&text)?;
            *header = text.into();
        }
        Ok(found)
    }

    #[inline]
    fn body<'a>(&mut self, bytes: &'a [u8], body: &mut Body<'a>) -> Result<Next, CodecError> {
        match &mut self.state {
            State::Gob(gob) => gob.body(bytes, body),
            State::Json { body: frame, .. } => scan_json(frame, bytes, body),
            State::Custom(codec) => scan_custom(&**codec, bytes, self.limits.message, body),
        }
    }
}

fn scan_json<'a>(
    frame: &mut json::Frame,
    bytes: &'a [u8],
    body: &mut Body<'a>,
) -> Result<Next, CodecError> {
    Ok(match frame.scan(bytes)? {
        None => Next::Partial {
            consumed: frame.take_blanks(),
            missing: 1,
        },
        Some(range) => {
            let consumed = range.end;
            *body = Body::borrowed(None, &bytes[range]);
            Next::Whole { consumed }
        }
    })
}

fn scan_custom<'a>(
    codec: &dyn Codec,
    bytes: &'a [u8],
    limit: usize,
    body: &mut Body<'a>,
) -> Result<Next, CodecError> {
    match codec.frame(bytes)? {
        Some(len) if len > 0 && len <= limit && len <= bytes.len() => {
            *body = Body::borrowed(None, &bytes[..len]);
            Ok(Next::Whole { consumed: len })
        }
        Some(len) if len > bytes.len() && len <= limit => Ok(Next::Partial {
            consumed: 0,
            missing: len - bytes.len(),
        }),
        Some(len) => Err(format!("a value of {len} bytes cannot be framed").into()),
        None if bytes.len() > limit => {
            Err(format!("a value of over {limit} bytes exceeds the limit").into())
        }
        None => Ok(Next::Partial {
            consumed: 0,
            missing: 1,
        }),
    }
}

#[inline]
fn check_header(header: &Header<'_>) -> Result<(), CodecError> {
    let name = header.service_method.len();
    if name > protocol::METHOD_MAX {
        let most = protocol::METHOD_MAX;
        return Err(format!("a method name of {name} bytes exceeds the limit of {most}").into());
    }
    match header.meta.excess() {
        Some(excess) => Err(excess.into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
