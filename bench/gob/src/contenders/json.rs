//! serde_json: values one behind the other. Bytes travel as base64, as in Go's JSON.

use anyhow::{Context, Result};

use super::plain::Plain;
use crate::values::Value;

pub(crate) struct Json;

impl Plain for Json {
    #[inline]
    fn put<T: Value>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        Ok(serde_json::to_writer(out, value)?)
    }

    #[inline]
    fn take<T: Value>(bytes: &[u8]) -> Result<(T, usize)> {
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
        let value = values.next().context("the stream has ended")??;
        Ok((value, values.byte_offset()))
    }
}
