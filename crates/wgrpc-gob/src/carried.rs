//! How a value that brings its own type travels through serde.
//!
//! serde has no place for types. So to a binary format a [`Dynamic`] is a newtype struct around a
//! tuple: the definitions of the type, as bytes, and the value. An [`Interface`] has its name in
//! front. The serializer and the deserializer of this crate know them by the names of the newtype
//! structs, and to any other binary format they are values like others. Formats that are made for
//! people get the bare value.

mod read;

use serde::ser::{Error as _, SerializeMap, SerializeTuple};
use serde::{Serialize, Serializer};

use crate::adapt::SerializeBy;
use crate::adapt::bytes::Bytes;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::scanner::{Scan, Scanner};
use crate::schema::{Dynamics, Schema, Type};
use crate::ser::only::{NoTuple, Only, Want};
use crate::types::{Id, Shape};
use crate::value::{Dynamic, Interface, Value};
use crate::wire;

pub(crate) use read::HandOver;

/// What a newtype struct of one of our names stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    /// The definitions of a type, and a value of it.
    Dynamic,
    /// The name that a type is registered under, its definitions, and a value of it.
    Interface,
    /// The bytes of a string that is not UTF-8.
    RawString,
    /// A value that knows no types: see [`Json`](crate::Json).
    Json,
}

pub(crate) const DYNAMIC: &str = "$wgrpc_gob::Dynamic";
pub(crate) const INTERFACE: &str = "$wgrpc_gob::Interface";
pub(crate) const RAW_STRING: &str = "$wgrpc_gob::RawString";
pub(crate) const JSON: &str = "$wgrpc_gob::Json";

impl Marked {
    /// What a newtype struct called `name` stands for, if it is one of ours.
    #[inline]
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        if !name.starts_with('$') {
            return None;
        }
        match name {
            DYNAMIC => Some(Self::Dynamic),
            INTERFACE => Some(Self::Interface),
            RAW_STRING => Some(Self::RawString),
            JSON => Some(Self::Json),
            _ => None,
        }
    }
}

impl Serialize for Dynamic {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let bare = Bare::of(self).map_err(S::Error::custom)?;
        if serializer.is_human_readable() {
            return bare.serialize(serializer);
        }
        serializer.serialize_newtype_struct(DYNAMIC, &(Definitions(&self.schema), bare))
    }
}

impl Serialize for Interface {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let bare = Bare::of(&self.value).map_err(S::Error::custom)?;
        if serializer.is_human_readable() {
            return bare.serialize(serializer);
        }
        let definitions = Definitions(&self.value.schema);
        serializer.serialize_newtype_struct(INTERFACE, &(&self.name, definitions, bare))
    }
}

/// The id of a type, and the messages that define it and the types inside it.
struct Definitions<'a>(&'a Schema);

impl Definitions<'_> {
    fn to_bytes(&self) -> Vec<u8> {
        let definitions = self.0.definitions();
        let len: usize = definitions
            .iter()
            .map(|definition| definition.message.len())
            .sum();
        let mut bytes = Vec::with_capacity(wire::UINT_MAX_LEN + len);
        let id = self.0.id().map_or(0, Id::number);
        wire::put_int(&mut bytes, id.into());
        for definition in definitions {
            bytes.extend_from_slice(&definition.message);
        }
        bytes
    }

    fn parse(bytes: &[u8], limits: &Limits) -> Result<Schema> {
        let mut reader = wire::Reader::new(bytes);
        let id = Id::on_wire(reader.int()?);
        let mut scanner = Scanner::new(limits.clone());
        match (id, scanner.scan(reader.rest())?) {
            (Some(id), Scan::Partial { missing: 1, .. }) => scanner.types().schema(id),
            _ => Err(Error::corrupt(
                0,
                "what a dynamic value says of its type is not just definitions",
            )),
        }
    }
}

impl Serialize for Definitions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

/// The type that [`Definitions`] describe, with the numbers of this connection.
#[derive(Clone, Copy)]
pub(crate) struct Renumbered<'a> {
    pub(crate) dynamics: &'a Dynamics,
    pub(crate) limits: &'a Limits,
}

impl Want for Renumbered<'_> {
    type Ok = Schema;
    type Tuple = NoTuple<Schema>;
    const WANTED: &'static str = "the definitions of a dynamic value's type";

    fn bytes(self, bytes: &[u8]) -> Result<Schema> {
        (self.dynamics).schema(bytes, || {
            Definitions::parse(bytes, self.limits)?.into_nodes()
        })
    }
}

/// The type of a dynamic value, given what its newtype struct holds.
pub(crate) struct DynamicType<'a>(pub(crate) Renumbered<'a>);

impl<'a> Want for DynamicType<'a> {
    type Ok = Schema;
    type Tuple = DynamicTypeTuple<'a>;
    const WANTED: &'static str = "a dynamic value";

    fn tuple(self) -> Result<DynamicTypeTuple<'a>> {
        Ok(DynamicTypeTuple(self.0, None))
    }
}

pub(crate) struct DynamicTypeTuple<'a>(Renumbered<'a>, Option<Schema>);

impl SerializeTuple for DynamicTypeTuple<'_> {
    type Ok = Schema;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if self.1.is_none() {
            self.1 = Some(value.serialize(Only(self.0))?);
        }
        Ok(())
    }

    fn end(self) -> Result<Schema> {
        (self.1).ok_or_else(|| Error::corrupt(0, "a dynamic value without a type"))
    }
}

/// A value, of which the type is known from elsewhere.
struct Bare<'a> {
    ty: Type<'a>,
    value: &'a Value,
}

impl<'a> Bare<'a> {
    fn of(dynamic: &'a Dynamic) -> Result<Self> {
        dynamic.schema.check()?;
        match dynamic.schema.root() {
            Some(ty) => Ok(Self {
                ty,
                value: &dynamic.value,
            }),
            None => Err(disagreement()),
        }
    }
}

#[cold]
fn disagreement() -> Error {
    Error::new(
        crate::Category::Mismatch,
        "a dynamic value is not of the type that it says",
    )
}

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let within = |ty, value| Bare {
            ty: self.ty.inner(ty),
            value,
        };
        match (self.value, self.ty.shape()) {
            (Value::Bool(value), Shape::Bool) => serializer.serialize_bool(*value),
            (Value::Int(value), Shape::Int) => serializer.serialize_i64(*value),
            (Value::Uint(value), Shape::Uint) => serializer.serialize_u64(*value),
            (Value::Float(value), Shape::Float) => serializer.serialize_f64(*value),
            (Value::Complex(value), Shape::Complex) => value.serialize(serializer),
            (Value::Bytes(value), Shape::Bytes) => {
                SerializeBy::<Bytes>::serialize_by(value, serializer)
            }
            (Value::Opaque(value), Shape::Opaque(_)) => {
                SerializeBy::<Bytes>::serialize_by(value, serializer)
            }
            (Value::String(value), Shape::String) => serializer.serialize_str(value),
            (Value::RawString(value), Shape::String) => {
                if serializer.is_human_readable() {
                    return serializer.serialize_str(&String::from_utf8_lossy(value));
                }
                serializer.serialize_newtype_struct(RAW_STRING, &RawString(value))
            }
            (Value::Interface(Some(value)), Shape::Interface(_)) => value.serialize(serializer),
            (Value::Interface(None), Shape::Interface(_)) => serializer.serialize_none(),
            (Value::Slice(list), Shape::Slice(elem))
            | (Value::Array(list), Shape::Array(elem, _)) => {
                serializer.collect_seq(list.iter().map(|value| within(*elem, value)))
            }
            (Value::Map(entries), Shape::Map(key, elem)) => serializer.collect_map(
                (entries.iter()).map(|(k, value)| (within(*key, k), within(*elem, value))),
            ),
            (Value::Struct(sent), Shape::Struct(fields)) => {
                let by_name = serializer.is_human_readable();
                let mut map = serializer.serialize_map(Some(sent.len()))?;
                for (number, value) in sent {
                    let field = fields
                        .get(*number)
                        .ok_or_else(|| S::Error::custom(disagreement()))?;
                    // In an option, so that a zero which was sent is sent again.
                    let value = Some(within(field.ty, value));
                    if by_name {
                        map.serialize_entry(&*field.name, &value)?;
                    } else {
                        map.serialize_entry(&(*number as u32), &value)?;
                    }
                }
                map.end()
            }
            _ => Err(S::Error::custom(disagreement())),
        }
    }
}

/// Bytes, as such.
struct RawString<'a>(&'a [u8]);

impl Serialize for RawString<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
