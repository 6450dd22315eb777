//! Streams that real Go wrote, or accepts, or must not accept, against what they are known to be.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use wgrpc_gob::{Decoder, Encoder, Limits, Result};

#[derive(Deserialize)]
struct Vector {
    name: String,
    hex: String,
    #[serde(default)]
    values: Vec<Box<RawValue>>,
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&self.hex[at..at + 2], 16).unwrap();
        (0..self.hex.len()).step_by(2).map(byte).collect()
    }

    fn expected(&self) -> Vec<&str> {
        self.values.iter().map(|value| value.get()).collect()
    }
}

fn vectors(file: &str) -> Vec<Vector> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../interop/vectors")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The values of a stream in the lossless form, with the stream cut into portions of `portion`
/// bytes, and the error that ended it.
fn read(bytes: &[u8], portion: usize, limits: &Limits) -> (Vec<String>, Result<()>) {
    let mut decoder = Decoder::with_limits(limits.clone());
    let mut values = Vec::new();
    for bytes in bytes.chunks(portion) {
        decoder.push(bytes);
        loop {
            match decoder.next_value() {
                Ok(Some(value)) => values.push(value.to_lossless()),
                Ok(None) => break,
                Err(error) => return (values, Err(error)),
            }
        }
    }
    (values, decoder.finish())
}

#[test]
fn every_stream_that_go_wrote_is_read_in_full() {
    let deep = Limits {
        depth: 10_000,
        ..Limits::default()
    };
    let vectors = vectors("gob.jsonl");
    assert!(vectors.len() > 700);
    for vector in &vectors {
        let limits = match vector.name.starts_with("deep/") {
            true => deep.clone(),
            false => Limits::default(),
        };
        let bytes = vector.bytes();
        for portion in [bytes.len(), 1] {
            let (values, result) = read(&bytes, portion, &limits);
            result.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
            assert_eq!(values, vector.expected(), "{}", vector.name);
        }
    }
}

#[test]
fn every_stream_that_go_wrote_says_the_same_when_it_is_written_again() {
    let limits = Limits {
        depth: 10_000,
        ..Limits::default()
    };
    for vector in vectors("gob.jsonl") {
        let mut decoder = Decoder::with_limits(limits.clone());
        decoder.push(&vector.bytes());
        let mut encoder = Encoder::with_limits(limits.clone());
        let mut again = Vec::new();
        while let Some(value) = decoder.next_value().unwrap() {
            (encoder.encode(&value, &mut again))
                .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        }
        let (values, result) = read(&again, again.len(), &limits);
        result.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(values, vector.expected(), "{}", vector.name);
    }
}

#[test]
fn streams_that_go_accepts_are_accepted() {
    for vector in vectors("accepted.jsonl") {
        let bytes = vector.bytes();
        let (values, result) = read(&bytes, bytes.len(), &Limits::default());
        // Go takes the end of the message for the end of the struct; here it is an error, for
        // nobody writes that and it hides damage.
        if vector.name.starts_with("struct/cut") {
            assert!(result.is_err(), "{}", vector.name);
            continue;
        }
        result.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(values, vector.expected(), "{}", vector.name);
    }
}

#[test]
fn hostile_streams_are_refused() {
    let mut accepted = Vec::new();
    for vector in vectors("hostile.jsonl") {
        let bytes = vector.bytes();
        let (_, result) = read(&bytes, bytes.len(), &Limits::default());
        if result.is_ok() {
            accepted.push(vector.name);
        }
    }
    assert_eq!(accepted, [""; 0]);
}
