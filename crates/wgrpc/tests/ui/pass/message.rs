//! What is generated refers to nothing by a name that somebody else may have taken, and keeps to
//! the strictest lints.

#![deny(warnings, missing_docs, missing_debug_implementations)]
#![deny(unreachable_pub, unused_qualifications)]
#![allow(dead_code, unused_imports)]

/// Names that hide those of the standard library.
mod names {
    pub(crate) struct Result;
    pub(crate) struct Option;
    pub(crate) struct String;
    pub(crate) struct Vec;
    pub(crate) struct Builder;
    pub(crate) struct Ref;
    pub(crate) trait Serialize {}
    pub(crate) trait Deserialize {}
    pub(crate) trait Gob {}
}

use names::*;

/// A message.
#[wgrpc::message]
#[derive(Debug)]
pub struct Args {
    /// The first.
    pub a: i64,
    /// More.
    #[serde(flatten)]
    pub more: More,
}

/// More fields.
#[wgrpc::message]
#[derive(Debug)]
pub struct More {
    /// The second.
    pub b: i64,
    /// Bytes.
    pub data: std::vec::Vec<u8>,
    /// A time that may be there.
    pub after: std::option::Option<std::time::Duration>,
}

/// A level.
#[wgrpc::message(int)]
#[derive(Debug)]
pub enum Level {
    /// Low.
    Low,
    /// High.
    High = 7,
}

/// A figure.
#[wgrpc::message]
#[derive(Debug)]
pub enum Figure {
    /// Round.
    Circle(f64),
    /// Not.
    Rect {
        /// The width.
        width: f64,
    },
    /// Neither.
    Point,
}

fn main() {}
