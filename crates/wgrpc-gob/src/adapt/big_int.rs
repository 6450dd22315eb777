//! `i128` and `u128` as Go's `*big.Int`: in gob sign and magnitude, in text formats a number.
//!
//! A number that is too large for the Rust type is an error when read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::visit::read_bytes;
use super::{Adapt, Adapter, DeserializeBy, SerializeBy};
use crate::schema::{Builder, Ref};
use crate::types::Marshaler;

/// The adapter for `*big.Int`.
#[derive(Debug)]
pub enum BigInt {}

super::with!(BigInt);

impl Adapter for BigInt {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("Int", Marshaler::Gob)
    }
}

/// The version of the format, which the first byte holds above the sign.
const VERSION: u8 = 1;

/// Writes a magnitude and its sign.
fn serialize_parts<S: Serializer>(
    is_negative: bool,
    magnitude: u128,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut bytes = [0; 17];
    bytes[1..].copy_from_slice(&magnitude.to_be_bytes());
    // The sign stands right in front of the first byte that is not zero.
    let start = magnitude.leading_zeros() as usize / 8;
    bytes[start] = VERSION << 1 | u8::from(is_negative);
    serializer.serialize_bytes(&bytes[start..])
}

/// Reads a magnitude and its sign.
fn read_parts(bytes: &[u8]) -> Result<(bool, u128), String> {
    let Some((&first, magnitude)) = bytes.split_first() else {
        // A nil pointer.
        return Ok((false, 0));
    };
    if first >> 1 != VERSION {
        return Err(format!("a big.Int of the unknown version {}", first >> 1));
    }
    let zeros = magnitude.iter().take_while(|&&byte| byte == 0).count();
    let significant = &magnitude[zeros..];
    if significant.len() > 16 {
        return Err(too_large());
    }
    let shift_in = |value, &byte| value << 8 | u128::from(byte);
    Ok((first & 1 == 1, significant.iter().fold(0, shift_in)))
}

fn too_large() -> String {
    "the big.Int is out of range".to_owned()
}

impl Adapt for i128 {
    type By = BigInt;
}

impl SerializeBy<BigInt> for i128 {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => self.serialize(serializer),
            false => serialize_parts(self.is_negative(), self.unsigned_abs(), serializer),
        }
    }
}

impl<'de> DeserializeBy<'de, BigInt> for i128 {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Self::deserialize(deserializer);
        }
        read_bytes(deserializer, "a big.Int", |bytes| {
            match read_parts(&bytes)? {
                (false, magnitude) => Self::try_from(magnitude).map_err(|_| too_large()),
                (true, magnitude) => 0_i128.checked_sub_unsigned(magnitude).ok_or_else(too_large),
            }
        })
    }
}

impl Adapt for u128 {
    type By = BigInt;
}

impl SerializeBy<BigInt> for u128 {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => self.serialize(serializer),
            false => serialize_parts(false, *self, serializer),
        }
    }
}

impl<'de> DeserializeBy<'de, BigInt> for u128 {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Self::deserialize(deserializer);
        }
        read_bytes(deserializer, "a big.Int", |bytes| {
            match read_parts(&bytes)? {
                (true, 1..) => Err(too_large()),
                (_, magnitude) => Ok(magnitude),
            }
        })
    }
}
