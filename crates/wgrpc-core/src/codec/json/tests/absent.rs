//! Keys that are absent: Go's zero, unless the type says otherwise.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Blob, read_error, value};

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    id: u64,
    name: String,
    tags: Vec<String>,
    data: Blob,
    limit: Option<u8>,
    price: Price,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    notes: HashMap<String, Price>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Price {
    cents: i64,
    #[serde(default = "one")]
    unit: u32,
    rates: [f64; 2],
}

fn one() -> u32 {
    1
}

fn price(cents: i64) -> Price {
    Price {
        cents,
        unit: 1,
        rates: [0.0; 2],
    }
}

fn order(id: u64) -> Order {
    Order {
        id,
        name: String::new(),
        tags: Vec::new(),
        data: Blob::default(),
        limit: None,
        price: price(0),
        count: 1,
        notes: HashMap::new(),
    }
}

#[test]
fn absent_fields_are_zero_unless_they_have_a_default() {
    assert_eq!(value::<Order>("{}"), order(0));
    assert_eq!(value::<Order>("null"), order(0));
    assert_eq!(value::<Order>(r#"{"PRICE":{},"id":3}"#), order(3));
}

#[test]
fn what_is_absent_from_one_struct_may_be_present_in_the_next() {
    let text = r#"[{"id":1},{"name":"","price":{"cents":0}},{"id":2,"price":{"cents":5}}]"#;
    let last = Order {
        price: price(5),
        ..order(2)
    };
    assert_eq!(value::<Vec<Order>>(text), [order(1), order(0), last]);
}

#[test]
fn maps_get_no_entries_from_structs_beside_them() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Both {
        map: HashMap<String, Price>,
        a: i64,
    }

    let read: Vec<HashMap<String, Both>> = value(r#"[{"k":{"map":{"x":{}}}}]"#);
    let both = Both {
        map: HashMap::from([("x".to_owned(), price(0))]),
        a: 0,
    };
    assert_eq!(read, [HashMap::from([("k".to_owned(), both)])]);
}

#[test]
fn fields_beside_a_flattened_struct_are_zero_too() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        a: i64,
        #[serde(flatten)]
        inner: Flat,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        b: i64,
    }

    let outer = Outer {
        a: 0,
        inner: Flat { b: 2 },
    };
    assert_eq!(value::<Outer>(r#"{"b":2}"#), outer);
    read_error::<Outer>("{}");
}

#[test]
fn structs_of_one_name_are_told_apart() {
    mod first {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        pub(super) struct Item {
            pub(super) a: i64,
        }
    }
    mod second {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        pub(super) struct Item {
            #[serde(default = "super::seven")]
            pub(super) a: i64,
        }
    }

    let read: (first::Item, second::Item) = value("[{},{}]");
    assert_eq!(read, (first::Item { a: 0 }, second::Item { a: 7 }));
}

fn seven() -> i64 {
    7
}

#[test]
fn a_type_without_a_zero_has_to_be_there() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never read successfully")]
    struct Car {
        color: Color,
    }

    #[derive(Debug, Deserialize)]
    enum Color {
        Red,
    }

    assert_eq!(value::<Color>(r#""Red""#) as u8, Color::Red as u8);
    let error = read_error::<Vec<Car>>("[{}]");
    let expected = "[0].color: absent, and there is no zero: null is no variant of Color";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_zero_without_end_is_an_error() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "there is no value of it")]
    struct Endless {
        inner: Box<Self>,
    }

    let error = read_error::<Endless>("{}");
    assert!(
        error.contains("the zero of this type has no end"),
        "{error}"
    );
}

#[test]
fn a_key_that_comes_twice_is_an_error() {
    let error = read_error::<Price>(r#"{"cents":1,"Cents":2}"#);
    assert!(error.starts_with("duplicate field `cents`"), "{error}");
    let map: HashMap<String, i64> = value(r#"{"a":1,"a":2}"#);
    assert_eq!(map, HashMap::from([("a".to_owned(), 2)]));
}

#[test]
fn unknown_keys_are_an_error_only_where_the_type_denies_them() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        a: i64,
    }

    assert_eq!(value::<Strict>(r#"{"A":1}"#), Strict { a: 1 });
    let error = read_error::<Strict>(r#"{"b":1}"#);
    assert!(error.starts_with("unknown field `b`"), "{error}");
}
