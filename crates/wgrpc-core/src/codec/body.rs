//! A body that has arrived: bytes, until somebody wants the value in them.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::de::value::UnitDeserializer;
use smallvec::SmallVec;
use wgrpc_gob::Block;

use super::{Codec, CodecError, json};
use crate::error::Cause;

/// A body that has arrived and has not been decoded: borrowed from what was read, or kept. Its
/// connection's [`Decoding`] knows what it means.
#[derive(Clone)]
pub(crate) struct Body<'a> {
    /// In gob, the type that its sender gave it.
    id: Option<wgrpc_gob::Id>,
    bytes: Payload<'a>,
}

/// Where a short body stands in what was read.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    id: Option<wgrpc_gob::Id>,
    start: usize,
    len: usize,
}

/// Turns the bodies that one connection has received into values, for whoever wants them and
/// wherever that is.
#[derive(Clone)]
pub(crate) enum Decoding {
    Gob(Arc<Stream>),
    Json {
        /// The most memory that a value may take.
        decoded_max: usize,
    },
    Custom(Arc<dyn Codec>),
}

/// What decoding a value of a gob stream takes: the types that its sender has defined.
pub(crate) struct Stream {
    pub(super) types: Arc<wgrpc_gob::Types>,
    pub(super) limits: wgrpc_gob::Limits,
}

/// Bodies up to this size are kept inside the structure that holds them.
const INLINE: usize = 32;
/// Bodies and values from this size on are shared with what was read instead of being copied. Below
/// it a copy is cheaper than keeping a whole read's memory alive.
const SHARED: usize = 16 << 10;
/// What is shared keeps at most this many times its size in memory.
const PINNED: usize = 8;

impl Default for Body<'_> {
    fn default() -> Self {
        Self::borrowed(None, &[])
    }
}

#[derive(Clone)]
enum Payload<'a> {
    Borrowed(&'a [u8]),
    Small(SmallVec<[u8; INLINE]>),
    /// A block that values can keep parts of.
    Shared(Block),
}

/// How long a part of `block` has to be in order to be shared.
fn least(block: &[u8]) -> usize {
    SHARED.max(block.len() / PINNED)
}

impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.bytes().len())
    }
}

impl<'a> Body<'a> {
    /// A body that stands in what was read.
    #[inline]
    pub(super) fn borrowed(id: Option<wgrpc_gob::Id>, bytes: &'a [u8]) -> Self {
        Self {
            id,
            bytes: Payload::Borrowed(bytes),
        }
    }

    /// A body that had to be put together.
    pub(super) fn owned(id: Option<wgrpc_gob::Id>, bytes: Bytes) -> Self {
        let least = least(&bytes);
        Self {
            id,
            bytes: Payload::Shared(Block { bytes, least }),
        }
    }

    /// Whether it is of those of which many connections together could have too many.
    #[inline]
    pub(crate) fn is_long(&self) -> bool {
        self.bytes().len() >= SHARED
    }

    /// The encoded bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Payload::Borrowed(bytes) => bytes,
            Payload::Small(bytes) => bytes,
            Payload::Shared(block) => &block.bytes,
        }
    }

    /// Lets values keep parts of it if they are long enough for that. `block` is what
    /// was read, in which the body may stand.
    #[inline]
    pub(crate) fn share(&mut self, block: &Bytes) {
        if let Payload::Borrowed(bytes) = self.bytes
            && bytes.len() >= SHARED
            && bytes.len() >= least(block)
        {
            self.bytes = Payload::Shared(Block {
                bytes: block.slice_ref(bytes),
                least: least(block),
            });
        }
    }

    /// The same body, independent of what was read. `block` is what was read, in which the body
    /// may stand.
    #[inline]
    pub(crate) fn keep(&mut self, block: &Bytes) -> Body<'static> {
        self.share(block);
        let bytes = match &self.bytes {
            Payload::Borrowed(bytes) => Payload::Small(SmallVec::from_slice(bytes)),
            Payload::Small(bytes) => Payload::Small(bytes.clone()),
            Payload::Shared(block) => Payload::Shared(block.clone()),
        };
        Body { id: self.id, bytes }
    }

    /// Where in `block` it stands, if it is so short that it is copied without being allocated.
    #[inline]
    pub(crate) fn short(&self, block: &[u8]) -> Option<Place> {
        match self.bytes {
            Payload::Borrowed(bytes) if bytes.len() <= INLINE => Some(Place {
                id: self.id,
                start: bytes.as_ptr().addr() - block.as_ptr().addr(),
                len: bytes.len(),
            }),
            _ => None,
        }
    }

    /// The body that stands at a [`short`](Self::short) place in `block`, independent of that.
    #[inline]
    pub(crate) fn at(place: Place, block: &[u8]) -> Body<'static> {
        let rest = &block[place.start..];
        // A copy of a fixed length is two moves, and what it takes along too much is not seen.
        let bytes = match rest.first_chunk() {
            Some(bytes) => SmallVec::from_buf_and_len(*bytes, place.len),
            None => SmallVec::from_slice(&rest[..place.len]),
        };
        Body {
            id: place.id,
            bytes: Payload::Small(bytes),
        }
    }

    /// What values may keep parts of.
    #[inline]
    fn block(&self) -> Option<Block> {
        match &self.bytes {
            Payload::Shared(block) => Some(block.clone()),
            Payload::Borrowed(_) | Payload::Small(_) => None,
        }
    }
}

impl Decoding {
    /// Decodes a body.
    #[inline]
    pub(crate) fn decode<T: DeserializeOwned>(&self, body: &Body<'_>) -> Result<T, Cause> {
        self.decode_plainly(body).map_err(Cause::new)
    }

    #[inline]
    pub(super) fn decode_plainly<T: DeserializeOwned>(
        &self,
        body: &Body<'_>,
    ) -> Result<T, CodecError> {
        if typeid::of::<T>() == typeid::of::<()>() {
            // Whoever wants nothing takes anything.
            return Ok(T::deserialize(
                UnitDeserializer::<serde::de::value::Error>::new(),
            )?);
        }
        wgrpc_gob::lend(body.block(), || self.decode_bytes(body))
    }

    #[inline]
    fn decode_bytes<T: DeserializeOwned>(&self, body: &Body<'_>) -> Result<T, CodecError> {
        let bytes = body.bytes();
        match self {
            Self::Gob(stream) => {
                let id = body.id.ok_or("a body of another codec")?;
                Ok(wgrpc_gob::decode(&stream.types, id, bytes, &stream.limits)?)
            }
            Self::Json { decoded_max } => Ok(json::read(bytes, *decoded_max)?),
            Self::Custom(codec) => {
                let mut slot = super::custom::Slot(None);
                codec.decode(bytes, &mut slot)?;
                slot.0.ok_or_else(|| "the codec decoded no value".into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
