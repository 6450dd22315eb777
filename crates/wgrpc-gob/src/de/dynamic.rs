//! Reading values of types that are not known beforehand, without serde.

use super::source::{Source, ZEROS};
use super::value::{self, nil};
use crate::complex::Complex;
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::received::{Definition, Kind, Slot, Structure, Types};
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
        (source.whole(root).and_then(value::Value::dynamic))
            .map_err(|error| error.at(source.reader.offset()))
    }
}

impl value::Value<'_, '_, '_> {
    /// The value and its type.
    pub(super) fn dynamic(self) -> Result<Dynamic> {
        self.source.dynamic(self.ty)
    }

    /// What stands in an interface.
    pub(super) fn interface(self) -> Result<Interface> {
        match self.ty.kind {
            Kind::Interface => self.source.any_interface()?.ok_or_else(nil),
            _ => Err(self.mismatch("what stands in an interface")),
        }
    }
}

impl<'t> Source<'t, '_> {
    /// A value and its type.
    fn dynamic(&mut self, ty: &'t Definition) -> Result<Dynamic> {
        let schema = self.types.schema_of(ty, &mut self.budget);
        let schema = schema.ok_or_else(|| self.too_large())?;
        let value = self.any_value(ty)?;
        Ok(Dynamic { schema, value })
    }

    fn any_value(&mut self, ty: &'t Definition) -> Result<Value> {
        if self.is_absent {
            // There are zeros enough for one value, but not for all elements of an array.
            self.reader = Reader::new(&ZEROS);
        }
        Ok(match ty.kind {
            Kind::Byte => Value::Uint(self.reader.byte()?.into()),
            Kind::Bool => Value::Bool(self.reader.uint()? != 0),
            Kind::Int => Value::Int(self.reader.int()?),
            Kind::Uint => Value::Uint(self.reader.uint()?),
            Kind::Float => Value::Float(self.reader.float()?),
            Kind::Complex => Value::Complex(Complex {
                re: self.reader.float()?,
                im: self.reader.float()?,
            }),
            Kind::Bytes => Value::Bytes(self.value(ty).bytes()?.to_vec()),
            Kind::Opaque(_) => Value::Opaque(self.value(ty).bytes()?.to_vec()),
            Kind::String => match self.value(ty).text()? {
                Ok(text) => Value::String(text.to_owned()),
                Err(bytes) => Value::RawString(bytes.to_vec()),
            },
            Kind::Interface => Value::Interface(self.any_interface()?.map(Box::new)),
            Kind::Slice(elem) => {
                let count = self.reader.count()?;
                Value::Slice(self.any_elements(elem, count)?)
            }
            Kind::Array(elem, len) => {
                if !self.is_absent {
                    read_array_count(&mut self.reader, len)?;
                }
                Value::Array(self.any_elements(elem, len)?)
            }
            Kind::Map(key, elem) => {
                let count = read_map_count(&mut self.reader)?;
                Value::Map(self.any_entries(key, elem, count)?)
            }
            Kind::Struct(ref structure) => Value::Struct(self.any_fields(structure)?),
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
        let value = self.inside(&inner, |value| value.dynamic())?;
        Ok(Some(Interface {
            name: name.to_owned(),
            value,
        }))
    }

    fn any_elements(&mut self, elem: Slot, count: usize) -> Result<Vec<Value>> {
        self.enter()?;
        // Paid for before it is reserved; and every element takes a byte at least.
        self.charge(count, size_of::<Value>())?;
        let ty = self.types.definition(elem)?;
        let mut elements = Vec::with_capacity(count);
        for index in 0..count {
            let element = self.any_value(ty);
            elements.push(element.map_err(|error| error.in_element(index))?);
        }
        self.leave();
        Ok(elements)
    }

    fn any_entries(&mut self, key: Slot, elem: Slot, count: usize) -> Result<Vec<(Value, Value)>> {
        self.enter()?;
        self.charge(count, size_of::<(Value, Value)>())?;
        let key = self.types.definition(key)?;
        let elem = self.types.definition(elem)?;
        let mut entries = Vec::with_capacity(count);
        for index in 0..count {
            let entry = self
                .any_value(key)
                .and_then(|key| Ok((key, self.any_value(elem)?)));
            entries.push(entry.map_err(|error| error.in_element(index))?);
        }
        self.leave();
        Ok(entries)
    }

    fn any_fields(&mut self, structure: &'t Structure) -> Result<Vec<(usize, Value)>> {
        self.enter()?;
        let mut fields = Vec::new();
        let mut next = 0;
        while let Some(number) = read_field_number(&mut self.reader, next, structure.len())? {
            self.charge(1, size_of::<(usize, Value)>())?;
            let value = self.any_value(self.types.definition(structure.slot(number))?);
            fields.push((
                number,
                value.map_err(|error| error.in_field(structure.name(number)))?,
            ));
            next = number + 1;
        }
        self.leave();
        Ok(fields)
    }
}
