//! The crate gob 0.1: gob for serde, from before there was one for Go's whole format.
//!
//! It learns types from `serde_schema`, whose derive is too old for a derive on today's types; so
//! they are described by hand.

use std::any::TypeId as RustType;
use std::io::Cursor;

use anyhow::{Context, Result};
use gob::ser::{OutputWrite, TypeId};
use gob::{Error, StreamDeserializer, StreamSerializer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};
use serde_schema::types::{Type, TypeId as _};
use serde_schema::{Schema, SchemaSerialize};

use super::{Reader, Writer};
use crate::values::{Args, Blob, Header, Maps, Record, Value};

type Serializer = StreamSerializer<OutputWrite<Vec<u8>>>;
type Deserializer = StreamDeserializer<Cursor<Vec<u8>>>;

/// A type as this crate knows it.
pub(crate) trait Typed: Serialize + DeserializeOwned {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error>;

    #[inline]
    fn write(&self, id: TypeId, to: &mut Serializer) -> Result<(), Error> {
        to.serialize_with_type_id(id, self)
    }

    #[inline]
    fn read(from: &mut Deserializer) -> Result<Option<Self>, Error> {
        from.deserialize()
    }
}

impl Typed for Header {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error> {
        let ty = Type::build().struct_type("Header", 3);
        let ty = ty.field("ServiceMethod", TypeId::STR);
        let ty = ty.field("Seq", TypeId::U64).field("Error", TypeId::STR);
        schema.register_type(ty.end())
    }
}

impl Typed for Args {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error> {
        let ty = Type::build().struct_type("Args", 2);
        schema.register_type(ty.field("A", TypeId::I64).field("B", TypeId::I64).end())
    }
}

impl Typed for Vec<i64> {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error> {
        Self::schema_register(schema)
    }
}

impl Typed for Vec<Record> {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error> {
        let ty = Type::build().struct_type("Record", 4);
        let ty = ty.field("Id", TypeId::I64).field("Name", TypeId::STR);
        let ty = ty.field("Score", TypeId::F64).field("Active", TypeId::BOOL);
        let record = schema.register_type(ty.end())?;
        schema.register_type(Type::build().seq_type(None, record))
    }
}

impl Typed for Maps {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error> {
        Self::schema_register(schema)
    }
}

/// The bytes of a [`Blob`]. The crate looks like a text format to serde, and to such a one a
/// `Blob` writes base64.
#[derive(Serialize, Deserialize)]
struct Raw<B> {
    #[serde(rename = "Data")]
    data: B,
}

impl Typed for Blob {
    fn register(schema: &mut gob::ser::Schema) -> Result<TypeId, Error> {
        let ty = Type::build().struct_type("Blob", 1);
        schema.register_type(ty.field("Data", TypeId::BYTES).end())
    }

    fn write(&self, id: TypeId, to: &mut Serializer) -> Result<(), Error> {
        let data = Bytes::new(&self.data);
        to.serialize_with_type_id(id, &Raw { data })
    }

    fn read(from: &mut Deserializer) -> Result<Option<Self>, Error> {
        let raw: Option<Raw<ByteBuf>> = from.deserialize()?;
        Ok(raw.map(|raw| Self {
            data: raw.data.into_vec(),
        }))
    }
}

pub(crate) struct Stream {
    serializer: Serializer,
    /// Registering a type anew with each value is what costs the most.
    registered: Vec<(RustType, TypeId)>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            serializer: StreamSerializer::new_with_write(Vec::new()),
            registered: Vec::new(),
        }
    }
}

impl Writer for Stream {
    fn clear(&mut self) {
        self.serializer.get_mut().get_mut().clear();
    }

    #[inline]
    fn put<T: Value>(&mut self, value: &T) -> Result<()> {
        let ty = RustType::of::<T>();
        let id = match self.registered.iter().find(|(known, _)| *known == ty) {
            Some(&(_, id)) => id,
            None => {
                let id = T::register(self.serializer.schema_mut())?;
                self.registered.push((ty, id));
                id
            }
        };
        Ok(value.write(id, &mut self.serializer)?)
    }

    fn bytes(&self) -> &[u8] {
        self.serializer.get_ref().get_ref()
    }
}

pub(crate) struct Decoding(Deserializer);

impl Reader for Decoding {
    fn new(bytes: &[u8]) -> Self {
        Self(StreamDeserializer::new(Cursor::new(bytes.to_vec())))
    }

    fn replace(&mut self, bytes: &[u8]) {
        *self.0.get_mut() = Cursor::new(bytes.to_vec());
    }

    fn rewind(&mut self) {
        self.0.get_mut().set_position(0);
    }

    #[inline]
    fn take<T: Value>(&mut self) -> Result<T> {
        T::read(&mut self.0)?.context("the stream has ended")
    }
}
