//! Structs: fields by name, in increasing number, zeros left out.

use serde::ser::{Serialize, SerializeStruct, SerializeStructVariant};

use super::value::{InField, ValueWriter};
use super::variant::{Role, unknown};
use super::{Writer, wire};
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
    /// One more than the greatest number sent so far.
    sent: u32,
    /// Where this struct's marks begin.
    marks: u32,
    /// Whether a field came behind one with a greater number.
    is_unordered: bool,
    role: Role,
}

/// Where a field that was sent begins, and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    number: u32,
    start: usize,
}

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
            marks: writer.marks.len() as u32,
            writer,
            ty,
            fields,
            next: 0,
            sent: 0,
            is_unordered: false,
            role,
        })
    }

    /// The number of the field that serde calls `key`.
    #[inline]
    pub(super) fn number(&self, key: &str) -> Result<u32> {
        match self.fields.get(self.next as usize) {
            Some(field) if field.has_key(key) => Ok(self.next),
            _ => self.find(key),
        }
    }

    #[cold]
    fn find(&self, key: &str) -> Result<u32> {
        (self.fields.iter())
            .position(|field| field.key() == key)
            .map(|number| number as u32)
            .ok_or_else(|| unknown("field", key, self.ty))
    }

    /// Writes the field that serde calls `key`. An inferred type has no field for what is empty.
    #[inline]
    pub(super) fn keyed<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        match self.fields.get(self.next as usize) {
            Some(field) if field.has_key(key) => self.write(self.next, field, value),
            _ => self.unexpected(key, value),
        }
    }

    #[cold]
    fn unexpected<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        match self.find(key) {
            Ok(number) => self.field(number, value),
            Err(_) if self.writer.is_inferred => Ok(()),
            Err(error) => Err(self.fail(error)),
        }
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
            None => Err(self.surplus()),
        }
    }

    #[inline]
    fn write<T: Serialize + ?Sized>(
        &mut self,
        number: u32,
        field: &Field<Ref>,
        value: &T,
    ) -> Result<()> {
        self.next = number + 1;
        let start = self.writer.out.len();
        let delta = if number >= self.sent {
            number + 1 - self.sent
        } else {
            // The deltas of fields out of order are put right at the end.
            self.is_unordered = true;
            1
        };
        let written = value.serialize(ValueWriter {
            writer: &mut *self.writer,
            ty: self.ty.inner(field.ty),
            place: InField(delta),
        });
        if let Err(error) = written {
            return Err(self.fail(error.in_field(&field.name)));
        }
        if self.writer.out.len() > start {
            self.writer.marks.push(Mark { number, start });
            self.sent = self.sent.max(number + 1);
        }
        Ok(())
    }

    #[cold]
    fn surplus(&mut self) -> Error {
        let fields = self.fields.len();
        self.fail(Error::new(
            Category::Mismatch,
            format_args!("more fields than the {fields} that the schema has"),
        ))
    }

    /// Notes an error in a field or between two.
    #[cold]
    pub(super) fn fail(&mut self, error: Error) -> Error {
        self.writer.failed = true;
        match self.role {
            Role::Value => error,
            Role::Payload => self.writer.in_variant(error),
        }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<()> {
        if self.is_unordered {
            self.writer.order_fields(self.marks as usize, self.fields)?;
        }
        self.writer.marks.truncate(self.marks as usize);
        self.writer.out.push(0);
        self.writer.leave();
        if self.role == Role::Payload {
            self.writer.close_variant();
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// Brings the fields whose marks begin at `first` into the order of their numbers.
    #[cold]
    fn order_fields(&mut self, first: usize, fields: &[Field<Ref>]) -> Result<()> {
        let marks = &mut self.marks[first..];
        let Some(start) = marks.first().map(|mark| mark.start) else {
            return Ok(());
        };
        // Each field ends where the one written after it begins.
        let ends = marks.iter().skip(1).map(|mark| mark.start);
        let ends: Vec<usize> = ends.chain([self.out.len()]).collect();
        let mut order: Vec<_> = marks.iter().zip(ends).collect();
        order.sort_by_key(|(mark, _)| mark.number);

        let mut ordered = Vec::with_capacity(self.out.len() - start);
        let mut sent = 0;
        for (mark, end) in order {
            let delta = u64::from(mark.number) + 1 - sent;
            if delta == 0 {
                let name = &fields[mark.number as usize].name;
                return Err(Error::new(
                    Category::Message,
                    format_args!("the field `{name}` occurs twice"),
                ));
            }
            sent += delta;
            let mut field = wire::Reader::new(&self.out[mark.start..end]);
            field.uint()?;
            wire::put_uint(&mut ordered, delta);
            ordered.extend_from_slice(field.rest());
        }
        self.out.truncate(start);
        self.out.extend_from_slice(&ordered);
        Ok(())
    }
}

impl SerializeStruct for StructWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
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
