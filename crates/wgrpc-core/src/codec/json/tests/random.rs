//! Random values come back as they were, and random bytes do no harm.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::{Frame, write_untyped};
use super::{Blob, read, text, value};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    number: i64,
    #[serde(rename = "Big")]
    big: u128,
    float: f64,
    single: f32,
    flag: bool,
    letter: char,
    name: String,
    bytes: Blob,
    list: Vec<u8>,
    pair: (i8, Option<String>),
    fixed: [u16; 3],
    by_number: BTreeMap<i32, f64>,
    by_letter: BTreeMap<char, ()>,
    by_name: BTreeMap<String, Self>,
    children: Vec<Kind>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Nothing,
    One(Box<Node>),
    Two(i64, String),
    Three { x: Option<u8>, y: Blob },
}

fn blobs() -> impl Strategy<Value = Blob> {
    vec(any::<u8>(), 0..20).prop_map(Blob)
}

fn floats() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |float| float.is_finite())
}

fn leaves() -> impl Strategy<Value = Node> {
    let scalars = (
        any::<i64>(),
        any::<u128>(),
        floats(),
        any::<f32>().prop_filter("finite", |float| float.is_finite()),
        any::<bool>(),
        any::<char>(),
        any::<String>(),
    );
    let compounds = (
        blobs(),
        vec(any::<u8>(), 0..5),
        any::<(i8, Option<String>)>(),
        any::<[u16; 3]>(),
        btree_map(any::<i32>(), floats(), 0..3),
        btree_map(any::<char>(), Just(()), 0..3),
    );
    (scalars, compounds).prop_map(|(scalars, compounds)| {
        let (number, big, float, single, flag, letter, name) = scalars;
        let (bytes, list, pair, fixed, by_number, by_letter) = compounds;
        Node {
            number,
            big,
            float,
            single,
            flag,
            letter,
            name,
            bytes,
            list,
            pair,
            fixed,
            by_number,
            by_letter,
            by_name: BTreeMap::new(),
            children: Vec::new(),
        }
    })
}

fn nodes() -> impl Strategy<Value = Node> {
    leaves().prop_recursive(3, 20, 3, |inner| {
        let kinds = prop_oneof![
            Just(Kind::Nothing),
            inner.clone().prop_map(|node| Kind::One(node.into())),
            any::<(i64, String)>().prop_map(|(number, name)| Kind::Two(number, name)),
            (any::<Option<u8>>(), blobs()).prop_map(|(x, y)| Kind::Three { x, y }),
        ];
        let by_name = btree_map(any::<String>(), inner, 0..3);
        (leaves(), by_name, vec(kinds, 0..3)).prop_map(|(leaf, by_name, children)| Node {
            by_name,
            children,
            ..leaf
        })
    })
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Into::into),
            btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_comes_back(node in nodes()) {
        let text = text(&node);
        let range = Frame::new(usize::MAX).scan(text.as_bytes()).unwrap();
        prop_assert_eq!(range, Some(0..text.len()));
        prop_assert!(!text.contains('\n'));
        prop_assert_eq!(value::<Node>(&text), node);
    }

    #[test]
    fn untyped_values_are_those_of_serde_json(value in values()) {
        prop_assert_eq!(text(&value), value.to_string());
        prop_assert_eq!(self::value::<serde_json::Value>(&value.to_string()), value);
    }

    #[test]
    fn damaged_text_does_no_harm(node in nodes(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut text = Vec::new();
        write_untyped(&node, &mut text).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        let _ = Frame::new(usize::MAX).scan(&text);
        let _ = read::<Node>(&text);
        let _ = read::<serde_json::Value>(&text[..at]);
    }

    #[test]
    fn values_of_another_type_do_no_harm(value in values()) {
        let text = value.to_string();
        let _ = read::<Node>(text.as_bytes());
        let _ = read::<Vec<Kind>>(text.as_bytes());
        let _ = read::<BTreeMap<i32, Blob>>(text.as_bytes());
    }
}
