//! serde_json: values one behind the other. Bytes travel as base64, as in Go's JSON.

use anyhow::{Context, Result};

use super::{Reader, Writer};
use crate::values::Value;

#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Writer for Buffer {
    fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    fn put<T: Value>(&mut self, value: &T) -> Result<()> {
        Ok(serde_json::to_writer(&mut self.0, value)?)
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

pub(crate) struct Slice {
    bytes: Vec<u8>,
    at: usize,
}

impl Reader for Slice {
    fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
        }
    }

    fn replace(&mut self, bytes: &[u8]) {
        *self = Self::new(bytes);
    }

    fn rewind(&mut self) {
        self.at = 0;
    }

    #[inline]
    fn take<T: Value>(&mut self) -> Result<T> {
        let mut values = serde_json::Deserializer::from_slice(&self.bytes[self.at..]).into_iter();
        let value = values.next().context("the stream has ended")??;
        self.at += values.byte_offset();
        Ok(value)
    }
}
