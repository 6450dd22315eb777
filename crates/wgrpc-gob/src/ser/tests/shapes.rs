//! Every shape that serde has, and the wire form that the schema gives it.

use std::collections::{BTreeMap, LinkedList};
use std::fmt;

use serde::Serializer;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};

use super::*;
use crate::types::Marshaler;

/// A schema made on the spot.
fn schema(describe: impl FnOnce(&mut Builder) -> Ref) -> Schema {
    let mut types = Builder::new();
    let root = describe(&mut types);
    types.finish(root)
}

#[test]
fn tuples_are_structs_or_arrays_as_the_schema_says() {
    #[derive(Serialize)]
    struct Pair(i32, i32);
    assert_eq!(body(&(0, true)), hex("02 01 00"));
    assert_eq!(body(&(5, "x", 1u8)), hex("01 0a 01 01 78 01 01 00"));
    let array = schema(|types| {
        let int = types.int();
        types.array(int, 2)
    });
    assert_eq!(body_with(&array, &Pair(1, 2)), hex("00 02 02 04"));
    assert_eq!(body_with(&array, &vec![1, 2]), hex("00 02 02 04"));
    assert_eq!(
        body_with(Schema::of::<(i32, i32)>(), &Pair(1, 2)),
        hex("01 02 01 04 00")
    );
}

#[test]
fn newtypes_are_what_is_in_them() {
    #[derive(Serialize)]
    struct Meters(f64);
    assert_eq!(
        body_with(Schema::of::<f64>(), &Meters(1.0)),
        hex("00 fe f0 3f")
    );
}

#[derive(Serialize)]
enum Figure {
    Nothing,
    Radius(f64),
    Sides(i32, i32),
    Box { width: u8, height: u8 },
}

/// The payloads of [`Figure`]'s variants.
fn figure(types: &mut Builder) -> [(&'static str, &'static str, Ref); 4] {
    let (uint, float) = (types.uint(), types.float());
    [
        ("Nothing", "main.Nothing", types.of::<()>()),
        ("Radius", "float64", float),
        ("Sides", "main.Sides", types.of::<(i32, i32)>()),
        (
            "Box",
            "main.Box",
            types.structure(
                "Box",
                [("Width", "width", uint), ("Height", "height", uint)],
            ),
        ),
    ]
}

#[test]
fn enums_with_data_are_structs_with_a_field_for_each_variant() {
    let union = schema(|types| {
        let variants = figure(types).map(|(key, _, ty)| (key, key, ty));
        types.structure("Figure", variants)
    });
    for (value, bytes) in [
        (Figure::Nothing, "01 00 00"),
        (Figure::Radius(0.0), "02 00 00"),
        (Figure::Sides(0, 2), "03 02 04 00 00"),
        (
            Figure::Box {
                width: 1,
                height: 0,
            },
            "04 01 01 00 00",
        ),
    ] {
        assert_eq!(body_with(&union, &value), hex(bytes));
    }
    let list = schema(|types| {
        let variants = figure(types).map(|(key, _, ty)| (key, key, ty));
        let elem = types.structure("Figure", variants);
        types.slice(elem)
    });
    assert_eq!(
        body_with(&list, &[Figure::Radius(1.0), Figure::Nothing][..]),
        hex("00 02 02 fe f0 3f 00 01 00 00")
    );
}

#[test]
fn enums_in_an_interface_carry_their_names_and_types() {
    let interface = schema(|types| {
        let variants = figure(types);
        types.interface_of(variants)
    });
    let id = |schema: &Schema| {
        let mut bytes = Vec::new();
        wire::put_int(&mut bytes, schema.id().unwrap().number().into());
        bytes
    };
    assert_eq!(
        body_with(&interface, &Figure::Radius(1.0)),
        hex("00 07 \"float64\" 08 04 00 fe f0 3f")
    );
    let unit = id(Schema::of::<()>());
    assert_eq!(
        body_with(&interface, &Figure::Nothing),
        [hex("00 0c \"main.Nothing\""), unit, hex("01 00")].concat()
    );
    let sides = id(Schema::of::<(i32, i32)>());
    assert_eq!(
        body_with(&interface, &Figure::Sides(1, 2)),
        [hex("00 0a \"main.Sides\""), sides, hex("05 01 02 01 04 00")].concat()
    );
    assert_eq!(body_with(&interface, &None::<Figure>), hex("00 00"));
}

#[test]
fn a_long_value_in_an_interface_has_a_long_count() {
    #[derive(Serialize)]
    enum Any {
        Text(String),
    }
    let interface = schema(|types| {
        let string = types.string();
        types.interface_of([("Text", "string", string)])
    });
    let text = "x".repeat(200);
    let expected = [
        hex("00 06 \"string\" 0c ff cb 00 ff c8"),
        text.clone().into(),
    ]
    .concat();
    assert_eq!(body_with(&interface, &Any::Text(text)), expected);
}

#[test]
fn plain_enums_are_texts_or_numbers() {
    #[derive(Serialize)]
    #[expect(dead_code, reason = "only one variant is written")]
    enum Color {
        Red,
        Green,
    }
    assert_eq!(
        body_with(Schema::of::<String>(), &Color::Green),
        hex("00 05 \"Green\"")
    );
    assert_eq!(body_with(Schema::of::<i32>(), &Color::Green), hex("00 02"));
    assert_eq!(body_with(Schema::of::<u32>(), &Color::Green), hex("00 01"));
}

#[test]
fn bytes_come_in_every_form() {
    struct Bytes<'a>(&'a [u8]);
    impl Serialize for Bytes<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
    let opaque = schema(|types| types.opaque("URL", Marshaler::Binary));
    let bytes = Schema::of::<Vec<u8>>();
    let (text, expected) = (&b"ab"[..], hex("00 02 61 62"));
    assert_eq!(body_with(bytes, &Bytes(text)), expected);
    assert_eq!(body_with(bytes, &text), expected);
    assert_eq!(body_with(bytes, &LinkedList::from([97u8, 98])), expected);
    assert_eq!(body_with(bytes, &[97u8, 98]), expected);
    assert_eq!(body_with(&opaque, &Bytes(text)), expected);
    assert_eq!(body_with(&opaque, &text), expected);
    assert_eq!(body_with(&opaque, "ab"), expected);
    assert_eq!(body_with(Schema::of::<Vec<u64>>(), &Bytes(text)), expected);
    assert_eq!(body_with(Schema::of::<[u8; 2]>(), &Bytes(text)), expected);
    let holder = schema(|types| {
        let opaque = types.opaque("URL", Marshaler::Binary);
        types.structure("Page", [("Url", "url", opaque)])
    });
    let empty = BTreeMap::from([("url", "")]);
    assert_eq!(
        body_with(&holder, &empty),
        hex("01 00 00"),
        "opaque values are always sent"
    );
}

/// A sequence that does not say how long it is, or says it wrongly.
struct Stream(u64, Option<usize>);

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(self.1)?;
        for i in 0..self.0 {
            list.serialize_element(&(i as u8))?;
        }
        list.end()
    }
}

#[test]
fn lists_of_unknown_length_are_counted() {
    #[derive(Serialize)]
    struct Holder {
        first: Stream,
        second: Stream,
    }
    gob_struct!(Holder { "First" "first": Vec<u8>, "Second" "second": Vec<u16> });
    for len in [0, 1, 127, 128, 300] {
        let plain = |len: u64| (0..len).map(|i| i as u8).collect::<Vec<u8>>();
        for hint in [None, Some(0), Some(5), Some(200)] {
            let (bytes, list) = (Schema::of::<Vec<u8>>(), Schema::of::<Vec<u16>>());
            assert_eq!(body_with(bytes, &Stream(len, hint)), body(&plain(len)));
            let wide: Vec<u16> = plain(len).into_iter().map(u16::from).collect();
            assert_eq!(body_with(list, &Stream(len, hint)), body(&wide));
        }
    }
    let holder = Holder {
        first: Stream(0, None),
        second: Stream(2, None),
    };
    assert_eq!(body(&holder), hex("02 02 00 01 00"));
}

#[test]
fn maps_of_unknown_length_are_counted() {
    struct Numbers(u64);
    impl Serialize for Numbers {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for i in 0..self.0 {
                map.serialize_entry(&i, &true)?;
            }
            map.end()
        }
    }
    let schema = Schema::of::<BTreeMap<u64, bool>>();
    for len in [0, 1, 127, 128, 300] {
        let plain: BTreeMap<u64, bool> = (0..len).map(|i| (i, true)).collect();
        assert_eq!(body_with(schema, &Numbers(len)), body(&plain));
    }
}

#[test]
fn flattened_structs_come_as_maps_and_leave_as_structs() {
    #[derive(Serialize)]
    struct Inner {
        b: i32,
        d: i32,
    }
    #[derive(Serialize)]
    struct Outer {
        c: &'static str,
        #[serde(flatten)]
        inner: Inner,
        a: i32,
        #[serde(skip_serializing_if = "Option::is_none")]
        e: Option<bool>,
    }
    gob_struct!(Outer {
        "A" "a": i32, "B" "b": i32, "C" "c": String, "D" "d": i32, "E" "e": Option<bool>,
    });
    let outer = Outer {
        c: "c",
        inner: Inner { b: 2, d: 0 },
        a: 1,
        e: None,
    };
    assert_eq!(body(&outer), hex("01 02 01 04 01 01 \"c\" 00"));
}

/// A struct whose fields come as they please.
struct Unsorted(&'static [(&'static str, i64)]);

impl Serialize for Unsorted {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Wide", self.0.len())?;
        for (key, value) in self.0 {
            fields.serialize_field(key, value)?;
        }
        fields.end()
    }
}

impl Gob for Unsorted {
    fn describe(types: &mut Builder) -> Ref {
        let int = types.int();
        types.structure("Wide", ["A", "B", "C", "D"].map(|name| (name, name, int)))
    }
}

#[test]
fn fields_out_of_order_are_put_in_order() {
    let sorted = body(&Unsorted(&[("A", 1), ("B", 2), ("C", 3), ("D", 1000)]));
    assert_eq!(sorted, hex("01 02 01 04 01 06 01 fe 07 d0 00"));
    for order in [
        &[("D", 1000), ("C", 3), ("B", 2), ("A", 1)],
        &[("B", 2), ("A", 1), ("D", 1000), ("C", 3)],
        &[("A", 1), ("C", 3), ("D", 1000), ("B", 2)],
    ] {
        assert_eq!(body(&Unsorted(order)), sorted);
    }
    assert_eq!(
        body(&Unsorted(&[("D", 0), ("C", 3), ("A", 1)])),
        hex("01 02 02 06 00")
    );
    let twice = error(&Unsorted(&[("B", 1), ("C", 2), ("B", 3)]));
    assert!(twice.to_string().contains("`B` occurs twice"), "{twice}");
}

#[test]
fn a_field_out_of_order_goes_before_fields_of_every_kind() {
    #[derive(Clone, Default, Serialize)]
    struct Others {
        flag: bool,
        number: u64,
        float: f64,
        complex: crate::Complex,
        bytes: Vec<u8>,
        opaque: Vec<u8>,
        list: Vec<(i64, String)>,
        array: [u64; 2],
        map: BTreeMap<String, Point>,
        any: Option<crate::Interface>,
        nil: Option<crate::Interface>,
        anys: Vec<Option<crate::Interface>>,
    }
    #[derive(Serialize)]
    struct Sorted {
        first: i64,
        #[serde(flatten)]
        others: Others,
    }
    #[derive(Serialize)]
    struct Unsorted {
        #[serde(flatten)]
        others: Others,
        first: i64,
    }
    let mut types = Builder::new();
    let fields = [
        ("First", "first", types.int()),
        ("Flag", "flag", types.bool()),
        ("Number", "number", types.uint()),
        ("Float", "float", types.float()),
        ("Complex", "complex", types.complex()),
        ("Bytes", "bytes", types.bytes()),
        ("Opaque", "opaque", types.opaque("Opaque", Marshaler::Gob)),
        ("List", "list", types.of::<Vec<(i64, String)>>()),
        ("Array", "array", types.of::<[u64; 2]>()),
        ("Map", "map", types.of::<BTreeMap<String, Point>>()),
        ("Any", "any", types.interface()),
        ("Nil", "nil", types.interface()),
        ("Anys", "anys", types.of::<Vec<Option<crate::Interface>>>()),
    ];
    let root = types.structure("All", fields);
    let schema = types.finish(root);
    let full = Others {
        flag: true,
        number: 1 << 40,
        float: 0.1,
        complex: crate::Complex { re: 1.0, im: -0.1 },
        bytes: vec![0; 300],
        opaque: vec![1, 2, 3],
        list: vec![(1, "one".to_owned()), (-1000, String::new())],
        array: [0, 1000],
        map: BTreeMap::from([("a".to_owned(), Point { x: 0, y: 5 })]),
        any: Some(7i64.into()),
        nil: None,
        anys: vec![None, Some("text".into())],
    };
    for others in [full, Others::default()] {
        let sorted = Sorted {
            first: 1,
            others: others.clone(),
        };
        let unsorted = Unsorted { first: 1, others };
        assert_eq!(body_with(&schema, &unsorted), body_with(&schema, &sorted));
    }
}

#[test]
fn many_fields_out_of_order_inside_one_another_are_put_in_order() {
    #[derive(Serialize)]
    struct Node {
        value: i32,
        #[serde(flatten)]
        next: BTreeMap<&'static str, Option<Box<Self>>>,
    }
    gob_struct!(Node { "Next" "next": Option<Box<Node>>, "Value" "value": i32 });
    let mut node = Node {
        value: 1,
        next: BTreeMap::new(),
    };
    let mut expected = hex("02 02 00");
    for _ in 0..30 {
        node = Node {
            value: 1,
            next: BTreeMap::from([("next", Some(Box::new(node)))]),
        };
        expected = [hex("01"), expected, hex("01 02 00")].concat();
    }
    assert_eq!(body(&node), expected);
}

#[test]
fn skipped_fields_are_not_sent_and_displayed_ones_are_texts() {
    #[derive(Serialize)]
    struct Event {
        #[serde(skip_serializing_if = "is_secret")]
        secret: i64,
        #[serde(skip)]
        _never: i64,
        #[serde(serialize_with = "display")]
        shown: Shown,
    }
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("shown")
        }
    }
    fn is_secret(_: &i64) -> bool {
        true
    }
    fn display<S: Serializer>(
        value: &Shown,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }
    gob_struct!(Event { "Secret" "secret": i64, "Shown" "shown": String });
    let event = Event {
        secret: 1,
        _never: 2,
        shown: Shown,
    };
    assert_eq!(body(&event), hex("02 05 \"shown\" 00"));
}
