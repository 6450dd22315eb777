//! Byte lists as Go's `[]byte`: in gob bytes, in text formats base64 with padding.
//!
//! In gob a `Vec<u8>` is bytes anyway; the adapter is faster, for it takes them as one, and it
//! makes JSON agree with Go, where serde would write a list of numbers. An absent or `null` value
//! is read as no bytes, as in Go; a list of numbers is understood too.
//!
//! A long [`bytes::Bytes`] need not be copied: see [`lend`] for reading it, and
//! [`encode_apart`](crate::encode_apart) for writing it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

use super::visit::read_bytes;
use super::{Adapt, Adapter, DeserializeBy, SerializeBy};
use crate::lent::{Block, LONG, lend, shared};
use crate::schema::{Builder, Gob, Ref};

/// The adapter for `[]byte`.
#[derive(Debug)]
pub enum Bytes {}

super::with!(Bytes);

impl Adapter for Bytes {
    fn describe(types: &mut Builder) -> Ref {
        types.bytes()
    }
}

impl Adapt for Vec<u8> {
    type By = Bytes;
}

impl Adapt for Box<[u8]> {
    type By = Bytes;
}

impl<const N: usize> Adapt for [u8; N] {
    type By = Bytes;
}

impl Adapt for bytes::Bytes {
    type By = Bytes;
}

impl Gob for bytes::Bytes {
    fn describe(types: &mut Builder) -> Ref {
        types.bytes()
    }
}

impl SerializeBy<Bytes> for [u8] {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(self))
        } else {
            serializer.serialize_bytes(self)
        }
    }
}

impl SerializeBy<Bytes> for Vec<u8> {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize_by(serializer)
    }
}

impl SerializeBy<Bytes> for Box<[u8]> {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize_by(serializer)
    }
}

impl SerializeBy<Bytes> for Cow<'_, [u8]> {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize_by(serializer)
    }
}

impl<const N: usize> SerializeBy<Bytes> for [u8; N] {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize_by(serializer)
    }
}

/// Lent, so that a writer can keep it instead of copying what is in it.
impl SerializeBy<Bytes> for bytes::Bytes {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let block = (self.len() >= LONG).then(|| Block {
            bytes: self.clone(),
            least: LONG,
        });
        lend(block, || self[..].serialize_by(serializer))
    }
}

impl<'de> DeserializeBy<'de, Bytes> for Vec<u8> {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(Base64);
        }
        read_bytes(deserializer, "bytes", |bytes| {
            Ok::<_, D::Error>(bytes.into_owned())
        })
    }
}

impl<'de> DeserializeBy<'de, Bytes> for Box<[u8]> {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize_by(deserializer).map(Self::from)
    }
}

impl<'de> DeserializeBy<'de, Bytes> for bytes::Bytes {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Vec::deserialize_by(deserializer).map(Self::from);
        }
        read_bytes(deserializer, "bytes", |bytes| {
            Ok::<_, D::Error>(match bytes {
                Cow::Borrowed(bytes) => {
                    shared(bytes).unwrap_or_else(|| Self::copy_from_slice(bytes))
                }
                Cow::Owned(bytes) => bytes.into(),
            })
        })
    }
}

impl<'de> DeserializeBy<'de, Bytes> for Cow<'_, [u8]> {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize_by(deserializer).map(Self::Owned)
    }
}

impl<'de, const N: usize> DeserializeBy<'de, Bytes> for [u8; N] {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Vec::deserialize_by(deserializer)?;
        // What Go leaves out, because it is empty, is all zeros.
        if bytes.is_empty() {
            return Ok([0; N]);
        }
        Self::try_from(bytes)
            .map_err(|bytes| Error::invalid_length(bytes.len(), &&*format!("{N} bytes")))
    }
}

/// Reads base64, and everything else that Go takes for bytes in JSON.
struct Base64;

impl<'de> Visitor<'de> for Base64 {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        // Go's decoder skips line breaks.
        let is_break = |c| matches!(c, '\r' | '\n');
        let decoded = match text.contains(is_break) {
            true => STANDARD.decode(text.replace(is_break, "")),
            false => STANDARD.decode(text),
        };
        decoded.map_err(|error| E::custom(format_args!("not base64: {error}")))
    }

    /// Inside a flattened struct serde takes every format for a text format, also gob.
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<u8>, E> {
        Ok(Vec::new())
    }

    fn visit_none<E: Error>(self) -> Result<Vec<u8>, E> {
        Ok(Vec::new())
    }
}
