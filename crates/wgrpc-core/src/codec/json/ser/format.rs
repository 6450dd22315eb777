//! The tokens whose text in Go differs from serde_json's: floats and bytes.

use std::io::{self, Write};

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use serde_json::ser::{CompactFormatter, Formatter};

/// serde_json's compact form, with Go's floats and bytes.
pub(super) struct GoFormatter;

/// Room for the longest float that serde_json writes.
const DIGITS_MAX: usize = 32;

macro_rules! floats {
    ($($method:ident($ty:ty);)*) => {$(
        fn $method<W: Write + ?Sized>(&mut self, writer: &mut W, value: $ty) -> io::Result<()> {
            let mut digits = [0; DIGITS_MAX];
            let rest = &mut &mut digits[..];
            CompactFormatter.$method(rest, value)?;
            let len = DIGITS_MAX - rest.len();
            match without_exponent(&digits[..len]) {
                Some(digits) => writer.write_all(digits),
                // Go turns to exponents later than serde_json does.
                None if (1e-6..1e21).contains(&value.abs()) => write!(writer, "{value}"),
                None => write_scientific(writer, &format!("{value:e}")),
            }
        }
    )*};
}

impl Formatter for GoFormatter {
    floats! {
        write_f32(f32);
        write_f64(f64);
    }

    fn write_byte_array<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        writer.write_all(b"\"")?;
        let mut encoder = EncoderWriter::new(&mut *writer, &STANDARD);
        encoder.write_all(value)?;
        encoder.finish()?;
        drop(encoder);
        writer.write_all(b"\"")
    }
}

/// The digits of a float, a whole one without the point, for Go takes `1.0` for no integer. `None`
/// if there is an exponent.
fn without_exponent(digits: &[u8]) -> Option<&[u8]> {
    let has_exponent = digits.contains(&b'e');
    (!has_exponent).then(|| digits.strip_suffix(b".0").unwrap_or(digits))
}

/// Go gives positive exponents a sign.
fn write_scientific<W: Write + ?Sized>(writer: &mut W, text: &str) -> io::Result<()> {
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => {
            write!(writer, "{digits}e+{exponent}")
        }
        _ => writer.write_all(text.as_bytes()),
    }
}
