//! Structs: fields by name, in increasing number, zeros left out.

use serde::ser::{Serialize, SerializeStruct, SerializeStructVariant};

use super::Writer;
use super::value::{InField, ValueWriter};
use super::variant::{Role, unknown};
use crate::error::{Category, Error, Result};
use crate::schema::{Ref, Type};
use crate::types::Field;

/// Writes the fields of one struct.
pub(super) struct StructWriter<'w, 'a, 't> {
    writer: &'w mut Writer<'a>,
    ty: Type<'t>,
    fields: &'t [Field<Ref>],
    /// The field that is expected next: serde's order is almost always the schema's.
    next: u32,
    /// One more than the greatest number sent so far; [`UNORDERED`] once a field came behind one
    /// with a greater number.
    sent: u32,
    /// Where the fields begin.
    start: usize,
    /// Where this struct's marks begin, once it is unordered.
    marks: usize,
    role: Role,
}

/// More fields than any struct has.
const UNORDERED: u32 = u32::MAX;

/// The number of the field that serde calls `key`, and the field.
#[cold]
fn find<'t>(ty: Type<'_>, fields: &'t [Field<Ref>], key: &str) -> Result<(u32, &'t Field<Ref>)> {
    (fields.iter().zip(0..))
        .find_map(|(field, number)| (field.key() == key).then_some((number, field)))
        .ok_or_else(|| unknown("field", key, ty))
}

#[cold]
fn surplus(fields: &[Field<Ref>]) -> Error {
    Error::new(
        Category::Mismatch,
        format_args!("more fields than the {} that the schema has", fields.len()),
    )
}

// What is rare takes no `&mut self`, which would keep the writer of a struct out of registers.
impl<'w, 'a, 't> StructWriter<'w, 'a, 't> {
    #[inline(always)]
    pub(super) fn new(
        writer: &'w mut Writer<'a>,
        ty: Type<'t>,
        fields: &'t [Field<Ref>],
        role: Role,
    ) -> Result<Self> {
        writer.enter()?;
        Ok(Self {
            start: writer.out.len(),
            writer,
            ty,
            fields,
            next: 0,
            sent: 0,
            marks: 0,
            role,
        })
    }

    /// The number of the field that serde calls `key`.
    #[inline]
    pub(super) fn number(&self, key: &str) -> Result<u32> {
        match self.fields.get(self.next as usize) {
            Some(field) if field.has_key(key) => Ok(self.next),
            _ => find(self.ty, self.fields, key).map(|(number, _)| number),
        }
    }

    /// Writes the field that serde calls `key`. An inferred type has no field for what is empty.
    #[inline(always)]
    pub(super) fn keyed<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        let (number, field) = match self.fields.get(self.next as usize) {
            Some(field) if field.has_key(key) => (self.next, field),
            _ => match find(self.ty, self.fields, key) {
                Ok(found) => found,
                Err(_) if self.writer.is_inferred => return Ok(()),
                Err(error) => return Err(self.fail(error)),
            },
        };
        self.write(number, field, value)
    }

    /// Whether a field that the type lacks is to be left out.
    pub(super) fn is_lenient(&self) -> bool {
        self.writer.is_inferred
    }

    /// Writes the field that is expected next.
    #[inline]
    pub(super) fn next_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.field(self.next, value)
    }

    /// Writes the field with this number, unless it is zero.
    #[inline]
    pub(super) fn field<T: Serialize + ?Sized>(&mut self, number: u32, value: &T) -> Result<()> {
        match self.fields.get(number as usize) {
            Some(field) => self.write(number, field, value),
            None => Err(self.fail(surplus(self.fields))),
        }
    }

    #[inline(always)]
    fn write<T: Serialize + ?Sized>(
        &mut self,
        number: u32,
        field: &Field<Ref>,
        value: &T,
    ) -> Result<()> {
        self.next = number + 1;
        let delta = if number >= self.sent {
            number + 1 - self.sent
        } else {
            if self.sent != UNORDERED {
                self.marks = self.writer.mark_fields(self.ty, self.fields, self.start)?;
                self.sent = UNORDERED;
            }
            self.writer.mark_field(number);
            // The deltas of fields out of order are put right at the end.
            1
        };
        let start = self.writer.out.len();
        let written = value.serialize(ValueWriter {
            writer: &mut *self.writer,
            ty: self.ty.inner(field.ty),
            place: InField(delta),
        });
        if let Err(error) = written {
            return Err(self.fail(error.in_field(&field.name)));
        }
        if self.writer.out.len() > start {
            self.sent = self.sent.max(number + 1);
        }
        Ok(())
    }

    /// Notes an error in a field or between two.
    #[inline]
    pub(super) fn fail(&mut self, error: Error) -> Error {
        self.writer.fail_struct(self.role, error)
    }

    #[inline]
    pub(super) fn finish(self) -> Result<()> {
        if self.sent == UNORDERED {
            self.writer
                .order_fields(self.fields, self.start, self.marks)?;
        }
        self.writer.out.push(0);
        self.writer.leave();
        if self.role == Role::Payload {
            self.writer.close_variant();
        }
        Ok(())
    }
}

impl Writer<'_> {
    #[cold]
    fn fail_struct(&mut self, role: Role, error: Error) -> Error {
        self.failed = true;
        match role {
            Role::Value => error,
            Role::Payload => self.in_variant(error),
        }
    }
}

impl SerializeStruct for StructWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        self.keyed(key, value)
    }

    fn skip_field(&mut self, _: &'static str) -> Result<()> {
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.finish()
    }
}

impl SerializeStructVariant for StructWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        SerializeStruct::serialize_field(self, key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<()> {
        SerializeStruct::skip_field(self, key)
    }

    fn end(self) -> Result<()> {
        self.finish()
    }
}
