//! A gob value as the JSON that people and scripts expect.
//!
//! | gob | JSON |
//! | --- | --- |
//! | bool, int, uint, float, string | the same; NaN and the infinities as strings |
//! | complex | `[re,im]` |
//! | bytes | base64 |
//! | slice, array | list |
//! | map | object, sorted by key; a list of `[key,value]` if the keys are no text and no numbers |
//! | struct | object, with the zero fields that gob leaves out |
//! | interface | the value in it, or null |
//! | `time.Time` | RFC 3339 |
//! | any other type that marshals itself | base64 |
//!
//! An absent field is the zero of its type. Structs and arrays are never absent in Go, but
//! pointers to them are: they are null.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use wgrpc::gob::{Dynamic, Marshaler, Ref, Schema, Shape, Time, Type, Value};

/// A value that is written as plain JSON.
pub(crate) struct Plain<'a>(pub(crate) &'a Dynamic);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ty = self.0.schema.root();
        Typed {
            value: &self.0.value,
            ty,
        }
        .serialize(serializer)
    }
}

/// A value, and its type as far as that is known: it is, unless the two do not belong together.
#[derive(Clone, Copy)]
struct Typed<'a> {
    value: &'a Value,
    ty: Option<Type<'a>>,
}

impl<'a> Typed<'a> {
    fn shape(self) -> Option<&'a Shape<Ref>> {
        self.ty.map(Type::shape)
    }

    /// A value inside this one.
    fn inside(self, value: &'a Value, ty: Option<Ref>) -> Self {
        let ty = self.ty.zip(ty).map(|(outer, inner)| outer.inner(inner));
        Self { value, ty }
    }

    fn list<S: Serializer>(self, elements: &'a [Value], serializer: S) -> Result<S::Ok, S::Error> {
        let ty = match self.shape() {
            Some(Shape::Slice(elem) | Shape::Array(elem, _)) => Some(*elem),
            _ => None,
        };
        serializer.collect_seq(elements.iter().map(|element| self.inside(element, ty)))
    }

    fn map<S: Serializer>(
        self,
        entries: &'a [(Value, Value)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (key_type, value_type) = match self.shape() {
            Some(Shape::Map(key, elem)) => (Some(*key), Some(*elem)),
            _ => (None, None),
        };
        let keys: Option<Vec<String>> = entries.iter().map(|(key, _)| name_of(key)).collect();
        let Some(keys) = keys else {
            let mut list = serializer.serialize_seq(Some(entries.len()))?;
            for (key, value) in entries {
                let pair = (self.inside(key, key_type), self.inside(value, value_type));
                list.serialize_element(&pair)?;
            }
            return list.end();
        };
        let mut sorted: Vec<_> = keys.iter().zip(entries).collect();
        sorted.sort_by_key(|(key, _)| *key);
        let values = sorted
            .into_iter()
            .map(|(key, (_, value))| (key, self.inside(value, value_type)));
        serializer.collect_map(values)
    }

    fn structure<S: Serializer>(
        self,
        present: &'a [(usize, Value)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some((ty, Shape::Struct(fields))) = self.ty.zip(self.shape()) else {
            return serializer.serialize_unit();
        };
        let mut object = serializer.serialize_map(Some(fields.len()))?;
        let mut present = present.iter().peekable();
        for (number, field) in fields.iter().enumerate() {
            match present.next_if(|(place, _)| *place == number) {
                Some((_, value)) => {
                    object.serialize_entry(&*field.name, &self.inside(value, Some(field.ty)))?;
                }
                None => object.serialize_entry(&*field.name, &Zero(ty.inner(field.ty)))?,
            }
        }
        object.end()
    }

    fn opaque<S: Serializer>(self, bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match self.ty.filter(is_time).and_then(|_| time(bytes)) {
            Some(time) => serializer.collect_str(&time),
            None => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Uint(value) => serializer.serialize_u64(*value),
            Value::Float(value) => Number(*value).serialize(serializer),
            Value::Complex(value) => [Number(value.re), Number(value.im)].serialize(serializer),
            Value::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Value::String(text) => serializer.serialize_str(text),
            Value::RawString(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Value::Interface(None) => serializer.serialize_unit(),
            Value::Interface(Some(interface)) => Plain(&interface.value).serialize(serializer),
            Value::Slice(elements) | Value::Array(elements) => self.list(elements, serializer),
            Value::Map(entries) => self.map(entries, serializer),
            Value::Struct(fields) => self.structure(fields, serializer),
            Value::Opaque(bytes) => self.opaque(bytes, serializer),
        }
    }
}

/// What a field of this type is when it is absent.
struct Zero<'a>(Type<'a>);

impl Serialize for Zero<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.shape() {
            Shape::Bool => serializer.serialize_bool(false),
            Shape::Int | Shape::Uint => serializer.serialize_u64(0),
            Shape::Float => serializer.serialize_f64(0.0),
            Shape::Complex => [0.0, 0.0].serialize(serializer),
            Shape::Bytes | Shape::String => serializer.serialize_str(""),
            Shape::Slice(_) => serializer.serialize_seq(Some(0))?.end(),
            Shape::Map(..) => serializer.serialize_map(Some(0))?.end(),
            Shape::Opaque(_) if is_time(&self.0) => serializer.collect_str(&Time::ZERO),
            Shape::Opaque(_) | Shape::Interface(_) | Shape::Array(..) | Shape::Struct(_) => {
                serializer.serialize_unit()
            }
        }
    }
}

/// A float, of which JSON has only the finite ones.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_finite() => serializer.serialize_f64(number),
            number => serializer.collect_str(&number),
        }
    }
}

/// A map's key as the key of an object, if it can be one.
fn name_of(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Uint(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Names mean nothing in gob, but a type that marshals itself and has this one is Go's time, as a
/// rule.
fn is_time(ty: &Type<'_>) -> bool {
    matches!(ty.shape(), Shape::Opaque(Marshaler::Gob)) && ty.name() == "Time"
}

fn time(bytes: &[u8]) -> Option<Time> {
    let schema = Schema::of::<Time>().clone();
    let value = Value::Opaque(bytes.to_vec());
    Dynamic { schema, value }.to().ok()
}

#[cfg(test)]
mod tests;
