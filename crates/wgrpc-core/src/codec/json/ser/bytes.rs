//! Lists, which are base64 if the schema says that they are bytes.

use serde::ser::{Serialize, SerializeSeq, Serializer};
use wgrpc_gob::Shape;

use super::super::error::{Error, Step};
use super::Scope;
use super::compound::Compound;

/// A list while it is being written.
pub(super) enum List<'a, S: Serializer> {
    Array(Compound<'a, S::SerializeSeq>),
    /// Go's `[]byte`. Nothing is written before the end.
    Bytes {
        inner: S,
        scope: Scope<'a>,
        bytes: Vec<u8>,
    },
}

impl<'a, S: Serializer> List<'a, S> {
    pub(super) fn open(scope: Scope<'a>, inner: S, len: Option<usize>) -> Result<Self, Error> {
        if scope.ty.is_some_and(|ty| *ty.shape() == Shape::Bytes) {
            let bytes = Vec::with_capacity(len.unwrap_or_default());
            return Ok(Self::Bytes {
                inner,
                scope,
                bytes,
            });
        }
        Compound::open(scope, inner.serialize_seq(len)).map(Self::Array)
    }
}

impl<S: Serializer> SerializeSeq for List<'_, S> {
    type Ok = S::Ok;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        match self {
            Self::Array(array) => array.serialize_element(value),
            Self::Bytes { bytes, .. } => match byte(value) {
                Some(byte) => {
                    bytes.push(byte);
                    Ok(())
                }
                None => {
                    let error =
                        Error::new("what is bytes in the schema has an element that is no byte");
                    Err(error.inside(Step::Index(bytes.len())))
                }
            },
        }
    }

    fn end(self) -> Result<S::Ok, Error> {
        match self {
            Self::Array(array) => array.end(),
            Self::Bytes {
                inner,
                scope,
                bytes,
            } => scope.collect(inner.serialize_bytes(&bytes)),
        }
    }
}

/// The byte that `value` serializes as.
fn byte<T: Serialize + ?Sized>(value: &T) -> Option<u8> {
    let number = serde_json::to_value(value).ok()?.as_u64()?;
    number.try_into().ok()
}
