//! Go's encoding/gob for serde: the format, its types and its streams.

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
pub use limits::Limits;
pub use received::Types;
pub use scanner::{Scan, Scanner};
pub use schema::{Builder, Dynamics, Gob, Ref, Schema, Type};
pub use sent::Sent;
pub use ser::encode;
pub use types::{Field, Id, Marshaler, Shape, Variant};
pub use value::{Dynamic, Interface, Value};
#[cfg(feature = "derive")]
pub use wgrpc_macros::Gob;
