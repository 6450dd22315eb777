//! Streams of JSON: where values end, and what they are read into.

use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};
use serde::ser::Serialize;
use wgrpc_gob::Gob;

use super::samples::{self, Visit};
use crate::codec::json::{Frame, read, write};

/// The longest value: small, so that inputs reach it.
const LENGTH_MAX: usize = 64 << 10;

/// The most memory for a value.
const DECODED_MAX: usize = 64 << 20;

/// A stream of JSON values.
pub fn json_frame(bytes: &[u8]) {
    let whole = frames(bytes, 0);
    let cut = usize::from(bytes.first().copied().unwrap_or_default()) * bytes.len() / 256;
    assert_eq!(frames(bytes, cut), whole, "cut at {cut}");
    let (values, error) = whole;
    let mut rest = bytes;
    for end in values {
        let (value, behind) = rest.split_at(end);
        if let Some(end) = parsed_length(rest) {
            assert_eq!(end, value.len(), "a value ends elsewhere");
        }
        rest = behind;
    }
    // What is no error can become a value, unless more than blanks follow one already.
    if error.is_none() && parsed_length(rest).is_some() {
        let last = rest.trim_ascii_end().last();
        assert!(
            last.is_some_and(u8::is_ascii_alphanumeric),
            "a value is not found"
        );
    }
}

/// How long each value is, with the blanks before it, and the error that ended the stream. The
/// first `cut` bytes arrive alone.
fn frames(bytes: &[u8], cut: usize) -> (Vec<usize>, Option<String>) {
    let mut frame = Frame::new(LENGTH_MAX);
    let mut lengths = Vec::new();
    let mut start = 0;
    for end in [cut, bytes.len()] {
        loop {
            match frame.scan(&bytes[start..end]) {
                Ok(Some(range)) => {
                    lengths.push(range.end);
                    start += range.end;
                }
                Ok(None) => break,
                Err(error) => return (lengths, Some(error.to_string())),
            }
        }
    }
    (lengths, None)
}

/// Where the value at the front of `bytes` ends, if another parser finds one.
fn parsed_length(bytes: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// A JSON value that is read into types of ours.
pub fn json_typed(bytes: &[u8]) {
    let mut frame = Frame::new(LENGTH_MAX);
    let Ok(Some(range)) = frame.scan(bytes) else {
        return;
    };
    let bytes = &bytes[range];
    samples::visit_all(&mut ReadAs(bytes));
    let _ = read::<samples::Open>(bytes, DECODED_MAX);
    let _ = read::<samples::Any>(bytes, DECODED_MAX);
    let any = read::<serde_json::Value>(bytes, DECODED_MAX);
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(value) => assert_eq!(any.ok(), Some(value)),
        Err(_) => assert!(any.is_err()),
    }
}

struct ReadAs<'a>(&'a [u8]);

impl Visit for ReadAs<'_> {
    fn visit<T: Serialize + for<'de> Deserialize<'de> + Gob>(&mut self) {
        match read::<T>(self.0, DECODED_MAX) {
            Ok(value) => come_back(&value),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Writes a value that has been read, and reads it again.
fn come_back<T: Serialize + DeserializeOwned + Gob>(value: &T) {
    let mut once = Vec::new();
    if let Err(error) = write(value, &mut once) {
        panic!("what was read cannot be written: {error}");
    }
    let mut twice = Vec::new();
    match read::<T>(&once, DECODED_MAX) {
        Ok(value) => assert!(write(&value, &mut twice).is_ok()),
        Err(error) => panic!("what was written cannot be read: {error}"),
    }
    assert_eq!(once, twice);
}
