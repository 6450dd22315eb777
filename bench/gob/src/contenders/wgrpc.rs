//! The codec of this project, as any program would use it.

use anyhow::{Context, Result};
use wgrpc::gob::{Decoder, Encoder};

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

pub(crate) struct Decoding {
    decoder: Decoder,
    bytes: Vec<u8>,
}

impl Reader for Decoding {
    fn new(bytes: &[u8]) -> Self {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        Self {
            decoder,
            bytes: Vec::new(),
        }
    }

    fn replace(&mut self, bytes: &[u8]) {
        self.bytes = bytes.to_vec();
        self.rewind();
    }

    #[inline]
    fn rewind(&mut self) {
        self.decoder.push(&self.bytes);
    }

    #[inline]
    fn take<T: Value>(&mut self) -> Result<T> {
        self.decoder.decode()?.context("the stream has ended")
    }
}
