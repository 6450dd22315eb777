//! Reading values of types that are not known beforehand, without serde.

use super::Source;
use crate::complex::Complex;
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::received::{Kind, Slot, Structure, Types};
use crate::types::Id;
use crate::value::{Dynamic, Interface, Value};
use crate::walk::{read_array_count, read_field_number, read_map_count};
use crate::wire::Reader;

impl Dynamic {
    /// Decodes one value of type `id` from `payload`, as [`decode`](crate::decode) does, whatever
    /// its type.
    pub fn decode(types: &Types, id: Id, payload: &[u8], limits: &Limits) -> Result<Self> {
        Self::decode_at(types, id, payload, 0, limits)
    }

    /// As [`decode`](Self::decode), of a payload that stands at `base` in its stream.
    pub(crate) fn decode_at(
        types: &Types,
        id: Id,
        payload: &[u8],
        base: u64,
        limits: &Limits,
    ) -> Result<Self> {
        let root = types.complete(id)?;
        let mut source = Source::new(types, Reader::with_base(payload, base), limits);
        let whole = source.whole(root)?;
        let (slot, kind) = (whole.slot, whole.kind);
        source
            .dynamic(slot, kind)
            .map_err(|error| error.at(source.reader.offset()))
    }
}

impl<'t> Source<'t, '_> {
    /// A value and its type.
    fn dynamic(&mut self, slot: Slot, kind: &'t Kind) -> Result<Dynamic> {
        let schema = self.types.schema_of(slot, &mut self.budget);
        Ok(Dynamic {
            schema: schema.ok_or_else(|| self.too_large())?,
            value: self.any_value(slot, kind)?,
        })
    }

    fn any_value(&mut self, slot: Slot, kind: &'t Kind) -> Result<Value> {
        Ok(match kind {
            Kind::Byte => Value::Uint(self.reader.byte()?.into()),
            Kind::Bool => Value::Bool(self.reader.uint()? != 0),
            Kind::Int => Value::Int(self.reader.int()?),
            Kind::Uint => Value::Uint(self.reader.uint()?),
            Kind::Float => Value::Float(self.reader.float()?),
            Kind::Complex => Value::Complex(Complex {
                re: self.reader.float()?,
                im: self.reader.float()?,
            }),
            Kind::Bytes => Value::Bytes(self.value(slot, kind).bytes()?.to_vec()),
            Kind::Opaque(_) => Value::Opaque(self.value(slot, kind).bytes()?.to_vec()),
            Kind::String => match self.value(slot, kind).text()? {
                Ok(text) => Value::String(text.to_owned()),
                Err(bytes) => Value::RawString(bytes.to_vec()),
            },
            Kind::Interface => Value::Interface(self.any_interface()?.map(Box::new)),
            Kind::Slice(elem) => {
                let count = self.reader.count()?;
                Value::Slice(self.nested(|source| source.any_elements(*elem, count))?)
            }
            Kind::Array(elem, len) => {
                let count = read_array_count(&mut self.reader, *len)?;
                Value::Array(self.nested(|source| source.any_elements(*elem, count))?)
            }
            Kind::Map(key, elem) => {
                let count = read_map_count(&mut self.reader)?;
                Value::Map(self.nested(|source| source.any_entries(*key, *elem, count))?)
            }
            Kind::Struct(structure) => {
                Value::Struct(self.nested(|source| source.any_fields(structure))?)
            }
        })
    }

    fn any_interface(&mut self) -> Result<Option<Interface>> {
        let at = self.reader.offset();
        let Some(inner) = self.interface()? else {
            return Ok(None);
        };
        let name = std::str::from_utf8(inner.name).map_err(|_| {
            let message = "the name of the type in an interface is not UTF-8";
            Error::new(Category::OutOfRange, message).at(at)
        })?;
        self.charge(1, size_of::<Interface>() + name.len())?;
        let value = self.inside(&inner, |value| {
            let (slot, kind) = (value.slot, value.kind);
            value.source.dynamic(slot, kind)
        })?;
        Ok(Some(Interface {
            name: name.to_owned(),
            value,
        }))
    }

    fn any_elements(&mut self, elem: Slot, count: usize) -> Result<Vec<Value>> {
        // Paid for before it is reserved; and every element takes a byte at least.
        self.charge(count, size_of::<Value>())?;
        let kind = self.types.kind(elem)?;
        let mut elements = Vec::with_capacity(count);
        for index in 0..count {
            let element = self.any_value(elem, kind);
            elements.push(element.map_err(|error| error.in_element(index))?);
        }
        Ok(elements)
    }

    fn any_entries(&mut self, key: Slot, elem: Slot, count: usize) -> Result<Vec<(Value, Value)>> {
        self.charge(count, size_of::<(Value, Value)>())?;
        let kinds = (self.types.kind(key)?, self.types.kind(elem)?);
        let mut entries = Vec::with_capacity(count);
        for index in 0..count {
            let entry = self
                .any_value(key, kinds.0)
                .and_then(|key| Ok((key, self.any_value(elem, kinds.1)?)));
            entries.push(entry.map_err(|error| error.in_element(index))?);
        }
        Ok(entries)
    }

    fn any_fields(&mut self, structure: &'t Structure) -> Result<Vec<(usize, Value)>> {
        let mut fields = Vec::new();
        let mut next = 0;
        while let Some(number) = read_field_number(&mut self.reader, next, structure.len())? {
            self.charge(1, size_of::<(usize, Value)>())?;
            let slot = structure.slot(number);
            let value = self.any_value(slot, self.types.kind(slot)?);
            fields.push((
                number,
                value.map_err(|error| error.in_field(structure.name(number)))?,
            ));
            next = number + 1;
        }
        Ok(fields)
    }
}
