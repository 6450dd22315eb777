//! The codec of this project, as any program would use it.

use anyhow::{Result, bail};
use wgrpc::gob::{Encoder, Limits, Scan, Scanner, decode};

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
        Ok(self.encoder.encode(value, &mut self.out)?)
    }

    fn bytes(&self) -> &[u8] {
        &self.out
    }
}

/// Reads from memory that it does not own, as a connection reads from its buffer.
pub(crate) struct Decoding {
    scanner: Scanner,
    bytes: Vec<u8>,
    at: usize,
}

impl Reader for Decoding {
    fn new(bytes: &[u8]) -> Self {
        Self {
            scanner: Scanner::new(Limits::default()),
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
        let Scan::Value {
            consumed,
            id,
            payload,
        } = self.scanner.scan(&self.bytes[self.at..])?
        else {
            bail!("the stream has ended");
        };
        self.at += consumed;
        let (types, limits) = (self.scanner.types(), self.scanner.limits());
        Ok(decode(types, id, &payload, limits)?)
    }
}
