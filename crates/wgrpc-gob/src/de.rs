//! Reading a value into a type that implements `Deserialize`.
//!
//! The sender's type says what stands in the bytes, so it leads, and what the receiving type
//! asks for is checked against it, by Go's rules: widths and pointers do not matter; signed,
//! unsigned and floating numbers, and strings and bytes, never mix; structs meet by the names of
//! their fields.

mod dynamic;
mod elements;
mod fields;
mod plan;
mod source;
mod union;
mod value;

use serde::de::Deserialize;

pub(crate) use plan::Plans;

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::received::Types;
use crate::types::Id;
use crate::wire::Reader;
use crate::zero::{Gaps, Lacking};
use source::Source;

/// Decodes one value of type `id` from `payload`, as a [`Scanner`](crate::Scanner) has found it.
///
/// What may be read into what:
///
/// | sender's type | here |
/// | --- | --- |
/// | int | signed integers that hold the value; `char`; an enum, by the number of its variant |
/// | uint | unsigned integers that hold the value; an enum likewise |
/// | float | `f64`; `f32` unless the value is finite and too large |
/// | complex | [`Complex`](crate::Complex), a pair of floats |
/// | string | texts, of UTF-8; an enum, by the name of its variant |
/// | bytes | bytes, and lists of `u8` |
/// | slice | lists of any length |
/// | array | lists; arrays and tuples of the same length |
/// | map | maps |
/// | struct | structs, by the names of the fields; maps of these names; `()` |
/// | struct of F0, F1, … | tuples as well |
/// | struct, of which one field is present | enums with data as well |
/// | interface | [`Interface`](crate::Interface); whatever the value in it can be read into |
/// | interface | an enum, by the registered name |
/// | opaque | bytes |
///
/// Every type can be read into a [`Value`](crate::Value) or [`Dynamic`](crate::Dynamic), and into
/// types that take what there is (`deserialize_any`): these get a string that is not UTF-8 as
/// bytes.
///
/// Texts and bytes may be borrowed from the payload. Bytes behind the value are ignored, as in
/// Go. The stream is still usable after an error.
pub fn decode<'de, T: Deserialize<'de>>(
    types: &Types,
    id: Id,
    payload: &'de [u8],
    limits: &Limits,
) -> Result<T> {
    decode_at(types, id, payload, 0, limits)
}

/// As [`decode`], of a payload that stands at `base` in its stream.
pub(crate) fn decode_at<'de, T: Deserialize<'de>>(
    types: &Types,
    id: Id,
    payload: &'de [u8],
    base: u64,
    limits: &Limits,
) -> Result<T> {
    let root = types.complete(id)?;
    let mut reread = 0;
    Gaps::fill(|| {
        let mut source = Source::new(types, Reader::with_base(payload, base), limits);
        // The value is made where it is returned: to copy what has just been written takes time.
        let mut value = source.read_whole(root);
        if let Err(error) = &mut value {
            account(error, &source, &mut reread);
        }
        value
    })
}

/// Says where reading has failed and, if it would be tried again, adds what it has cost to what
/// all attempts together have.
#[cold]
#[inline(never)]
fn account(error: &mut Error, source: &Source<'_, '_>, reread: &mut usize) {
    let reader = &source.reader;
    error.place(reader.offset());
    if error.is_supplied() {
        let allowed = (reader.position() + reader.left())
            .saturating_mul(8)
            .saturating_add(REREAD_ALLOWANCE);
        *reread += reader.position() + REREAD_COST;
        if *reread > allowed {
            error.give_up();
        }
    }
}

/// How many bytes more than eight times the payload may be read when fields are missing, and for
/// how many bytes an attempt counts that reads none.
const REREAD_ALLOWANCE: usize = 256 << 10;
const REREAD_COST: usize = 256;

#[cfg(test)]
mod tests;
