//! The crate gobwire: gob with traits and a derive of its own.

use anyhow::{Context, Result};
use gobwire::{Decoder, Encoder, Progress, parse_length_prefix};

use super::{Reader, Writer};
use crate::values::Value;

#[derive(Default)]
pub(crate) struct Stream {
    encoder: Encoder,
    out: Vec<u8>,
}

impl Writer for Stream {
    fn clear(&mut self) {
        self.out.clear();
    }

    #[inline]
    fn put<T: Value>(&mut self, value: &T) -> Result<()> {
        Ok(self.encoder.encode_into(value, &mut self.out)?)
    }

    fn bytes(&self) -> &[u8] {
        &self.out
    }
}

/// Feeds its decoder from memory, which spares it the copies that its reader of streams makes.
pub(crate) struct Decoding {
    decoder: Decoder,
    bytes: Vec<u8>,
    at: usize,
}

impl Reader for Decoding {
    fn new(bytes: &[u8]) -> Self {
        Self {
            decoder: Decoder::new(),
            bytes: bytes.to_vec(),
            at: 0,
        }
    }

    fn replace(&mut self, bytes: &[u8]) {
        self.bytes = bytes.to_vec();
        self.rewind();
    }

    fn rewind(&mut self) {
        self.at = 0;
    }

    #[inline]
    fn take<T: Value>(&mut self) -> Result<T> {
        loop {
            let rest = &self.bytes[self.at..];
            let (width, len) = parse_length_prefix(rest)?.context("the stream has ended")?;
            self.at += width + len;
            if self.decoder.push_message(&rest[width..width + len])? == Progress::Ready {
                return Ok(self.decoder.decode()?);
            }
        }
    }
}
