//! Bytes: base64 in a string, as Go writes them, or a list of numbers.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// As Go decodes it: the padding must be there, what the last character has too many bits of may
/// be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes that `text` stands for.
pub(super) fn decode<E: Error>(text: &[u8]) -> Result<Vec<u8>, E> {
    // Go reads over line ends, which long base64 is often broken by.
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let text = if text.iter().any(is_line_end) {
        Cow::Owned(
            text.iter()
                .copied()
                .filter(|byte| !is_line_end(byte))
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    };
    BASE64
        .decode(text)
        .map_err(|error| E::custom(format_args!("not base64: {error}")))
}

/// A visitor of bytes.
pub(super) struct Bytes<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Bytes<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 or a list of bytes")
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_borrowed_bytes(&[])
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        inner.deserialize_bytes(self)
    }

    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<V::Value, E> {
        self.0.visit_byte_buf(decode(text)?)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<V::Value, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        self.0.visit_byte_buf(bytes)
    }
}
