//! bincode in its standard configuration: numbers of variable length.

use anyhow::Result;
use bincode::config::standard;

use super::plain::Plain;
use crate::values::Value;

pub(crate) struct Bincode;

impl Plain for Bincode {
    #[inline]
    fn put<T: Value>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        bincode::serde::encode_into_std_write(value, out, standard())?;
        Ok(())
    }

    #[inline]
    fn take<T: Value>(bytes: &[u8]) -> Result<(T, usize)> {
        Ok(bincode::serde::decode_from_slice(bytes, standard())?)
    }
}
