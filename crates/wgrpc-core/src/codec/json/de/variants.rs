//! Enums: a variant's name in a string, or an object with an entry for each variant.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{CowStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, VariantAccess,
    Visitor,
};

use super::super::error::{Error, Step};
use super::entries::{Key, Names, find};
use super::{Reader, State};

/// A visitor of an enum.
pub(super) struct Enum<'a, V> {
    pub(super) name: &'static str,
    pub(super) variants: Names,
    pub(super) visitor: V,
    pub(super) state: &'a State<'a>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Enum<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a variant of {}", self.name)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        Err(E::custom(format_args!(
            "null is no variant of {}",
            self.name
        )))
    }

    fn visit_str<E: serde::de::Error>(self, variant: &str) -> Result<V::Value, E> {
        self.visitor.visit_enum(StrDeserializer::new(variant))
    }

    /// Go's form is a struct with a pointer for each variant: it writes all of them, one not null.
    /// serde's form is one entry, which may well be null.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let mut visitor = Some(self.visitor);
        let mut value = None;
        let mut null = None;
        let mut unknown = None;
        while let Some(key) = map.next_key_seed(Key)? {
            let Some(at) = find(self.variants, &key) else {
                map.next_value::<IgnoredAny>()?;
                unknown.get_or_insert(key);
                continue;
            };
            let variant = self.variants[at];
            let found = map.next_value_seed(UnlessNull {
                enum_name: self.name,
                variant,
                visitor: &mut visitor,
                state: self.state,
            })?;
            match found {
                Some(found) => value = Some(found),
                None => null = null.or(Some(Cow::Borrowed(variant))),
            }
        }
        match (value, visitor, null.or(unknown)) {
            (Some(value), ..) => Ok(value),
            (None, Some(visitor), Some(name)) => {
                let reader = self.state.null();
                let variant = Variant { name, reader };
                self.state.park(visitor.visit_enum(variant))
            }
            _ => Err(A::Error::custom(format_args!(
                "no variant of {} is set",
                self.name
            ))),
        }
    }
}

/// The value of one variant's entry.
struct UnlessNull<'a, V> {
    enum_name: &'static str,
    variant: &'static str,
    /// Taken by the first entry that is not null.
    visitor: &'a mut Option<V>,
    state: &'a State<'a>,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for UnlessNull<'_, V> {
    type Value = Option<V::Value>;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        inner.deserialize_option(self)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for UnlessNull<'_, V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the data of {}", self.variant)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        let Some(visitor) = self.visitor.take() else {
            let message = format_args!("more than one variant of {} is set", self.enum_name);
            return Err(D::Error::custom(message));
        };
        let variant = Variant {
            name: Cow::Borrowed(self.variant),
            reader: Reader::new(inner, self.state),
        };
        let value = visitor.visit_enum(variant).map(Some);
        let step = Step::Field(self.variant);
        self.state.park(value.map_err(|error| error.inside(step)))
    }
}

/// A variant and its data.
struct Variant<'a, 'de, D> {
    name: Cow<'de, str>,
    reader: Reader<'a, D>,
}

impl<'a, 'de, D: Deserializer<'de>> EnumAccess<'de> for Variant<'a, 'de, D> {
    type Error = Error;
    type Variant = Reader<'a, D>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), Error> {
        let variant = seed.deserialize(CowStrDeserializer::<Error>::new(self.name))?;
        Ok((variant, self.reader))
    }
}

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Reader<'_, D> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.deserialize_ignored_any(IgnoredAny).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Names, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}
