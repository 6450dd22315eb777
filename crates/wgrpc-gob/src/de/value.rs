//! A value as a serde deserializer.

use serde::de::{Deserializer, Visitor};

use super::elements::{Elements, Entries};
use super::fields::{self, Matched, Named, Numbered};
use super::source::Source;
use super::union;
use crate::carried::{HandOver, Marked};
use crate::error::{Category, Error, Result};
use crate::received::{Definition, Kind, Slot};
use crate::walk::{read_array_count, read_map_count};
use crate::zero::ZeroDeserializer;

/// One value, of a known type, which stands next in the source.
pub(super) struct Value<'a, 't, 'de> {
    pub(super) source: &'a mut Source<'t, 'de>,
    pub(super) ty: &'t Definition,
}

/// Reads what is in an interface by the same method.
macro_rules! open {
    ($value:ident.$method:ident($($arg:expr),*)) => {
        if $value.is_absent() {
            $value.nothing().$method($($arg),*)
        } else {
            $value.inside(|inner| inner.$method($($arg),*))
        }
    };
}

/// The same, of what may be something else as well. Apart from the usual case, which then is short
/// enough to be inlined.
macro_rules! otherwise {
    ($value:ident.$method:ident($visitor:ident), $expected:literal) => {{
        #[cold]
        #[inline(never)]
        fn otherwise<'de, V: Visitor<'de>>(
            value: Value<'_, '_, 'de>,
            visitor: V,
        ) -> Result<V::Value> {
            match value.ty.kind {
                Kind::Interface => open!(value.$method(visitor)),
                _ => Err(value.mismatch($expected)),
            }
        }
        otherwise($value, $visitor)
    }};
}

impl<'t, 'de> Value<'_, 't, 'de> {
    #[cold]
    pub(super) fn mismatch(&self, expected: impl std::fmt::Display) -> Error {
        let kind = self.ty.kind.name();
        Error::new(
            Category::Mismatch,
            format_args!("the sender's type is {kind}, which cannot be read as {expected}"),
        )
        .at(self.source.reader.offset())
    }

    /// Opens an interface, for a type that takes what is in it.
    fn inside<R>(self, read: impl FnOnce(Value<'_, 't, 'de>) -> Result<R>) -> Result<R> {
        match self.source.interface()? {
            Some(inner) => self.source.inside(&inner, read),
            None => Err(nil()),
        }
    }

    /// The zero of a value that would have stood in an interface.
    fn nothing(&self) -> ZeroDeserializer<'t, Error> {
        self.source.unknown_zero()
    }

    pub(super) fn is_absent(&self) -> bool {
        self.source.is_absent
    }

    /// Whether it is all that a message or an interface holds.
    fn is_whole(&self) -> bool {
        self.source.depth == self.source.whole_depth && !self.source.is_absent
    }

    /// Reads a string, as text or, where it is not UTF-8, as bytes.
    pub(super) fn text(self) -> Result<std::result::Result<&'de str, &'de [u8]>> {
        let bytes = self.bytes()?;
        Ok(std::str::from_utf8(bytes).map_err(|_| bytes))
    }

    pub(super) fn bytes(self) -> Result<&'de [u8]> {
        let bytes = self.source.reader.bytes()?;
        self.source.charge(bytes.len(), 1)?;
        Ok(bytes)
    }

    /// Reads the elements of a slice or array of `count` values.
    fn elements<V: Visitor<'de>>(self, elem: Slot, count: usize, visitor: V) -> Result<V::Value> {
        self.source.enter()?;
        let mut elements = Elements::new(self.source, elem, count)?;
        let list = visitor.visit_seq(&mut elements);
        if list.is_ok() {
            elements.finish()?;
            self.source.leave();
        }
        list
    }

    /// Reads a struct from what is none: from an interface.
    #[cold]
    #[inline(never)]
    fn no_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.ty.kind {
            Kind::Interface => open!(self.deserialize_struct(name, fields, visitor)),
            _ => Err(self.mismatch(format_args!("the struct `{name}`"))),
        }
    }

    /// Reads an array, whose count is redundant.
    fn array<V: Visitor<'de>>(self, elem: Slot, len: usize, visitor: V) -> Result<V::Value> {
        if !self.is_absent() {
            read_array_count(&mut self.source.reader, len)?;
        }
        self.elements(elem, len, visitor)
    }
}

#[cold]
fn not_utf8() -> Error {
    let message = "the string is not UTF-8, as text must be in Rust";
    Error::new(Category::OutOfRange, message)
}

#[cold]
pub(super) fn nil() -> Error {
    let message = "the interface is nil, which only an option can be";
    Error::new(Category::Mismatch, message)
}

macro_rules! numbers {
    ($($method:ident: $kind:ident, $take:ident, $visit:ident, $expected:literal;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match &self.ty.kind {
                Kind::$kind => visitor.$visit(self.source.reader.$take()?),
                _ => otherwise!(self.$method(visitor), $expected),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_, '_, 'de> {
    type Error = Error;

    numbers! {
        deserialize_i8: Int, int, visit_i64, "i8";
        deserialize_i16: Int, int, visit_i64, "i16";
        deserialize_i32: Int, int, visit_i64, "i32";
        deserialize_i64: Int, int, visit_i64, "i64";
        deserialize_u16: Uint, uint, visit_u64, "u16";
        deserialize_u32: Uint, uint, visit_u64, "u32";
        deserialize_u64: Uint, uint, visit_u64, "u64";
        deserialize_f64: Float, float, visit_f64, "f64";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let reader = &mut self.source.reader;
        match &self.ty.kind {
            Kind::Byte => visitor.visit_u8(reader.byte()?),
            Kind::Bool => visitor.visit_bool(reader.uint()? != 0),
            Kind::Int => visitor.visit_i64(reader.int()?),
            Kind::Uint => visitor.visit_u64(reader.uint()?),
            Kind::Float => visitor.visit_f64(reader.float()?),
            Kind::Bytes | Kind::Opaque(_) => visitor.visit_borrowed_bytes(self.bytes()?),
            Kind::String => match self.text()? {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(bytes) => visitor.visit_borrowed_bytes(bytes),
            },
            Kind::Complex => self.elements(Slot::FLOAT, 2, visitor),
            Kind::Interface if self.is_absent() => visitor.visit_unit(),
            Kind::Interface => match self.source.interface()? {
                Some(inner) => (self.source).inside(&inner, |value| value.deserialize_any(visitor)),
                None => visitor.visit_unit(),
            },
            Kind::Slice(_) | Kind::Array(..) => self.deserialize_seq(visitor),
            Kind::Struct(_) if self.is_absent() => visitor.visit_unit(),
            Kind::Map(..) | Kind::Struct(_) => self.deserialize_map(visitor),
        }
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Bool => visitor.visit_bool(self.source.reader.uint()? != 0),
            _ => otherwise!(self.deserialize_bool(visitor), "bool"),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Byte => visitor.visit_u8(self.source.reader.byte()?),
            Kind::Uint => visitor.visit_u64(self.source.reader.uint()?),
            _ => otherwise!(self.deserialize_u8(visitor), "u8"),
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Int => visitor.visit_i128(self.source.reader.int()?.into()),
            Kind::Interface => open!(self.deserialize_i128(visitor)),
            _ => Err(self.mismatch("i128")),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Uint => visitor.visit_u128(self.source.reader.uint()?.into()),
            Kind::Interface => open!(self.deserialize_u128(visitor)),
            _ => Err(self.mismatch("u128")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Float => {
                let number = self.source.reader.float()?;
                if number.is_finite() && number.abs() > f64::from(f32::MAX) {
                    let message = format_args!("float `{number:e}` is not f32");
                    return Err(Error::new(Category::OutOfRange, message));
                }
                visitor.visit_f32(number as f32)
            }
            Kind::Interface => open!(self.deserialize_f32(visitor)),
            _ => Err(self.mismatch("f32")),
        }
    }

    /// Go's rune is an int; a string of one character will do as well.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Int => {
                let number = self.source.reader.int()?;
                match u32::try_from(number).ok().and_then(char::from_u32) {
                    Some(char) => visitor.visit_char(char),
                    None => Err(Error::new(
                        Category::OutOfRange,
                        format_args!("integer `{number}` is not a char"),
                    )),
                }
            }
            Kind::Interface => open!(self.deserialize_char(visitor)),
            Kind::String => self.deserialize_str(visitor),
            _ => Err(self.mismatch("a char")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            // A type that marshals itself may well do it as text.
            Kind::String | Kind::Opaque(_) => match self.text()? {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => Err(not_utf8()),
            },
            _ => otherwise!(self.deserialize_str(visitor), "a string"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Bytes | Kind::Opaque(_) => visitor.visit_borrowed_bytes(self.bytes()?),
            Kind::Interface => open!(self.deserialize_bytes(visitor)),
            _ => Err(self.mismatch("bytes")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.is_absent() {
            return visitor.visit_none();
        }
        if matches!(self.ty.kind, Kind::Interface) && self.source.skip_nil()? {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Struct(_) => self.deserialize_ignored_any(visitor),
            Kind::Interface => open!(self.deserialize_unit(visitor)),
            _ => Err(self.mismatch("a struct without fields")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        match Marked::by_name(name) {
            Some(Marked::Dynamic) => visitor.visit_some(HandOver(self.dynamic()?)),
            Some(Marked::Interface) => visitor.visit_some(HandOver(self.interface()?)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.ty.kind {
            Kind::Slice(elem) => {
                let count = self.source.reader.count()?;
                self.elements(elem, count, visitor)
            }
            Kind::Array(elem, len) => self.array(elem, len, visitor),
            Kind::Bytes => {
                let count = self.source.reader.count()?;
                self.elements(Slot::BYTE, count, visitor)
            }
            Kind::Interface => open!(self.deserialize_seq(visitor)),
            _ => Err(self.mismatch("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        match self.ty.kind {
            Kind::Array(elem, found) if found == len => self.array(elem, len, visitor),
            Kind::Array(_, found) => {
                Err(self.mismatch(format_args!("{len} elements: it has {found}")))
            }
            Kind::Complex if len == 2 => self.elements(Slot::FLOAT, 2, visitor),
            Kind::Struct(ref structure) if fields::is_tuple(structure, len) => {
                self.source.enter()?;
                let mut elements = Numbered::new(structure, self.source)?;
                let tuple = visitor.visit_seq(&mut elements);
                if tuple.is_ok() {
                    elements.finish()?;
                    self.source.leave();
                }
                tuple
            }
            Kind::Interface => open!(self.deserialize_tuple(len, visitor)),
            _ => Err(self.mismatch(format_args!(
                "{len} elements: that takes an array or a struct with fields F0, F1, and so on"
            ))),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    /// A map, or a struct as a map of its fields: so `#[serde(flatten)]` reads structs.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.ty.kind {
            Kind::Map(key, elem) => {
                let count = read_map_count(&mut self.source.reader)?;
                self.source.enter()?;
                let mut entries = Entries::new(self.source, key, elem, count)?;
                let map = visitor.visit_map(&mut entries);
                if map.is_ok() {
                    entries.finish()?;
                    self.source.leave();
                }
                map
            }
            Kind::Struct(ref structure) => {
                let plan = self.source.plan::<V>(structure, &[])?;
                self.source.charge(1, size_of::<V::Value>())?;
                self.source.enter()?;
                let mut fields = Named::<V>::new(structure, plan, self.source)?;
                match visitor.visit_map(&mut fields) {
                    Err(error) => Err(plan.gaps.claim::<V, _>(error, "", |_| true)),
                    map => {
                        fields.finish()?;
                        self.source.leave();
                        map
                    }
                }
            }
            Kind::Interface => open!(self.deserialize_map(visitor)),
            _ => Err(self.mismatch("a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let Kind::Struct(structure) = &self.ty.kind else {
            return self.no_struct(name, fields, visitor);
        };
        let plan = self.source.plan::<V>(structure, fields)?;
        if plan.matches.is_empty() && self.is_whole() && !fields.is_empty() && structure.len() > 0 {
            let sender = self.ty.name();
            return Err(Error::new(
                Category::Mismatch,
                format_args!("the sender's struct `{sender}` has no field of `{name}`"),
            ));
        }
        self.source.charge(1, size_of::<V::Value>())?;
        self.source.enter()?;
        let mut matched = Matched::<V>::new(structure, plan, self.source)?;
        match visitor.visit_map(&mut matched) {
            Err(error) => {
                let is_field = |field| fields.contains(&field);
                Err(plan.gaps.claim::<V, _>(error, name, is_field))
            }
            value => {
                matched.finish()?;
                self.source.leave();
                value
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        union::read_enum(self, name, variants, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if !self.is_absent() {
            self.source.skip(self.ty)?;
        }
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
