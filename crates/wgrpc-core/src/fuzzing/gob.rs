//! Streams of gob: of values that are not known beforehand, of types, and of values that are read
//! into types of ours.

use std::collections::BTreeMap;

use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};
use serde::ser::Serialize;
use wgrpc_gob::{
    Category, Decoder, Dynamic, Error, Gob, Limits, Scan, Scanner, from_slice, to_vec,
};

use super::cuts;
use super::samples::{self, Visit};

/// A stream of any values.
pub fn gob_stream(bytes: &[u8]) {
    let whole = read(bytes, bytes.len());
    let cut = usize::from(bytes.first().copied().unwrap_or_default()) * bytes.len() / 256;
    assert_eq!(read(bytes, cut), whole, "cut at {cut}");
    if bytes.len() <= 512 {
        assert_eq!(read_bytewise(bytes), whole, "cut everywhere");
    }
    skip(bytes, whole.0.len());
}

/// Every value, and the error that ended the stream.
type Outcome = (Vec<String>, Option<String>);

fn read(bytes: &[u8], cut: usize) -> Outcome {
    let (first, second) = bytes.split_at(cut);
    read_portions([first, second])
}

fn read_bytewise(bytes: &[u8]) -> Outcome {
    read_portions(bytes.chunks(1))
}

fn read_portions<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = Decoder::new();
    let mut values = Vec::new();
    for portion in portions {
        decoder.push(portion);
        loop {
            match decoder.next_value() {
                Ok(Some(value)) => {
                    let text = value.to_lossless();
                    write_again(&value, &text);
                    values.push(text);
                }
                Ok(None) => break,
                Err(error) if error.is_stream_usable() => values.push(error.to_string()),
                Err(error) => return (values, Some(error.to_string())),
            }
        }
    }
    let error = decoder.finish().err();
    (values, error.map(|error| error.to_string()))
}

/// A value of any type can be written, and is the same to whoever reads it.
fn write_again(value: &Dynamic, text: &str) {
    let bytes = match to_vec(value) {
        Ok(bytes) => bytes,
        Err(error) => return is_a_limit(&error),
    };
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    match decoder.next_value() {
        Ok(again) => assert_eq!(again.map(|it| it.to_lossless()).as_deref(), Some(text)),
        Err(error) => is_a_limit(&error),
    }
}

/// Skipping finds as many values as reading.
fn skip(bytes: &[u8], count: usize) {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    let mut skipped = 0;
    while let Ok(true) = decoder.skip() {
        skipped += 1;
    }
    assert_eq!(skipped, count);
}

/// A stream whose types are looked at.
pub fn gob_types(bytes: &[u8]) {
    let limits = Limits::default();
    let mut scanner = Scanner::new(limits.clone());
    let mut at = 0;
    while let Ok(Scan::Value { consumed, .. }) = scanner.scan(&bytes[at..]) {
        at += consumed;
    }
    let types = scanner.types();
    let ids: Vec<_> = types.ids().collect();
    assert!(ids.len() <= limits.types);
    // The schemas of types that lead to each other are as many times as long.
    for id in cuts(ids.len()).map(|place| ids[place]) {
        let Ok(schema) = types.schema(id) else {
            continue;
        };
        assert_eq!(schema.id(), Some(id));
        assert!(!schema.to_string().is_empty());
        let fields = types.fields(id).map(|fields| fields.len());
        assert!(fields.is_none() || types.map(id).is_none());
    }
}

/// A stream whose values are read into types of ours.
pub fn gob_typed(bytes: &[u8]) {
    samples::visit_all(&mut ReadAs(bytes));
    each::<serde_json::Value>(bytes, |_| ());
    each::<Vec<BTreeMap<String, IgnoredAny>>>(bytes, |_| ());
    each::<samples::Open>(bytes, |_| ());
    each::<samples::Any>(bytes, |_| ());
    each::<()>(bytes, |()| ());
}

struct ReadAs<'a>(&'a [u8]);

impl Visit for ReadAs<'_> {
    fn visit<T: Serialize + for<'de> Deserialize<'de> + Gob>(&mut self) {
        each(self.0, come_back::<T>);
    }
}

/// Reads every value of the stream as `T`.
fn each<T: DeserializeOwned>(bytes: &[u8], mut check: impl FnMut(T)) {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    loop {
        match decoder.decode::<T>() {
            Ok(Some(value)) => check(value),
            Err(error) if error.is_stream_usable() => assert!(!error.to_string().is_empty()),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Writes a value that has been read, and reads it again.
fn come_back<T: Serialize + DeserializeOwned + Gob>(value: T) {
    let once = match to_vec(&value) {
        Ok(bytes) => bytes,
        Err(error) => return is_a_limit(&error),
    };
    drop(value);
    match from_slice::<T>(&once) {
        Ok(value) => assert_eq!(to_vec(&value).ok(), Some(once)),
        Err(error) => is_a_limit(&error),
    }
}

fn is_a_limit(error: &Error) {
    assert_eq!(error.category(), Category::Limit, "{error}");
}
