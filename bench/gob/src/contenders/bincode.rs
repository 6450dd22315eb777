//! bincode in its standard configuration: numbers of variable length.

use anyhow::Result;
use bincode::config::standard;

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
        bincode::serde::encode_into_std_write(value, &mut self.0, standard())?;
        Ok(())
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
        let rest = &self.bytes[self.at..];
        let (value, len) = bincode::serde::decode_from_slice(rest, standard())?;
        self.at += len;
        Ok(value)
    }
}
