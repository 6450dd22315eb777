//! What is written is read back the same, whatever the value.

#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::collection::{btree_map, hash_map, vec};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wgrpc_gob::adapt::Go;
use wgrpc_gob::{Decoder, Dynamic, Encoder, Gob, Inferred, Interface, Time, from_slice, to_vec};

/// Its fields have Go's names because it is read with flattened fields: then serde takes the names
/// as they come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Everything {
    bool: bool,
    int: i64,
    small: i8,
    uint: u64,
    float: f64,
    single: f32,
    char: char,
    text: String,
    bytes: Vec<u8>,
    array: [u16; 3],
    tuple: (i32, String),
    list: Vec<Vec<u32>>,
    counts: HashMap<String, i32>,
    option: Option<Option2>,
    maybe_map: Option<BTreeMap<u8, Vec<bool>>>,
    union: Vec<Union>,
    color: Color,
    #[serde(flatten)]
    flat: Flat,
}

/// What is in an option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Gob)]
struct Option2 {
    zero: Option<u8>,
    inner: Option<Box<Self>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Flat {
    last: i64,
    #[serde(rename = "ID")]
    id: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Gob)]
enum Union {
    Unit,
    Newtype(i64),
    Tuple(bool, String),
    Struct { a: u8, b: Option<f64> },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Gob)]
enum Color {
    Red,
    Green,
}

/// Any float that equals itself. The sign of a zero is lost, as in Go.
fn float() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(|f| if f == 0.0 { 0.0 } else { f })
}

fn single() -> impl Strategy<Value = f32> {
    any::<f32>().prop_map(|f| if f == 0.0 { 0.0 } else { f })
}

fn union() -> impl Strategy<Value = Union> {
    prop_oneof![
        Just(Union::Unit),
        any::<i64>().prop_map(Union::Newtype),
        any::<(bool, String)>().prop_map(|(a, b)| Union::Tuple(a, b)),
        (any::<u8>(), proptest::option::of(any::<f64>())).prop_map(|(a, b)| Union::Struct { a, b }),
    ]
}

fn option() -> impl Strategy<Value = Option<Option2>> {
    let leaf = any::<Option<u8>>().prop_map(|zero| Option2 { zero, inner: None });
    let nested = leaf.prop_recursive(8, 8, 1, |inner| {
        (any::<Option<u8>>(), inner).prop_map(|(zero, inner)| Option2 {
            zero,
            inner: Some(Box::new(inner)),
        })
    });
    proptest::option::of(nested)
}

fn everything() -> impl Strategy<Value = Everything> {
    let numbers = (
        any::<bool>(),
        any::<i64>(),
        any::<i8>(),
        any::<u64>(),
        float(),
        single(),
    );
    let texts = (any::<char>(), ".{0,20}", vec(any::<u8>(), 0..200));
    let lists = (
        any::<[u16; 3]>(),
        any::<(i32, String)>(),
        vec(vec(any::<u32>(), 0..4), 0..4),
    );
    let maps = (
        hash_map(".{0,4}", any::<i32>(), 0..4),
        option(),
        proptest::option::of(btree_map(any::<u8>(), vec(any::<bool>(), 0..3), 0..4)),
    );
    let enums = (vec(union(), 0..4), any::<bool>(), any::<(i64, u64)>());
    (numbers, texts, lists, maps, enums).prop_map(|(numbers, texts, lists, maps, enums)| {
        let (bool, int, small, uint, float, single) = numbers;
        let (char, text, bytes) = texts;
        let (array, tuple, list) = lists;
        let (counts, option, maybe_map) = maps;
        let (union, is_red, (last, id)) = enums;
        let color = if is_red { Color::Red } else { Color::Green };
        let flat = Flat { last, id };
        Everything {
            bool,
            int,
            small,
            uint,
            float,
            single,
            char,
            text,
            bytes,
            array,
            tuple,
            list,
            counts,
            option,
            maybe_map,
            union,
            color,
            flat,
        }
    })
}

fn again<T: Serialize + Gob + DeserializeOwned>(value: &T) -> T {
    from_slice(&to_vec(value).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_value_of_every_kind(value in everything()) {
        prop_assert_eq!(again(&value), value);
    }

    #[test]
    fn a_stream_of_values_in_any_portions(
        values in vec(everything(), 1..4),
        portion in 1..200usize,
    ) {
        let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
        for value in &values {
            encoder.encode(value, &mut stream).unwrap();
        }
        let (mut decoder, mut read) = (Decoder::new(), Vec::new());
        for portion in stream.chunks(portion) {
            decoder.push(portion);
            while let Some(value) = decoder.decode::<Everything>().unwrap() {
                read.push(value);
            }
        }
        decoder.finish().unwrap();
        prop_assert_eq!(read, values);
    }

    #[test]
    fn a_value_of_unknown_type_is_written_as_it_was_read(value in everything()) {
        let mut decoder = Decoder::new();
        decoder.push(&to_vec(&value).unwrap());
        let dynamic = decoder.next_value().unwrap().unwrap();
        let stream = to_vec(&dynamic).unwrap();
        prop_assert_eq!(from_slice::<Everything>(&stream).unwrap(), value);
    }

    #[test]
    fn values_in_interfaces(value in everything(), list in vec(any::<Option<i64>>(), 0..4)) {
        #[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
        struct Any {
            before: String,
            value: Option<Interface>,
            list: Vec<Option<Interface>>,
        }
        let any = |interface| Any {
            before: "x".repeat(100),
            value: interface,
            list: list.iter().map(|int| int.map(Interface::from)).collect(),
        };
        let inner = Interface::new("main.Everything", &value).unwrap();
        let outer = any(Some(Interface::new("main.Any", &any(Some(inner))).unwrap()));
        prop_assert_eq!(again(&outer), outer);
    }

    #[test]
    fn a_dynamic_value(value in everything()) {
        let dynamic = Dynamic::new(&value).unwrap();
        prop_assert_eq!(again(&dynamic), dynamic);
    }

    #[test]
    fn a_value_whose_type_is_inferred(
        text in ".*",
        list in vec(vec((any::<i64>(), ".{0,3}"), 0..3), 1..4),
        map in btree_map(any::<i32>(), any::<Option<u8>>(), 0..3),
    ) {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Foreign {
            text: String,
            list: Vec<Vec<(i64, String)>>,
            map: BTreeMap<i32, Wrapped>,
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Wrapped(#[serde(default)] u8);
        prop_assume!(list.iter().any(|inner| !inner.is_empty()));
        let map = map.into_iter().map(|(k, v)| (k, Wrapped(v.unwrap_or(1)))).collect();
        let foreign = Inferred(Foreign { text, list, map });
        prop_assert_eq!(again(&foreign).0, foreign.0);
    }

    #[test]
    fn times_and_texts_of_times(
        // The years 1 to 9999 in every zone.
        seconds in -62_135_500_000..253_402_200_000_i64,
        nanoseconds in 0..1_000_000_000_u32,
        minutes in proptest::option::of(-720..=840_i32),
    ) {
        let offset = minutes.filter(|&minutes| minutes != -1).map(|minutes| minutes * 60);
        let time = Time { seconds, nanoseconds, offset };
        prop_assert_eq!(again(&time), time);
        prop_assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
    }

    #[test]
    fn everything_that_has_an_adapter(
        bytes in vec(any::<u8>(), 0..40),
        nanoseconds in 0..=i64::MAX as u64,
        signed: i128,
        unsigned: u128,
        ip: IpAddr,
        port: u16,
    ) {
        // Go has IPv4 addresses in IPv6 form for IPv4 addresses.
        let ip = ip.to_canonical();
        prop_assert_eq!(again(&Go(bytes.clone())).0, bytes);
        let duration = Duration::from_nanos(nanoseconds);
        prop_assert_eq!(again(&Go(duration)).0, duration);
        prop_assert_eq!(again(&Go(signed)).0, signed);
        prop_assert_eq!(again(&Go(unsigned)).0, unsigned);
        prop_assert_eq!(again(&Go(ip)).0, ip);
        let socket = SocketAddr::new(ip, port);
        prop_assert_eq!(again(&Go(socket)).0, socket);
        prop_assert_eq!(again(&Go((ip, 32))).0, (ip, 32));
    }
}
