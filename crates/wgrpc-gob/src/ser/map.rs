//! Maps, and structs that serde hands over as maps because parts of them are flattened.

use serde::ser::{Serialize, SerializeMap};

use super::only::{NoTuple, Only, Want};
use super::structure::StructWriter;
use super::value::{Always, Place, ValueWriter};
use super::{Writer, wire};
use crate::error::{Category, Error, Result};
use crate::schema::{Ref, Type};

/// Writes the entries of a map, or the fields of a struct.
pub(super) enum MapWriter<'w, 'a, 't> {
    Map(EntryWriter<'w, 'a, 't>),
    Struct(StructWriter<'w, 'a, 't>, Key),
}

/// What the key was that waits for its value.
pub(super) enum Key {
    /// There is none.
    None,
    /// The field with this number.
    Field(u32),
    /// A field that the type lacks and that is left out.
    Lacking,
}

/// Writes the entries of a map.
pub(super) struct EntryWriter<'w, 'a, 't> {
    writer: &'w mut Writer<'a>,
    key: Type<'t>,
    elem: Type<'t>,
    /// How many entries have been begun.
    count: usize,
    /// Whether a key waits for its value.
    is_open: bool,
    /// The count that has been written ahead, and where it stands.
    announced: usize,
    count_at: usize,
}

impl<'w, 'a, 't> MapWriter<'w, 'a, 't> {
    /// A map of `key`s and `elem`s. An empty one is sent too, as Go sends what is not nil.
    pub(super) fn new(
        mut value: ValueWriter<'w, 'a, 't, impl Place>,
        (key, elem): (Ref, Ref),
        len: Option<usize>,
    ) -> Result<Self> {
        value.begin(false);
        let ValueWriter { writer, ty, .. } = value;
        writer.enter()?;
        let announced = len.unwrap_or(0);
        // A key and an element take a byte each at least.
        writer.check_room(announced.saturating_mul(2))?;
        let count_at = writer.out.len();
        wire::put_uint(&mut writer.out, announced as u64);
        Ok(Self::Map(EntryWriter {
            writer,
            key: ty.inner(key),
            elem: ty.inner(elem),
            count: 0,
            is_open: false,
            announced,
            count_at,
        }))
    }
}

impl EntryWriter<'_, '_, '_> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        if self.is_open {
            return Err(self.writer.fail(unpaired()));
        }
        self.is_open = true;
        self.part(self.key, key)
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if !self.is_open {
            return Err(self.writer.fail(unpaired()));
        }
        self.is_open = false;
        self.part(self.elem, value)?;
        self.count += 1;
        Ok(())
    }

    #[inline]
    fn entry<K, V>(&mut self, key: &K, value: &V) -> Result<()>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        if self.is_open {
            return Err(self.writer.fail(unpaired()));
        }
        self.part(self.key, key)?;
        self.part(self.elem, value)?;
        self.count += 1;
        Ok(())
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, ty: Type<'_>, value: &T) -> Result<()> {
        let written = value.serialize(ValueWriter {
            writer: &mut *self.writer,
            ty,
            place: Always,
        });
        match written.and_then(|()| self.writer.check_size()) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.writer.fail(error.in_element(self.count))),
        }
    }

    fn finish(self) -> Result<()> {
        let Self { writer, count, .. } = self;
        if self.is_open {
            return Err(unpaired());
        }
        if count != self.announced {
            let width = wire::uint_len(self.announced as u64);
            writer.put_count(self.count_at, width, count);
        }
        writer.leave();
        Ok(())
    }
}

/// The name of a field that comes as the key of a map: the number of the field.
struct FieldName<'s, 'w, 'a, 't>(&'s StructWriter<'w, 'a, 't>);

impl Want for FieldName<'_, '_, '_, '_> {
    type Ok = u32;
    type Tuple = NoTuple<u32>;
    const WANTED: &'static str = "the name of a field";

    fn text(self, name: &str) -> Result<u32> {
        self.0.number(name)
    }

    // A dynamic value knows its fields by number: two of them may have one name.
    fn number(self, number: u32) -> Result<u32> {
        Ok(number)
    }
}

#[cold]
fn unpaired() -> Error {
    Error::new(
        Category::Message,
        "a `Serialize` implementation gave a map a key without a value, or the reverse",
    )
}

impl SerializeMap for MapWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        match self {
            Self::Map(entries) => entries.key(key),
            Self::Struct(fields, open) => {
                *open = match key.serialize(Only(FieldName(fields))) {
                    Ok(number) => Key::Field(number),
                    Err(_) if fields.is_lenient() => Key::Lacking,
                    Err(error) => return Err(fields.fail(error)),
                };
                Ok(())
            }
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        match self {
            Self::Map(entries) => entries.value(value),
            Self::Struct(fields, open) => match std::mem::replace(open, Key::None) {
                Key::Field(number) => fields.field(number, value),
                Key::Lacking => Ok(()),
                Key::None => Err(fields.fail(unpaired())),
            },
        }
    }

    #[inline]
    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<()>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        match self {
            Self::Map(entries) => entries.entry(key, value),
            Self::Struct(..) => {
                self.serialize_key(key)?;
                self.serialize_value(value)
            }
        }
    }

    fn end(self) -> Result<()> {
        match self {
            Self::Map(entries) => entries.finish(),
            Self::Struct(fields, Key::None) => fields.finish(),
            Self::Struct(..) => Err(unpaired()),
        }
    }
}
