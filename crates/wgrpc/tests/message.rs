//! `#[message]`: one type, with the same names and forms in every codec.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wgrpc::gob::{self, Schema};
use wgrpc::{Gob, message};

/// Checks the type in Go's notation, what the value is in JSON, both ways, and that it comes back
/// from gob.
#[track_caller]
fn check<T>(value: &T, ty: &str, json: Value)
where
    T: Gob + Debug + PartialEq + Serialize + DeserializeOwned,
{
    assert_eq!(Schema::of::<T>().to_string(), ty);
    assert_eq!(serde_json::to_value(value).unwrap(), json);
    assert_eq!(serde_json::from_value::<T>(json).unwrap(), *value);
    let bytes = gob::to_vec(value).unwrap();
    assert_eq!(gob::from_slice::<T>(&bytes).unwrap(), *value);
}

#[test]
fn a_struct_has_go_names_in_every_codec() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Args {
        a: i64,
        user_name: String,
        #[serde(rename = "UserID")]
        user_id: u32,
        r#type: Option<bool>,
    }

    check(
        &Args {
            a: 1,
            user_name: "x".to_owned(),
            user_id: 2,
            r#type: None,
        },
        "Args{A int, UserName string, UserID uint, Type bool}",
        json!({"A": 1, "UserName": "x", "UserID": 2, "Type": null}),
    );
}

#[test]
fn a_rule_of_the_user_is_for_json_and_gob_keeps_go_names() {
    #[message]
    #[derive(Debug, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Args {
        user_name: String,
    }

    check(
        &Args {
            user_name: "x".to_owned(),
        },
        "Args{UserName string}",
        json!({"userName": "x"}),
    );
}

#[test]
fn exact_names_are_left_alone() {
    #[message(exact)]
    #[derive(Debug, PartialEq)]
    struct Args {
        user_name: String,
    }

    check(
        &Args {
            user_name: "x".to_owned(),
        },
        "Args{user_name string}",
        json!({"user_name": "x"}),
    );
}

#[test]
fn enums_with_data_have_a_field_for_each_variant() {
    #[message]
    #[derive(Debug, PartialEq)]
    enum Figure {
        Nothing,
        Circle(f64),
        Rect { is_square: bool, side_length: f64 },
    }

    let ty = "Figure{Nothing struct{}, Circle float64, \
              Rect Rect{IsSquare bool, SideLength float64}}";
    check(&Figure::Nothing, ty, json!("Nothing"));
    check(&Figure::Circle(0.5), ty, json!({"Circle": 0.5}));
    check(
        &Figure::Rect {
            is_square: true,
            side_length: 2.0,
        },
        ty,
        json!({"Rect": {"IsSquare": true, "SideLength": 2.0}}),
    );
}

#[test]
fn flattened_and_wrapped_types_come_back() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Page {
        title: String,
        limit: Option<u8>,
        #[serde(flatten)]
        range: Range,
        unit: Unit,
        degrees: Celsius,
        corners: Corners,
    }
    #[message]
    #[derive(Debug, PartialEq)]
    struct Range {
        from_line: i64,
        to_line: i64,
        raw: Vec<u8>,
    }
    #[message]
    #[derive(Debug, PartialEq)]
    struct Unit;
    #[message]
    #[derive(Debug, PartialEq)]
    struct Celsius(f64);
    #[message]
    #[derive(Debug, PartialEq)]
    struct Corners(i8, [u16; 2]);

    let ty = "Page{Title string, Limit uint, FromLine int, ToLine int, Raw []byte, Unit Unit{}, \
              Degrees float64, Corners Corners{F0 int, F1 [2]uint}}";
    for limit in [Some(7), Some(0), None] {
        let page = Page {
            title: "x".to_owned(),
            limit,
            range: Range {
                from_line: 0,
                to_line: 9,
                raw: vec![0],
            },
            unit: Unit,
            degrees: Celsius(0.5),
            corners: Corners(-1, [0, 1]),
        };
        let json = json!({
            "Title": "x", "Limit": limit, "FromLine": 0, "ToLine": 9, "Raw": "AA==", "Unit": null,
            "Degrees": 0.5, "Corners": [-1, [0, 1]],
        });
        check(&page, ty, json);
    }
}

#[test]
fn an_enum_can_be_an_interface_in_gob() {
    #[message]
    #[derive(Debug, PartialEq)]
    #[gob(interface)]
    enum Figure {
        #[gob(name = "main.Circle")]
        Circle { radius: f64 },
        #[gob(name = "int")]
        Sides(i64),
    }
    #[message]
    #[derive(Debug, PartialEq)]
    struct Drawing {
        figures: Vec<Figure>,
    }

    let figures = vec![Figure::Circle { radius: 0.5 }, Figure::Sides(0)];
    check(
        &Drawing { figures },
        "Drawing{Figures []any}",
        json!({"Figures": [{"Circle": {"Radius": 0.5}}, {"Sides": 0}]}),
    );
}

#[test]
fn an_enum_without_data_is_its_name_or_its_number() {
    #[message]
    #[derive(Debug, PartialEq)]
    enum Color {
        Red,
        DarkGreen,
    }
    #[message(int)]
    #[derive(Debug, PartialEq)]
    enum Level {
        Low = -1,
        Middle,
        High = 7,
    }
    #[message(int)]
    #[derive(Debug, PartialEq)]
    #[repr(u64)]
    enum Mode {
        Off,
        On = u64::MAX,
        #[serde(other)]
        Unknown = 9,
    }

    check(&Color::DarkGreen, "string", json!("DarkGreen"));
    check(&Level::Low, "int", json!(-1));
    check(&Level::High, "int", json!(7));
    check(&Mode::On, "uint", json!(u64::MAX));
    let error = serde_json::from_value::<Level>(json!(1)).unwrap_err();
    assert_eq!(error.to_string(), "Level has no variant with the number 1");
    assert_eq!(
        serde_json::from_value::<Mode>(json!(5)).unwrap(),
        Mode::Unknown
    );
}

#[test]
fn types_with_parameters_and_lifetimes_can_be_messages() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Page<T> {
        items: Vec<T>,
        next_page: Option<u64>,
    }
    #[message]
    struct Borrowed<'a> {
        text: &'a str,
    }

    check(
        &Page {
            items: vec![true],
            next_page: Some(2),
        },
        "Page{Items []bool, NextPage uint}",
        json!({"Items": [true], "NextPage": 2}),
    );
    let text = serde_json::to_string(&Borrowed { text: "x" }).unwrap();
    assert_eq!(text, r#"{"Text":"x"}"#);
    assert_eq!(
        serde_json::from_str::<Borrowed<'_>>(&text).unwrap().text,
        "x"
    );
}

#[test]
fn derives_of_the_user_are_kept() {
    #[message]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
    struct Point {
        x: i64,
    }

    check(&Point::default(), "Point{X int}", json!({"X": 0}));
}

#[test]
fn types_that_go_sees_otherwise_have_the_forms_of_go() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Job {
        input: Vec<u8>,
        salt: Option<Vec<u8>>,
        output: Bytes,
        remarks: Option<Bytes>,
        timeout: Duration,
        retry_after: Option<Duration>,
        from: IpAddr,
        started: SystemTime,
        peer: SocketAddr,
        total: i128,
    }

    let job = |salt: Option<Vec<u8>>, retry_after| Job {
        input: vec![1, 2, 3],
        remarks: salt.clone().map(Bytes::from),
        salt,
        output: Bytes::from_static(&[1, 2]),
        timeout: Duration::from_micros(5),
        retry_after,
        from: IpAddr::from([127, 0, 0, 1]),
        started: SystemTime::UNIX_EPOCH,
        peer: SocketAddr::from(([127, 0, 0, 1], 80)),
        total: -5,
    };
    let ty = "Job{Input []byte, Salt []byte, Output []byte, Remarks []byte, Timeout int, \
              RetryAfter int, From []byte, Started Time, Peer AddrPort, Total Int}";
    let mut json = json!({
        "Input": "AQID",
        "Salt": "AA==",
        "Output": "AQI=",
        "Remarks": "AA==",
        "Timeout": 5_000,
        "RetryAfter": 1,
        "From": "127.0.0.1",
        "Started": "1970-01-01T00:00:00Z",
        "Peer": "127.0.0.1:80",
        "Total": -5,
    });
    let full = job(Some(vec![0]), Some(Duration::from_nanos(1)));
    check(&full, ty, json.clone());
    // What is optional may be missing, as it may without an adapter.
    let object = json.as_object_mut().unwrap();
    object.remove("Salt");
    object.remove("Remarks");
    object.remove("RetryAfter");
    assert_eq!(
        serde_json::from_value::<Job>(json).unwrap(),
        job(None, None)
    );
}
