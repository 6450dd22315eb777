//! What is written, against the bytes that Go writes, and what is refused.

mod bytes;
mod interfaces;
mod refused;
mod segments;
mod shapes;

use serde::Serialize;

use super::*;
use crate::schema::{Builder, Gob, Ref};
use crate::types::Id;

/// Implements [`Gob`] for a struct: of each field the name on the wire, serde's name and the type.
macro_rules! gob_struct {
    ($name:ident { $($wire:literal $key:literal: $ty:ty),* $(,)? }) => {
        impl Gob for $name {
            fn describe(types: &mut Builder) -> Ref {
                let fields: Vec<(&str, &str, Ref)> =
                    vec![$(($wire, $key, types.of::<$ty>())),*];
                types.structure(stringify!($name), fields)
            }
        }
    };
}
use gob_struct;

#[derive(Clone, Debug, Default, Serialize)]
struct Point {
    x: i64,
    y: i64,
}
gob_struct!(Point { "X" "x": i64, "Y" "y": i64 });

/// The message for `value`.
fn message_with<T: Serialize + ?Sized>(
    schema: &Schema,
    value: &T,
    limits: &Limits,
) -> Result<Vec<u8>> {
    let dynamics = Dynamics::new(limits.types);
    let mut out = b"before".to_vec();
    let written = encode(schema, value, &dynamics, limits, &mut out);
    assert_eq!(&out[..6], b"before");
    match written {
        Ok(needs) => {
            assert!(needs.is_empty());
            Ok(out.split_off(6))
        }
        Err(error) => {
            assert_eq!(out, b"before", "a failed encoding leaves no trace");
            assert!(error.is_stream_usable());
            Err(error)
        }
    }
}

fn message<T: Serialize + Gob + ?Sized>(value: &T) -> Vec<u8> {
    message_with(Schema::of::<T>(), value, &Limits::default()).unwrap()
}

/// What follows the length and the id.
fn body_with<T: Serialize + ?Sized>(schema: &Schema, value: &T) -> Vec<u8> {
    let message = message_with(schema, value, &Limits::default()).unwrap();
    let mut reader = wire::Reader::new(&message);
    assert_eq!(reader.uint().unwrap(), reader.left() as u64);
    let id = reader.int().unwrap();
    assert_eq!(Some(Id::new(id as i32)), schema.id());
    reader.rest().to_vec()
}

fn body<T: Serialize + Gob + ?Sized>(value: &T) -> Vec<u8> {
    body_with(Schema::of::<T>(), value)
}

fn error_with<T: Serialize + ?Sized>(schema: &Schema, value: &T) -> Error {
    message_with(schema, value, &Limits::default()).unwrap_err()
}

fn error<T: Serialize + Gob + ?Sized>(value: &T) -> Error {
    error_with(Schema::of::<T>(), value)
}

/// The bytes that a line of hexadecimal digits and "texts" stands for.
fn hex(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, part) in text.split('"').enumerate() {
        if i % 2 == 1 {
            bytes.extend(part.as_bytes());
            continue;
        }
        let digits: Vec<u8> = part.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        for pair in digits.chunks(2) {
            let pair = std::str::from_utf8(pair).unwrap();
            bytes.push(u8::from_str_radix(pair, 16).unwrap());
        }
    }
    bytes
}
