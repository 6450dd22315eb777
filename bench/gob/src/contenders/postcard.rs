//! postcard.

use std::mem::take;

use anyhow::Result;

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
        self.0 = postcard::to_extend(value, take(&mut self.0))?;
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
        let (value, rest) = postcard::take_from_bytes(&self.bytes[self.at..])?;
        self.at = self.bytes.len() - rest.len();
        Ok(value)
    }
}
