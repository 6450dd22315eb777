//! rmp-serde: MessagePack, structs as arrays. Its reader of slices does not say how far it has
//! come, so a length stands before each value.

use anyhow::{Context, Result};

use super::plain::Plain;
use crate::values::Value;

/// Of a length.
const LENGTH: usize = size_of::<usize>();

pub(crate) struct MessagePack;

impl Plain for MessagePack {
    #[inline]
    fn put<T: Value>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.extend([0; LENGTH]);
        rmp_serde::encode::write(out, value)?;
        let len = out.len() - start - LENGTH;
        out[start..start + LENGTH].copy_from_slice(&len.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn take<T: Value>(bytes: &[u8]) -> Result<(T, usize)> {
        let (len, rest) = bytes.split_first_chunk().context("no more values")?;
        let len = usize::from_le_bytes(*len);
        Ok((rmp_serde::from_slice(&rest[..len])?, LENGTH + len))
    }
}
