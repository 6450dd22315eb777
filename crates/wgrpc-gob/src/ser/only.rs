//! A serializer that takes one kind of value and refuses all others: a byte of a byte list, a
//! float of a complex number, the name of a field that comes as the key of a map.

use std::fmt::Display;

use serde::ser::{Impossible, Serialize, SerializeTuple, Serializer};

use crate::error::{Category, Error, Result};

/// The kind of value that is wanted. Each method refuses unless it is overridden.
pub(crate) trait Want: Sized {
    /// What is made of the value.
    type Ok;

    /// What takes the elements of a tuple; [`NoTuple`] where none is wanted.
    type Tuple: SerializeTuple<Ok = Self::Ok, Error = Error>;

    /// What errors call the value that is wanted.
    const WANTED: &'static str;

    fn byte(self, _: u8) -> Result<Self::Ok> {
        Err(refused::<Self>("an unsigned integer"))
    }

    fn number(self, _: u32) -> Result<Self::Ok> {
        Err(refused::<Self>("an unsigned integer"))
    }

    fn float(self, _: f64) -> Result<Self::Ok> {
        Err(refused::<Self>("a float"))
    }

    fn text(self, _: &str) -> Result<Self::Ok> {
        Err(refused::<Self>("a string"))
    }

    fn bytes(self, _: &[u8]) -> Result<Self::Ok> {
        Err(refused::<Self>("bytes"))
    }

    fn tuple(self) -> Result<Self::Tuple> {
        Err(refused::<Self>("a tuple"))
    }
}

/// The [`Want::Tuple`] of what is no tuple.
pub(crate) type NoTuple<Ok> = Impossible<Ok, Error>;

#[cold]
fn refused<W: Want>(found: impl Display) -> Error {
    Error::new(
        Category::Mismatch,
        format_args!("{found} stands where {} is needed", W::WANTED),
    )
}

/// The serializer for `W`.
pub(crate) struct Only<W>(pub(crate) W);

macro_rules! refuse {
    ($($method:ident($($arg:ty),*) -> $ok:ty, $found:literal;)*) => {$(
        fn $method(self, $(_: $arg),*) -> Result<$ok> {
            Err(refused::<W>($found))
        }
    )*};
}

impl<W: Want> Serializer for Only<W> {
    type Ok = W::Ok;
    type Error = Error;
    type SerializeSeq = Impossible<W::Ok, Error>;
    type SerializeTuple = W::Tuple;
    type SerializeTupleStruct = Impossible<W::Ok, Error>;
    type SerializeTupleVariant = Impossible<W::Ok, Error>;
    type SerializeMap = Impossible<W::Ok, Error>;
    type SerializeStruct = Impossible<W::Ok, Error>;
    type SerializeStructVariant = Impossible<W::Ok, Error>;

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<W::Ok> {
        self.0.byte(value)
    }

    fn serialize_u32(self, value: u32) -> Result<W::Ok> {
        self.0.number(value)
    }

    fn serialize_f32(self, value: f32) -> Result<W::Ok> {
        self.0.float(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<W::Ok> {
        self.0.float(value)
    }

    fn serialize_char(self, value: char) -> Result<W::Ok> {
        self.0.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<W::Ok> {
        self.0.text(value)
    }

    fn serialize_unit_variant(self, _: &str, _: u32, variant: &str) -> Result<W::Ok> {
        self.0.text(variant)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<W::Ok> {
        self.0.bytes(value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<W::Ok> {
        value.serialize(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<W::Tuple> {
        self.0.tuple()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<W::Ok> {
        Err(refused::<W>("an option"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<W::Ok> {
        Err(refused::<W>("an enum"))
    }

    refuse! {
        serialize_bool(bool) -> W::Ok, "a bool";
        serialize_i8(i8) -> W::Ok, "a signed integer";
        serialize_i16(i16) -> W::Ok, "a signed integer";
        serialize_i32(i32) -> W::Ok, "a signed integer";
        serialize_i64(i64) -> W::Ok, "a signed integer";
        serialize_u16(u16) -> W::Ok, "an unsigned integer";
        serialize_u64(u64) -> W::Ok, "an unsigned integer";
        serialize_none() -> W::Ok, "nothing";
        serialize_unit() -> W::Ok, "a unit";
        serialize_unit_struct(&'static str) -> W::Ok, "a unit";
        serialize_seq(Option<usize>) -> Self::SerializeSeq, "a list";
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct, "a tuple";
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant, "an enum";
        serialize_map(Option<usize>) -> Self::SerializeMap, "a map";
        serialize_struct(&'static str, usize) -> Self::SerializeStruct, "a struct";
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeStructVariant, "an enum";
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
