//! Dynamic values for people to read, much as Go code would write them.

use std::fmt::{self, Display, Formatter};

use super::{Dynamic, Interface, Value};
use crate::schema::Type;
use crate::types::Shape;

/// The value in Go's notation: `Point{X: 22, Y: 33}`, `["a", "b"]`, `{"a": 1}`; bytes and opaque
/// values in hexadecimal; a value in an interface behind its name, `int(7)`.
impl Display for Dynamic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ty = self.schema.root();
        Show {
            value: &self.value,
            ty,
        }
        .fmt(f)
    }
}

/// The value behind its name: `int(7)`.
impl Display for Interface {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.value)
    }
}

/// A value, and its type unless somebody has put together what does not fit.
struct Show<'a> {
    value: &'a Value,
    ty: Option<Type<'a>>,
}

impl<'a> Display for Show<'a> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let shape = self.ty.map(Type::shape);
        let show = |value, ty| Show { value, ty };
        let inner = |reference| self.ty.map(|ty| ty.inner(reference));
        match self.value {
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Uint(value) => value.fmt(f),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Complex(value) => write!(f, "({:?}{:+?}i)", value.re, value.im),
            Value::String(text) => write!(f, "{text:?}"),
            Value::RawString(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Value::Bytes(bytes) | Value::Opaque(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Value::Interface(None) => f.write_str("nil"),
            Value::Interface(Some(interface)) => interface.fmt(f),
            Value::Slice(elements) | Value::Array(elements) => {
                let elem = match shape {
                    Some(Shape::Slice(elem) | Shape::Array(elem, _)) => inner(*elem),
                    _ => None,
                };
                list(
                    f,
                    "[",
                    elements,
                    |f, element| show(element, elem).fmt(f),
                    "]",
                )
            }
            Value::Map(entries) => {
                let (key, elem) = match shape {
                    Some(Shape::Map(key, elem)) => (inner(*key), inner(*elem)),
                    _ => (None, None),
                };
                let entry = |f: &mut Formatter<'_>, (k, v): &'a _| {
                    write!(f, "{}: {}", show(k, key), show(v, elem))
                };
                list(f, "{", entries, entry, "}")
            }
            Value::Struct(values) => {
                let fields = match shape {
                    Some(Shape::Struct(fields)) => &fields[..],
                    _ => &[],
                };
                let field = |f: &mut Formatter<'_>, (number, value): &'a (usize, _)| {
                    let field = fields.get(*number);
                    let name = field.map_or("?", |field| &field.name);
                    let ty = field.and_then(|field| inner(field.ty));
                    write!(f, "{name}: {}", show(value, ty))
                };
                f.write_str(self.ty.map_or("", Type::name))?;
                list(f, "{", values, field, "}")
            }
        }
    }
}

fn list<'a, T>(
    f: &mut Formatter<'_>,
    open: &str,
    list: &'a [T],
    show: impl Fn(&mut Formatter<'_>, &'a T) -> fmt::Result,
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (place, element) in list.iter().enumerate() {
        f.write_str(if place == 0 { "" } else { ", " })?;
        show(f, element)?;
    }
    f.write_str(close)
}
