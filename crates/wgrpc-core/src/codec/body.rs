//! A body that has arrived: bytes, until somebody wants the value in them.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::de::value::UnitDeserializer;
use smallvec::SmallVec;

use super::{Codec, CodecError, json};
use crate::error::Cause;

/// A body that has arrived and has not been decoded: borrowed from what was read, or kept.
#[derive(Clone)]
pub(crate) struct Body<'a> {
    pub(super) encoded: Encoded,
    pub(super) bytes: Payload<'a>,
}

#[derive(Clone)]
pub(super) enum Encoded {
    Gob {
        id: wgrpc_gob::Id,
        stream: Arc<Stream>,
    },
    Json {
        /// The most memory that the value may take.
        decoded_max: usize,
    },
    Custom(Arc<dyn Codec>),
}

/// What decoding a value of a gob stream takes: the types that its sender has defined.
pub(super) struct Stream {
    pub(super) types: Arc<wgrpc_gob::Types>,
    pub(super) limits: wgrpc_gob::Limits,
}

/// Bodies up to this size are kept inside the structure that holds them.
const INLINE: usize = 32;
/// Bodies from this size on are shared with what was read instead of being copied. Below it a
/// copy is cheaper than keeping a whole read's memory alive.
const SHARED: usize = 16 << 10;
/// A shared body keeps at most this many times its size in memory.
const PINNED: usize = 8;

#[derive(Clone)]
pub(super) enum Payload<'a> {
    Borrowed(&'a [u8]),
    Small(SmallVec<[u8; INLINE]>),
    Shared(Bytes),
}

impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.bytes().len())
    }
}

impl<'a> Body<'a> {
    pub(super) fn text(encoded: Encoded, bytes: &'a [u8]) -> Self {
        Self {
            encoded,
            bytes: Payload::Borrowed(bytes),
        }
    }

    /// Whether it is of those of which many connections together could have too many.
    pub(crate) fn is_long(&self) -> bool {
        self.bytes().len() >= SHARED
    }

    /// The encoded bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Payload::Borrowed(bytes) => bytes,
            Payload::Small(bytes) => bytes,
            Payload::Shared(bytes) => bytes,
        }
    }

    /// The same body, independent of what was read. `block` is what was read, in which the body
    /// may stand.
    pub(crate) fn keep(self, block: &Bytes) -> Body<'static> {
        let bytes = match self.bytes {
            Payload::Borrowed(bytes) if bytes.len() >= SHARED.max(block.len() / PINNED) => {
                Payload::Shared(block.slice_ref(bytes))
            }
            Payload::Borrowed(bytes) => Payload::Small(SmallVec::from_slice(bytes)),
            Payload::Small(bytes) => Payload::Small(bytes),
            Payload::Shared(bytes) => Payload::Shared(bytes),
        };
        Body {
            encoded: self.encoded,
            bytes,
        }
    }

    /// Decodes the body.
    #[inline]
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Cause> {
        self.decode_plainly().map_err(Cause::new)
    }

    pub(super) fn decode_plainly<T: DeserializeOwned>(&self) -> Result<T, CodecError> {
        if typeid::of::<T>() == typeid::of::<()>() {
            // Whoever wants nothing takes anything.
            return Ok(T::deserialize(
                UnitDeserializer::<serde::de::value::Error>::new(),
            )?);
        }
        let bytes = self.bytes();
        match &self.encoded {
            Encoded::Gob { id, stream } => Ok(wgrpc_gob::decode(
                &stream.types,
                *id,
                bytes,
                &stream.limits,
            )?),
            Encoded::Json { decoded_max } => Ok(json::read(bytes, *decoded_max)?),
            Encoded::Custom(codec) => {
                let mut slot = super::custom::Slot(None);
                codec.decode(bytes, &mut slot)?;
                slot.0.ok_or_else(|| "the codec decoded no value".into())
            }
        }
    }

    /// The texts of a gob header borrow from what was read.
    pub(super) fn borrowed(&self) -> Option<&'a [u8]> {
        match self.bytes {
            Payload::Borrowed(bytes) => Some(bytes),
            _ => None,
        }
    }
}
