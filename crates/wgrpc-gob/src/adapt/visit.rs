//! What the adapters read: the bytes that a type makes of itself, or a text.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// Reads bytes, or their absence as none, and makes of them what `parse` makes.
pub(super) fn read_bytes<'de, D, T, E>(
    deserializer: D,
    what: &'static str,
    parse: impl FnOnce(Cow<'_, [u8]>) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: Display,
{
    deserializer.deserialize_byte_buf(Bytes { what, parse })
}

/// Reads a text and makes of it what `parse` makes.
pub(super) fn read_text<'de, D, T, E>(
    deserializer: D,
    what: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: Display,
{
    deserializer.deserialize_str(Text { what, parse })
}

struct Bytes<F> {
    what: &'static str,
    parse: F,
}

impl<'de, T, E: Display, F: FnOnce(Cow<'_, [u8]>) -> Result<T, E>> Visitor<'de> for Bytes<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_bytes<Err: Error>(self, bytes: &[u8]) -> Result<T, Err> {
        (self.parse)(Cow::Borrowed(bytes)).map_err(Err::custom)
    }

    fn visit_byte_buf<Err: Error>(self, bytes: Vec<u8>) -> Result<T, Err> {
        (self.parse)(Cow::Owned(bytes)).map_err(Err::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        // The hint may be anyone's claim, so it reserves little.
        let mut bytes = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        self.visit_byte_buf(bytes)
    }

    fn visit_unit<Err: Error>(self) -> Result<T, Err> {
        self.visit_bytes(&[])
    }

    fn visit_none<Err: Error>(self) -> Result<T, Err> {
        self.visit_bytes(&[])
    }
}

struct Text<F> {
    what: &'static str,
    parse: F,
}

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<Err: Error>(self, text: &str) -> Result<T, Err> {
        (self.parse)(text).map_err(Err::custom)
    }
}
