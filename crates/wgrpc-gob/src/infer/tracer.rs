//! A serializer that writes nothing and finds out what a value is made of.

use serde::ser::{Serialize, Serializer};

use super::compound::{ListTracer, MapTracer, StructTracer, TupleTracer, Variant};
use super::found::{Found, How, UNIT};
use crate::carried::{DynamicType, Marked, Renumbered};
use crate::error::{Error, Result};
use crate::ser::only::Only;

/// Finds out the type of one value.
#[derive(Clone, Copy)]
pub(super) struct Tracer<'a> {
    types: Renumbered<'a>,
    /// How many levels deeper the value may nest.
    levels: usize,
    pub(super) how: How,
    /// Whether the value is what is inside an option or a newtype. They are no levels by
    /// themselves, but nested directly in each other they must end too.
    is_wrapped: bool,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(types: Renumbered<'a>) -> Self {
        Self {
            types,
            levels: types.limits.depth,
            how: How::Strict,
            is_wrapped: false,
        }
    }

    /// The tracer for what is one level deeper.
    pub(super) fn inside(self) -> Result<Self> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self {
                levels,
                is_wrapped: false,
                ..self
            }),
            None => Err(Error::limit(
                "depth",
                self.types.limits.depth,
                "the nesting of the value",
            )),
        }
    }

    /// The tracer for what is inside an option or a newtype.
    fn wrapped(self) -> Result<Self> {
        let inside = if self.is_wrapped {
            self.inside()?
        } else {
            self
        };
        Ok(Self {
            is_wrapped: true,
            ..inside
        })
    }

    fn whole(self, fits_int: bool) -> Found {
        match self.how {
            How::Json if fits_int => Found::Int,
            _ => Found::Uint,
        }
    }

    fn nothing_or_unit(self) -> Found {
        match self.how {
            How::Json => Found::Nothing,
            How::Strict => UNIT,
        }
    }
}

macro_rules! scalars {
    ($($method:ident: $ty:ty => $found:expr;)*) => {$(
        fn $method(self, _: $ty) -> Result<Found> {
            Ok($found)
        }
    )*};
}

impl<'a> Serializer for Tracer<'a> {
    type Ok = Found;
    type Error = Error;
    type SerializeSeq = ListTracer<'a>;
    type SerializeTuple = TupleTracer<'a>;
    type SerializeTupleStruct = TupleTracer<'a>;
    type SerializeTupleVariant = TupleTracer<'a>;
    type SerializeMap = MapTracer<'a>;
    type SerializeStruct = StructTracer<'a>;
    type SerializeStructVariant = StructTracer<'a>;

    scalars! {
        serialize_bool: bool => Found::Bool;
        serialize_i8: i8 => Found::Int;
        serialize_i16: i16 => Found::Int;
        serialize_i32: i32 => Found::Int;
        serialize_i64: i64 => Found::Int;
        serialize_char: char => Found::Int;
        serialize_f32: f32 => Found::Float;
        serialize_f64: f64 => Found::Float;
        serialize_str: &str => Found::String;
        serialize_bytes: &[u8] => Found::Bytes;
    }

    fn serialize_u8(self, _: u8) -> Result<Found> {
        Ok(match self.how {
            How::Json => Found::Int,
            How::Strict => Found::Byte,
        })
    }

    fn serialize_u16(self, _: u16) -> Result<Found> {
        Ok(self.whole(true))
    }

    fn serialize_u32(self, _: u32) -> Result<Found> {
        Ok(self.whole(true))
    }

    fn serialize_u64(self, value: u64) -> Result<Found> {
        Ok(self.whole(i64::try_from(value).is_ok()))
    }

    fn serialize_none(self) -> Result<Found> {
        Ok(Found::Nothing)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Found> {
        value.serialize(self.wrapped()?)
    }

    fn serialize_unit(self) -> Result<Found> {
        Ok(self.nothing_or_unit())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Found> {
        Ok(UNIT)
    }

    fn serialize_unit_variant(
        self,
        enumeration: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<Found> {
        Ok(Variant { enumeration, name }.of(UNIT))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Found> {
        match Marked::by_name(name) {
            None => value.serialize(self.wrapped()?),
            Some(Marked::Json) => value.serialize(Tracer {
                how: How::Json,
                ..self.wrapped()?
            }),
            Some(Marked::Interface) => Ok(Found::Interface),
            Some(Marked::RawString) => Ok(Found::String),
            Some(Marked::Dynamic) => value
                .serialize(Only(DynamicType(self.types)))
                .map(Found::Known),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        enumeration: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Found> {
        let payload = value.serialize(self.inside()?);
        let payload = payload.map_err(|error| error.in_field(name))?;
        Ok(Variant { enumeration, name }.of(payload))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<ListTracer<'a>> {
        self.list()
    }

    fn serialize_tuple(self, _: usize) -> Result<TupleTracer<'a>> {
        self.tuple(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<TupleTracer<'a>> {
        self.tuple(None)
    }

    fn serialize_tuple_variant(
        self,
        enumeration: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<TupleTracer<'a>> {
        self.tuple(Some(Variant { enumeration, name }))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapTracer<'a>> {
        match self.how {
            How::Json => Ok(MapTracer::Struct(self.structure("", None)?, None)),
            How::Strict => Ok(MapTracer::Map(Found::Nothing, self.list()?)),
        }
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<StructTracer<'a>> {
        self.structure(name, None)
    }

    fn serialize_struct_variant(
        self,
        enumeration: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<StructTracer<'a>> {
        self.structure(name, Some(Variant { enumeration, name }))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
