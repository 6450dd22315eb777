//! Formats whose values need nothing that has been said before: the same buffers for each.

use std::marker::PhantomData;

use anyhow::Result;

use super::{Reader, Writer};
use crate::values::Value;

/// A format: how one value is written and read.
pub(crate) trait Plain: 'static {
    /// Appends a value.
    fn put<T: Value>(value: &T, out: &mut Vec<u8>) -> Result<()>;
    /// The first value, and how many bytes it took.
    fn take<T: Value>(bytes: &[u8]) -> Result<(T, usize)>;
}

pub(crate) struct Buffer<P> {
    bytes: Vec<u8>,
    format: PhantomData<P>,
}

impl<P> Default for Buffer<P> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            format: PhantomData,
        }
    }
}

impl<P: Plain> Writer for Buffer<P> {
    fn clear(&mut self) {
        self.bytes.clear();
    }

    #[inline]
    fn put<T: Value>(&mut self, value: &T) -> Result<()> {
        P::put(value, &mut self.bytes)
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

pub(crate) struct Slice<P> {
    bytes: Vec<u8>,
    at: usize,
    format: PhantomData<P>,
}

impl<P: Plain> Reader for Slice<P> {
    fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            format: PhantomData,
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
        let (value, len) = P::take(&self.bytes[self.at..])?;
        self.at += len;
        Ok(value)
    }
}
