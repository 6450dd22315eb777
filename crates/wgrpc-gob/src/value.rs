//! Any value, with its type: what a stream holds can be read without knowing it beforehand.
//!
//! A [`Value`] alone does not say what its fields are called or whether a list is an array; a
//! [`Dynamic`] carries the type beside it. An [`Interface`] is what Go calls an interface value:
//! a dynamic value and the name that its type is registered under.

mod lossless;
mod show;

use serde::de::DeserializeOwned;

use crate::complex::Complex;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::schema::Schema;

/// A value of any type, as it stands on the wire.
///
/// Widths, pointers and the names of fields are not part of it: they belong to the type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A signed integer of any width.
    Int(i64),
    /// An unsigned integer of any width.
    Uint(u64),
    /// A float of any width.
    Float(f64),
    /// A complex number.
    Complex(Complex),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    String(String),
    /// A string that is not UTF-8, which Go does not insist on.
    RawString(Vec<u8>),
    /// A value that brings its own type; `None` is nil.
    Interface(Option<Box<Interface>>),
    /// Any number of elements of one type.
    Slice(Vec<Self>),
    /// As many elements as the type says.
    Array(Vec<Self>),
    /// Keys and values, in the order of the wire.
    Map(Vec<(Self, Self)>),
    /// The fields that are present, by their number in the type, in ascending order. Absent ones
    /// are zero.
    Struct(Vec<(usize, Self)>),
    /// What a type made of itself, of which only its marshaler knows the meaning.
    Opaque(Vec<u8>),
}

/// A value and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Dynamic {
    /// The type. That of a value read from a stream has the sender's ids.
    pub schema: Schema,
    /// The value, which has that type.
    pub value: Value,
}

/// What stands in one of Go's interfaces, `any` for instance, when it is not nil.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// The name that the sender has registered the concrete type under: `main.Circle`, `int`.
    pub name: String,
    /// The concrete value.
    pub value: Dynamic,
}

impl Dynamic {
    /// The value as a `T`, as if it had been read from a stream into one.
    ///
    /// ```
    /// let dynamic = wgrpc_gob::Dynamic::new(&[1u8, 2, 3])?;
    /// assert_eq!(dynamic.to::<(u8, u64, u8)>()?, (1, 2, 3));
    /// # wgrpc_gob::Result::Ok(())
    /// ```
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        // The value is in memory already, so it is no larger than it may be.
        let limits = Limits {
            message: usize::MAX,
            decoded: usize::MAX,
            depth: usize::MAX,
            types: usize::MAX,
            definitions: usize::MAX,
        };
        let mut stream = Vec::new();
        Encoder::with_limits(limits.clone()).encode(self, &mut stream)?;
        let mut decoder = Decoder::with_limits(limits);
        decoder.push(&stream);
        let cut = || Error::new(Category::Corrupt, "the value is cut off");
        decoder.decode()?.ok_or_else(cut)
    }
}
