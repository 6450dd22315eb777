//! Lists: slices, arrays, byte strings given element by element, and tuples.

use serde::ser::{
    Serialize, SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

use super::only::{NoTuple, Only, Want};
use super::structure::StructWriter;
use super::value::{Always, AnyPlace, Place, ValueWriter};
use super::variant::Role;
use super::{Writer, wire};
use crate::error::{Category, Error, Result};
use crate::schema::{Type, tuple_field};
use crate::types::Shape;

/// Writes the elements of one list.
pub(super) struct ListWriter<'w, 'a, 't> {
    writer: &'w mut Writer<'a>,
    /// The type of the elements; `None` for the bytes of a byte string.
    elem: Option<Type<'t>>,
    size: Size,
    /// How many elements there have been.
    count: usize,
    /// The count that has been written ahead, and where it stands.
    announced: usize,
    count_at: usize,
    role: Role,
}

/// How many elements there may be.
#[derive(Clone, Copy)]
enum Size {
    Any,
    /// Any number; for none at all nothing is sent, not even the delta that stands here.
    Omittable(usize),
    Fixed(usize),
}

impl<'w, 'a, 't> ListWriter<'w, 'a, 't> {
    pub(super) fn new(
        mut value: ValueWriter<'w, 'a, 't, impl Place>,
        len: Option<usize>,
        role: Role,
        what: &str,
    ) -> Result<Self> {
        let unless_empty = match value.place.any() {
            AnyPlace::Field(_) => Size::Omittable(value.writer.out.len()),
            AnyPlace::Always | AnyPlace::Some => Size::Any,
        };
        let (elem, size) = match value.ty.shape() {
            Shape::Slice(elem) => (Some(*elem), unless_empty),
            Shape::Array(elem, len) => (Some(*elem), Size::Fixed(*len)),
            Shape::Bytes => (None, unless_empty),
            Shape::Opaque(_) => (None, Size::Any),
            _ => return Err(value.mismatch(what)),
        };
        let elem = elem.map(|elem| value.ty.inner(elem));
        let announced = match (size, len) {
            (Size::Fixed(size), Some(len)) if size != len => return Err(wrong_len(size, len)),
            (Size::Fixed(size), _) => size,
            (_, len) => len.unwrap_or(0),
        };
        value.begin(false);
        let writer = value.writer;
        writer.enter()?;
        // Every element takes a byte at least.
        writer.check_room(announced)?;
        writer.out.reserve(announced);
        let count_at = writer.out.len();
        wire::put_uint(&mut writer.out, announced as u64);
        Ok(Self {
            writer,
            elem,
            size,
            count: 0,
            announced,
            count_at,
            role,
        })
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let written = match self.elem {
            Some(ty) => value.serialize(ValueWriter {
                writer: &mut *self.writer,
                ty,
                place: Always,
            }),
            None => (value.serialize(Only(Byte))).map(|byte| self.writer.out.push(byte)),
        };
        match written.and_then(|()| self.writer.check_size()) {
            Ok(()) => {
                self.count += 1;
                Ok(())
            }
            Err(error) => Err(self.locate(error)),
        }
    }

    #[cold]
    fn locate(&mut self, error: Error) -> Error {
        let error = error.in_element(self.count);
        self.writer.failed = true;
        match self.role {
            Role::Value => error,
            Role::Payload => self.writer.in_variant(error),
        }
    }

    fn finish(self) -> Result<()> {
        let Self { writer, count, .. } = self;
        match self.size {
            Size::Fixed(size) if count != size => return Err(wrong_len(size, count)),
            Size::Omittable(start) if count == 0 => writer.out.truncate(start),
            _ if count != self.announced => {
                let width = wire::uint_len(self.announced as u64);
                writer.put_count(self.count_at, width, count);
            }
            _ => {}
        }
        writer.leave();
        if self.role == Role::Payload {
            writer.close_variant();
        }
        Ok(())
    }
}

/// One byte of a byte string.
struct Byte;

impl Want for Byte {
    type Ok = u8;
    type Tuple = NoTuple<u8>;
    const WANTED: &'static str = "a byte of a byte string (a u8)";

    #[inline]
    fn byte(self, value: u8) -> Result<u8> {
        Ok(value)
    }
}

#[cold]
fn wrong_len(size: usize, len: usize) -> Error {
    Error::new(
        Category::Mismatch,
        format_args!("{len} elements cannot be sent as an array of {size}"),
    )
}

impl SerializeSeq for ListWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.finish()
    }
}

/// Writes the elements of a tuple, which is a struct, an array or a complex number: serde does
/// not say.
pub(super) enum TupleWriter<'w, 'a, 't> {
    Struct(StructWriter<'w, 'a, 't>),
    /// A struct that lacks fields, and how many elements there have been.
    Sparse(StructWriter<'w, 'a, 't>, usize),
    List(ListWriter<'w, 'a, 't>),
    Complex(ComplexWriter<'w, 'a, 't>),
}

/// Writes the two parts of a complex number.
pub(super) struct ComplexWriter<'w, 'a, 't> {
    value: ValueWriter<'w, 'a, 't, AnyPlace>,
    parts: [f64; 2],
    count: usize,
    role: Role,
}

impl<'w, 'a, 't> ComplexWriter<'w, 'a, 't> {
    pub(super) fn new(value: ValueWriter<'w, 'a, 't, AnyPlace>, role: Role) -> Self {
        Self {
            value,
            parts: [0.0; 2],
            count: 0,
            role,
        }
    }

    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let part = value.serialize(Only(Part)).and_then(|value| {
            let part = self.parts.get_mut(self.count).ok_or_else(not_two_parts)?;
            *part = value;
            Ok(())
        });
        self.count += 1;
        part.map_err(|error| self.value.writer.fail(error))
    }

    fn finish(mut self) -> Result<()> {
        if self.count != 2 {
            return Err(not_two_parts());
        }
        if self.value.begin(self.parts == [0.0; 2]) {
            for part in self.parts {
                wire::put_float(&mut self.value.writer.out, part);
            }
        }
        if self.role == Role::Payload {
            self.value.writer.close_variant();
        }
        Ok(())
    }
}

/// A part of a complex number.
struct Part;

impl Want for Part {
    type Ok = f64;
    type Tuple = NoTuple<f64>;
    const WANTED: &'static str = "a part of a complex number (a float)";

    fn float(self, value: f64) -> Result<f64> {
        Ok(value)
    }
}

#[cold]
fn not_two_parts() -> Error {
    Error::new(
        Category::Mismatch,
        "a complex number has two parts, the real and the imaginary one",
    )
}

impl TupleWriter<'_, '_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        match self {
            Self::Struct(fields) => fields.next_field(value),
            Self::Sparse(fields, count) => {
                let key = tuple_field(*count);
                *count += 1;
                fields.keyed(&key, value)
            }
            Self::List(list) => list.element(value),
            Self::Complex(complex) => complex.part(value),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Struct(fields) | Self::Sparse(fields, _) => fields.finish(),
            Self::List(list) => list.finish(),
            Self::Complex(complex) => complex.finish(),
        }
    }
}

macro_rules! tuple {
    ($($trait:ident::$method:ident)*) => {$(
        impl $trait for TupleWriter<'_, '_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }

            fn end(self) -> Result<()> {
                self.finish()
            }
        }
    )*};
}

tuple! {
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}
