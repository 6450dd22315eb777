//! Reading: a deserializer around serde_json's that takes each value as Go does.

mod bytes;
mod elements;
mod entries;
mod scalars;
mod variants;

use std::cell::Cell;
use std::fmt;

use serde::de::value::UnitDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use self::bytes::Bytes;
use self::elements::{Elements, List, Tuple};
use self::entries::{Entries, Fields};
use self::scalars::Char;
use self::variants::Enum;
use super::DEPTH_MAX;
use super::error::{Absent, Error, Parked};

/// Reads one value from `bytes`, which hold nothing else.
///
/// [`Frame`](super::Frame) bounds how deep values nest; without it serde_json's limit of 128 holds.
/// The elements of all lists and maps may take `decoded_max` bytes of memory, for two bytes of
/// text can be a large struct.
///
/// Only the type itself can say whether it can do without a field that is absent, and it says so
/// by an error. So the value is read again with Go's zero in that place, once for each field of a
/// type that is absent somewhere: how often depends on the type, not on the bytes. One thing is
/// not told apart: where a field has come by an `alias` in one struct and not at all in another of
/// the same type, its zero collides with the alias and is reported as a duplicate.
pub(crate) fn read<'de, T>(bytes: &'de [u8], decoded_max: usize) -> Result<T, Error>
where
    T: Deserialize<'de>,
{
    let mut absent = Vec::new();
    loop {
        match attempt(bytes, decoded_max, &absent) {
            Ok(value) => return Ok(value),
            Err(error) => match error.absent() {
                Some(field) if !absent.contains(&field) => absent.push(field),
                _ => return Err(error),
            },
        }
    }
}

/// Reads the value with a zero for each of the fields `absent`.
fn attempt<'de, T>(bytes: &'de [u8], decoded_max: usize, absent: &[Absent]) -> Result<T, Error>
where
    T: Deserialize<'de>,
{
    let state = State {
        absent,
        zeros: Cell::new(0),
        decoded: Cell::new(0),
        decoded_max,
        parked: Parked::default(),
    };
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = T::deserialize(Reader::new(&mut parser, &state))?;
    state.collect(parser.end())?;
    Ok(value)
}

/// What all levels of one value share.
struct State<'a> {
    /// The fields that are zero where they are absent.
    absent: &'a [Absent],
    /// How many zeros of absent fields are inside each other at this moment.
    zeros: Cell<usize>,
    /// How many bytes of memory the elements of lists and maps have taken.
    decoded: Cell<usize>,
    decoded_max: usize,
    parked: Parked,
}

impl State<'_> {
    /// Takes back the error that went through serde_json.
    fn collect<T>(&self, result: Result<T, impl fmt::Display>) -> Result<T, Error> {
        result.map_err(|error| self.parked.collect(error))
    }

    /// Lets our error wait while serde_json's goes outwards.
    fn park<T, E: serde::de::Error>(&self, result: Result<T, Error>) -> Result<T, E> {
        result.map_err(|error| E::custom(self.parked.leave(error)))
    }

    /// Counts an element of type `T`.
    fn count<T>(&self) -> Result<(), Error> {
        let decoded = self.decoded.get().saturating_add(size_of::<T>());
        self.decoded.set(decoded);
        if decoded > self.decoded_max {
            let most = self.decoded_max;
            let message = format!("the value exceeds the limit `decoded` of {most} bytes");
            return Err(Error::new(message));
        }
        Ok(())
    }

    /// Reads the zero of a field that is absent.
    fn zero<'de, T: DeserializeSeed<'de>>(&self, seed: T) -> Result<T::Value, Error> {
        let depth = self.zeros.get();
        // Only a type that contains itself without an option or a list gets here.
        if depth == DEPTH_MAX {
            return Err(Error::new("the zero of this type has no end"));
        }
        self.zeros.set(depth + 1);
        let result = seed.deserialize(self.null());
        self.zeros.set(depth);
        result
    }

    fn null(&self) -> Reader<'_, UnitDeserializer<Error>> {
        Reader::new(UnitDeserializer::new(), self)
    }
}

/// A deserializer that takes the values of `inner` as Go does.
struct Reader<'a, D> {
    inner: D,
    state: &'a State<'a>,
    /// Whether it stands at a map's key: there an integer is a string of digits.
    is_key: bool,
}

impl<'a, D> Reader<'a, D> {
    fn new(inner: D, state: &'a State<'a>) -> Self {
        Self {
            inner,
            state,
            is_key: false,
        }
    }
}

/// What `seed` makes of a value inside one that serde_json has open.
struct Nested<'a, T> {
    seed: T,
    state: &'a State<'a>,
    is_key: bool,
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Nested<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.state.park(self.seed.deserialize(Reader {
            inner,
            state: self.state,
            is_key: self.is_key,
        }))
    }
}

macro_rules! or_zero {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.state.collect(scalars::$method(self.inner, visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Reader<'_, D> {
    type Error = Error;

    or_zero! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
        deserialize_str deserialize_string
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let char = Char {
            visitor,
            is_key: self.is_key,
        };
        self.state.collect(self.inner.deserialize_option(char))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.state
            .collect(self.inner.deserialize_option(Bytes(visitor)))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let state = self.state;
        let any = AsItStands { visitor, state };
        state.collect(self.inner.deserialize_any(any))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let state = self.state;
        let option = AsItStands { visitor, state };
        state.collect(self.inner.deserialize_option(option))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let state = self.state;
        let newtype = Newtype {
            visitor,
            state,
            is_key: self.is_key,
        };
        state.collect(self.inner.deserialize_newtype_struct(name, newtype))
    }

    /// Go drops what it reads into a `struct{}`, and a caller what it has no use for.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.state
            .collect(self.inner.deserialize_ignored_any(IgnoredAny))?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let state = self.state;
        let list = List { visitor, state };
        state.collect(self.inner.deserialize_any(list))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let state = self.state;
        let tuple = Tuple {
            visitor,
            state,
            len,
        };
        state.collect(self.inner.deserialize_any(tuple))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let state = self.state;
        let map = Fields {
            visitor,
            state,
            names: None,
        };
        state.collect(self.inner.deserialize_any(map))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let state = self.state;
        let structure = Fields {
            visitor,
            state,
            names: Some(fields),
        };
        state.collect(self.inner.deserialize_any(structure))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let state = self.state;
        let enumeration = Enum {
            name,
            variants,
            visitor,
            state,
        };
        state.collect(self.inner.deserialize_any(enumeration))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.state
            .collect(self.inner.deserialize_identifier(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.state
            .collect(self.inner.deserialize_ignored_any(visitor))
    }
}

/// Hands on what stands there, for a type that asked for nothing in particular, or for an option.
struct AsItStands<'a, V> {
    visitor: V,
    state: &'a State<'a>,
}

macro_rules! hand_on {
    ($($method:ident($ty:ty);)*) => {$(
        fn $method<E: serde::de::Error>(self, value: $ty) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for AsItStands<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    hand_on! {
        visit_bool(bool);
        visit_i64(i64);
        visit_i128(i128);
        visit_u64(u64);
        visit_u128(u128);
        visit_f64(f64);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let reader = Reader::new(inner, self.state);
        self.state.park(self.visitor.visit_some(reader))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        let elements = Elements::new(list, 0, self.state);
        self.state.park(self.visitor.visit_seq(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let state = self.state;
        state.park(Entries::read(map, None, self.visitor, state))
    }
}

/// A struct of one unnamed field is that field, except for types that serde_json knows by name.
struct Newtype<'a, V> {
    visitor: V,
    state: &'a State<'a>,
    is_key: bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Newtype<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let reader = Reader {
            inner,
            state: self.state,
            is_key: self.is_key,
        };
        self.state.park(self.visitor.visit_newtype_struct(reader))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        let zero = self.state.null();
        self.state.park(self.visitor.visit_newtype_struct(zero))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let state = self.state;
        state.park(Entries::read(map, None, self.visitor, state))
    }
}
