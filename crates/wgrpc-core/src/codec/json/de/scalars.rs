//! Values without parts: null stands for zero, and a char is an integer.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Reads as the deserializer's method of the same name does, and null as zero.
///
/// serde_json tells null only from an option; behind that it is asked for the very type, which is
/// quicker than to ask for any.
macro_rules! or_zero {
    ($($method:ident $visit:ident $zero:expr;)*) => {$(
        pub(super) fn $method<'de, D: Deserializer<'de>, V: Visitor<'de>>(
            deserializer: D,
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            struct OrZero<V>(V);

            impl<'de, V: Visitor<'de>> Visitor<'de> for OrZero<V> {
                type Value = V::Value;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.expecting(f)
                }

                fn visit_none<E: Error>(self) -> Result<V::Value, E> {
                    self.0.$visit($zero)
                }

                fn visit_some<D: Deserializer<'de>>(
                    self,
                    inner: D,
                ) -> Result<V::Value, D::Error> {
                    inner.$method(self.0)
                }
            }

            deserializer.deserialize_option(OrZero(visitor))
        }
    )*};
}

or_zero! {
    deserialize_bool visit_bool false;
    deserialize_i8 visit_i8 0;
    deserialize_i16 visit_i16 0;
    deserialize_i32 visit_i32 0;
    deserialize_i64 visit_i64 0;
    deserialize_i128 visit_i128 0;
    deserialize_u8 visit_u8 0;
    deserialize_u16 visit_u16 0;
    deserialize_u32 visit_u32 0;
    deserialize_u64 visit_u64 0;
    deserialize_u128 visit_u128 0;
    deserialize_f32 visit_f32 0.0;
    deserialize_f64 visit_f64 0.0;
    deserialize_str visit_borrowed_str "";
    deserialize_string visit_borrowed_str "";
}

/// A char: an integer as Go's rune is, or a string of one character.
pub(super) struct Char<V> {
    pub(super) visitor: V,
    pub(super) is_key: bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Char<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a character or its number")
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_char('\0')
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        if self.is_key {
            inner.deserialize_u32(self)
        } else {
            inner.deserialize_any(self)
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<V::Value, E> {
        match u32::try_from(number).ok().and_then(char::from_u32) {
            Some(char) => self.visitor.visit_char(char),
            None => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => self.visitor.visit_char(char),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}
