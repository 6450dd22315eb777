//! Reading the values of one stream.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::de::decode_at;
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::received::Types;
use crate::scanner::{Scan, Scanner};
use crate::types::Id;
use crate::value::Dynamic;

/// Reads the values of one stream, whose bytes come in portions of any size.
///
/// One stream is one direction of one connection, and there is one decoder for it from its first
/// byte on: a type is described only once. For a `std::io::Read` there is
/// [`io::Reader`](crate::io::Reader).
///
/// ```
/// let mut decoder = wgrpc_gob::Decoder::new();
/// decoder.push(&[0x03, 0x04, 0x00]);
/// assert_eq!(decoder.decode::<i32>()?, None);
/// decoder.push(&[0x06]);
/// assert_eq!(decoder.decode::<i32>()?, Some(3));
/// decoder.finish()?;
/// # Ok::<(), wgrpc_gob::Error>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    scanner: Scanner,
    buffer: Vec<u8>,
    /// How much of the buffer has been dealt with.
    start: usize,
    /// How long the buffer must be before it is worth to look at it again.
    needed: usize,
    /// A value that came in pieces, put together.
    whole: Vec<u8>,
    /// Whether an error has made the rest of the stream unreadable.
    has_failed: bool,
}

/// A value that has been found.
struct Found {
    id: Id,
    /// Where it stands in the buffer; `None` if it is the one put together.
    place: Option<Range<usize>>,
    /// Where it begins in the stream, as near as that can be said of a value in pieces.
    offset: u64,
}

impl Found {
    fn payload<'a>(&self, buffer: &'a [u8], whole: &'a [u8]) -> &'a [u8] {
        match &self.place {
            Some(place) => &buffer[place.clone()],
            None => whole,
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// For a stream that begins now, with the default [`Limits`].
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// For a stream that begins now.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            scanner: Scanner::new(limits),
            buffer: Vec::new(),
            start: 0,
            needed: 0,
            whole: Vec::new(),
            has_failed: false,
        }
    }

    /// Adds the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        // Moving the rest to the front is worth it once it is no more than what goes away.
        if self.start >= self.buffer.len() - self.start {
            self.buffer.drain(..self.start);
            self.needed -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Decodes the next value; `None` if more bytes are needed first.
    ///
    /// A value that does not fit `T` is used up all the same, and the next one can be read; see
    /// [`Error::is_stream_usable`].
    pub fn decode<'a, T: Deserialize<'a>>(&'a mut self) -> Result<Option<T>> {
        let Some(found) = self.find()? else {
            return Ok(None);
        };
        let (types, limits) = (self.scanner.types(), self.scanner.limits());
        let payload = found.payload(&self.buffer, &self.whole);
        decode_at(types, found.id, payload, found.offset, limits).map(Some)
    }

    /// Decodes the next value, whatever its type; `None` if more bytes are needed first.
    pub fn next_value(&mut self) -> Result<Option<Dynamic>> {
        let Some(found) = self.find()? else {
            return Ok(None);
        };
        let (types, limits) = (self.scanner.types(), self.scanner.limits());
        let payload = found.payload(&self.buffer, &self.whole);
        Dynamic::decode_at(types, found.id, payload, found.offset, limits).map(Some)
    }

    /// Drops the next value, whatever its type; `false` if more bytes are needed first.
    pub fn skip(&mut self) -> Result<bool> {
        Ok(self.find()?.is_some())
    }

    /// Says that no more bytes will come. An error if the stream ends within a value, or between
    /// a type's definition and its first value.
    pub fn finish(&self) -> Result<()> {
        if self.start == self.buffer.len() && self.scanner.is_between_values() {
            return Ok(());
        }
        Err(
            Error::new(Category::UnexpectedEof, "the stream ends within a value")
                .at(self.scanner.offset() + (self.buffer.len() - self.start) as u64)
                .fatal(),
        )
    }

    /// The types that the stream has defined so far.
    pub fn types(&self) -> &Types {
        self.scanner.types()
    }

    fn find(&mut self) -> Result<Option<Found>> {
        if self.has_failed {
            let message = "the stream has lost step by an earlier error";
            return Err(Error::new(Category::Corrupt, message).fatal());
        }
        if self.buffer.len() < self.needed {
            return Ok(None);
        }
        let found = self.scanner.scan(&self.buffer[self.start..]);
        match found {
            Ok(Scan::Partial { consumed, missing }) => {
                self.start += consumed;
                self.needed = self.buffer.len() + missing;
                Ok(None)
            }
            Ok(Scan::Value {
                consumed,
                id,
                payload,
            }) => {
                self.start += consumed;
                self.needed = self.start;
                let len = payload.len();
                let place = match payload {
                    std::borrow::Cow::Borrowed(_) => Some(self.start - len..self.start),
                    std::borrow::Cow::Owned(whole) => {
                        self.whole = whole;
                        None
                    }
                };
                let offset = self.scanner.offset().saturating_sub(len as u64);
                Ok(Some(Found { id, place, offset }))
            }
            Err(error) => {
                self.has_failed = true;
                Err(error)
            }
        }
    }
}

/// Decodes the one value that `bytes` are, with the definitions that precede it.
///
/// ```
/// let three: i64 = wgrpc_gob::from_slice(&[0x03, 0x04, 0x00, 0x06])?;
/// assert_eq!(three, 3);
/// # Ok::<(), wgrpc_gob::Error>(())
/// ```
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.is_empty() {
        return Err(Error::new(Category::Eof, "there is no value").at(0));
    }
    let limits = Limits::default();
    let mut scanner = Scanner::new(limits.clone());
    match scanner.scan(bytes)? {
        Scan::Value {
            consumed,
            id,
            payload,
        } => {
            let base = consumed.saturating_sub(payload.len()) as u64;
            let value = decode_at(scanner.types(), id, &payload, base, &limits)?;
            if consumed < bytes.len() {
                let message = "something follows the value";
                return Err(Error::corrupt(consumed as u64, message));
            }
            Ok(value)
        }
        Scan::Partial { .. } => {
            Err(Error::new(Category::UnexpectedEof, "the value is cut off").at(bytes.len() as u64))
        }
    }
}
