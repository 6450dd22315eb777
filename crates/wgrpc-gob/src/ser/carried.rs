//! Writing values that bring their own types.

use serde::ser::{Serialize, SerializeTuple};

use super::only::{NoTuple, Only, Want};
use super::value::{Always, AnyPlace, ValueWriter};
use crate::carried::Renumbered;
use crate::error::{Category, Error, Result};
use crate::schema::Schema;
use crate::types::Shape;

/// The content of an interface: the name, the type and the value.
pub(super) struct InInterface<'w, 'a, 't>(pub(super) ValueWriter<'w, 'a, 't, AnyPlace>);

impl<'w, 'a, 't> Want for InInterface<'w, 'a, 't> {
    type Ok = ();
    type Tuple = InterfaceWriter<'w, 'a, 't>;
    const WANTED: &'static str = "the content of an interface";

    fn tuple(self) -> Result<Self::Tuple> {
        match self.0.ty.shape() {
            Shape::Interface(_) => Ok(InterfaceWriter {
                value: self.0,
                name: None,
                schema: None,
            }),
            _ => Err(self.0.mismatch("an interface")),
        }
    }
}

/// Writes an interface, given its name, its type and its value, in this order.
pub(super) struct InterfaceWriter<'w, 'a, 't> {
    value: ValueWriter<'w, 'a, 't, AnyPlace>,
    name: Option<String>,
    schema: Option<Schema>,
}

impl SerializeTuple for InterfaceWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let Some(name) = &self.name else {
            self.name = Some(value.serialize(Only(Name))?);
            return Ok(());
        };
        let writer = &mut *self.value.writer;
        let Some(schema) = &self.schema else {
            let types = Renumbered {
                dynamics: writer.dynamics,
                limits: writer.limits,
            };
            self.schema = Some(value.serialize(Only(types))?);
            return Ok(());
        };
        let Some(root) = schema.root() else {
            return Err(Error::new(Category::Unsupported, "a value without a type"));
        };
        self.value.begin(false);
        let writer = &mut *self.value.writer;
        writer.enter()?;
        let count_at = writer.open_interface(name, root);
        let inner = ValueWriter {
            writer: &mut *writer,
            ty: root,
            place: Always,
        };
        match value.serialize(inner) {
            Ok(()) => {}
            Err(error) => return Err(writer.fail(error)),
        }
        writer.close_count(count_at);
        writer.leave();
        writer.need(schema);
        Ok(())
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

/// The name under which Go knows the type in an interface.
struct Name;

impl Want for Name {
    type Ok = String;
    type Tuple = NoTuple<String>;
    const WANTED: &'static str = "the name of the type in an interface";

    fn text(self, name: &str) -> Result<String> {
        match name.len() {
            1..=LONGEST_NAME => Ok(name.to_owned()),
            len => Err(Error::new(
                Category::Unsupported,
                format_args!(
                    "the name of the type in an interface has {len} bytes, not 1 to {LONGEST_NAME}"
                ),
            )),
        }
    }
}

/// How many bytes of a name Go reads.
const LONGEST_NAME: usize = 1024;

/// The content of a dynamic value: the type, which is known by now, and the value.
pub(super) struct InDynamic<'w, 'a, 't>(pub(super) ValueWriter<'w, 'a, 't, AnyPlace>);

impl<'w, 'a, 't> Want for InDynamic<'w, 'a, 't> {
    type Ok = ();
    type Tuple = DynamicWriter<'w, 'a, 't>;
    const WANTED: &'static str = "the content of a dynamic value";

    fn tuple(self) -> Result<Self::Tuple> {
        Ok(DynamicWriter {
            value: Some(self.0),
            is_typed: false,
        })
    }
}

/// Writes the second of two elements.
pub(super) struct DynamicWriter<'w, 'a, 't> {
    value: Option<ValueWriter<'w, 'a, 't, AnyPlace>>,
    is_typed: bool,
}

impl SerializeTuple for DynamicWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if !std::mem::replace(&mut self.is_typed, true) {
            return Ok(());
        }
        match self.value.take() {
            Some(writer) => value.serialize(writer),
            None => Err(unexpected()),
        }
    }

    fn end(self) -> Result<()> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(unexpected()),
        }
    }
}

#[cold]
fn unexpected() -> Error {
    Error::new(Category::Message, "a dynamic value is a type and one value")
}

/// The bytes of a string.
pub(super) struct RawText<'w, 'a, 't>(pub(super) ValueWriter<'w, 'a, 't, AnyPlace>);

impl Want for RawText<'_, '_, '_> {
    type Ok = ();
    type Tuple = NoTuple<()>;
    const WANTED: &'static str = "the bytes of a string";

    fn bytes(self, bytes: &[u8]) -> Result<()> {
        match self.0.ty.shape() {
            Shape::String => self.0.counted(bytes, bytes.is_empty()),
            _ => Err(self.0.mismatch("a string")),
        }
    }
}
