//! Values that bring their own types, and the definitions that they need.

use super::*;
use crate::{Dynamic, Encoder, Interface, Scan, Scanner, Value, to_vec};

#[derive(Serialize)]
struct Any {
    v: Option<Interface>,
}
gob_struct!(Any { "V" "v": Option<Interface> });

fn any(value: impl Into<Interface>) -> Any {
    Any {
        v: Some(value.into()),
    }
}

/// The last value of a stream, with its type.
fn read(stream: &[u8]) -> Dynamic {
    let limits = Limits::default();
    let mut scanner = Scanner::new(limits.clone());
    let mut rest = stream;
    loop {
        let Scan::Value {
            consumed,
            id,
            payload,
        } = scanner.scan(rest).unwrap()
        else {
            panic!("cut off");
        };
        rest = &rest[consumed..];
        if rest.is_empty() {
            return Dynamic::decode(scanner.types(), id, &payload, &limits).unwrap();
        }
    }
}

#[test]
fn values_in_interfaces_are_written_as_go_writes_them() {
    let int = |name, value: i64| Interface::new(name, &value).unwrap();
    assert_eq!(
        body(&any(int("int", 7))),
        hex("01 03 \"int\" 04 02 00 0e 00")
    );
    assert_eq!(
        message(&int("int", 5)),
        hex("0a 10 00 03 \"int\" 04 02 00 0a")
    );
    assert_eq!(message(&None::<Interface>), hex("03 10 00 00"));
    assert_eq!(body(&Any { v: None }), hex("00"));
    let list = vec![
        Some(Interface::from(true)),
        None,
        Some(Interface::from("x")),
    ];
    assert_eq!(
        body(&list),
        hex("00 03 04 \"bool\" 02 02 00 01 00 06 \"string\" 0c 03 00 01 78")
    );
}

#[test]
fn every_type_that_go_knows_has_its_name() {
    for (interface, name, shown) in [
        (Interface::from(true), "bool", "bool"),
        (Interface::from(1isize), "int", "int"),
        (Interface::from(1i8), "int8", "int"),
        (Interface::from(1u64), "uint64", "uint"),
        (Interface::from(1u8), "uint8", "uint"),
        (Interface::from(1.0f32), "float32", "float64"),
        (Interface::from("x"), "string", "string"),
        (Interface::from(vec![1u8]), "[]uint8", "[]byte"),
        (Interface::from(vec![1i32]), "[]int32", "[]int"),
        (
            Interface::from(vec!["x".to_owned()]),
            "[]string",
            "[]string",
        ),
    ] {
        assert_eq!(interface.name, name);
        assert_eq!(interface.value.schema.to_string(), shown);
        assert_eq!(read(&to_vec(&interface).unwrap()).value, {
            Value::Interface(Some(Box::new(interface)))
        });
    }
}

#[test]
fn the_types_in_interfaces_are_defined_before_the_value() {
    let point = Interface::new("main.Point", &Point { x: 2, y: 3 }).unwrap();
    let nested = Interface::new("main.Any", &any(point.clone())).unwrap();
    let dynamics = Dynamics::new(10);
    let (mut out, limits) = (Vec::new(), Limits::default());
    let needs = encode(
        Schema::of::<Any>(),
        &any(nested.clone()),
        &dynamics,
        &limits,
        &mut out,
    );
    let needs: Vec<String> = needs.unwrap().iter().map(Schema::to_string).collect();
    assert_eq!(needs, ["Point{X int, Y int}", "Any{V any}"]);

    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    encoder.encode(&any(nested.clone()), &mut stream).unwrap();
    let first = stream.len();
    encoder.encode(&any(nested.clone()), &mut stream).unwrap();
    // The second time there is nothing but the value, whose ids have five bytes.
    assert_eq!(stream.len() - first, out.len());
    let expected = Value::Struct(vec![(0, Value::Interface(Some(Box::new(nested))))]);
    assert_eq!(read(&stream).value, expected);
}

#[test]
fn a_failure_inside_an_interface_leaves_no_trace() {
    let broken = Interface {
        name: "main.Point".to_owned(),
        value: Dynamic {
            schema: Schema::of::<Point>().clone(),
            value: Value::Struct(vec![(1, Value::Bool(true))]),
        },
    };
    let (mut encoder, mut stream) = (Encoder::new(), b"before".to_vec());
    encoder
        .encode(&any(broken.clone()), &mut stream)
        .unwrap_err();
    assert_eq!(stream, b"before");
    encoder.encode(&any("x"), &mut stream).unwrap();
    assert_eq!(stream[6..], to_vec(&any("x")).unwrap());

    let numbered = |value| Interface {
        value: Dynamic {
            value,
            ..broken.value.clone()
        },
        ..broken.clone()
    };
    for value in [
        Value::Int(1),
        Value::Struct(vec![(2, Value::Int(1))]),
        Value::Struct(vec![(0, Value::Int(1)), (0, Value::Int(1))]),
        Value::Slice(vec![]),
    ] {
        error(&any(numbered(value)));
    }
    for name in ["", &"x".repeat(1025)] {
        let interface = Interface::new(name, &1).unwrap();
        assert_eq!(error(&any(interface)).category(), Category::Unsupported);
    }
}

#[test]
fn a_string_that_is_no_text_is_sent_as_it_is() {
    let raw = Value::RawString(b"\xff\xfe".to_vec());
    let dynamic = Dynamic {
        schema: Schema::of::<String>().clone(),
        value: raw.clone(),
    };
    assert_eq!(to_vec(&dynamic).unwrap(), hex("05 0c 00 02 ff fe"));
    assert_eq!(read(&to_vec(&dynamic).unwrap()).value, raw);
}

#[test]
fn a_zero_that_was_sent_is_sent_again() {
    let dynamic = Dynamic {
        schema: Schema::of::<Point>().clone(),
        value: Value::Struct(vec![(1, Value::Int(0))]),
    };
    let stream = to_vec(&dynamic).unwrap();
    assert_eq!(stream[stream.len() - 3..], [2, 0, 0]);
    assert_eq!(read(&stream).value, dynamic.value);
}

#[test]
fn a_bare_interface_value_needs_its_name() {
    #[derive(Serialize)]
    struct Bare {
        v: i64,
    }
    let refused = error_with(Schema::of::<Any>(), &Bare { v: 1 });
    assert_eq!(refused.category(), Category::Mismatch);
    let dynamic = Dynamic::new(&1i64).unwrap();
    let refused = error_with(Schema::of::<i64>(), &dynamic);
    assert!(refused.to_string().contains("`Interface`"), "{refused}");
}

#[test]
fn formats_made_for_people_get_the_bare_value() {
    let dynamic = Dynamic::new(&any(vec![1u8, 2])).unwrap();
    assert_eq!(serde_json::to_string(&dynamic).unwrap(), r#"{"V":"AQI="}"#);
    let any = any(Interface::new("main.Point", &Point { x: 1, y: 0 }).unwrap());
    assert_eq!(serde_json::to_string(&any).unwrap(), r#"{"v":{"X":1}}"#);
}
