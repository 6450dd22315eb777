//! The primitives of the format: unsigned and signed integers, floats, counted bytes.
//!
//! Everything else in gob is made of these. The functions that write append to a `Vec<u8>` and
//! cannot fail; [`Reader`] takes from a slice, never reads past its end and reports where it
//! stood. Public for protocols that build on gob and handle a fixed message by hand, as an RPC
//! header; values in general go through [`Encoder`](crate::Encoder) and
//! [`Decoder`](crate::Decoder).

use crate::error::{Category, Error, Result};

/// The most bytes that an unsigned integer takes: a count and eight bytes.
pub const UINT_MAX_LEN: usize = 9;

/// Appends an unsigned integer in its shortest form.
#[inline]
pub fn put_uint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else {
        put_long_uint(out, value);
    }
}

fn put_long_uint(out: &mut Vec<u8>, value: u64) {
    let len = 8 - value.leading_zeros() as usize / 8;
    let mut bytes = [0; UINT_MAX_LEN];
    bytes[0] = (len as u8).wrapping_neg();
    bytes[1..].copy_from_slice(&(value << (64 - 8 * len)).to_be_bytes());
    // All nine are copied, for a copy of a fixed length is a few moves and no call.
    let end = out.len() + 1 + len;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

/// Appends a field of a struct: the delta, less than 128, and an unsigned integer. One check of
/// the room in the buffer does for both.
#[inline]
pub(crate) fn put_field(out: &mut Vec<u8>, delta: u8, value: u64) {
    if value < 0x80 {
        out.extend_from_slice(&[delta, value as u8]);
    } else {
        let len = 8 - value.leading_zeros() as usize / 8;
        let mut bytes = [0; 1 + UINT_MAX_LEN];
        bytes[0] = delta;
        bytes[1] = (len as u8).wrapping_neg();
        bytes[2..].copy_from_slice(&(value << (64 - 8 * len)).to_be_bytes());
        let end = out.len() + 2 + len;
        out.extend_from_slice(&bytes);
        out.truncate(end);
    }
}

/// How many bytes [`put_uint`] writes for `value`.
#[inline]
pub fn uint_len(value: u64) -> usize {
    if value < 0x80 {
        1
    } else {
        9 - value.leading_zeros() as usize / 8
    }
}

/// Appends a signed integer: its magnitude doubled, the sign in the lowest bit.
#[inline]
pub fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, int_bits(value));
}

/// The unsigned integer that a signed one is sent as.
#[inline]
pub(crate) fn int_bits(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Appends a float: its bytes reversed and taken as an unsigned integer, so that the usual short
/// values are short.
#[inline]
pub fn put_float(out: &mut Vec<u8>, value: f64) {
    put_uint(out, float_bits(value));
}

/// The unsigned integer that a float is sent as.
#[inline]
pub(crate) fn float_bits(value: f64) -> u64 {
    value.to_bits().swap_bytes()
}

/// Appends a count and the bytes: a string, a byte slice or the payload of an opaque type.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes primitives from the front of a slice.
///
/// Non-minimal forms of integers are accepted, as in Go. Every method fails with
/// [`Category::Corrupt`] where the bytes end early or make no sense; the offset in the error is
/// counted from the start of the slice plus the reader's base.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// What is left of the bytes.
    rest: &'a [u8],
    base: u64,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_base(bytes, 0)
    }

    /// Reads `bytes`, which stand at `base` in a larger stream; only error offsets show it.
    #[inline]
    pub fn with_base(bytes: &'a [u8], base: u64) -> Self {
        Self {
            bytes,
            rest: bytes,
            base,
        }
    }

    /// How many bytes are left.
    #[inline]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether every byte has been taken.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes have been taken.
    #[inline]
    pub fn position(&self) -> usize {
        self.bytes.len() - self.rest.len()
    }

    /// The offset of the next byte in the stream.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.base + self.position() as u64
    }

    /// The bytes that are left, without taking them.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The bytes that have been taken.
    #[inline]
    pub fn taken(&self) -> &'a [u8] {
        &self.bytes[..self.position()]
    }

    /// Takes one byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8> {
        match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                Ok(byte)
            }
            None => Err(self.short("a byte", 1)),
        }
    }

    /// Takes an unsigned integer.
    #[inline]
    pub fn uint(&mut self) -> Result<u64> {
        let Some((&first, rest)) = self.rest.split_first() else {
            return self.short_uint();
        };
        if first < 0x80 {
            self.rest = rest;
            return Ok(u64::from(first));
        }
        if let ([byte, rest @ ..], 0xff) = (rest, first) {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        // With nine bytes at hand one load and one shift do it.
        let len = usize::from(first.wrapping_neg());
        match rest.first_chunk() {
            Some(&bytes) if len <= 8 => {
                self.rest = &rest[len..];
                Ok(u64::from_be_bytes(bytes) >> (64 - 8 * len))
            }
            _ => self.short_uint(),
        }
    }

    /// As [`uint`](Self::uint), close to the end or where there is no integer.
    #[inline(never)]
    fn short_uint(&mut self) -> Result<u64> {
        let Some((&first, rest)) = self.rest.split_first() else {
            return Err(self.short("an integer", 1));
        };
        let len = usize::from(first.wrapping_neg());
        if len > 8 {
            return Err(self.corrupt(format_args!("{first:#04x} cannot begin an integer")));
        }
        let Some((bytes, rest)) = rest.split_at_checked(len) else {
            return Err(self.short("an integer", len + 1));
        };
        self.rest = rest;
        Ok(match *bytes {
            [low] => u64::from(low),
            [high, low] => u64::from(u16::from_be_bytes([high, low])),
            _ => {
                let shift_in = |value, &byte: &u8| value << 8 | u64::from(byte);
                bytes.iter().fold(0, shift_in)
            }
        })
    }

    /// Takes a signed integer.
    #[inline]
    pub fn int(&mut self) -> Result<i64> {
        let value = self.uint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Takes a float.
    #[inline]
    pub fn float(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.uint()?.swap_bytes()))
    }

    /// Takes `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.short("a value", len)),
        }
    }

    /// Takes a count of things that take at least one byte each, so that it is never more than
    /// the bytes that are left.
    #[inline]
    pub fn count(&mut self) -> Result<usize> {
        let at = self.offset();
        let count = self.uint()?;
        if count > self.left() as u64 {
            return Err(Error::corrupt(
                at,
                format_args!("a count of {count} with {} bytes left", self.left()),
            ));
        }
        Ok(count as usize)
    }

    /// Takes a count and that many bytes.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.count()?;
        self.take(len)
    }

    #[cold]
    fn short(&self, what: &str, len: usize) -> Error {
        self.corrupt(format_args!(
            "{what} of {len} bytes is cut off, {} are left",
            self.left()
        ))
    }

    #[cold]
    fn corrupt(&self, message: std::fmt::Arguments<'_>) -> Error {
        Error::new(Category::Corrupt, message).at(self.offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uint(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(&mut out, value);
        assert_eq!(out.len(), uint_len(value));
        out
    }

    #[test]
    fn unsigned_integers_are_written_as_go_writes_them() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (127, &[0x7f]),
            (128, &[0xff, 0x80]),
            (256, &[0xfe, 0x01, 0x00]),
            (65536, &[0xfd, 0x01, 0x00, 0x00]),
            (1 << 24, &[0xfc, 0x01, 0x00, 0x00, 0x00]),
            (1 << 56, &[0xf8, 1, 0, 0, 0, 0, 0, 0, 0]),
            (
                u64::MAX,
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
        ] {
            assert_eq!(uint(value), bytes, "{value}");
            assert_eq!(Reader::new(bytes).uint().unwrap(), value);
        }
    }

    #[test]
    fn every_width_is_read_with_and_without_bytes_behind_it() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = uint(value);
                assert_eq!(Reader::new(&bytes).uint().unwrap(), value);
                bytes.extend([0xaa; 9]);
                assert_eq!(Reader::new(&bytes).uint().unwrap(), value);
            }
        }
    }

    #[test]
    fn integers_and_floats_are_written_as_go_writes_them() {
        for (value, bytes) in [
            (-1, &[0x01][..]),
            (63, &[0x7e]),
            (-65, &[0xff, 0x81]),
            (
                i64::MAX,
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
            ),
            (
                i64::MIN,
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
        ] {
            let mut out = Vec::new();
            put_int(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(Reader::new(bytes).int().unwrap(), value);
        }
        let mut out = Vec::new();
        put_float(&mut out, 17.0);
        assert_eq!(out, [0xfe, 0x31, 0x40]);
        assert_eq!(Reader::new(&out).float().unwrap(), 17.0);
    }

    #[test]
    fn longer_forms_than_needed_are_accepted() {
        assert_eq!(Reader::new(&[0xfd, 0, 0, 5]).uint().unwrap(), 5);
        assert_eq!(Reader::new(&[0xff, 5]).uint().unwrap(), 5);
    }

    #[test]
    fn bytes_that_end_early_or_make_no_sense_are_errors() {
        for bytes in [
            &[][..],
            &[0xff],
            &[0xf8, 1, 2, 3],
            &[0x80],
            &[0xf7, 1, 2, 3, 4, 5, 6, 7, 8],
        ] {
            assert_eq!(
                Reader::new(bytes).uint().unwrap_err().category(),
                Category::Corrupt
            );
        }
        assert!(Reader::new(&[5, 1, 2]).bytes().is_err());
        assert!(
            Reader::new(&[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
                .bytes()
                .is_err()
        );
    }
}
