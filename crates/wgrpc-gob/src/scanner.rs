//! Finding the values in a stream of bytes, and taking in the types on the way.
//!
//! A value is one message, found by its length. The exception: types first met inside an
//! interface are defined right there, in the middle of the value, which then spans several
//! messages or pieces. Only for a type that can contain an interface is the value looked into.

mod pieces;

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::received::{Definition, Kind, Types};
use crate::types::Id;
use crate::wire::{Reader, UINT_MAX_LEN};
use pieces::Pieces;

/// Finds one value after the other in the bytes of a stream.
///
/// It does no I/O and keeps no bytes, except of a value that spans messages: the caller has the
/// buffer. Its work is linear in the size of the stream however the bytes arrive.
///
/// ```
/// use wgrpc_gob::{Limits, Scan, Scanner, decode};
///
/// let mut scanner = Scanner::new(Limits::default());
/// let bytes = [3, 4, 0, 6, 3, 4];
/// let Scan::Value { consumed, id, payload } = scanner.scan(&bytes)? else { panic!() };
/// let three: i32 = decode(scanner.types(), id, &payload, &Limits::default())?;
/// assert_eq!((consumed, three), (4, 3));
/// let rest = scanner.scan(&bytes[consumed..])?;
/// assert_eq!(rest, Scan::Partial { consumed: 0, missing: 2 });
/// # Ok::<(), wgrpc_gob::Error>(())
/// ```
#[derive(Debug)]
pub struct Scanner {
    types: Arc<Types>,
    limits: Limits,
    /// How many bytes of the stream have been consumed.
    offset: u64,
    /// Whether types have been defined since the last value.
    announced: bool,
    /// A value that goes on in the next message.
    unfinished: Option<Box<Unfinished>>,
    /// The types of the last values that were of different types and had no interfaces in them.
    plain: [Id; PLAIN],
}

/// How many types are remembered: a protocol's header, and what stands behind it.
const PLAIN: usize = 2;

/// What no value has as its type.
const NO_TYPE: Id = Id::new(-1);

#[derive(Debug)]
struct Unfinished {
    id: Id,
    pieces: Pieces,
    /// How long its messages have been so far.
    len: usize,
}

/// What [`Scanner::scan`] has found.
#[derive(Debug, PartialEq, Eq)]
pub enum Scan<'a> {
    /// No value yet.
    Partial {
        /// How many bytes have been dealt with and can be dropped.
        consumed: usize,
        /// How many bytes more there must be, at least, before it is worth to scan again.
        missing: usize,
    },
    /// A value.
    Value {
        /// How many bytes have been dealt with and can be dropped, those of the value included.
        consumed: usize,
        /// The type.
        id: Id,
        /// What [`decode`](crate::decode) needs: the message without its length and id.
        payload: Cow<'a, [u8]>,
    },
}

impl Scanner {
    /// For a stream that begins now.
    pub fn new(limits: Limits) -> Self {
        Self {
            types: Arc::new(Types::new(&limits)),
            limits,
            offset: 0,
            announced: false,
            unfinished: None,
            plain: [NO_TYPE; PLAIN],
        }
    }

    /// The types that the stream has defined so far.
    pub fn types(&self) -> &Arc<Types> {
        &self.types
    }

    /// The limits that it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many bytes of the stream have been consumed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the stream may end here: everything consumed so far makes whole values.
    pub fn is_between_values(&self) -> bool {
        !self.announced && self.unfinished.is_none()
    }

    /// Finds the next value at the front of `bytes`, which are the stream from where the last
    /// call stopped to consume it.
    ///
    /// Every error is fatal: the stream has lost step and must not be scanned on.
    #[inline]
    pub fn scan<'a>(&mut self, bytes: &'a [u8]) -> Result<Scan<'a>> {
        match self.plain_value(bytes) {
            Some(found) => Ok(found),
            None => self.any_value(bytes),
        }
    }

    /// Takes the value that nearly every message is: short, all there, and of a type that the
    /// last ones had too. `None` says no more than that it is something else.
    #[inline]
    fn plain_value<'a>(&mut self, bytes: &'a [u8]) -> Option<Scan<'a>> {
        let (&len, rest) = bytes.split_first().filter(|(len, _)| **len < 0x80)?;
        let len = usize::from(len);
        let message = rest.get(..len)?;
        let (number, payload) = match *message {
            [number @ ..0x80, ref payload @ ..] => (u16::from(number), payload),
            [0xff, number, ref payload @ ..] => (u16::from(number), payload),
            [0xfe, high, low, ref payload @ ..] => (u16::from_be_bytes([high, low]), payload),
            _ => return None,
        };
        let id = Id::new(i32::from(number >> 1));
        let is_definition = number & 1 == 1;
        let is_plain = !is_definition && self.plain.contains(&id);
        if !is_plain || self.unfinished.is_some() || len > self.limits.message {
            return None;
        }
        self.offset += 1 + len as u64;
        self.announced = false;
        Some(Scan::Value {
            consumed: 1 + len,
            id,
            payload: Cow::Borrowed(payload),
        })
    }

    #[inline(never)]
    fn any_value<'a>(&mut self, bytes: &'a [u8]) -> Result<Scan<'a>> {
        match self.next_value(bytes) {
            Ok(found) => Ok(found),
            // What knows no better place is wrong with the message that begins here.
            Err(error) => Err(error.at(self.offset).fatal()),
        }
    }

    fn next_value<'a>(&mut self, bytes: &'a [u8]) -> Result<Scan<'a>> {
        let mut consumed = 0;
        loop {
            let (start, len) = match self.frame(&bytes[consumed..])? {
                Frame::Whole { start, len } => (consumed + start, len),
                Frame::Cut { missing } => return Ok(Scan::Partial { consumed, missing }),
            };
            let base = self.offset + (start - consumed) as u64;
            let reader = Reader::with_base(&bytes[start..start + len], base);
            let value = match self.unfinished.take() {
                None => self.take_message(reader)?,
                Some(value) => self.take_piece(value, reader)?,
            };
            self.offset = base + len as u64;
            consumed = start + len;
            if let Some((id, payload)) = value {
                self.announced = false;
                return Ok(Scan::Value {
                    consumed,
                    id,
                    payload,
                });
            }
        }
    }

    /// Reads the length of the message at the front of `bytes`, and refuses it if it is too long
    /// before the message itself arrives.
    #[inline]
    fn frame(&self, bytes: &[u8]) -> Result<Frame> {
        let (start, len) = match bytes.first() {
            Some(&len @ 1..0x80) => (1, u64::from(len)),
            first => {
                let start = match first.map_or(0, |first| usize::from(first.wrapping_neg())) {
                    len @ 1..UINT_MAX_LEN => 1 + len,
                    _ => 1,
                };
                if start > bytes.len() {
                    let missing = start - bytes.len();
                    return Ok(Frame::Cut { missing });
                }
                (start, self.read_len(bytes)?)
            }
        };
        let before = self.unfinished.as_ref().map_or(0, |value| value.len);
        let total = len.saturating_add(before as u64);
        if total > self.limits.message as u64 {
            let found = format_args!("a message of {total} bytes");
            let error = Error::limit("message", self.limits.message, found);
            return Err(error.at(self.offset));
        }
        let len = len as usize;
        match len.checked_sub(bytes.len() - start) {
            None | Some(0) => Ok(Frame::Whole { start, len }),
            Some(missing) => Ok(Frame::Cut { missing }),
        }
    }

    /// Reads a length that takes more than a byte, all of which are there.
    fn read_len(&self, bytes: &[u8]) -> Result<u64> {
        match Reader::with_base(bytes, self.offset).uint()? {
            0 => Err(Error::corrupt(self.offset, "a message of no bytes")),
            len => Ok(len),
        }
    }

    /// Takes in one message: a definition, or a value or the beginning of one.
    #[inline]
    fn take_message<'a>(&mut self, mut reader: Reader<'a>) -> Result<Option<(Id, Cow<'a, [u8]>)>> {
        let at = reader.offset();
        let number = reader.int()?;
        if number < 0 {
            self.take_definition(defined_id(number, at)?, reader)?;
            return Ok(None);
        }
        let id = value_id(number, at)?;
        let root = self.types.complete(id)?;
        if root.has_interface {
            return self.take_beginning(id, reader);
        }
        if !self.plain.contains(&id) {
            self.plain.rotate_right(1);
            self.plain[0] = id;
        }
        Ok(Some((id, Cow::Borrowed(reader.rest()))))
    }

    #[inline(never)]
    fn take_definition(&mut self, id: Id, mut reader: Reader<'_>) -> Result<()> {
        self.types.define(id, &mut reader)?;
        self.announced = true;
        if !reader.is_empty() {
            let message = "a type definition with something behind it";
            return Err(Error::corrupt(reader.offset(), message));
        }
        Ok(())
    }

    /// Takes in a value that can contain an interface, or the beginning of one.
    #[inline(never)]
    fn take_beginning<'a>(
        &mut self,
        id: Id,
        reader: Reader<'a>,
    ) -> Result<Option<(Id, Cow<'a, [u8]>)>> {
        let root = self.types.complete(id)?;
        let len = reader.position() + reader.left();
        let payload = reader.rest();
        let mut reader = Reader::with_base(payload, reader.offset());
        let mut pieces = Pieces::begin(root, &mut reader, &self.limits)?;
        if pieces.run(&self.types, &mut reader)? {
            let payload = if pieces.is_one() {
                Cow::Borrowed(payload)
            } else {
                Cow::Owned(pieces.into_payload(reader))
            };
            return Ok(Some((id, payload)));
        }
        self.unfinished = Some(Box::new(Unfinished { id, pieces, len }));
        Ok(None)
    }

    /// Takes in the next message of a value that spans several.
    #[inline(never)]
    fn take_piece<'a>(
        &mut self,
        mut value: Box<Unfinished>,
        mut reader: Reader<'a>,
    ) -> Result<Option<(Id, Cow<'a, [u8]>)>> {
        value.len += reader.left();
        if value.pieces.run(&self.types, &mut reader)? {
            let payload = Cow::Owned(value.pieces.into_payload(reader));
            return Ok(Some((value.id, payload)));
        }
        self.unfinished = Some(value);
        Ok(None)
    }
}

/// How a message stands in the buffer.
enum Frame {
    Whole { start: usize, len: usize },
    Cut { missing: usize },
}

/// The id of a type that is being defined, which is sent as a negative number.
fn defined_id(number: i64, at: u64) -> Result<Id> {
    let id = number.checked_neg().and_then(Id::on_wire);
    id.filter(|id| !id.is_builtin()).ok_or_else(|| {
        Error::corrupt(
            at,
            format_args!("a definition of the reserved type {number}"),
        )
    })
}

/// The id of the type of a value.
fn value_id(number: i64, at: u64) -> Result<Id> {
    Id::on_wire(number)
        .ok_or_else(|| Error::corrupt(at, format_args!("a value of the reserved type {number}")))
}

/// Takes the byte that comes before a value that is no struct, where a value begins.
pub(crate) fn read_lead(ty: &Definition, reader: &mut Reader<'_>) -> Result<()> {
    if matches!(ty.kind, Kind::Struct(_)) {
        return Ok(());
    }
    let at = reader.offset();
    match reader.byte()? {
        0 => Ok(()),
        byte => Err(Error::corrupt(
            at,
            format_args!("{byte:#04x} where a value begins, instead of a zero byte"),
        )),
    }
}

#[cfg(test)]
mod tests;
