//! Writing values to a `std::io::Write`.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::schema::{Gob, Schema};

/// How much of the buffer is kept from one value to the next.
const KEPT: usize = 64 << 10;

/// An [`Encoder`] that hands each value to a writer, in one piece and with its definitions.
///
/// ```
/// use wgrpc_gob::io::Writer;
///
/// let mut writer = Writer::new(Vec::new());
/// writer.encode(&3)?;
/// writer.encode("gob")?;
/// assert_eq!(writer.into_inner(), b"\x03\x04\0\x06\x06\x0c\0\x03gob");
/// # wgrpc_gob::Result::Ok(())
/// ```
pub struct Writer<W> {
    encoder: Encoder,
    buffer: Vec<u8>,
    inner: W,
    has_failed: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a stream on `inner`, with the default [`Limits`].
    pub fn new(inner: W) -> Self {
        Self::with_limits(inner, Limits::default())
    }

    /// Begins a stream on `inner`.
    pub fn with_limits(inner: W, limits: Limits) -> Self {
        Self {
            encoder: Encoder::with_limits(limits),
            buffer: Vec::new(),
            inner,
            has_failed: false,
        }
    }

    /// Writes `value`, with one call of the writer, which is not flushed.
    ///
    /// Of a value that cannot be encoded nothing is written. A failure of the writer itself ends
    /// the stream: nobody knows how much of the value has left.
    pub fn encode<T: Serialize + Gob + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.encode_with(Schema::of::<T>(), value)
    }

    /// Writes `value` as a value of the type `schema`, for types that do not implement [`Gob`].
    pub fn encode_with<T: Serialize + ?Sized>(&mut self, schema: &Schema, value: &T) -> Result<()> {
        if self.has_failed {
            let earlier = "the writer has failed before, perhaps in the middle of a value";
            return Err(Error::io(io::Error::other(earlier)));
        }
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        self.encoder.encode_with(schema, value, &mut self.buffer)?;
        self.inner.write_all(&self.buffer).map_err(|error| {
            self.has_failed = true;
            Error::io(error)
        })
    }

    /// Flushes the writer.
    pub fn flush(&mut self) -> Result<()> {
        self.inner.flush().map_err(Error::io)
    }

    /// The writer; the stream cannot be continued.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("encoder", &self.encoder)
            .field("has_failed", &self.has_failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    /// Takes one piece, then none.
    struct Once(Vec<Vec<u8>>);

    impl Write for Once {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.0.is_empty() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_value_is_written_in_one_piece_and_a_failure_is_final() {
        let mut writer = Writer::new(Once(Vec::new()));
        writer.encode(&[Some(1), None]).unwrap_err();
        writer.encode(&[1i64, 2]).unwrap();
        let failed = writer.encode(&[1i64, 2]).unwrap_err();
        assert_eq!(failed.category(), Category::Io);
        assert!(!failed.is_stream_usable());
        writer.encode(&[1i64, 2]).unwrap_err();
        let pieces = writer.into_inner().0;
        assert_eq!(pieces, [crate::to_vec(&[1i64, 2]).unwrap()]);
    }
}
