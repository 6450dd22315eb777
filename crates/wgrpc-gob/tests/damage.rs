//! Streams that Go wrote, cut short, cut into portions and damaged: whatever becomes of them, no
//! wrong value, no panic and no endless work.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use wgrpc_gob::wire::put_bytes;
use wgrpc_gob::{Category, Decoder, Limits, Result};

#[derive(Deserialize)]
struct Vector {
    name: String,
    hex: String,
    values: Vec<Box<RawValue>>,
}

/// The streams of the corpus that are not longer than `longest`, and their values.
fn corpus(longest: usize) -> Vec<(String, Vec<u8>, Vec<String>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../interop/vectors/gob.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let vector = |line| {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let byte = |at| u8::from_str_radix(&vector.hex[at..at + 2], 16).unwrap();
        let bytes = (0..vector.hex.len()).step_by(2).map(byte).collect();
        let values = vector.values.iter().map(|value| value.get().to_owned());
        (vector.name, bytes, values.collect())
    };
    text.lines()
        .map(vector)
        .filter(|(name, bytes, _): &(String, Vec<u8>, _)| {
            bytes.len() <= longest && !name.starts_with("deep/")
        })
        .collect()
}

/// What is read of a stream that comes in these portions.
fn read(portions: &[&[u8]]) -> (Vec<String>, Result<()>) {
    let mut decoder = Decoder::new();
    let mut values = Vec::new();
    for portion in portions {
        decoder.push(portion);
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
fn a_stream_that_is_cut_short_yields_the_values_before_the_cut_and_no_other() {
    for (name, bytes, values) in corpus(2000) {
        for cut in 0..bytes.len() {
            let (found, result) = read(&[&bytes[..cut]]);
            assert!(values.starts_with(&found), "{name} cut at {cut}: {found:?}");
            match result {
                // Clean only between two values.
                Ok(()) => assert!(found.len() < values.len(), "{name} cut at {cut}"),
                Err(error) => {
                    assert_eq!(error.category(), Category::UnexpectedEof, "{name} at {cut}");
                    assert!(!error.is_stream_usable());
                }
            }
        }
    }
}

#[test]
fn it_does_not_matter_where_a_stream_is_split() {
    for (name, bytes, values) in corpus(500) {
        for split in 0..=bytes.len() {
            let (found, result) = read(&[&bytes[..split], &bytes[split..]]);
            assert!(result.is_ok(), "{name} split at {split}: {result:?}");
            assert_eq!(found, values, "{name} split at {split}");
        }
    }
}

/// Something that values are read into, for better or worse.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only read")]
struct Anything<'a> {
    name: Option<String>,
    #[serde(borrow)]
    text: &'a str,
    v: Option<wgrpc_gob::Interface>,
    x: i64,
    items: Vec<Self>,
    next: Option<Box<Self>>,
    choice: Option<Choice>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
enum Choice {
    A,
    B(i64),
    C { x: u8 },
}

/// Reads a stream in every way there is.
fn exhaust(bytes: &[u8]) {
    let limits = Limits {
        decoded: 1 << 20,
        ..Limits::default()
    };
    let mut decoders: Vec<Decoder> = (0..4)
        .map(|_| {
            let mut decoder = Decoder::with_limits(limits.clone());
            decoder.push(bytes);
            decoder
        })
        .collect();
    // Each ends with the stream or an error after which it cannot go on.
    while matches!(decoders[0].skip(), Ok(true)) {}
    go_on(|| decoders[1].next_value().map(|value| value.is_some()));
    go_on(|| {
        decoders[2]
            .decode::<Anything<'_>>()
            .map(|value| value.is_some())
    });
    go_on(|| {
        decoders[3]
            .decode::<IgnoredAny>()
            .map(|value| value.is_some())
    });
}

fn go_on(mut next: impl FnMut() -> Result<bool>) {
    loop {
        match next() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if error.is_stream_usable() => {
                assert!(!error.to_string().is_empty());
            }
            Err(_) => break,
        }
    }
}

#[test]
fn damage_in_any_one_byte_is_survived_in_no_time() {
    let mut longest = (Duration::ZERO, String::new());
    // Every stream of a few, and every byte of it: all of them take minutes.
    for (nth, (name, bytes, _)) in corpus(160).into_iter().enumerate().step_by(5) {
        for place in 0..bytes.len() {
            let original = bytes[place];
            let others = [0, 0x7f, 0xf8, original ^ 1];
            let mut damaged = bytes.clone();
            damaged[place] = others[(nth / 5 + place) % others.len()];
            let start = Instant::now();
            exhaust(&damaged);
            let taken = start.elapsed();
            if taken > longest.0 {
                longest = (taken, format!("{name}, byte {place} was {original:#04x}"));
            }
        }
    }
    // A few hundred bytes take microseconds; this leaves room for a slow and busy machine.
    assert!(longest.0 < Duration::from_secs(1), "{longest:?}");
}

proptest! {
    #[test]
    fn bytes_that_were_never_a_stream_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        exhaust(&bytes);
        // Behind a good definition more of them look like values.
        let mut stream = Vec::new();
        let definition = b"\x7f\x03\x02\x02\x01\x01X\x01\x04\x00\x01\x01V\x01\x10\x00\x00\x00";
        put_bytes(&mut stream, definition);
        put_bytes(&mut stream, &[&[0xff, 0x80], &bytes[..]].concat());
        exhaust(&stream);
    }
}

#[test]
fn work_grows_with_the_bytes_and_not_with_the_portions_they_come_in() {
    let elements = vec![300u32; 200_000];
    let stream = wgrpc_gob::to_vec(&elements).unwrap();
    let mut decoder = Decoder::new();
    let mut looked = 0;
    for byte in stream.chunks(1) {
        decoder.push(byte);
        if let Some(found) = decoder.decode::<Vec<u32>>().unwrap() {
            assert_eq!(found, elements);
            looked += 1;
        }
    }
    assert_eq!(looked, 1);
}
