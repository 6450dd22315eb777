//! The values that every contender encodes and decodes. The Go program makes the same.
//!
//! The derives stand above `#[message]` here, so that gobwire's, which knows an attribute `gob` of
//! its own, does not see the one that `#[message]` writes.

use std::any::type_name;
use std::collections::HashMap;
use std::fmt::Debug;

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc::{Gob, message};

use crate::contenders::gob01::Typed;
use crate::contenders::{Reader, Writer};

/// The header of a call.
#[derive(Clone, Debug, Default, PartialEq, gobwire::Gob)]
#[message]
pub(crate) struct Header {
    #[serde(default)]
    pub(crate) service_method: String,
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) error: String,
}

/// The arguments of a call.
#[derive(Clone, Debug, Default, PartialEq, gobwire::Gob)]
#[message]
pub(crate) struct Args {
    #[serde(default)]
    pub(crate) a: i64,
    #[serde(default)]
    pub(crate) b: i64,
}

/// What lists are made of.
#[derive(Clone, Debug, Default, PartialEq, gobwire::Gob)]
#[message]
pub(crate) struct Record {
    #[serde(default)]
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) score: f64,
    #[serde(default)]
    pub(crate) active: bool,
}

/// Bytes in bulk.
#[derive(Clone, Debug, Default, PartialEq, gobwire::Gob)]
#[message]
pub(crate) struct Blob {
    #[serde(default)]
    pub(crate) data: Vec<u8>,
}

/// Maps in a map.
pub(crate) type Maps = HashMap<String, HashMap<String, i64>>;

/// A type that every contender can carry.
pub(crate) trait Value:
    Serialize
    + DeserializeOwned
    + Gob
    + gobwire::Encode
    + gobwire::Decode
    + Default
    + Typed
    + Sync
    + 'static
{
}

impl Value for Header {}
impl Value for Args {}
impl Value for Blob {}
impl Value for Vec<i64> {}
impl Value for Vec<Record> {}
impl Value for Maps {}

/// What one operation encodes or decodes: one value, or several that belong together.
pub(crate) trait Sample: PartialEq + Debug + Sized + 'static {
    fn put(&self, writer: &mut impl Writer) -> Result<()>;
    fn take(reader: &mut impl Reader) -> Result<Self>;
}

impl<T: Value + PartialEq + Debug> Sample for T {
    #[inline]
    fn put(&self, writer: &mut impl Writer) -> Result<()> {
        writer.put(self)
    }

    #[inline]
    fn take(reader: &mut impl Reader) -> Result<Self> {
        reader.take()
    }
}

/// A request: two values, one after the other.
impl Sample for (Header, Args) {
    #[inline]
    fn put(&self, writer: &mut impl Writer) -> Result<()> {
        writer.put(&self.0)?;
        writer.put(&self.1)
    }

    #[inline]
    fn take(reader: &mut impl Reader) -> Result<Self> {
        Ok((reader.take()?, reader.take()?))
    }
}

/// The samples by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Ints,
    Structs,
    Maps,
    Blob,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Call,
        Self::Ints,
        Self::Structs,
        Self::Maps,
        Self::Blob,
    ];

    /// What the table calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Call => "header + two ints",
            Self::Ints => "1,000 ints",
            Self::Structs => "1,000 structs",
            Self::Maps => "20 maps of 20 in a map",
            Self::Blob => "1 MiB of bytes",
        }
    }

    /// What the Go program calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Ints => "ints",
            Self::Structs => "structs",
            Self::Maps => "maps",
            Self::Blob => "blob",
        }
    }
}

pub(crate) fn call() -> (Header, Args) {
    let header = Header {
        service_method: "Arith.Multiply".to_owned(),
        seq: 1234,
        error: String::new(),
    };
    (header, Args { a: 6, b: 777 })
}

/// Positive and negative numbers that take one to three bytes.
pub(crate) fn ints() -> Vec<i64> {
    (0..1000)
        .map(|i| (i * 7919 % 200_003 - 100_000) >> (i % 17))
        .collect()
}

pub(crate) fn structs() -> Vec<Record> {
    (0..1000)
        .map(|i| Record {
            id: i,
            name: format!("record number {i}"),
            score: i as f64 / 7.0,
            active: i % 2 == 0,
        })
        .collect()
}

pub(crate) fn maps() -> Maps {
    let inner = |i: i64| (0..20).map(|k| (format!("key-{k}"), i * k)).collect();
    (0..20).map(|i| (format!("map-{i}"), inner(i))).collect()
}

pub(crate) fn blob() -> Blob {
    let data = (0..1u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    Blob {
        data: data.collect(),
    }
}

/// An error that names the type, for contenders that get it wrong.
pub(crate) fn differs<T>(contender: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "{contender} does not read what it wrote: {}",
        type_name::<T>()
    )
}
