//! How a value that brings its own type comes out of serde.
//!
//! A `Deserialize` implementation sees texts, numbers, lists and maps, never a type. Only an
//! error can bring it something that serde knows nothing of: an error's source may be asked what
//! it is. So this crate's deserializer answers with an error that has the value in it, and the
//! visitor takes the value out. Other formats have no types; from those that are made for people
//! the bare value is read, with the types that Go's encoding/json would give it.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use parking_lot::Mutex;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

use super::{DYNAMIC, INTERFACE};
use crate::error::Error;
use crate::schema::{Gob, Schema};
use crate::value::{Dynamic, Interface, Value};

/// The error that hands a value over.
#[derive(Debug)]
struct Parcel<T>(Mutex<Option<T>>);

impl<T> fmt::Display for Parcel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value is handed over")
    }
}

impl<T: fmt::Debug> std::error::Error for Parcel<T> {}

/// A deserializer that hands over what it has, to a visitor that knows.
pub(crate) struct HandOver<T>(pub(crate) T);

impl<'de, T: fmt::Debug + Send + 'static> Deserializer<'de> for HandOver<T> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::with_source(Parcel(Mutex::new(Some(self.0)))))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// Reads a `T`: from this crate's deserializer as it is, from others as a bare value.
struct Carried<T, F> {
    from_bare: F,
    expected: &'static str,
    read: PhantomData<fn() -> T>,
}

impl<'de, T: fmt::Debug + Send + 'static, F: FnOnce(Dynamic) -> T> Visitor<'de> for Carried<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    /// What [`HandOver`] hands over. No other format calls this for a newtype struct.
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let Err(error) = IgnoredAny::deserialize(deserializer) else {
            let message = format_args!("{} is expected", self.expected);
            return Err(D::Error::custom(message));
        };
        let parcel = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<Parcel<T>>())
            .and_then(|parcel| parcel.0.lock().take());
        parcel.ok_or(error)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        if !deserializer.is_human_readable() {
            return Err(D::Error::custom(
                "a value with its type can be read from gob and from texts only",
            ));
        }
        deserializer.deserialize_any(Bare).map(self.from_bare)
    }
}

impl<'de> Deserialize<'de> for Dynamic {
    /// From a text format as Go's encoding/json would see the value: lists are `[]interface {}`,
    /// objects `map[string]interface {}`. Whole numbers are ints.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = Carried {
            from_bare: |bare| bare,
            expected: "a value of any type",
            read: PhantomData,
        };
        deserializer.deserialize_newtype_struct(DYNAMIC, visitor)
    }
}

impl<'de> Deserialize<'de> for Value {
    /// As a [`Dynamic`], without its type.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Dynamic::deserialize(deserializer).map(|dynamic| dynamic.value)
    }
}

impl<'de> Deserialize<'de> for Interface {
    /// From a text format as a [`Dynamic`], under the name that Go knows its type by.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = Carried {
            from_bare: Self::unnamed,
            expected: "a value in an interface",
            read: PhantomData,
        };
        deserializer.deserialize_newtype_struct(INTERFACE, visitor)
    }
}

impl Interface {
    /// A bare value, by the name that Go itself registers for its type.
    fn unnamed(value: Dynamic) -> Self {
        let name = match value.value {
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Float(_) => "float64",
            Value::Bytes(_) => "[]uint8",
            Value::Slice(_) => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
            _ => "string",
        };
        let name = name.to_owned();
        Self { name, value }
    }
}

/// Reads a value of which nothing is known, as Go's encoding/json does.
struct Bare;

fn bare<T: Gob>(value: Value) -> Dynamic {
    let schema = Schema::of::<T>().clone();
    Dynamic { schema, value }
}

/// A bare value as it stands in a list or a map; nil where there is none.
struct InInterface(Value);

impl<'de> Deserialize<'de> for InInterface {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bare = deserializer.deserialize_any(Bare)?;
        Ok(Self(match bare.value {
            Value::Interface(inner) => Value::Interface(inner),
            _ => Value::Interface(Some(Box::new(Interface::unnamed(bare)))),
        }))
    }
}

impl<'de> Visitor<'de> for Bare {
    type Value = Dynamic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of any type")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Dynamic, E> {
        Ok(bare::<bool>(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Dynamic, E> {
        Ok(bare::<i64>(Value::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Dynamic, E> {
        Ok(match i64::try_from(value) {
            Ok(value) => bare::<i64>(Value::Int(value)),
            Err(_) => bare::<u64>(Value::Uint(value)),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Dynamic, E> {
        Ok(bare::<f64>(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Dynamic, E> {
        Ok(bare::<String>(Value::String(value.to_owned())))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Dynamic, E> {
        Ok(bare::<Vec<u8>>(Value::Bytes(value.to_vec())))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Dynamic, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Dynamic, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Dynamic, E> {
        Ok(bare::<Option<Interface>>(Value::Interface(None)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Dynamic, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Dynamic, A::Error> {
        let mut elements = Vec::new();
        while let Some(InInterface(element)) = list.next_element()? {
            elements.push(element);
        }
        Ok(bare::<Vec<Option<Interface>>>(Value::Slice(elements)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dynamic, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, InInterface(value))) = map.next_entry()? {
            entries.push((Value::String(key), value));
        }
        Ok(bare::<HashMap<String, Option<Interface>>>(Value::Map(
            entries,
        )))
    }
}
