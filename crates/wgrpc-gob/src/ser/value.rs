//! The serializer for one value of a known type.

use serde::ser::{Serialize, Serializer};

use super::carried::{InDynamic, InInterface, RawText};
use super::list::{ComplexWriter, ListWriter, TupleWriter};
use super::map::{Key, MapWriter};
use super::only::Only;
use super::structure::StructWriter;
use super::variant::Role;
use super::{MANY, Writer, wire};
use crate::carried::Marked;
use crate::error::{Category, Error, Result};
use crate::schema::Type;
use crate::types::Shape;

/// Writes one value as its type says.
///
/// Where the value stands is known when the program is compiled, so that nothing is asked about
/// fields where there are none: each kind of place has its own code.
pub(super) struct ValueWriter<'w, 'a, 't, P = Always> {
    pub(super) writer: &'w mut Writer<'a>,
    pub(super) ty: Type<'t>,
    pub(super) place: P,
}

/// Where a value stands, which decides whether a zero is sent.
pub(super) trait Place: Copy {
    /// The same, for where it is not worth to have code for each kind of place.
    fn any(self) -> AnyPlace;
}

/// Where every value is sent: at the top, in a list, in a map, in an enum.
#[derive(Clone, Copy)]
pub(super) struct Always;

impl Place for Always {
    #[inline]
    fn any(self) -> AnyPlace {
        AnyPlace::Always
    }
}

/// In a field of a struct, this many fields behind the one sent before. Zeros are left out.
#[derive(Clone, Copy)]
pub(super) struct InField(pub(super) u32);

impl Place for InField {
    #[inline]
    fn any(self) -> AnyPlace {
        AnyPlace::Field(self.0)
    }
}

/// A place that is found out at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnyPlace {
    /// See [`Always`].
    Always,
    /// In a `Some`, which is sent whatever it holds.
    Some,
    /// See [`InField`].
    Field(u32),
}

impl Place for AnyPlace {
    #[inline]
    fn any(self) -> AnyPlace {
        self
    }
}

impl<'w, 'a, 't, P: Place> ValueWriter<'w, 'a, 't, P> {
    /// Begins the value and says whether to write it: not if it is a zero in a struct.
    #[inline]
    pub(super) fn begin(&mut self, is_zero: bool) -> bool {
        match self.place.any() {
            AnyPlace::Always | AnyPlace::Some => true,
            AnyPlace::Field(_) if is_zero => false,
            AnyPlace::Field(delta) => {
                self.writer.put_delta(delta);
                true
            }
        }
    }

    /// Writes a number as an unsigned integer, unless it is a zero in a struct.
    #[inline(always)]
    fn number(mut self, value: u64, is_zero: bool) {
        match self.place.any() {
            AnyPlace::Field(_) if is_zero => {}
            AnyPlace::Field(delta @ ..0x80) => {
                wire::put_field(&mut self.writer.out, delta as u8, value);
            }
            _ => {
                self.begin(is_zero);
                wire::put_uint(&mut self.writer.out, value);
            }
        }
    }

    /// The same, for where it is not worth to have code for each kind of place.
    pub(super) fn anywhere(self) -> ValueWriter<'w, 'a, 't, AnyPlace> {
        let place = self.place.any();
        self.placed(place)
    }

    /// The same in another place.
    #[inline]
    pub(super) fn placed<Q>(self, place: Q) -> ValueWriter<'w, 'a, 't, Q> {
        ValueWriter {
            writer: self.writer,
            ty: self.ty,
            place,
        }
    }

    #[inline]
    fn int(self, value: i64) -> Result<()> {
        match self.ty.shape() {
            Shape::Int => {
                self.number(wire::int_bits(value), value == 0);
                Ok(())
            }
            _ => self.writer.put_other_int(self.ty, self.place.any(), value),
        }
    }

    #[inline]
    fn uint(self, value: u64) -> Result<()> {
        match self.ty.shape() {
            Shape::Uint => {
                self.number(value, value == 0);
                Ok(())
            }
            _ => self.writer.put_other_uint(self.ty, self.place.any(), value),
        }
    }

    /// Writes bytes behind their count.
    #[inline]
    pub(super) fn counted(mut self, bytes: &[u8], is_zero: bool) -> Result<()> {
        self.writer.check_room(bytes.len())?;
        if bytes.len() >= MANY {
            let apart = self.writer.apart(bytes);
            self.begin(false);
            self.writer.put_long(bytes, apart);
            return Ok(());
        }
        match self.place.any() {
            AnyPlace::Field(_) if is_zero => {}
            AnyPlace::Field(delta @ ..0x80) => {
                wire::put_field(&mut self.writer.out, delta as u8, bytes.len() as u64);
                self.writer.out.extend_from_slice(bytes);
            }
            _ => {
                self.begin(is_zero);
                wire::put_bytes(&mut self.writer.out, bytes);
            }
        }
        Ok(())
    }

    /// Writes what a unit is: a struct without fields.
    fn empty_struct(mut self) -> Result<()> {
        match self.ty.shape() {
            Shape::Struct(fields) if fields.is_empty() => {
                self.begin(false);
                self.writer.out.push(0);
                Ok(())
            }
            _ => Err(self.mismatch("a unit")),
        }
    }

    #[inline(always)]
    fn structure(mut self, role: Role) -> Result<StructWriter<'w, 'a, 't>> {
        match self.ty.shape() {
            Shape::Struct(fields) => {
                self.begin(false);
                StructWriter::new(self.writer, self.ty, fields, role)
            }
            _ => Err(self.mismatch("a struct")),
        }
    }

    fn tuple(self, len: usize, role: Role) -> Result<TupleWriter<'w, 'a, 't>> {
        match self.ty.shape() {
            // What is empty in an inferred tuple has no field.
            Shape::Struct(fields) if fields.len() < len && self.writer.is_inferred => {
                (self.structure(role)).map(|fields| TupleWriter::Sparse(fields, 0))
            }
            Shape::Struct(fields) if fields.len() != len => Err(Error::new(
                Category::Mismatch,
                format_args!(
                    "a tuple of {len} elements cannot be sent as a struct of {} fields",
                    fields.len()
                ),
            )),
            Shape::Struct(_) => self.structure(role).map(TupleWriter::Struct),
            Shape::Complex => Ok(TupleWriter::Complex(ComplexWriter::new(
                self.anywhere(),
                role,
            ))),
            _ => ListWriter::new(self, Some(len), role, "a tuple").map(TupleWriter::List),
        }
    }

    #[inline]
    pub(super) fn mismatch(&self, found: &str) -> Error {
        mismatch(self.ty, found)
    }
}

impl<'w, 'a, 't, P: Place> Serializer for ValueWriter<'w, 'a, 't, P> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = ListWriter<'w, 'a, 't>;
    type SerializeTuple = TupleWriter<'w, 'a, 't>;
    type SerializeTupleStruct = TupleWriter<'w, 'a, 't>;
    type SerializeTupleVariant = TupleWriter<'w, 'a, 't>;
    type SerializeMap = MapWriter<'w, 'a, 't>;
    type SerializeStruct = StructWriter<'w, 'a, 't>;
    type SerializeStructVariant = StructWriter<'w, 'a, 't>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        match self.ty.shape() {
            Shape::Bool => {
                self.number(u64::from(value), !value);
                Ok(())
            }
            _ => Err(self.mismatch("a bool")),
        }
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.int(i64::from(value))
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<()> {
        self.int(i64::from(value))
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.int(i64::from(value))
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.int(value)
    }

    fn serialize_i128(self, _: i128) -> Result<()> {
        Err(too_wide("i128"))
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.uint(u64::from(value))
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<()> {
        self.uint(u64::from(value))
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<()> {
        self.uint(u64::from(value))
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<()> {
        self.uint(value)
    }

    fn serialize_u128(self, _: u128) -> Result<()> {
        Err(too_wide("u128"))
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.serialize_f64(f64::from(value))
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        match self.ty.shape() {
            Shape::Float => {
                self.number(wire::float_bits(value), value == 0.0);
                Ok(())
            }
            _ => Err(self.mismatch("a float")),
        }
    }

    fn serialize_char(self, value: char) -> Result<()> {
        match self.ty.shape() {
            Shape::Int => self.int(i64::from(u32::from(value))),
            Shape::String => self.serialize_str(value.encode_utf8(&mut [0; 4])),
            _ => Err(self.mismatch("a character")),
        }
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        match self.ty.shape() {
            Shape::String => self.counted(value.as_bytes(), value.is_empty()),
            // A type that marshals itself may well do it as text.
            Shape::Opaque(_) => self.counted(value.as_bytes(), false),
            _ => Err(self.mismatch("a string")),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        match self.ty.shape() {
            Shape::Bytes => self.counted(value, value.is_empty()),
            Shape::Opaque(_) => self.counted(value, false),
            Shape::Slice(_) | Shape::Array(..) => value.serialize(self),
            _ => Err(self.mismatch("a byte string")),
        }
    }

    fn serialize_none(self) -> Result<()> {
        match self.ty.shape() {
            _ if matches!(self.place.any(), AnyPlace::Field(_)) => Ok(()),
            Shape::Interface(_) => {
                self.writer.out.push(0);
                Ok(())
            }
            _ => Err(Error::new(
                Category::Unsupported,
                "`None` has no form in gob here: only a field of a struct can be absent",
            )),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<()> {
        if self.place.any() == AnyPlace::Some {
            return Err(Error::new(
                Category::Unsupported,
                "an option of an option has no form in gob: one of its absences is lost",
            ));
        }
        self.begin(false);
        value.serialize(self.placed(AnyPlace::Some))
    }

    fn serialize_unit(self) -> Result<()> {
        if self.writer.is_json {
            return self.serialize_none();
        }
        self.empty_struct()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.empty_struct()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        match self.ty.shape() {
            Shape::String => self.serialize_str(variant),
            Shape::Int => self.int(i64::from(index)),
            Shape::Uint => self.uint(u64::from(index)),
            Shape::Struct(_) | Shape::Interface(_) => {
                self.serialize_newtype_variant("", index, variant, &())
            }
            _ => Err(self.mismatch("an enum")),
        }
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        match Marked::by_name(name) {
            None => value.serialize(self),
            Some(Marked::Json) => {
                let ValueWriter { writer, ty, place } = self;
                let outside = std::mem::replace(&mut writer.is_json, true);
                value.serialize(ValueWriter {
                    writer: &mut *writer,
                    ty,
                    place,
                })?;
                writer.is_json = outside;
                Ok(())
            }
            Some(Marked::RawString) => value.serialize(Only(RawText(self.anywhere()))),
            Some(Marked::Interface) => value.serialize(Only(InInterface(self.anywhere()))),
            Some(Marked::Dynamic) if self.writer.is_inferred => {
                value.serialize(Only(InDynamic(self.anywhere())))
            }
            Some(Marked::Dynamic) => Err(Error::new(
                Category::Unsupported,
                "a `Dynamic` cannot stand in a value that has a schema: use an `Interface`",
            )),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let ValueWriter { writer, ty, place } = self.variant(variant)?;
        let payload = ValueWriter {
            writer: &mut *writer,
            ty,
            place,
        };
        value
            .serialize(payload)
            .map_err(|error| writer.in_variant(error))?;
        writer.close_variant();
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListWriter<'w, 'a, 't>> {
        ListWriter::new(self, len, Role::Value, "a list")
    }

    fn serialize_tuple(self, len: usize) -> Result<TupleWriter<'w, 'a, 't>> {
        self.tuple(len, Role::Value)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<TupleWriter<'w, 'a, 't>> {
        self.tuple(len, Role::Value)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<TupleWriter<'w, 'a, 't>> {
        (self.variant(variant)?.tuple(len, Role::Payload)).map_err(|error| error.in_field(variant))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapWriter<'w, 'a, 't>> {
        match self.ty.shape() {
            // A struct with flattened parts comes as a map.
            Shape::Struct(_) => {
                (self.structure(Role::Value)).map(|fields| MapWriter::Struct(fields, Key::None))
            }
            Shape::Map(key, elem) => MapWriter::new(self, (*key, *elem), len),
            _ => Err(self.mismatch("a map")),
        }
    }

    // Inlined, so that the writer is made where it stays: moving it costs more than making it.
    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<StructWriter<'w, 'a, 't>> {
        self.structure(Role::Value)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<StructWriter<'w, 'a, 't>> {
        (self.variant(variant)?.structure(Role::Payload)).map_err(|error| error.in_field(variant))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

// What is rare takes the parts of a `ValueWriter`, not all of it, which would have to be in memory
// for that.
impl Writer<'_> {
    /// Writes an integer as the other type that it may be in a value without types.
    #[cold]
    fn put_other_int(&mut self, ty: Type<'_>, place: AnyPlace, value: i64) -> Result<()> {
        match ty.shape() {
            Shape::Float if self.is_json => ValueWriter {
                writer: self,
                ty,
                place,
            }
            .serialize_f64(value as f64),
            _ => Err(mismatch(ty, "a signed integer")),
        }
    }

    /// The same for an unsigned integer.
    #[cold]
    fn put_other_uint(&mut self, ty: Type<'_>, place: AnyPlace, value: u64) -> Result<()> {
        if !self.is_json {
            return Err(mismatch(ty, "an unsigned integer"));
        }
        let writer = ValueWriter {
            writer: self,
            ty,
            place,
        };
        match (ty.shape(), i64::try_from(value)) {
            (Shape::Float, _) => writer.serialize_f64(value as f64),
            (Shape::Int, Ok(value)) => writer.int(value),
            _ => Err(mismatch(ty, "an unsigned integer")),
        }
    }
}

#[cold]
fn mismatch(ty: Type<'_>, found: &str) -> Error {
    let kind = ty.shape().kind();
    Error::new(
        Category::Mismatch,
        format_args!("{found} cannot be sent as {kind}, which the schema asks for"),
    )
}

#[cold]
fn too_wide(what: &str) -> Error {
    Error::new(
        Category::Unsupported,
        format_args!("gob has no integers as wide as {what}: use the adapter `adapt::big_int`"),
    )
}
