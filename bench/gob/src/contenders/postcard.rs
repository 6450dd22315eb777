//! postcard.

use std::mem::take;

use anyhow::Result;

use super::plain::Plain;
use crate::values::Value;

pub(crate) struct Postcard;

impl Plain for Postcard {
    #[inline]
    fn put<T: Value>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        *out = postcard::to_extend(value, take(out))?;
        Ok(())
    }

    #[inline]
    fn take<T: Value>(bytes: &[u8]) -> Result<(T, usize)> {
        let (value, rest) = postcard::take_from_bytes(bytes)?;
        Ok((value, bytes.len() - rest.len()))
    }
}
