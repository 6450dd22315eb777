//! Whole streams: definitions where they are needed, then values.

use serde::Serialize;

use crate::error::Result;
use crate::limits::Limits;
use crate::schema::{Dynamics, Gob, Schema};
use crate::sent::Sent;
use crate::ser::encode;

/// Writes the values of one stream.
///
/// A stream tells each type once, so one encoder must write the whole of it, and what it wrote
/// must reach the reader from the beginning and in order. A value that cannot be encoded leaves
/// no trace: the stream can be used on.
///
/// ```
/// let mut encoder = wgrpc_gob::Encoder::new();
/// let mut stream = Vec::new();
/// encoder.encode(&vec![1, 2], &mut stream)?;
/// let first = stream.len();
/// encoder.encode(&vec![1, 2], &mut stream)?;
/// assert!(stream.len() - first < first, "the type is sent once only");
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    sent: Sent,
    dynamics: Dynamics,
    limits: Limits,
}

impl Encoder {
    /// The beginning of a stream, with the default limits.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// The beginning of a stream.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            sent: Sent::new(),
            dynamics: Dynamics::new(limits.types),
            limits,
        }
    }

    /// Appends `value` to `out`, behind the definitions that the stream lacks.
    ///
    /// On error `out` and the stream are as before.
    pub fn encode<T: Serialize + Gob + ?Sized>(
        &mut self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.encode_with(Schema::of::<T>(), value, out)
    }

    /// Appends `value` to `out` as a value of the type `schema`, for types that do not implement
    /// [`Gob`].
    pub fn encode_with<T: Serialize + ?Sized>(
        &mut self,
        schema: &Schema,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        let needs = encode(schema, value, &self.dynamics, &self.limits, out)?;
        if !(needs.is_empty() && self.sent.has(schema)) {
            self.insert_definitions(schema, &needs, start, out);
        }
        Ok(())
    }

    #[cold]
    fn insert_definitions(
        &mut self,
        schema: &Schema,
        needs: &[Schema],
        at: usize,
        out: &mut Vec<u8>,
    ) {
        let mut definitions = Vec::new();
        self.sent.define(schema, &mut definitions);
        for schema in needs {
            self.sent.define(schema, &mut definitions);
        }
        out.splice(at..at, definitions);
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// A stream of one value: its definitions and the value.
///
/// ```
/// assert_eq!(wgrpc_gob::to_vec(&true)?, [0x03, 0x02, 0x00, 0x01]);
/// # wgrpc_gob::Result::Ok(())
/// ```
pub fn to_vec<T: Serialize + Gob + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    Encoder::new().encode(value, &mut out)?;
    Ok(out)
}
