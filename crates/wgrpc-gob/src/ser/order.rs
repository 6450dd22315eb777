//! Fields that come in another order than their numbers have on the wire.
//!
//! serde's order is almost always the schema's, so nothing is kept of where fields begin. When one
//! comes out of order, what the struct has so far is walked over, and from then on each field is
//! marked.

use super::{Writer, wire};
use crate::error::{Category, Error, Result};
use crate::schema::{Ref, Type};
use crate::types::{Field, Shape};

/// Where a field begins, and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    number: u32,
    start: usize,
}

impl Writer<'_> {
    /// Marks the fields of a struct of the type `ty`, which stand in order from `start` on.
    /// Returns where the marks begin.
    #[cold]
    pub(super) fn mark_fields(
        &mut self,
        ty: Type<'_>,
        fields: &[Field<Ref>],
        start: usize,
    ) -> Result<usize> {
        self.check_whole()?;
        self.join_segments(start);
        let first = self.marks.len();
        let mut reader = wire::Reader::new(&self.out.bytes[start..]);
        let mut next = 0;
        while !reader.is_empty() {
            let start = start + reader.position();
            next += reader.uint()? as usize;
            let number = next.wrapping_sub(1);
            let Some(field) = fields.get(number) else {
                break;
            };
            self.marks.push(Mark {
                number: number as u32,
                start,
            });
            skip(ty.inner(field.ty), &mut reader)?;
        }
        Ok(first)
    }

    /// Marks the field that comes next.
    #[cold]
    pub(super) fn mark_field(&mut self, number: u32) {
        let start = self.out.len();
        self.marks.push(Mark { number, start });
    }

    /// Brings the fields of a struct, which stand from `start` on and whose marks begin at
    /// `first`, into the order of their numbers, and drops the marks.
    #[cold]
    pub(super) fn order_fields(
        &mut self,
        fields: &[Field<Ref>],
        start: usize,
        first: usize,
    ) -> Result<()> {
        let marks = &self.marks[first..];
        // Each field ends where the one written after it begins.
        let ends = marks.iter().skip(1).map(|mark| mark.start);
        let ends = ends.chain([self.out.len()]);
        // A zero was not sent.
        let mut order: Vec<_> = (marks.iter().zip(ends))
            .filter(|(mark, end)| mark.start < *end)
            .collect();
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
        self.marks.truncate(first);
        self.out.truncate(start);
        self.out.extend_from_slice(&ordered);
        Ok(())
    }
}

/// Skips a value of the type `ty` that has been written, as deep as values may nest.
fn skip(ty: Type<'_>, reader: &mut wire::Reader<'_>) -> Result<()> {
    match ty.shape() {
        Shape::Bool | Shape::Int | Shape::Uint | Shape::Float => {
            reader.uint()?;
        }
        Shape::Complex => {
            reader.uint()?;
            reader.uint()?;
        }
        Shape::Bytes | Shape::String | Shape::Opaque(_) => {
            reader.bytes()?;
        }
        Shape::Interface(_) => {
            if !reader.bytes()?.is_empty() {
                reader.int()?;
                reader.bytes()?;
            }
        }
        Shape::Slice(elem) | Shape::Array(elem, _) => {
            for _ in 0..reader.count()? {
                skip(ty.inner(*elem), reader)?;
            }
        }
        Shape::Map(key, elem) => {
            for _ in 0..reader.count()? {
                skip(ty.inner(*key), reader)?;
                skip(ty.inner(*elem), reader)?;
            }
        }
        Shape::Struct(fields) => {
            let mut next = 0;
            loop {
                match reader.uint()? as usize {
                    0 => break,
                    delta => next += delta,
                }
                let Some(field) = fields.get(next - 1) else {
                    break;
                };
                skip(ty.inner(field.ty), reader)?;
            }
        }
    }
    Ok(())
}
