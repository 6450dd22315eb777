//! rmp-serde: MessagePack, structs as arrays. Its reader of slices does not say how far it has
//! come, so a length stands before each value.

use anyhow::{Context, Result};

use super::{Reader, Writer};
use crate::values::Value;

/// Of a length.
const LENGTH: usize = size_of::<usize>();

#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Writer for Buffer {
    fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    fn put<T: Value>(&mut self, value: &T) -> Result<()> {
        let start = self.0.len();
        self.0.extend([0; LENGTH]);
        rmp_serde::encode::write(&mut self.0, value)?;
        let len = self.0.len() - start - LENGTH;
        self.0[start..start + LENGTH].copy_from_slice(&len.to_le_bytes());
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
        let (len, rest) = rest.split_first_chunk().context("no more values")?;
        let len = usize::from_le_bytes(*len);
        self.at += LENGTH + len;
        Ok(rmp_serde::from_slice(&rest[..len])?)
    }
}
