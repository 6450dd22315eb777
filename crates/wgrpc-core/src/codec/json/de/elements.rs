//! Lists, and arrays of fixed length.

use std::fmt;
use std::iter::empty;

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};

use super::super::error::{Error, Step};
use super::{Nested, State, bytes};

/// A list of any length: an array, null, or bytes in base64.
pub(super) struct List<'a, V> {
    pub(super) visitor: V,
    pub(super) state: &'a State<'a>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for List<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_seq(SeqDeserializer::new(empty::<()>()))
    }

    /// A `Vec<u8>` asks for a list and does not say of what; Go sends it base64.
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<V::Value, E> {
        let bytes = bytes::decode::<E>(text.as_bytes())?;
        self.visitor
            .visit_seq(SeqDeserializer::new(bytes.into_iter()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        let elements = Elements::new(list, 0, self.state);
        self.state.park(self.visitor.visit_seq(elements))
    }
}

/// A list of so many elements: Go fills up with zeros, and drops what is too much.
pub(super) struct Tuple<'a, V> {
    pub(super) visitor: V,
    pub(super) state: &'a State<'a>,
    pub(super) len: usize,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Tuple<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        let nothing = SeqDeserializer::<_, E>::new(empty::<()>());
        self.visit_seq(nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<V::Value, A::Error> {
        let elements = Elements::new(&mut list, self.len, self.state);
        let value = self.state.park(self.visitor.visit_seq(elements))?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

/// The elements of a list that serde_json has open, and then zeros up to a number of them.
pub(super) struct Elements<'a, A> {
    list: A,
    len_min: usize,
    index: usize,
    state: &'a State<'a>,
}

impl<'a, A> Elements<'a, A> {
    pub(super) fn new(list: A, len_min: usize, state: &'a State<'a>) -> Self {
        Self {
            list,
            len_min,
            index: 0,
            state,
        }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let state = self.state;
        let mut unused = Some(seed);
        let result = self.list.next_element_seed(Nested {
            seed: OnUse(&mut unused),
            state,
            is_key: false,
        });
        let result = match (state.collect(result), unused) {
            (Ok(None), Some(seed)) if self.index < self.len_min => state.zero(seed).map(Some),
            (result, _) => result,
        };
        // Those of fixed number are part of what is around them.
        if self.index >= self.len_min && matches!(result, Ok(Some(_))) {
            state.count::<T::Value>()?;
        }
        let step = Step::Index(self.index);
        self.index += 1;
        result.map_err(|error| error.inside(step))
    }

    fn size_hint(&self) -> Option<usize> {
        self.list.size_hint()
    }
}

/// A seed that is still there after it was offered to a list without a further element.
struct OnUse<'a, T>(&'a mut Option<T>);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for OnUse<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        match self.0.take() {
            Some(seed) => seed.deserialize(inner),
            None => Err(D::Error::custom("the element was read already")),
        }
    }
}
