//! A serializer that writes nothing and finds out what a value is made of.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::found::{Found, How, Many, Members, UNIT};
use crate::carried::{self, Marked};
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::schema::tuple_field;
use crate::ser::only::{NoTuple, Only, Want};

/// Finds out the type of one value.
#[derive(Clone, Copy)]
pub(super) struct Tracer<'a> {
    limits: &'a Limits,
    /// How many levels deeper the value may nest.
    levels: usize,
    how: How,
    /// Whether the value is what is inside an option or a newtype. They are no levels by
    /// themselves, but nested directly in each other they must end too.
    is_wrapped: bool,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            levels: limits.depth,
            how: How::Strict,
            is_wrapped: false,
        }
    }

    /// The tracer for what is one level deeper.
    fn inside(self) -> Result<Self> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self {
                levels,
                is_wrapped: false,
                ..self
            }),
            None => Err(Error::limit(
                "depth",
                self.limits.depth,
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

    fn list(self) -> Result<ListTracer<'a>> {
        Ok(ListTracer {
            elements: self.inside()?,
            found: Many {
                elem: Box::new(Found::Nothing),
                is_empty: true,
            },
            count: 0,
        })
    }

    fn tuple(self, variant: Option<Variant>) -> Result<TupleTracer<'a>> {
        let outer = if variant.is_some() {
            self.inside()?
        } else {
            self
        };
        Ok(TupleTracer {
            elements: outer.inside()?,
            found: Vec::new(),
            variant,
        })
    }

    fn structure(self, name: &'static str, variant: Option<Variant>) -> Result<StructTracer<'a>> {
        let outer = if variant.is_some() {
            self.inside()?
        } else {
            self
        };
        Ok(StructTracer {
            fields: outer.inside()?,
            found: Members {
                name,
                list: Vec::new(),
            },
            variant,
        })
    }
}

/// The variant that a compound value is the payload of.
struct Variant {
    enumeration: &'static str,
    name: &'static str,
}

impl Variant {
    fn of(self, payload: Found) -> Found {
        Found::Enum(Members {
            name: self.enumeration,
            list: vec![(self.name.into(), payload)],
        })
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
            Some(Marked::Dynamic) => carried::read_schema(value, self.limits).map(Found::Known),
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

/// Finds out what the elements of a list are together.
pub(super) struct ListTracer<'a> {
    elements: Tracer<'a>,
    found: Many,
    count: usize,
}

impl ListTracer<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let known = std::mem::replace(&mut *self.found.elem, Found::Nothing);
        let both = (value.serialize(self.elements))
            .and_then(|found| known.with(found, self.elements.how))
            .map_err(|error| error.in_element(self.count))?;
        *self.found.elem = both;
        self.found.is_empty = false;
        self.count += 1;
        Ok(())
    }
}

impl SerializeSeq for ListTracer<'_> {
    type Ok = Found;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.add(value)
    }

    fn end(self) -> Result<Found> {
        Ok(Found::List(self.found))
    }
}

/// Finds out what each element of a tuple is.
pub(super) struct TupleTracer<'a> {
    elements: Tracer<'a>,
    found: Vec<Found>,
    variant: Option<Variant>,
}

macro_rules! tuple {
    ($($trait:ident::$method:ident)*) => {$(
        impl $trait for TupleTracer<'_> {
            type Ok = Found;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                let place = self.found.len();
                let found = value.serialize(self.elements);
                self.found.push(found.map_err(|error| error.in_field(&tuple_field(place)))?);
                Ok(())
            }

            fn end(self) -> Result<Found> {
                let found = Found::Tuple(self.found);
                Ok(match self.variant {
                    Some(variant) => variant.of(found),
                    None => found,
                })
            }
        }
    )*};
}

tuple! {
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

/// Finds out what each field of a struct is.
pub(super) struct StructTracer<'a> {
    fields: Tracer<'a>,
    found: Members,
    variant: Option<Variant>,
}

impl StructTracer<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        let found = value
            .serialize(self.fields)
            .map_err(|error| error.in_field(key))?;
        self.found.list.push((key.into(), found));
        Ok(())
    }

    fn finish(self) -> Found {
        let found = Found::Struct(self.found);
        match self.variant {
            Some(variant) => variant.of(found),
            None => found,
        }
    }
}

macro_rules! structure {
    ($($trait:ident)*) => {$(
        impl $trait for StructTracer<'_> {
            type Ok = Found;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<()> {
                self.add(key, value)
            }

            fn end(self) -> Result<Found> {
                Ok(self.finish())
            }
        }
    )*};
}

structure!(SerializeStruct SerializeStructVariant);

/// Finds out what keys and values of a map are, or what its entries are if they are fields.
pub(super) enum MapTracer<'a> {
    Map(Found, ListTracer<'a>),
    Struct(StructTracer<'a>, Option<String>),
}

impl SerializeMap for MapTracer<'_> {
    type Ok = Found;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        match self {
            Self::Map(known, values) => {
                let found = key.serialize(values.elements)?;
                let both = std::mem::replace(known, Found::Nothing);
                *known = both.with(found, values.elements.how)?;
            }
            Self::Struct(_, name) => *name = Some(key.serialize(Only(Text))?),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        match self {
            Self::Map(_, values) => values.add(value),
            Self::Struct(fields, name) => match name.take() {
                Some(name) => fields.add(&name, value),
                None => Err(Error::new(Category::Message, "a value without a key")),
            },
        }
    }

    fn end(self) -> Result<Found> {
        Ok(match self {
            Self::Map(key, values) => Found::Map(Box::new(key), values.found),
            Self::Struct(fields, _) => fields.finish(),
        })
    }
}

/// The name of a field.
struct Text;

impl Want for Text {
    type Ok = String;
    type Tuple = NoTuple<String>;
    const WANTED: &'static str = "the name of a field (a text)";

    fn text(self, text: &str) -> Result<String> {
        Ok(text.to_owned())
    }
}
