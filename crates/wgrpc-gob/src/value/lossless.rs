//! Dynamic values as JSON from which nothing is missing: made for comparing streams.
//!
//! A JSON value stands for itself where the type can be told from it; what JSON has no form for
//! is an object with one key that begins with a dollar sign.

use std::fmt::Write;

use super::{Dynamic, Value};
use crate::schema::Type;
use crate::types::{Marshaler, Shape};

impl Dynamic {
    /// The value as JSON in one line, without blanks, and without loss:
    ///
    /// | value | form |
    /// | --- | --- |
    /// | bool, string, int, uint | as JSON has them |
    /// | float | with a point or an exponent; NaN, infinities and -0 `{"$f64":"16 hex digits"}` |
    /// | complex | `{"$complex":[re,im]}` |
    /// | string that is not UTF-8 | `{"$strhex":"…"}` |
    /// | bytes | `{"$hex":"…"}` |
    /// | slice, array | list |
    /// | map | `{"$map":[[key,value],…]}`, sorted by the entries' texts |
    /// | struct | object with the fields that are present, in order |
    /// | interface | `{"$iface":"name","value":…}`, nil `null` |
    /// | opaque | `{"$opaque":"gob"}`, or `"binary"` or `"text"`, and `"hex":"…"` |
    pub fn to_lossless(&self) -> String {
        let mut out = String::new();
        put(&mut out, &self.value, self.schema.root());
        out
    }
}

/// Writes `value`, whose type is `ty` unless somebody has put together what does not fit.
fn put(out: &mut String, value: &Value, ty: Option<Type<'_>>) {
    let shape = ty.map(Type::shape);
    let inner = |reference| ty.map(|ty| ty.inner(reference));
    match value {
        Value::Bool(value) => put_display(out, value),
        Value::Int(value) => put_display(out, value),
        Value::Uint(value) => put_display(out, value),
        Value::Float(value) => put_float(out, *value),
        Value::Complex(value) => {
            out.push_str("{\"$complex\":[");
            put_float(out, value.re);
            out.push(',');
            put_float(out, value.im);
            out.push_str("]}");
        }
        Value::Bytes(bytes) => put_hex_object(out, "{\"$hex\":", bytes),
        Value::RawString(bytes) => put_hex_object(out, "{\"$strhex\":", bytes),
        Value::String(text) => put_string(out, text),
        Value::Interface(None) => out.push_str("null"),
        Value::Interface(Some(interface)) => {
            out.push_str("{\"$iface\":");
            put_string(out, &interface.name);
            out.push_str(",\"value\":");
            put(out, &interface.value.value, interface.value.schema.root());
            out.push('}');
        }
        Value::Slice(elements) | Value::Array(elements) => {
            let elem = match shape {
                Some(Shape::Slice(elem) | Shape::Array(elem, _)) => inner(*elem),
                _ => None,
            };
            put_list(out, elements, |out, element| put(out, element, elem));
        }
        Value::Map(entries) => {
            let (key, elem) = match shape {
                Some(Shape::Map(key, elem)) => (inner(*key), inner(*elem)),
                _ => (None, None),
            };
            let entry = |(k, v): &(Value, Value)| {
                let mut entry = String::from("[");
                put(&mut entry, k, key);
                entry.push(',');
                put(&mut entry, v, elem);
                entry.push(']');
                entry
            };
            let mut texts: Vec<String> = entries.iter().map(entry).collect();
            texts.sort_unstable();
            out.push_str("{\"$map\":");
            put_list(out, &texts, |out, text| out.push_str(text));
            out.push('}');
        }
        Value::Struct(fields) => {
            out.push('{');
            for (place, (number, value)) in fields.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { "," });
                let field = match shape {
                    Some(Shape::Struct(fields)) => fields.get(*number),
                    _ => None,
                };
                put_string(out, field.map_or("", |field| &field.name));
                out.push(':');
                put(out, value, field.and_then(|field| inner(field.ty)));
            }
            out.push('}');
        }
        Value::Opaque(bytes) => {
            put_hex_object(
                out,
                match shape {
                    Some(Shape::Opaque(Marshaler::Binary)) => "{\"$opaque\":\"binary\",\"hex\":",
                    Some(Shape::Opaque(Marshaler::Text)) => "{\"$opaque\":\"text\",\"hex\":",
                    _ => "{\"$opaque\":\"gob\",\"hex\":",
                },
                bytes,
            );
        }
    }
}

fn put_display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

fn put_list<T>(out: &mut String, list: &[T], mut put: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (place, element) in list.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        put(out, element);
    }
    out.push(']');
}

fn put_float(out: &mut String, value: f64) {
    if !value.is_finite() || (value == 0.0 && value.is_sign_negative()) {
        put_display(
            out,
            format_args!("{{\"$f64\":\"{:016x}\"}}", value.to_bits()),
        );
        return;
    }
    // The shortest digits that read back the same: d.ddde-7.
    let scientific = format!("{value:e}");
    let exponent = scientific
        .split_once('e')
        .map_or(0, |(_, e)| e.parse().unwrap_or(0));
    match exponent {
        _ if (-5..16).contains(&exponent) => {
            let plain = value.to_string();
            out.push_str(&plain);
            out.push_str(if plain.contains('.') { "" } else { ".0" });
        }
        0.. => out.push_str(&scientific.replace('e', "e+")),
        _ => out.push_str(&scientific),
    }
}

fn put_hex_object(out: &mut String, key: &str, bytes: &[u8]) {
    out.push_str(key);
    out.push('"');
    for byte in bytes {
        put_display(out, format_args!("{byte:02x}"));
    }
    out.push_str("\"}");
}

fn put_string(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => put_display(out, format_args!("\\u{:04x}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> String {
        let mut out = String::new();
        put_float(&mut out, value);
        out
    }

    #[test]
    fn floats_are_as_short_as_they_can_be_and_never_look_like_integers() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "{\"$f64\":\"8000000000000000\"}"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1.5e-5, "0.000015"),
            (1e-7, "1e-7"),
            (1e15, "1000000000000000.0"),
            (1.5e16, "1.5e+16"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "{\"$f64\":\"7ff0000000000000\"}"),
        ] {
            assert_eq!(float(value), text);
        }
    }
}
