//! Go's zero values, for what is not in the input.
//!
//! Go sends no zeros, so what is absent is zero: 0, "", false, nothing, an empty list, a struct
//! of zeros. A [`ZeroDeserializer`] yields these, as the type being read asks for them.
//!
//! A struct's field that the sender does not know at all is zero too, unless it has a default
//! (`#[serde(default)]`). serde does not tell which fields have one. So nothing is supplied at
//! first; a field without a default then makes the attempt fail; that field is noted in
//! [`Gaps`], and the whole value is read again, with a zero for it. What was noted holds as long
//! as the input lacks the same fields, so whoever keeps the [`Gaps`] pays once.
//!
//! This works for any format: wrap its deserializer, supply a zero for a field that is absent
//! and among the gaps, pass the errors of structs through [`Gaps::claim`], and read again
//! [while](Gaps::fill) they are [supplied](Lacking::is_supplied).

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// An error that remembers which field a struct could not do without.
pub trait Lacking: de::Error {
    /// The field, if that is the error and it has not been supplied.
    fn lacking(&self) -> Option<&'static str>;

    /// The same error, once it is known that the field belongs to `structure` and will be zero
    /// in the next attempt.
    #[must_use]
    fn supplied(self, structure: &'static str) -> Self;

    /// Whether another attempt will not fail in the same way.
    fn is_supplied(&self) -> bool;
}

/// The fields, of structs that lack them, that are to be zero.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Whether there are any: the usual answer costs no lock.
    any: AtomicBool,
    /// The visitor that makes the struct, and the field.
    found: RwLock<Vec<(TypeId, &'static str)>>,
}

impl Gaps {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `field`, if it is absent, is to be zero in the struct that `V` makes.
    #[inline]
    pub fn contains<V>(&self, field: &str) -> bool {
        self.any.load(Ordering::Acquire) && {
            let structure = typeid::of::<V>();
            let found = self.found.read();
            found.contains(&(structure, field))
        }
    }

    /// Of the fields that are to be zero in the struct that `V` makes, the one at `place`.
    #[inline]
    pub fn field<V>(&self, place: usize) -> Option<&'static str> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.found_field(typeid::of::<V>(), place)
    }

    #[cold]
    fn found_field(&self, structure: TypeId, place: usize) -> Option<&'static str> {
        let found = self.found.read();
        let mut fields = found.iter().filter(|(of, _)| *of == structure);
        fields.nth(place).map(|&(_, field)| field)
    }

    /// Looks at the error that the visitor `V` has returned for the struct `name`. If it lacks
    /// a field for which `is_field` holds, the field is noted and the error is supplied.
    #[cold]
    pub fn claim<V, E: Lacking>(
        &self,
        error: E,
        name: &'static str,
        is_field: impl FnOnce(&'static str) -> bool,
    ) -> E {
        let Some(field) = error.lacking().filter(|&field| is_field(field)) else {
            return error;
        };
        let gap = (typeid::of::<V>(), field);
        let mut found = self.found.write();
        if found.contains(&gap) {
            return error;
        }
        found.push(gap);
        self.any.store(true, Ordering::Release);
        error.supplied(name)
    }

    /// Reads with `attempt`, again and again while the error is supplied.
    ///
    /// Each attempt makes progress, and a type has a fixed number of fields, so this ends; but
    /// where input is hostile and reading is costly, count the attempts.
    #[inline]
    pub fn fill<T, E: Lacking>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        loop {
            let result = attempt();
            if !matches!(&result, Err(error) if error.is_supplied()) {
                return result;
            }
        }
    }
}

/// Yields Go's zero of whatever type is asked for.
///
/// Where the type leaves it to the input (`deserialize_any`) that is nil, as a unit. An enum has
/// no zero: that is an error.
#[derive(Debug)]
pub struct ZeroDeserializer<'g, E> {
    gaps: &'g Gaps,
    depth: usize,
    /// The field that is missing if nobody says of what type.
    untyped: Option<&'static str>,
    error: PhantomData<fn() -> E>,
}

impl<'g, E: Lacking> ZeroDeserializer<'g, E> {
    /// Zeros that nest at most `depth` deep: a struct that contains itself by all means has none.
    pub fn new(gaps: &'g Gaps, depth: usize) -> Self {
        Self {
            gaps,
            depth,
            untyped: None,
            error: PhantomData,
        }
    }

    /// As [`new`](Self::new), for the field `field` of a struct that is read as a map. If the
    /// type is left to the input, the field is missing: what `#[serde(flatten)]` sets aside has no
    /// type yet, and could not be made anything else afterwards.
    pub fn for_field(field: &'static str, gaps: &'g Gaps, depth: usize) -> Self {
        Self {
            untyped: Some(field),
            ..Self::new(gaps, depth)
        }
    }

    fn inner(&self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self::new(self.gaps, depth)),
            None => Err(E::custom(
                "what is absent has no zero value, because it contains itself",
            )),
        }
    }
}

macro_rules! zeros {
    ($($method:ident => $visit:ident($($zero:expr)?);)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit($($zero)?)
        }
    )*};
}

impl<'de, E: Lacking> Deserializer<'de> for ZeroDeserializer<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.untyped {
            None => visitor.visit_unit(),
            Some(field) => Err(E::missing_field(field)),
        }
    }

    zeros! {
        deserialize_bool => visit_bool(false);
        deserialize_i8 => visit_i64(0);
        deserialize_i16 => visit_i64(0);
        deserialize_i32 => visit_i64(0);
        deserialize_i64 => visit_i64(0);
        deserialize_i128 => visit_i128(0);
        deserialize_u8 => visit_u64(0);
        deserialize_u16 => visit_u64(0);
        deserialize_u32 => visit_u64(0);
        deserialize_u64 => visit_u64(0);
        deserialize_u128 => visit_u128(0);
        deserialize_f32 => visit_f64(0.0);
        deserialize_f64 => visit_f64(0.0);
        deserialize_char => visit_char('\0');
        deserialize_str => visit_borrowed_str("");
        deserialize_string => visit_borrowed_str("");
        deserialize_bytes => visit_borrowed_bytes(&[]);
        deserialize_byte_buf => visit_borrowed_bytes(&[]);
        deserialize_option => visit_none();
        deserialize_unit => visit_unit();
        deserialize_identifier => visit_borrowed_str("");
        deserialize_ignored_any => visit_unit();
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self.inner()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_tuple(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        let zero = self.inner()?;
        visitor.visit_seq(Zeros { zero, left: len })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let zero = self.inner()?;
        let visitor_type = PhantomData::<V>;
        let fields = Fields {
            zero,
            visitor_type,
            supplied: 0,
        };
        visitor
            .visit_map(fields)
            .map_err(|error| self.gaps.claim::<V, E>(error, name, |_| true))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, E> {
        Err(E::custom(format_args!(
            "the enum `{name}` is absent and has no zero value: give it a default"
        )))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A tuple of zeros.
struct Zeros<'g, E> {
    zero: ZeroDeserializer<'g, E>,
    left: usize,
}

impl<'de, E: Lacking> SeqAccess<'de> for Zeros<'_, E> {
    type Error = E;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, E> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let zero = ZeroDeserializer::new(self.zero.gaps, self.zero.depth);
        seed.deserialize(zero).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A struct of zeros: of its fields those that have no default.
struct Fields<'g, E, S> {
    zero: ZeroDeserializer<'g, E>,
    /// What makes the struct.
    visitor_type: PhantomData<S>,
    supplied: usize,
}

impl<'de, E: Lacking, S> MapAccess<'de> for Fields<'_, E, S> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, E> {
        let Some(field) = self.zero.gaps.field::<S>(self.supplied) else {
            return Ok(None);
        };
        self.supplied += 1;
        seed.deserialize(BorrowedStrDeserializer::new(field))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, E> {
        seed.deserialize(ZeroDeserializer::new(self.zero.gaps, self.zero.depth))
    }
}

#[cfg(test)]
mod tests;
