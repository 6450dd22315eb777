//! Plain JSON of values that Rust types make.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use wgrpc::gob::{Complex, Dynamic, Gob, Interface};
use wgrpc::message;

use super::Plain;

#[track_caller]
fn check<T: Serialize + Gob>(value: &T, json: &str) {
    let dynamic = Dynamic::new(value).unwrap();
    assert_eq!(serde_json::to_string(&Plain(&dynamic)).unwrap(), json);
}

#[test]
fn values_without_fields_are_as_json_has_them() {
    check(&true, "true");
    check(&-7, "-7");
    check(&u64::MAX, "18446744073709551615");
    check(&1.5, "1.5");
    check(&f64::NAN, r#""NaN""#);
    check(&f64::NEG_INFINITY, r#""-inf""#);
    check(&Complex { re: 1.0, im: -2.0 }, "[1.0,-2.0]");
    check(&b"hi".to_vec(), r#""aGk=""#);
    check(&vec!["a", "b"], r#"["a","b"]"#);
    check(&Some(Interface::from(7i64)), "7");
}

#[test]
fn maps_are_objects_where_they_can_be() {
    check(&BTreeMap::from([("b", 1), ("a", 2)]), r#"{"a":2,"b":1}"#);
    check(&BTreeMap::from([(10u8, 1), (9, 2)]), r#"{"10":1,"9":2}"#);
    check(&BTreeMap::from([(true, 1)]), "[[true,1]]");
}

#[test]
fn fields_that_gob_leaves_out_are_zero() {
    #[message]
    #[derive(Default)]
    struct Inner {
        flag: bool,
    }

    #[message]
    #[derive(Default)]
    struct Record {
        int: i64,
        float: f64,
        text: String,
        bytes: Vec<u8>,
        list: Vec<String>,
        pointer: Option<Box<Inner>>,
        held: Inner,
        map: Option<BTreeMap<String, i64>>,
        array: [i64; 2],
        last: u8,
    }

    check(
        &Record {
            last: 1,
            ..Default::default()
        },
        concat!(
            r#"{"Int":0,"Float":0.0,"Text":"","Bytes":"","List":[],"Pointer":null,"#,
            r#""Held":{"Flag":false},"Map":{},"Array":[0,0],"Last":1}"#
        ),
    );
}

#[test]
fn times_are_texts_and_other_opaque_values_base64() {
    #[message]
    struct Event {
        at: SystemTime,
        took: Duration,
        size: i128,
    }

    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    check(
        &Event {
            at,
            took: Duration::from_nanos(7),
            size: 5,
        },
        r#"{"At":"1970-01-01T00:00:01.5Z","Took":7,"Size":"AgU="}"#,
    );
}
