//! Values read into types of ours, the bytes being what Go writes.

mod dynamic;
mod enums;
mod structs;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Category, Decoder, Error, Result, from_slice};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A stream of these messages, which are given without their lengths.
fn stream(messages: &[&str]) -> String {
    let mut stream = Vec::new();
    for message in messages {
        crate::wire::put_bytes(&mut stream, &bytes(message));
    }
    hex(&stream)
}

/// All values of a stream.
fn all<T: DeserializeOwned>(hex: &str) -> Result<Vec<T>> {
    let mut decoder = Decoder::new();
    decoder.push(&bytes(hex));
    let mut values = Vec::new();
    while let Some(value) = decoder.decode()? {
        values.push(value);
    }
    decoder.finish()?;
    Ok(values)
}

fn one<T: DeserializeOwned>(hex: &str) -> Result<T> {
    from_slice(&bytes(hex))
}

const POINT: &str = "1e7f030101 05506f696e74 01ff80 00 0102 0101580104 00 0101590104 00 00 00";

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Point {
    x: i64,
    y: i32,
}

#[test]
fn basic_values_of_every_type_are_read() {
    assert!(one::<bool>("03020001").unwrap());
    assert_eq!(one::<i8>("03040006").unwrap(), 3);
    assert_eq!(one::<u16>("050600fe0100").unwrap(), 256);
    assert_eq!(one::<f32>("050800fe3140").unwrap(), 17.0);
    assert_eq!(one::<Vec<u8>>("060a00030100ff").unwrap(), [1, 0, 255]);
    assert_eq!(one::<String>("070c000468c3a979").unwrap(), "héy");
    assert_eq!(one::<(f64, f64)>("070e00fef03fffc0").unwrap(), (1.0, -2.0));
    assert_eq!(one::<char>("05 04 00 fe01c8").unwrap(), 'ä');
    assert_eq!(one::<i128>("03040001").unwrap(), -1);
}

#[test]
fn a_struct_is_matched_by_names_and_zeros_are_filled_in() {
    let first = format!("{POINT} 07ff80012c014200");
    assert_eq!(one::<Point>(&first).unwrap(), Point { x: 22, y: 33 });
    let values = all::<Point>(&format!("{first} 05ff80010200 05ff80020200 03ff8000")).unwrap();
    let expected = [(22, 33), (1, 0), (0, 1), (0, 0)];
    assert_eq!(values, expected.map(|(x, y)| Point { x, y }));
}

#[test]
fn slices_maps_and_arrays_are_read() {
    let points = "0dff8102 0102ff820001ff800000 1e7f030101 05506f696e74 01ff80 00 0102 \
                  0101580104000101590104000000 0dff820003010201040000020600";
    let points: Vec<Point> = one(points).unwrap();
    assert_eq!(points.len(), 3);
    assert_eq!(points[2], Point { x: 0, y: 3 });
    let map: HashMap<String, i64> = one("0d7f040102ff8000010c0104000007ff800001016102").unwrap();
    assert_eq!(map, HashMap::from([("a".to_owned(), 1)]));
    let array: [u8; 4] =
        one("0d7f010102ff80000106 010800 00 0aff80 00 04 00 01 ff80 ffff").unwrap();
    assert_eq!(array, [0, 1, 128, 255]);
}

#[test]
fn fields_that_the_sender_does_not_know_are_zero_unless_they_have_a_default() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        #[serde(alias = "b")]
        a: u8,
        #[serde(default = "seven")]
        seven: u8,
    }
    fn seven() -> u8 {
        7
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wide {
        x: i64,
        new: String,
        #[serde(alias = "youngest")]
        newest: Vec<i32>,
        #[serde(default = "seven")]
        seven: u8,
        maybe: Option<u8>,
        inner: Inner,
        map: BTreeMap<String, u8>,
    }
    let expected = || Wide {
        x: 22,
        new: String::new(),
        newest: Vec::new(),
        seven: 7,
        maybe: None,
        inner: Inner { a: 0, seven: 7 },
        map: BTreeMap::new(),
    };
    let values = all::<Wide>(&format!("{POINT} 07ff80012c014200 07ff80012c014200")).unwrap();
    assert_eq!(values, [expected(), expected()]);
}

fn error<T: DeserializeOwned + Debug>(hex: &str) -> Error {
    one::<T>(hex).unwrap_err()
}

#[test]
fn types_that_differ_are_refused_by_the_name_of_the_field() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Unsigned {
        x: i64,
        y: u32,
    }
    // The field is absent, yet its type is wrong.
    let wrong = error::<Unsigned>(&format!("{POINT} 05ff80010200"));
    assert_eq!(
        (wrong.category(), wrong.path().as_str()),
        (Category::Mismatch, "y")
    );
    assert!(wrong.is_stream_usable());
    assert!(
        wrong
            .to_string()
            .contains("int, which cannot be read as u32"),
        "{wrong}"
    );

    let range = error::<i8>("050400fe0100");
    assert_eq!(range.category(), Category::OutOfRange);
    assert_eq!(
        error::<String>("060a00030100ff").category(),
        Category::Mismatch
    );
    assert_eq!(
        error::<Vec<u8>>("070c000468c3a979").category(),
        Category::Mismatch
    );
    assert_eq!(
        error::<Vec<u16>>("060a00030100ff").category(),
        Category::Mismatch
    );
}
