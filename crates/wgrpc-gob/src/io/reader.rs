//! Reading the values of a stream from a `std::io::Read`.

use std::io::{ErrorKind, Read};

use serde::de::DeserializeOwned;

use crate::decoder::Decoder;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::value::Dynamic;

/// How many bytes are asked for at once.
const CHUNK: usize = 16 << 10;

/// Reads values from `R`, one after the other.
///
/// It reads ahead, so `R` need not be buffered, and must not be used by anyone else afterwards.
///
/// ```
/// use wgrpc_gob::io::Reader;
///
/// let mut numbers = Reader::new(&[0x03, 0x04, 0x00, 0x06, 0x03, 0x04, 0x00, 0x08][..]);
/// assert_eq!(numbers.decode::<i64>()?, Some(3));
/// assert_eq!(numbers.decode::<i64>()?, Some(4));
/// assert_eq!(numbers.decode::<i64>()?, None);
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    decoder: Decoder,
    chunk: Box<[u8]>,
}

impl<R: Read> Reader<R> {
    /// Reads a stream that begins now, with the default [`Limits`].
    pub fn new(inner: R) -> Self {
        Self::with_limits(inner, Limits::default())
    }

    /// Reads a stream that begins now.
    pub fn with_limits(inner: R, limits: Limits) -> Self {
        Self {
            inner,
            decoder: Decoder::with_limits(limits),
            chunk: vec![0; CHUNK].into(),
        }
    }

    /// Decodes the next value; `None` at the end of the stream.
    ///
    /// A value that does not fit `T` is used up all the same, and the next one can be read; see
    /// [`Error::is_stream_usable`].
    pub fn decode<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        loop {
            if let Some(value) = self.decoder.decode()? {
                return Ok(Some(value));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Decodes the next value, whatever its type; `None` at the end of the stream.
    pub fn next_value(&mut self) -> Result<Option<Dynamic>> {
        loop {
            if let Some(value) = self.decoder.next_value()? {
                return Ok(Some(value));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Drops the next value, whatever its type; `false` at the end of the stream.
    pub fn skip(&mut self) -> Result<bool> {
        loop {
            if self.decoder.skip()? {
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// The decoder, which knows the types of the stream.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Reads more bytes; `false` if the stream has ended, as it may only between values.
    fn fill(&mut self) -> Result<bool> {
        loop {
            match self.inner.read(&mut self.chunk) {
                Ok(0) => return self.decoder.finish().map(|()| false),
                Ok(len) => {
                    self.decoder.push(&self.chunk[..len]);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(error)),
            }
        }
    }
}
