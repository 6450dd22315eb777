//! Bytes as hexadecimal text, the form in which vectors and the Go peer carry them.

use std::fmt::Write;

/// Writes two lower-case digits a byte.
#[must_use]
pub fn encode_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
    }
    text
}

/// Reads what [`encode_hex`] writes; digits of either case.
///
/// # Panics
///
/// When the text is anything else.
#[must_use]
pub fn decode_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes();
    assert!(digits.len().is_multiple_of(2), "half a byte in {text:?}");
    digits
        .chunks_exact(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn digit(digit: u8) -> u8 {
    let value = char::from(digit).to_digit(16);
    let value = value.unwrap_or_else(|| panic!("{:?} is no hexadecimal digit", char::from(digit)));
    u8::try_from(value).expect("a hexadecimal digit is below 16")
}
