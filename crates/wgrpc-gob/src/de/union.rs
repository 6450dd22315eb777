//! Enums, which Go has not.
//!
//! A variant without data is a string, or its number. Of an enum with data each variant is a
//! field of a struct, and exactly one of them is present. Or the value stands in an interface,
//! and the name that its type is registered under tells the variant.

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};

use super::fields::{Cursor, END};
use super::plan::are_alike;
use super::value::Value;
use crate::error::{Category, Error, Result};
use crate::received::{Kind, Structure};

/// Reads the enum `name` from `value`.
pub(super) fn read_enum<'de, V: Visitor<'de>>(
    value: Value<'_, '_, 'de>,
    name: &'static str,
    variants: &'static [&'static str],
    visitor: V,
) -> Result<V::Value> {
    value.source.charge(1, size_of::<V::Value>())?;
    let is_absent = value.is_absent();
    match &value.ty.kind {
        Kind::String => {
            let text = value.text()?.map_err(|_| {
                let message = format_args!("a variant of `{name}` that is not UTF-8");
                Error::new(Category::OutOfRange, message)
            })?;
            let variant = StrDeserializer::<Error>::new(find(variants, text));
            // An absent variant may still be what `#[serde(other)]` stands for.
            (visitor.visit_enum(variant)).map_err(|error| match is_absent {
                true => no_variant(name),
                false => error,
            })
        }
        Kind::Int => read_number(value.source.reader.int()?, name, visitor),
        Kind::Uint => read_number(value.source.reader.uint()?, name, visitor),
        Kind::Struct(structure) => read_union(value, structure, name, variants, visitor),
        Kind::Interface if is_absent => Err(no_variant(name)),
        Kind::Interface => {
            let Some(inner) = value.source.interface()? else {
                return Err(no_variant(name));
            };
            let registered = std::str::from_utf8(inner.name).unwrap_or_default();
            let variant = find_registered(variants, registered);
            (value.source).inside(&inner, |value| {
                visitor.visit_enum(Chosen { variant, value })
            })
        }
        _ => Err(value.mismatch(format_args!("the enum `{name}`"))),
    }
}

/// Reads a variant by its place in the declaration of the enum.
fn read_number<'de, V: Visitor<'de>>(
    number: impl TryInto<u32> + Copy + std::fmt::Display,
    name: &'static str,
    visitor: V,
) -> Result<V::Value> {
    let number = number.try_into().map_err(|_| {
        let message = format_args!("the enum `{name}` has no variant of number {number}");
        Error::new(Category::OutOfRange, message)
    })?;
    let number: U32Deserializer<Error> = number.into_deserializer();
    visitor.visit_enum(number)
}

/// Reads the one field that is present.
fn read_union<'t, 'de, V: Visitor<'de>>(
    value: Value<'_, 't, 'de>,
    structure: &'t Structure,
    name: &'static str,
    variants: &'static [&'static str],
    visitor: V,
) -> Result<V::Value> {
    let source = value.source;
    source.enter()?;
    let mut cursor = Cursor::new(structure, source)?;
    let number = cursor.upcoming();
    if number == END {
        return Err(no_variant(name));
    }
    let field = structure.name(number);
    let ty = cursor.source.types.definition(structure.slot(number))?;
    let chosen = Chosen {
        variant: find(variants, field),
        value: cursor.source.value(ty),
    };
    let result = visitor.visit_enum(chosen);
    if let Err(error) = result {
        return Err(error.at(cursor.source.reader.offset()).in_field(field));
    }
    cursor.look_behind(Some(number))?;
    if cursor.upcoming() != END {
        let other = structure.name(cursor.upcoming());
        return Err(Error::new(
            Category::Mismatch,
            format_args!("the enum `{name}` has two variants at once, `{field}` and `{other}`"),
        ));
    }
    source.leave();
    result
}

#[cold]
fn no_variant(name: &str) -> Error {
    Error::new(
        Category::Mismatch,
        format_args!("the enum `{name}` is absent, or has no variant that is present"),
    )
}

/// The variant called `name`, exactly or else without regard to case and underscores; if there is
/// none, `name` itself, about which the enum decides.
fn find<'a>(variants: &[&'a str], name: &'a str) -> &'a str {
    let is_exact = |variant: &&&str| **variant == name;
    let is_alike = |variant: &&&str| are_alike(variant, name);
    (variants.iter().find(is_exact))
        .or_else(|| variants.iter().find(is_alike))
        .map_or(name, |variant| variant)
}

/// The variant for a type that Go has registered as `name`: the one called exactly so, or the one
/// called like the last part of the name, as `Circle` in `main.Circle`. If there is none, `name`
/// itself, which may be an alias.
fn find_registered<'a>(variants: &[&'a str], name: &'a str) -> &'a str {
    let last = name.rsplit('.').next().unwrap_or(name);
    let last = last.trim_start_matches('*');
    let is_exact = |variant: &&&str| **variant == name;
    let is_alike = |variant: &&&str| **variant == last || are_alike(variant, last);
    (variants.iter().find(is_exact))
        .or_else(|| variants.iter().find(is_alike))
        .map_or(name, |variant| variant)
}

/// A variant and its data.
struct Chosen<'v, 'a, 't, 'de> {
    variant: &'v str,
    value: Value<'a, 't, 'de>,
}

impl<'a, 't, 'de> EnumAccess<'de> for Chosen<'_, 'a, 't, 'de> {
    type Error = Error;
    type Variant = Value<'a, 't, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant)> {
        let variant = seed.deserialize(StrDeserializer::<Error>::new(self.variant))?;
        Ok((variant, self.value))
    }
}

impl<'de> VariantAccess<'de> for Value<'_, '_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        self.source.skip(self.ty)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_struct("", fields, visitor)
    }
}
