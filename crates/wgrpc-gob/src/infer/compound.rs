//! What lists, tuples, structs and maps are made of, and the payloads of enums.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::found::{Found, Many, Members};
use super::tracer::Tracer;
use crate::error::{Category, Error, Result};
use crate::schema::tuple_field;
use crate::ser::only::{NoTuple, Only, Want};

impl<'a> Tracer<'a> {
    pub(super) fn list(self) -> Result<ListTracer<'a>> {
        Ok(ListTracer {
            elements: self.inside()?,
            found: Many {
                elem: Box::new(Found::Nothing),
                is_empty: true,
            },
            count: 0,
        })
    }

    pub(super) fn tuple(self, variant: Option<Variant>) -> Result<TupleTracer<'a>> {
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

    pub(super) fn structure(
        self,
        name: &'static str,
        variant: Option<Variant>,
    ) -> Result<StructTracer<'a>> {
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
pub(super) struct Variant {
    pub(super) enumeration: &'static str,
    pub(super) name: &'static str,
}

impl Variant {
    pub(super) fn of(self, payload: Found) -> Found {
        Found::Enum(Members {
            name: self.enumeration,
            list: vec![(self.name.into(), payload)],
        })
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
