//! Zeros of every type, and fields that have none.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::error::{Error, Result};

/// The zero of `T`, with the gaps that were found.
fn zero<T: DeserializeOwned>() -> Result<T> {
    let gaps = Gaps::new();
    Gaps::fill(|| T::deserialize(ZeroDeserializer::<Error>::new(&gaps, 16)))
}

#[test]
fn every_plain_type_has_a_zero() {
    type Numbers = (i8, u16, f32, i128, u128, char);
    assert_eq!(zero::<Numbers>().unwrap(), (0, 0, 0.0, 0, 0, '\0'));
    type Texts = (String, bool, Option<String>, ());
    assert_eq!(zero::<Texts>().unwrap(), (String::new(), false, None, ()));
    type Lists = (Vec<u8>, [u32; 3], BTreeMap<u8, u8>, HashMap<String, ()>);
    assert_eq!(zero::<Lists>().unwrap(), Lists::default());
    assert_eq!(
        zero::<serde_json::Value>().unwrap(),
        serde_json::Value::Null
    );
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    #[serde(alias = "b", alias = "c")]
    a: u8,
    #[serde(default = "seven")]
    seven: u8,
    pair: Pair,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Pair(i64, Wrapper);

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapper(String);

fn seven() -> u8 {
    7
}

#[test]
fn a_struct_of_zeros_keeps_its_defaults() {
    let expected = Inner {
        a: 0,
        seven: 7,
        pair: Pair(0, Wrapper(String::new())),
    };
    assert_eq!(zero::<Inner>().unwrap(), expected);
}

#[test]
fn gaps_that_are_known_are_not_found_again() {
    let gaps = Gaps::new();
    let mut attempts = 0;
    let mut attempt = || {
        Gaps::fill(|| {
            attempts += 1;
            Inner::deserialize(ZeroDeserializer::<Error>::new(&gaps, 16))
        })
        .unwrap()
    };
    attempt();
    attempt();
    // One fails for `a`, one for `pair`, and two succeed.
    assert_eq!(attempts, 4);
}

#[test]
fn an_enum_has_no_zero_and_its_name_is_told() {
    #[derive(Debug, Deserialize)]
    enum Color {
        Red,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Painted {
        color: Color,
    }
    let _ = Color::Red;
    let error = zero::<Painted>().unwrap_err();
    assert!(
        error.to_string().contains("the enum `Color` is absent"),
        "{error}"
    );
}

#[test]
fn a_struct_that_contains_itself_by_all_means_has_no_zero() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Endless {
        next: Box<Self>,
    }
    let error = zero::<Endless>().unwrap_err();
    assert!(error.to_string().contains("contains itself"), "{error}");
    #[derive(Debug, PartialEq, Deserialize)]
    struct Ends {
        next: Option<Box<Self>>,
    }
    assert_eq!(zero::<Ends>().unwrap(), Ends { next: None });
}
