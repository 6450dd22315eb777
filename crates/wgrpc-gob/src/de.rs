//! Reading a value into a type that implements `Deserialize`.
//!
//! The sender's type says what stands in the bytes, so it leads, and what the receiving type
//! asks for is checked against it, by Go's rules: widths and pointers do not matter; signed,
//! unsigned and floating numbers, and strings and bytes, never mix; structs meet by the names of
//! their fields.

mod dynamic;
mod elements;
mod fields;
mod plan;
mod union;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Visitor};

pub(crate) use plan::Plans;

use crate::carried::{HandOver, Marked};
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::received::{Complete, Definition, Kind, Slot, Structure, Types};
use crate::scanner::read_lead;
use crate::types::Id;
use crate::walk::{self, read_array_count, read_map_count, too_deep};
use crate::wire::Reader;
use crate::zero::{Gaps, Lacking, ZeroDeserializer};
use elements::{Elements, Entries};
use fields::{Matched, Named, Numbered};
use plan::Plan;

/// Decodes one value of type `id` from `payload`, as a [`Scanner`](crate::Scanner) has found it.
///
/// Texts and bytes may be borrowed from the payload. Bytes behind the value are ignored, as in
/// Go. The stream is still usable after an error.
pub fn decode<'de, T: Deserialize<'de>>(
    types: &Types,
    id: Id,
    payload: &'de [u8],
    limits: &Limits,
) -> Result<T> {
    decode_at(types, id, payload, 0, limits)
}

/// As [`decode`], of a payload that stands at `base` in its stream.
pub(crate) fn decode_at<'de, T: Deserialize<'de>>(
    types: &Types,
    id: Id,
    payload: &'de [u8],
    base: u64,
    limits: &Limits,
) -> Result<T> {
    let root = types.complete(id)?;
    // What reading again after a missing field may cost.
    let mut allowance = 8 * payload.len() + REREAD_ALLOWANCE;
    Gaps::fill(|| {
        let mut source = Source::new(types, Reader::with_base(payload, base), limits);
        let value = source
            .whole(root)
            .and_then(|value| T::deserialize(value))
            .map_err(|error| error.at(source.reader.offset()));
        match value {
            Err(error) if error.is_supplied() => {
                let cost = source.reader.position() + REREAD_COST;
                match allowance.checked_sub(cost) {
                    Some(left) => allowance = left,
                    None => return Err(error.given_up()),
                }
                Err(error)
            }
            value => value,
        }
    })
}

/// How many bytes more than eight times the payload may be read when fields are missing, and for
/// how many bytes an attempt counts that reads none.
const REREAD_ALLOWANCE: usize = 256 << 10;
const REREAD_COST: usize = 256;

/// What the zeros of a sender's types are read from.
static ZEROS: [u8; 16] = [0; 16];

/// The bytes being read, and what may still be spent on them.
pub(crate) struct Source<'t, 'de> {
    types: &'t Types,
    reader: Reader<'de>,
    limits: &'t Limits,
    /// How much deeper values may nest.
    depth: usize,
    /// How much memory values may still take.
    budget: usize,
    /// What `depth` is at a value that is all that a message or an interface holds.
    whole_depth: usize,
    /// Whether the value is absent, hence zero, and read from [`ZEROS`].
    is_absent: bool,
}

impl<'t, 'de> Source<'t, 'de> {
    pub(crate) fn new(types: &'t Types, reader: Reader<'de>, limits: &'t Limits) -> Self {
        Self {
            types,
            reader,
            limits,
            depth: limits.depth,
            budget: limits.decoded,
            whole_depth: limits.depth,
            is_absent: false,
        }
    }

    /// A value at the beginning of what a message or an interface holds.
    fn whole(&mut self, root: Complete<'t>) -> Result<Value<'_, 't, 'de>> {
        read_lead(root.ty, &mut self.reader)?;
        Ok(self.value(root.ty))
    }

    /// A value of the type `ty` that stands next.
    #[inline]
    fn value(&mut self, ty: &'t Definition) -> Value<'_, 't, 'de> {
        Value { source: self, ty }
    }

    /// The zero of the type `ty`, of a value that is absent.
    #[inline(never)]
    fn zero<S: DeserializeSeed<'de>>(&mut self, ty: &'t Definition, seed: S) -> Result<S::Value> {
        let reader = std::mem::replace(&mut self.reader, Reader::new(&ZEROS));
        let was_absent = std::mem::replace(&mut self.is_absent, true);
        let value = seed.deserialize(self.value(ty));
        self.is_absent = was_absent;
        self.reader = reader;
        value
    }

    /// The zero of something that the sender does not know.
    fn unknown_zero(&self) -> ZeroDeserializer<'t, Error> {
        ZeroDeserializer::new(self.types.zeros(), self.depth)
    }

    /// Goes one level deeper, if that is allowed. There is no way back from an error, so only
    /// what was read in full is left again.
    #[inline]
    fn enter(&mut self) -> Result<()> {
        match self.depth.checked_sub(1) {
            Some(depth) => self.depth = depth,
            None => return Err(too_deep(self.limits.depth).at(self.reader.offset())),
        }
        Ok(())
    }

    /// Comes back from one level deeper.
    #[inline]
    fn leave(&mut self) {
        self.depth += 1;
    }

    /// Accounts for `count` things of `size` bytes.
    #[inline]
    fn charge(&mut self, count: usize, size: usize) -> Result<()> {
        let left = count
            .checked_mul(size.max(1))
            .and_then(|cost| self.budget.checked_sub(cost));
        match left {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.too_large()),
        }
    }

    #[cold]
    fn too_large(&self) -> Error {
        let limit = self.limits.decoded;
        Error::limit("decoded", limit, "the size of the decoded value in bytes")
            .at(self.reader.offset())
    }

    /// How the visitor `V` reads `structure` into `fields`.
    #[inline]
    fn plan<V>(
        &self,
        structure: &'t Structure,
        fields: &'static [&'static str],
    ) -> Result<&'t Plan> {
        let plans = structure.plans();
        match plans.plan::<V>(structure, fields, self.types.room_for_plans()) {
            Some(plan) => Ok(plan),
            None => Err(Error::limit(
                "types",
                self.limits.types,
                "the number of types that those of the stream are read into",
            )),
        }
    }

    /// Skips a value of the type `ty`.
    #[inline]
    fn skip(&mut self, ty: &Definition) -> Result<()> {
        walk::skip(self.types, ty, &mut self.reader, self.limits)
    }

    /// Skips an interface that is nil; returns whether it was.
    fn skip_nil(&mut self) -> Result<bool> {
        let mut ahead = self.reader.clone();
        let is_nil = ahead.uint()? == 0;
        if is_nil {
            self.reader = ahead;
        }
        Ok(is_nil)
    }

    /// Reads the beginning of a value in an interface: the name and the type. `None` is nil.
    fn interface(&mut self) -> Result<Option<Inner<'t, 'de>>> {
        let name = self.reader.bytes()?;
        if name.is_empty() {
            return Ok(None);
        }
        let at = self.reader.offset();
        let number = self.reader.int()?;
        let id = Id::on_wire(number)
            .ok_or_else(|| Error::corrupt(at, format_args!("{number} is not the id of a type")))?;
        let root = self.types.complete(id)?;
        let size = self.reader.count()?;
        let end = self.reader.position() + size;
        Ok(Some(Inner { name, root, end }))
    }

    /// Reads the value in an interface, which is one level deeper.
    fn inside<R>(
        &mut self,
        inner: &Inner<'t, 'de>,
        read: impl FnOnce(Value<'_, 't, 'de>) -> Result<R>,
    ) -> Result<R> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.whole_depth, self.depth);
        let value = read(self.whole(inner.root)?)?;
        self.whole_depth = outer;
        self.leave();
        if self.reader.position() != inner.end {
            return Err(Error::corrupt(
                self.reader.offset(),
                "the value in an interface does not have the size that was announced",
            ));
        }
        Ok(value)
    }
}

/// The beginning of a value in an interface.
struct Inner<'t, 'de> {
    /// The name that the type is registered under.
    name: &'de [u8],
    root: Complete<'t>,
    /// Where the value ends.
    end: usize,
}

#[cold]
fn nil() -> Error {
    let message = "the interface is nil, which only an option can be";
    Error::new(Category::Mismatch, message)
}

/// One value, of a known type, which stands next in the source.
pub(crate) struct Value<'a, 't, 'de> {
    source: &'a mut Source<'t, 'de>,
    ty: &'t Definition,
}

impl<'t, 'de> Value<'_, 't, 'de> {
    #[cold]
    fn mismatch(&self, expected: impl std::fmt::Display) -> Error {
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

    fn is_absent(&self) -> bool {
        self.source.is_absent
    }

    /// Whether it is all that a message or an interface holds.
    fn is_whole(&self) -> bool {
        self.source.depth == self.source.whole_depth && !self.source.is_absent
    }

    /// Reads a string, as text or, where it is not UTF-8, as bytes.
    fn text(self) -> Result<std::result::Result<&'de str, &'de [u8]>> {
        let bytes = self.bytes()?;
        Ok(std::str::from_utf8(bytes).map_err(|_| bytes))
    }

    fn bytes(self) -> Result<&'de [u8]> {
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

    /// Reads an array, whose count is redundant.
    fn array<V: Visitor<'de>>(self, elem: Slot, len: usize, visitor: V) -> Result<V::Value> {
        if !self.is_absent() {
            read_array_count(&mut self.source.reader, len)?;
        }
        self.elements(elem, len, visitor)
    }
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

macro_rules! numbers {
    ($($method:ident: $kind:ident, $take:ident, $visit:ident, $expected:literal;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match &self.ty.kind {
                Kind::$kind => visitor.$visit(self.source.reader.$take()?),
                Kind::Interface => open!(self.$method(visitor)),
                _ => Err(self.mismatch($expected)),
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

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Bool => visitor.visit_bool(self.source.reader.uint()? != 0),
            Kind::Interface => open!(self.deserialize_bool(visitor)),
            _ => Err(self.mismatch("bool")),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &self.ty.kind {
            Kind::Byte => visitor.visit_u8(self.source.reader.byte()?),
            Kind::Uint => visitor.visit_u64(self.source.reader.uint()?),
            Kind::Interface => open!(self.deserialize_u8(visitor)),
            _ => Err(self.mismatch("u8")),
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
                Err(_) => Err(Error::new(
                    Category::OutOfRange,
                    "the string is not UTF-8, as text must be in Rust",
                )),
            },
            Kind::Interface => open!(self.deserialize_str(visitor)),
            _ => Err(self.mismatch("a string")),
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
        let structure = match &self.ty.kind {
            Kind::Struct(structure) => structure,
            Kind::Interface => return open!(self.deserialize_struct(name, fields, visitor)),
            _ => return Err(self.mismatch(format_args!("the struct `{name}`"))),
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

#[cfg(test)]
mod tests;
