//! Go's [encoding/gob](https://pkg.go.dev/encoding/gob) for serde: the format, its types and its
//! streams.
//!
//! A Go program reads what this crate writes and writes what it reads, unmodified: structs, lists,
//! arrays and maps, recursive types, types that marshal themselves, values in interfaces, and
//! streams of many values, in which each type is described once.
//!
//! Gob is for talking to Go: to `net/rpc` services, to caches and sessions that a Go program has
//! stored. Between Rust programs alone choose another format: gob has no integers of 128 bits and
//! no options inside lists, and it tells the names of all fields to every new stream.
//!
//! # Whole values
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! use serde::{Deserialize, Serialize};
//! use wgrpc_gob::{Gob, from_slice, to_vec};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
//! struct Point {
//!     x: i64,
//!     y: i64,
//! }
//!
//! let point = Point { x: 22, y: 33 };
//! let bytes = to_vec(&point)?;
//! assert_eq!(from_slice::<Point>(&bytes)?, point);
//! # }
//! # wgrpc_gob::Result::Ok(())
//! ```
//!
//! In Go that is a `struct { X, Y int }`. Gob sends a type before its first value, and serde shows
//! values only, so a type that is written also has a schema: the trait [`Gob`], which
//! `#[derive(Gob)]` takes from the attributes that serde reads. For reading serde is enough.
//!
//! # Streams
//!
//! An [`Encoder`] appends values to a buffer and a [`Decoder`] takes bytes in any portions;
//! [`io::Writer`] and [`io::Reader`] do the same over `std::io`.
//!
//! ```
//! use wgrpc_gob::{Decoder, Encoder};
//!
//! let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
//! encoder.encode(&["a", "b"], &mut stream)?;
//! encoder.encode(&7, &mut stream)?;
//!
//! let mut decoder = Decoder::new();
//! decoder.push(&stream);
//! assert_eq!(decoder.decode::<[String; 2]>()?.unwrap(), ["a", "b"]);
//! assert_eq!(decoder.decode::<i32>()?, Some(7));
//! decoder.finish()?;
//! # wgrpc_gob::Result::Ok(())
//! ```
//!
//! A protocol that multiplexes uses the parts of which these are made: [`encode`] makes a message
//! that fits any number of streams, [`Sent`] knows which definitions one stream still lacks,
//! [`Scanner`] finds values without decoding them and [`decode`] decodes one, on any thread.
//!
//! # What a Rust type is in Go
//!
//! | Rust | Go |
//! | --- | --- |
//! | `bool`, `f32`, `f64`, `String` | `bool`, `float32`, `float64`, `string` |
//! | `i8` … `i64`, `isize`, `char` | any signed integer; `char` is a `rune` |
//! | `u8` … `u64`, `usize` | any unsigned integer |
//! | `Vec<T>`, sets, … | `[]T` |
//! | `Vec<u8>`, `&[u8]`, [`bytes::Bytes`] | `[]byte` |
//! | `[T; N]` | `[N]T` |
//! | maps | `map[K]V` |
//! | struct | struct, by the names of its fields: `user_id` is `UserId` |
//! | tuple | `struct { F0 A; F1 B }` |
//! | `Option<T>` | `*T`, in fields of structs only |
//! | `Box<T>`, `Arc<T>`, `&T` | `T` or `*T` |
//! | enum without data | `string`, or an int |
//! | enum with data | a struct of pointers, one of them set; or an interface |
//! | [`Interface`] | `any`; an `Option` of it may be nil |
//! | [`Complex`] | `complex64`, `complex128` |
//! | `Duration`, [`Time`], `IpAddr`, `i128`, … | see [`adapt`] |
//!
//! As in Go, signed and unsigned integers never mix, nor do strings and bytes. A field that is
//! zero is not sent, and one that does not come is zero, also if the sender does not know it,
//! unless it has a `#[serde(default)]`. What is in `Some` is always sent, so that `Some(0)` and
//! `None` stay apart. Names match exactly, or else without regard to case and underscores.
//!
//! # Values without a static type
//!
//! * [`Inferred`] finds the type of a value by looking at it, for types without a schema;
//!   [`Json`] does so for values that know no types, such as a `serde_json::Value`.
//! * [`Dynamic`] is any value with its type: read one with [`Decoder::next_value`], look at it,
//!   write it again.
//! * [`Interface`] is what stands in one of Go's interfaces: a name, a type and a value.
//!
//! # Limits and errors
//!
//! Sizes, nesting and the number of types are bounded by [`Limits`], in both directions, and no
//! input makes the crate panic. An [`Error`] says what was wrong and where, as the path of the
//! field and the offset in the stream, and whether the stream can be used on.
//!
//! # Features
//!
//! * `derive`, on by default: `#[derive(Gob)]`.
//! * `uuid`: `uuid::Uuid` as `UUID` of `github.com/google/uuid`.
//! * `url`: `url::Url` as `url.URL`.

// What the derive writes begins with `::wgrpc_gob`, also in this crate's own tests.
#[cfg(all(test, feature = "derive"))]
extern crate self as wgrpc_gob;

pub mod adapt;
mod carried;
mod complex;
mod de;
mod decoder;
mod encoder;
mod error;
mod infer;
mod interface;
pub mod io;
mod lent;
mod limits;
mod received;
mod scanner;
mod schema;
mod sent;
mod ser;
mod types;
mod value;
mod walk;
pub mod wire;
pub mod zero;

pub use adapt::time::Time;
pub use complex::Complex;
pub use de::decode;
pub use decoder::{Decoder, from_slice};
pub use encoder::{Encoder, to_vec};
pub use error::{Category, Error, Result};
pub use infer::{Inferred, Json, go_name};
pub use lent::{Block, lend};
pub use limits::Limits;
pub use received::Types;
pub use scanner::{Scan, Scanner};
#[doc(hidden)]
pub use schema::SchemaSlot;
pub use schema::{Builder, Dynamics, GoSource, Gob, Ref, Schema, Type};
pub use sent::Sent;
pub use ser::{Needs, Segment, encode, encode_apart};
pub use types::{Field, Id, Marshaler, Shape, Variant};
pub use value::{Dynamic, Interface, Value};
#[cfg(feature = "derive")]
pub use wgrpc_macros::Gob;

/// The examples of the README, which have to compile.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
