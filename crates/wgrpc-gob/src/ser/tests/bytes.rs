//! Bytes that Go was seen to write.

use std::collections::BTreeMap;

use super::*;
use crate::complex::Complex;

#[test]
fn values_of_builtin_types_are_whole_streams() {
    assert_eq!(message(&true), hex("03 02 00 01"));
    assert_eq!(message(&3i32), hex("03 04 00 06"));
    assert_eq!(message(&256u16), hex("05 06 00 fe 01 00"));
    assert_eq!(message(&17f64), hex("05 08 00 fe 31 40"));
    assert_eq!(message(&vec![1u8, 0, 255]), hex("06 0a 00 03 01 00 ff"));
    assert_eq!(message("héy"), hex("07 0c 00 04 68 c3 a9 79"));
    let complex = Complex { re: 1.0, im: -2.0 };
    assert_eq!(message(&complex), hex("07 0e 00 fe f0 3f ff c0"));
    assert_eq!(message(&15i64), hex("03 04 00 1e"));
    assert_eq!(message(&'A'), hex("04 04 00 ff 82"));
}

#[test]
fn floats_are_widened_and_reversed() {
    for (value, bytes) in [
        (0.0, "00"),
        (1.0, "fe f0 3f"),
        (-1.0, "fe f0 bf"),
        (1e6, "fc 80 84 2e 41"),
        (0.1, "f8 9a 99 99 99 99 99 b9 3f"),
        (-0.0, "ff 80"),
        (f64::INFINITY, "fe f0 7f"),
        (
            f64::from_bits(0x7ff8_0000_0000_0001),
            "f8 01 00 00 00 00 00 f8 7f",
        ),
        (f64::MAX, "f8 ff ff ff ff ff ff ef 7f"),
    ] {
        assert_eq!(body(&value), hex(&format!("00 {bytes}")), "{value}");
    }
    assert_eq!(body(&0.1f32), hex("00 fb a0 99 99 b9 3f"));
}

#[test]
fn structs_lists_and_arrays_are_written_as_go_writes_them() {
    assert_eq!(body(&Point { x: 22, y: 33 }), hex("01 2c 01 42 00"));
    let points = [(1, 2), (0, 0), (0, 3)].map(|(x, y)| Point { x, y });
    assert_eq!(
        body(&points.to_vec()),
        hex("00 03 01 02 01 04 00 00 02 06 00")
    );
    assert_eq!(body(&[0u8, 1, 128, 255]), hex("00 04 00 01 ff 80 ff ff"));
    assert_eq!(body(&vec![1i64; 0]), hex("00 00"));
    assert_eq!(
        body(&BTreeMap::from([("a", 1), ("b", 2)])),
        hex("00 02 01 61 02 01 62 04")
    );
}

#[test]
fn the_headers_of_calls_are_written_as_go_writes_them() {
    #[derive(Serialize)]
    struct Request {
        service_method: &'static str,
        seq: u64,
    }
    gob_struct!(Request { "ServiceMethod" "service_method": str, "Seq" "seq": u64 });
    let request = |seq| Request {
        service_method: "Arith.Add",
        seq,
    };
    assert_eq!(body(&request(0)), hex("01 09 \"Arith.Add\" 00"));
    assert_eq!(body(&request(1)), hex("01 09 \"Arith.Add\" 01 01 00"));
    assert_eq!(body(&Point { x: 7, y: 8 }), hex("01 0e 01 10 00"));
    assert_eq!(body(&()), hex("00"));
}

#[test]
fn zeros_are_left_out_of_structs_exactly_where_go_leaves_them_out() {
    #[derive(Default, Serialize)]
    struct Zeros {
        bool: bool,
        int: i8,
        uint: u8,
        float: f32,
        complex: Complex,
        string: String,
        bytes: Vec<u8>,
        slice: Vec<bool>,
        map: Option<BTreeMap<u8, u8>>,
        point: Option<Point>,
        unit: Option<()>,
    }
    gob_struct!(Zeros {
        "Bool" "bool": bool, "Int" "int": i8, "Uint" "uint": u8, "Float" "float": f32,
        "Complex" "complex": Complex, "String" "string": String, "Bytes" "bytes": Vec<u8>,
        "Slice" "slice": Vec<bool>, "Map" "map": Option<BTreeMap<u8, u8>>,
        "Point" "point": Option<Point>, "Unit" "unit": Option<()>,
    });
    assert_eq!(body(&Zeros::default()), hex("00"));
    let negative = Zeros {
        float: -0.0,
        complex: Complex { re: -0.0, im: 0.0 },
        ..Zeros::default()
    };
    assert_eq!(body(&negative), hex("00"));
    let nan = Zeros {
        float: f32::NAN,
        ..Zeros::default()
    };
    assert_eq!(body(&nan), hex("04 fe f8 7f 00"));

    #[derive(Default, Serialize)]
    struct NeverLeftOut {
        map: BTreeMap<u8, u8>,
        point: Point,
        array: [u8; 2],
        empty_array: [u8; 0],
        unit: (),
    }
    gob_struct!(NeverLeftOut {
        "Map" "map": BTreeMap<u8, u8>, "Point" "point": Point, "Array" "array": [u8; 2],
        "EmptyArray" "empty_array": [u8; 0], "Unit" "unit": (),
    });
    assert_eq!(
        body(&NeverLeftOut::default()),
        hex("01 00 01 00 01 02 00 00 01 00 01 00 00")
    );
}

#[test]
fn what_is_in_some_is_sent_even_if_it_is_zero() {
    #[derive(Serialize)]
    struct Options {
        int: Option<i32>,
        string: Option<&'static str>,
        list: Option<Vec<u32>>,
        last: Option<bool>,
    }
    gob_struct!(Options {
        "Int" "int": Option<i32>, "String" "string": Option<&'static str>,
        "List" "list": Option<Vec<u32>>, "Last" "last": Option<bool>,
    });
    let zeros = Options {
        int: Some(0),
        string: Some(""),
        list: Some(vec![]),
        last: Some(false),
    };
    assert_eq!(body(&zeros), hex("01 00 01 00 01 00 01 00 00"));
    let none = Options {
        int: None,
        string: None,
        list: None,
        last: Some(true),
    };
    assert_eq!(body(&none), hex("04 01 00"));
}

#[test]
fn a_message_of_any_length_has_the_right_prefix() {
    for len in [0, 1, 123, 124, 125, 252, 253, 65_531, 65_532, 1 << 20] {
        let text = "x".repeat(len);
        let message = message(&text);
        let mut reader = wire::Reader::new(&message);
        assert_eq!(reader.uint().unwrap(), reader.left() as u64);
        assert_eq!(reader.int().unwrap(), 6);
        assert_eq!(reader.byte().unwrap(), 0);
        assert_eq!(reader.bytes().unwrap(), text.as_bytes());
        assert!(reader.is_empty());
    }
}

#[test]
fn a_length_is_in_its_shortest_form_whatever_the_last_one_was() {
    for len in [1, 70_000, 2, 300, 200, 70_000, 70_001, 3, 1 << 20, 50] {
        let text = "x".repeat(len);
        let mut body = hex("0c 00");
        wire::put_bytes(&mut body, text.as_bytes());
        let mut expected = Vec::new();
        wire::put_bytes(&mut expected, &body);
        assert!(message(&text) == expected, "{len}");
    }
}
