//! Values of unknown types, and what stands in interfaces.

use super::*;
use crate::{Dynamic, Interface, Schema, Value, to_vec};

/// struct Any { V interface }
const ANY: &str = "7f030101 03416e79 01ff80 00 01 01 010156 0110 00 00 00";

#[derive(Debug, PartialEq, Deserialize)]
struct Any<T> {
    v: T,
}

#[test]
fn what_stands_in_an_interface_is_read_with_or_without_its_wrapping() {
    let seven = stream(&[ANY, "ff80 01 03 696e74 04 02 00 0e 00"]);
    let interface = Interface {
        name: "int".to_owned(),
        value: Dynamic {
            schema: Schema::of::<i64>().clone(),
            value: Value::Int(7),
        },
    };
    assert_eq!(one::<Any<Interface>>(&seven).unwrap().v, interface);
    assert_eq!(
        one::<Any<Option<Interface>>>(&seven).unwrap().v,
        Some(interface.clone())
    );
    let value = Value::Interface(Some(Box::new(interface)));
    assert_eq!(one::<Any<Value>>(&seven).unwrap().v, value);
    let dynamic: Any<Dynamic> = one(&seven).unwrap();
    assert_eq!(
        (dynamic.v.to_string().as_str(), dynamic.v.value),
        ("int(7)", value)
    );
    assert_eq!(one::<Any<i8>>(&seven).unwrap().v, 7);
    assert_eq!(one::<Any<Option<i64>>>(&seven).unwrap().v, Some(7));
    assert_eq!(
        one::<Any<serde_json::Value>>(&seven).unwrap().v,
        serde_json::json!(7)
    );
    assert_eq!(
        one::<Any<u8>>(&seven).unwrap_err().category(),
        Category::Mismatch
    );
}

#[test]
fn a_nil_interface_is_nothing() {
    for nil in ["ff80 00", "ff80 01 00 00"] {
        let nil = stream(&[ANY, nil]);
        assert_eq!(one::<Any<Option<Interface>>>(&nil).unwrap().v, None);
        assert_eq!(one::<Any<Option<i64>>>(&nil).unwrap().v, None);
        assert_eq!(one::<Any<Value>>(&nil).unwrap().v, Value::Interface(None));
        assert_eq!(
            one::<Any<serde_json::Value>>(&nil).unwrap().v,
            serde_json::Value::Null
        );
        assert!(one::<Any<Interface>>(&nil).is_err());
    }
    // Absent, it is zero; sent on purpose, it is no number.
    assert_eq!(one::<Any<i64>>(&stream(&[ANY, "ff80 00"])).unwrap().v, 0);
    assert!(one::<Any<i64>>(&stream(&[ANY, "ff80 01 00 00"])).is_err());
}

#[test]
fn an_interface_takes_nothing_else() {
    assert_eq!(
        error::<Interface>("03040006").category(),
        Category::Mismatch
    );
    assert_eq!(one::<Value>("03040006").unwrap(), Value::Int(3));
}

#[test]
fn the_zero_of_a_field_of_any_type_is_that_of_its_type() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Dynamics {
        x: Dynamic,
        y: Value,
        new: Option<Dynamic>,
    }
    let zeros: Dynamics = one(&format!("{POINT} 05ff80 01 02 00")).unwrap();
    assert_eq!(
        (zeros.x.value, zeros.y, zeros.new),
        (Value::Int(1), Value::Int(0), None)
    );

    // struct { A [2]struct { S []int } }
    let array = [
        "7f0301 02ff80 00 01 01 010141 01ff82 00 00 00",
        "ff81 0101 02ff82 00 01ff84 0104 00 00",
        "ff83 0301 02ff84 00 01 01 010153 01ff86 00 00 00",
        "ff85 0201 02ff86 00 0104 00 00",
        "ff80 00",
    ];
    #[derive(Debug, Deserialize)]
    struct Outer {
        a: Value,
    }
    let zero: Outer = one(&stream(&array)).unwrap();
    let empty = Value::Struct(Vec::new());
    assert_eq!(zero.a, Value::Array(vec![empty.clone(), empty]));
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        s: Vec<i64>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Typed {
        a: [Inner; 2],
    }
    let zero: Typed = one(&stream(&array)).unwrap();
    assert_eq!(zero.a, [Inner { s: vec![] }, Inner { s: vec![] }]);
}

#[test]
fn dynamic_values_become_typed_ones() {
    let dynamic: Dynamic = one(&format!("{POINT} 05ff80 01 02 00")).unwrap();
    assert_eq!(dynamic.to::<Point>().unwrap(), Point { x: 1, y: 0 });
    assert_eq!(dynamic.to_string(), "Point{X: 1}");
    assert_eq!(dynamic.schema.to_string(), "Point{X int, Y int}");
    assert!(dynamic.to::<String>().is_err());
    assert_eq!(
        one::<Dynamic>(&hex(&to_vec(&dynamic).unwrap())).unwrap(),
        dynamic
    );
}

#[test]
fn text_formats_make_of_any_value_what_go_would() {
    let json = r#"{"a": [1, "x", null, 18446744073709551615, 1.5, true], "b": {}}"#;
    let dynamic: Dynamic = serde_json::from_str(json).unwrap();
    assert_eq!(dynamic.schema.to_string(), "map[string]any");
    assert_eq!(
        dynamic.to_string(),
        concat!(
            r#"{"a": []interface {}([int(1), string("x"), nil, uint(18446744073709551615), "#,
            r#"float64(1.5), bool(true)]), "b": map[string]interface {}({})}"#,
        )
    );
    let interface: Option<Interface> = serde_json::from_str("7").unwrap();
    assert_eq!(
        interface,
        Some(Interface {
            name: "int".to_owned(),
            value: one("0304000e").unwrap()
        })
    );
    let nil: Option<Interface> = serde_json::from_str("null").unwrap();
    assert_eq!(nil, None);
    // What was read can be written as gob.
    to_vec(&dynamic).unwrap();
}

#[test]
fn a_string_that_is_not_utf8_is_no_text_but_can_be_read_as_it_is() {
    let raw = "05 0c 00 02 fffe";
    assert_eq!(error::<String>(raw).category(), Category::OutOfRange);
    assert_eq!(
        one::<Value>(raw).unwrap(),
        Value::RawString(vec![0xff, 0xfe])
    );
    let error = error::<Any<String>>(&stream(&[
        "7f030101 03416e79 01ff80 00 01 01 010156 010c 00 00 00",
        "ff80 01 02 fffe 00",
    ]));
    assert_eq!(error.path(), "v");
}
