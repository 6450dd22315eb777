//! Structs and maps.

use std::borrow::Cow;
use std::fmt;
use std::iter::empty;

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer, MapDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::super::error::{Error, Owner, Step};
use super::{Nested, State};

/// The names of a struct's fields, and other names that they go by.
pub(super) type Names = &'static [&'static str];

/// A struct, or without `names` a map: an object or null.
pub(super) struct Fields<'a, V> {
    pub(super) visitor: V,
    pub(super) state: &'a State<'a>,
    pub(super) names: Option<Names>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        let nothing = MapDeserializer::<_, E>::new(empty::<((), ())>());
        self.visit_map(nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let state = self.state;
        state.park(Entries::read(map, self.names, self.visitor, state))
    }
}

/// The entries of an object that serde_json has open, and then the zeros of absent fields.
pub(super) struct Entries<'a, A> {
    map: A,
    state: &'a State<'a>,
    names: Option<Names>,
    /// The name that is expected next, for fields mostly come in their order.
    next_name: usize,
    /// The fields that have to be zero unless they come.
    absent: Vec<&'static str>,
    is_at_end: bool,
    /// Where the current value stands.
    step: Step,
    len: usize,
}

impl<'a, A> Entries<'a, A> {
    /// Reads all entries into what `visitor` makes of them.
    pub(super) fn read<'de, V: Visitor<'de>>(
        map: A,
        names: Option<Names>,
        visitor: V,
        state: &'a State<'a>,
    ) -> Result<V::Value, Error>
    where
        A: MapAccess<'de>,
    {
        let owner = Owner {
            visitor: typeid::of::<V>(),
            names,
        };
        let absent = (state.absent.iter().rev())
            .filter(|absent| absent.owner == Some(owner))
            .map(|absent| absent.field)
            .collect();
        let entries = Self {
            map,
            state,
            names,
            next_name: 0,
            absent,
            is_at_end: false,
            step: Step::Index(0),
            len: 0,
        };
        let result = visitor.visit_map(entries);
        result.map_err(|error| error.of_object(owner))
    }

    /// Gives `seed` the key that was read, by the field's own name if it is one of a struct's.
    fn named<'de, K: DeserializeSeed<'de>>(
        &mut self,
        key: Cow<'de, str>,
        seed: K,
    ) -> Result<K::Value, Error> {
        let Some(name) = self.field(&key) else {
            self.absent.retain(|absent| *absent != key);
            return seed.deserialize(CowStrDeserializer::new(key));
        };
        self.absent.retain(|absent| *absent != name);
        self.step = Step::Field(name);
        seed.deserialize(BorrowedStrDeserializer::new(name))
    }

    /// The name of the field that `key` means.
    fn field(&mut self, key: &str) -> Option<&'static str> {
        let names = self.names?;
        let is_expected = names.get(self.next_name) == Some(&key);
        let at = if is_expected {
            self.next_name
        } else {
            find(names, key)?
        };
        self.next_name = at + 1;
        Some(names[at])
    }
}

/// The position of the name that equals `key`, or else of the first that does but for its case.
pub(super) fn find(names: &[&str], key: &str) -> Option<usize> {
    let exact = names.iter().position(|name| *name == key);
    exact.or_else(|| (names.iter()).position(|name| name.eq_ignore_ascii_case(key)))
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if !self.is_at_end {
            self.step = Step::Index(self.len);
            self.len += 1;
            if self.names.is_none() && self.absent.is_empty() {
                self.state.count::<K::Value>()?;
                let key = self.map.next_key_seed(Nested {
                    seed,
                    state: self.state,
                    is_key: true,
                });
                return (self.state.collect(key)).map_err(|error| error.inside(self.step));
            }
            if let Some(key) = self.state.collect(self.map.next_key_seed(Key))? {
                return self.named(key, seed).map(Some);
            }
            self.is_at_end = true;
        }
        let Some(name) = self.absent.pop() else {
            return Ok(None);
        };
        self.step = Step::Field(name);
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let state = self.state;
        if self.names.is_none() {
            state.count::<T::Value>()?;
        }
        let result = if self.is_at_end {
            state.zero(seed).map_err(Error::of_zero)
        } else {
            state.collect(self.map.next_value_seed(Nested {
                seed,
                state,
                is_key: false,
            }))
        };
        result.map_err(|error| error.inside(self.step))
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// The text of a key.
pub(super) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
