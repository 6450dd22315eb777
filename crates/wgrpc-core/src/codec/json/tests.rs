//! JSON against what Go writes and reads, against its limits, and against random values.

mod absent;
mod adapters;
mod bytes;
mod enums;
mod errors;
mod go;
mod limits;
mod random;

use std::fmt::Debug;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Error;
use super::write_untyped;

/// Reads with the limits that are usual.
fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    super::read(bytes, wgrpc_gob::Limits::default().decoded)
}

/// The text that is written for `value`.
fn text<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = b"before".to_vec();
    write_untyped(value, &mut out).unwrap();
    String::from_utf8(out).unwrap().split_off("before".len())
}

/// The message of the error that writing `value` ends with.
fn write_error<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = b"before".to_vec();
    let error = write_untyped(value, &mut out).unwrap_err();
    assert_eq!(out, b"before");
    error.to_string()
}

fn value<T: DeserializeOwned>(text: &str) -> T {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The message of the error that reading `text` ends with.
fn read_error<T: DeserializeOwned + Debug>(text: impl AsRef<[u8]>) -> String {
    read::<T>(text.as_ref()).unwrap_err().to_string()
}

/// Proves that `value` is written as `text`, and read from it.
#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, text: &str) {
    assert_eq!(self::text(&value), text);
    assert_eq!(self::value::<T>(text), value);
}

/// Bytes that ask serde for bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
