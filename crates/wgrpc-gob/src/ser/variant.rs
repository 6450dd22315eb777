//! Enums with data: a struct that has a field for each variant, or an interface.

use super::value::{Always, Place, ValueWriter};
use super::{Writer, wire};
use crate::error::{Category, Error, Result};
use crate::schema::Type;
use crate::types::Shape;

/// A variant of an enum whose payload is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenVariant {
    name: &'static str,
    /// Where the count of the payload's bytes goes, if it stands in an interface. Otherwise it
    /// stands in a struct that has a field for each variant.
    count_at: Option<usize>,
}

impl Writer<'_> {
    /// Writes what goes before a value in an interface: the name under which Go knows its type,
    /// the type, and room for the value's length. Returns the place of the latter.
    pub(super) fn open_interface(&mut self, name: &str, ty: Type<'_>) -> usize {
        wire::put_bytes(&mut self.out, name.as_bytes());
        wire::put_int(&mut self.out, i64::from(ty.id().number()));
        let count_at = self.open_count();
        if !matches!(ty.shape(), Shape::Struct(_)) {
            self.out.push(0);
        }
        count_at
    }

    /// Writes what is left to write behind the innermost variant's payload.
    pub(super) fn close_variant(&mut self) {
        match self.variants.pop() {
            Some(OpenVariant {
                count_at: Some(at), ..
            }) => self.close_count(at),
            _ => self.out.push(0),
        }
        self.leave();
    }

    /// The same error, inside the innermost variant, whose payload is given up.
    #[cold]
    pub(super) fn in_variant(&mut self, error: Error) -> Error {
        match self.variants.pop() {
            Some(variant) => error.in_field(variant.name),
            None => error,
        }
    }
}

/// What a compound value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A value by itself.
    Value,
    /// The payload of the innermost open variant, which ends with it.
    Payload,
}

impl<'w, 'a, 't, P: Place> ValueWriter<'w, 'a, 't, P> {
    /// Opens a variant with a payload, and returns the writer for the payload.
    pub(super) fn variant(mut self, name: &'static str) -> Result<ValueWriter<'w, 'a, 't>> {
        let (payload, count_at) = match self.ty.shape() {
            Shape::Struct(fields) => {
                let Some(number) = fields.iter().position(|field| field.key() == name) else {
                    return Err(unknown("variant", name, self.ty));
                };
                self.begin(false);
                wire::put_uint(&mut self.writer.out, number as u64 + 1);
                (self.ty.inner(fields[number].ty), None)
            }
            Shape::Interface(variants) => {
                let Some(variant) = variants.iter().find(|variant| *variant.key == *name) else {
                    return Err(unknown("variant", name, self.ty));
                };
                let payload = self.ty.inner(variant.ty);
                self.begin(false);
                let count_at = self.writer.open_interface(&variant.name, payload);
                (payload, Some(count_at))
            }
            _ => return Err(self.mismatch("an enum with data")),
        };
        self.writer.enter()?;
        self.writer.variants.push(OpenVariant { name, count_at });
        Ok(ValueWriter {
            writer: self.writer,
            ty: payload,
            place: Always,
        })
    }
}

/// An error for a field or variant that the schema does not have.
#[cold]
pub(super) fn unknown(what: &str, key: &str, ty: Type<'_>) -> Error {
    let name = match ty.name() {
        "" => ty.shape().kind(),
        name => name,
    };
    Error::new(
        Category::Mismatch,
        format_args!("the schema of `{name}` has no {what} `{key}`"),
    )
}
