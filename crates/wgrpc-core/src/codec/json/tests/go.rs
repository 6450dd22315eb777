//! Texts that Go's encoding/json wrote or read, and the values that they stand for there.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Blob, read, read_error, same, text, value, write_error};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    #[serde(rename = "X")]
    x: i64,
    #[serde(rename = "Y")]
    y: i64,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct All {
    b: bool,
    i: i64,
    u: u64,
    f: f64,
    g: f32,
    s: String,
    r: char,
    y: Blob,
    l: Vec<i64>,
    a: [i8; 3],
    m: BTreeMap<i32, String>,
    n: BTreeMap<String, Inner>,
    p: Option<i64>,
    #[serde(rename = "In")]
    inner: Inner,
    e: (),
    d: i64,
    #[serde(rename = "Any")]
    any: serde_json::Value,
}

fn full() -> All {
    All {
        b: true,
        i: -5,
        u: u64::MAX,
        f: 1e21,
        g: 0.1,
        s: "a<b>&\u{2028}\"\\\n\u{1}é😀\u{7f}".to_owned(),
        r: 'é',
        y: Blob(vec![0, 1, 254, 255]),
        l: vec![1, -2],
        a: [1, 2, 3],
        m: BTreeMap::from([(-1, "a".to_owned()), (20, "b".to_owned())]),
        n: BTreeMap::from([("k".to_owned(), Inner { x: 1, y: 2 })]),
        p: Some(7),
        inner: Inner { x: 3, y: 4 },
        e: (),
        d: 1_500_000_000,
        any: serde_json::json!([1, "x", null]),
    }
}

#[test]
fn a_struct_of_everything_is_read_from_go() {
    let zeros = concat!(
        r#"{"B":false,"I":0,"U":0,"F":0,"G":0,"S":"","R":0,"Y":null,"L":null,"A":[0,0,0],"#,
        r#""M":null,"N":null,"P":null,"In":{"X":0,"Y":0},"E":{},"D":0,"Any":null}"#
    );
    assert_eq!(value::<All>(zeros), All::default());
    let text = concat!(
        r#"{"B":true,"I":-5,"U":18446744073709551615,"F":1e+21,"G":0.1,"#,
        r#""S":"a\u003cb\u003e\u0026\u2028\"\\\n\u0001é😀"#,
        "\u{7f}",
        r#"","R":233,"Y":"AAH+/w==","L":[1,-2],"A":[1,2,3],"M":{"-1":"a","20":"b"},"#,
        r#""N":{"k":{"X":1,"Y":2}},"P":7,"In":{"X":3,"Y":4},"E":{},"D":1500000000,"#,
        r#""Any":[1,"x",null]}"#
    );
    assert_eq!(value::<All>(text), full());
}

#[test]
fn a_struct_of_everything_is_written_as_go_reads_it() {
    let expected = concat!(
        r#"{"B":true,"I":-5,"U":18446744073709551615,"F":1e+21,"G":0.1,"#,
        "\"S\":\"a<b>&\u{2028}\\\"\\\\\\n\\u0001é😀\u{7f}\"",
        r#","R":233,"Y":"AAH+/w==","L":[1,-2],"A":[1,2,3],"M":{"-1":"a","20":"b"},"#,
        r#""N":{"k":{"X":1,"Y":2}},"P":7,"In":{"X":3,"Y":4},"E":{},"D":1500000000,"#,
        r#""Any":[1,"x",null]}"#
    );
    assert_eq!(text(&full()), expected);
}

#[test]
fn floats_have_the_text_of_go() {
    let texts = [
        "0",
        "-0",
        "1",
        "-1",
        "1.5",
        "100",
        "1000000",
        "1000000000000000",
        "10000000000000000",
        "123456789012345680",
        "100000000000000000000",
        "1e+21",
        "1.5e+21",
        "0.00001",
        "0.000001",
        "0.00000125",
        "1e-7",
        "9.999999e-7",
        "1.5e-9",
        "5e-324",
        "1.7976931348623157e+308",
        "0.1",
        "0.3333333333333333",
        "2.2250738585072014e-308",
    ];
    for expected in texts {
        assert_eq!(text(&expected.parse::<f64>().unwrap()), expected);
        let read: f64 = value(expected);
        assert_eq!(read.to_bits(), expected.parse::<f64>().unwrap().to_bits());
    }
    let texts = [
        "0",
        "1",
        "0.1",
        "16777216",
        "0.000001",
        "1e-7",
        "100000000000000000000",
        "1e+21",
        "3.4028235e+38",
        "1e-45",
        "34000000000",
    ];
    for text in texts {
        same(text.parse::<f32>().unwrap(), text);
    }
}

#[test]
fn what_go_cannot_write_is_an_error() {
    assert_eq!(write_error(&f64::NAN), "NaN has no form in JSON");
    assert_eq!(write_error(&f32::NEG_INFINITY), "-inf has no form in JSON");
    assert_eq!(
        write_error(&HashMap::from([("a", [1.0, f64::INFINITY])])),
        "[0][1]: inf has no form in JSON"
    );
    assert_eq!(
        write_error(&HashMap::from([((), 1)])),
        "[0]: key must be a string"
    );
    assert_eq!(
        write_error(&BTreeMap::from([(Blob::default(), 1)])),
        "[0]: key must be a string"
    );
}

#[test]
fn nil_and_empty_are_empty() {
    assert_eq!(value::<Blob>("null"), Blob::default());
    same(Blob::default(), r#""""#);
    same(Blob(vec![1, 2, 3]), r#""AQID""#);
    assert_eq!(value::<Vec<i64>>("null"), [0; 0]);
    same(Vec::<i64>::new(), "[]");
    assert_eq!(value::<HashMap<String, i64>>("null"), HashMap::new());
    same(HashMap::<String, i64>::new(), "{}");
    assert_eq!(value::<Inner>("null"), Inner::default());
    assert_eq!(value::<(i64, String)>("null"), (0, String::new()));
    assert_eq!(
        value::<(bool, char, f32, u128)>("null"),
        (false, '\0', 0.0, 0)
    );
    assert_eq!(value::<Vec<Option<u8>>>("[null,1]"), [None, Some(1)]);
    assert_eq!(value::<serde_json::Value>("null"), serde_json::Value::Null);
}

#[test]
fn bytes_are_read_from_every_form_that_go_reads() {
    for text in [r#""AQ==""#, r#""AR==""#, r#""AQ\n=\r=""#, "[1]"] {
        assert_eq!(value::<Blob>(text), Blob(vec![1]), "{text}");
        assert_eq!(value::<Vec<u8>>(text), [1], "{text}");
    }
    assert_eq!(value::<Blob>("[]"), Blob::default());
    assert_eq!(value::<Vec<u8>>(r#""""#), [] as [u8; 0]);
    for text in [r#""AQ""#, r#""A""#, r#""*Q==""#] {
        let error = read_error::<Blob>(text);
        assert!(error.starts_with("not base64: "), "{error}");
    }
    assert!(read_error::<Blob>("[1,256]").contains("expected u8"));
}

#[test]
fn chars_are_integers() {
    same('x', "120");
    same('😀', "128512");
    assert_eq!(value::<char>(r#""😀""#), '😀');
    assert_eq!(value::<char>(r#""7""#), '7');
    same(
        BTreeMap::from([('a', true), ('b', false)]),
        r#"{"97":true,"98":false}"#,
    );
    same(BTreeMap::from([('\u{7}', 1)]), r#"{"7":1}"#);
    for text in ["-1", "55296", "1114112", "1.5", r#""ab""#, r#""""#] {
        let error = read_error::<char>(text);
        assert!(error.contains("a character or its number"), "{error}");
    }
}

#[test]
fn units_are_empty_structs() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;

    same((), "{}");
    same(Unit, "{}");
    same(Some(()), "{}");
    same(None::<()>, "null");
    same((1, ()), "[1,{}]");
    // Here serde lets nobody see the type.
    same(vec![(), ()], "[null,null]");
    same(serde_json::Value::Null, "null");
    for text in ["null", "42", r#"{"A":[1]}"#] {
        value::<()>(text);
    }
}

#[test]
fn keys_match_exactly_or_else_in_any_case() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Keys {
        #[serde(rename = "Name")]
        name: i64,
        #[serde(rename = "NAME")]
        upper: i64,
        #[serde(rename = "ID", alias = "Identity")]
        id: i64,
    }

    let read = value::<Keys>(r#"{"NAME":1,"Other":{"Name":[]},"Name":2,"identity":3}"#);
    let keys = Keys {
        name: 2,
        upper: 1,
        id: 3,
    };
    assert_eq!(read, keys);
    let read = value::<Keys>(r#"{"name":2,"id":3}"#);
    assert_eq!(read, Keys { upper: 0, ..keys });
}

#[test]
fn arrays_are_filled_up_and_cut_off() {
    assert_eq!(value::<[i64; 2]>("[1]"), [1, 0]);
    assert_eq!(value::<[i64; 2]>("[1,2,3,{}]"), [1, 2]);
    assert_eq!(value::<[i64; 2]>("null"), [0, 0]);
    same((1, "a".to_owned()), r#"[1,"a"]"#);
    assert_eq!(
        value::<[[Inner; 1]; 2]>("[[]]"),
        <[[Inner; 1]; 2]>::default()
    );
}

#[test]
fn strings_are_unescaped() {
    assert_eq!(value::<String>(r#""bad \ufffd utf8""#), "bad \u{fffd} utf8");
    assert_eq!(value::<String>(r#""\ud800\udc00\/""#), "\u{10000}/");
    let half = read_error::<String>(r#""\ud800x""#);
    assert!(half.contains("at line 1 column"), "{half}");
    let invalid = read_error::<String>(b"\"\xff\"");
    assert!(
        invalid.starts_with("invalid unicode code point"),
        "{invalid}"
    );
    // Borrowed where nothing has to be undone.
    assert_eq!(read::<&str>(br#""abc""#).unwrap(), "abc");
}

#[test]
fn numbers_that_go_takes_for_no_integer_are_none() {
    for text in ["1.0", "1e2", r#""1""#, "99999999999999999999", "true", "[]"] {
        read_error::<i64>(text);
    }
    same(i128::MIN, "-170141183460469231731687303715884105728");
    same(u128::MAX, "340282366920938463463374607431768211455");
}
