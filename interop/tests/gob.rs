//! Go reads the gob that we write.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use interop::{Question, vectors, verify};
use serde::Serialize;
use serde_json::json;
use wgrpc_gob::adapt::Go;
use wgrpc_gob::{Complex, Decoder, Encoder, Gob, Interface, Json, Limits, Time, to_vec};

/// A value, the Go type that reads it, and everything that Go then finds, in the lossless form.
struct Case {
    name: &'static str,
    go_type: &'static str,
    stream: Vec<u8>,
    seen: &'static str,
}

fn case<T: Serialize + Gob>(
    name: &'static str,
    go_type: &'static str,
    value: &T,
    seen: &'static str,
) -> Case {
    Case {
        name,
        go_type,
        stream: to_vec(value).unwrap(),
        seen,
    }
}

fn check(cases: &[Case]) {
    let questions = cases.iter().map(|case| Question {
        name: case.name.to_owned(),
        go_type: case.go_type.to_owned(),
        stream: case.stream.clone(),
    });
    for (case, answer) in cases.iter().zip(verify(&questions.collect::<Vec<_>>())) {
        assert_eq!(answer.error, "", "{}", case.name);
        // The line breaks are for the reader.
        let seen: String = case.seen.lines().map(str::trim).collect();
        assert_eq!(answer.seen, [seen], "{}", case.name);
    }
}

#[test]
fn go_reads_what_was_read_and_written_again() {
    let vectors = vectors::gob();
    let limits = Limits {
        depth: 10_000,
        ..Limits::default()
    };
    let question = |vector: &vectors::Vector| {
        let mut decoder = Decoder::with_limits(limits.clone());
        decoder.push(&vector.stream);
        let mut encoder = Encoder::with_limits(limits.clone());
        let mut stream = Vec::new();
        while let Some(value) = decoder.next_value().unwrap() {
            encoder.encode(&value, &mut stream).unwrap();
        }
        Question {
            name: vector.name.clone(),
            go_type: vector.go_type.clone(),
            stream,
        }
    };
    let questions: Vec<Question> = vectors.iter().map(question).collect();
    for (vector, answer) in vectors.iter().zip(verify(&questions)) {
        assert_eq!(answer.error, "", "{}", vector.name);
        // An empty payload is how Go sends a nil pointer, and it reads a zero.
        if vector.name != "big-int/slice-with-nil" {
            assert_eq!(answer.values, vector.values, "{}", vector.name);
        }
    }
}

#[derive(Serialize, Gob)]
struct Point {
    x: i64,
    y: i64,
}

#[test]
fn go_reads_structs_lists_and_maps() {
    #[derive(Serialize, Gob)]
    struct Pointers {
        int: Option<i32>,
        deep: Option<&'static str>,
        r#struct: Option<Point>,
        slice: Option<Vec<i64>>,
        map: Option<std::collections::BTreeMap<&'static str, i64>>,
        array: Option<[bool; 2]>,
        bytes: Option<Vec<u8>>,
    }
    let zeros = Pointers {
        int: Some(0),
        deep: Some(""),
        r#struct: Some(Point { x: 0, y: 0 }),
        slice: Some(vec![]),
        map: Some([].into()),
        array: Some([false; 2]),
        bytes: Some(vec![]),
    };
    let nothing = Pointers {
        int: None,
        deep: None,
        r#struct: None,
        slice: None,
        map: None,
        array: None,
        bytes: None,
    };
    #[derive(Serialize, Gob)]
    struct Tree {
        key: String,
        left: Option<Box<Self>>,
        right: Option<Box<Self>>,
    }
    let leaf = |key: &str| Tree {
        key: key.to_owned(),
        left: None,
        right: None,
    };
    let tree = Tree {
        left: Some(Box::new(leaf("l"))),
        right: Some(Box::new(leaf(""))),
        ..leaf("root")
    };
    #[derive(Serialize, Gob)]
    enum Shape {
        Circle {
            radius: f64,
        },
        #[expect(dead_code, reason = "one variant is enough")]
        Square {
            side: f64,
        },
        Nobody,
    }
    let shapes = vec![Shape::Circle { radius: 0.0 }, Shape::Nobody];
    check(&[
        case("int", "int8", &-5i64, "-5"),
        case("char", "int32", &'é', "233"),
        case("uint", "uint64", &u64::MAX, "18446744073709551615"),
        case("float", "float32", &0.5f32, "0.5"),
        case(
            "complex",
            "complex128",
            &Complex { re: 1.0, im: -2.0 },
            r#"{"$complex":[1.0,-2.0]}"#,
        ),
        case("bytes", "[]uint8", &vec![1u8, 255], r#"{"$hex":"01ff"}"#),
        case("array", "[4]uint8", &[0u8, 1, 128, 255], "[0,1,128,255]"),
        case("unit", "struct {}", &(), "{}"),
        case(
            "points",
            "[]Point",
            &vec![Point { x: 1, y: 0 }],
            r#"[{"X":1,"Y":0}]"#,
        ),
        case(
            "map",
            "map[string]int",
            &std::collections::BTreeMap::from([("a", 0)]),
            r#"{"$map":[["a",0]]}"#,
        ),
        case(
            "pointers to zeros",
            "Pointers",
            &zeros,
            r#"{"Int":0,"Deep":"","Struct":{"X":0,"Y":0},"Slice":[],"Map":{"$map":[]},
               "Array":[false,false],"Bytes":{"$hex":""}}"#,
        ),
        case(
            "nil pointers",
            "Pointers",
            &nothing,
            r#"{"Int":null,"Deep":null,"Struct":null,"Slice":null,"Map":null,"Array":null,
               "Bytes":null}"#,
        ),
        case(
            "tree",
            "Tree",
            &tree,
            r#"{"Key":"root","Left":{"Key":"l","Left":null,"Right":null},"Right":{"Key":"",
               "Left":null,"Right":null}}"#,
        ),
        case(
            "shapes",
            "[]Shape",
            &shapes,
            r#"[{"Circle":{"Radius":0.0},"Square":null,"Nobody":null},{"Circle":null,
               "Square":null,"Nobody":{}}]"#,
        ),
        case(
            "json",
            "Args",
            &Json(json!({"a": 6, "b": 7})),
            r#"{"A":6,"B":7}"#,
        ),
    ]);
}

#[test]
fn go_reads_what_the_adapters_write() {
    #[derive(Serialize, Gob)]
    struct Event {
        name: String,
        #[serde(with = "wgrpc_gob::adapt::time")]
        at: SystemTime,
        until: Option<Time>,
        #[serde(with = "wgrpc_gob::adapt::duration")]
        every: Duration,
    }
    let event = Event {
        name: "e".to_owned(),
        at: SystemTime::UNIX_EPOCH,
        until: Some("2024-02-29T12:34:56.789+05:30".parse().unwrap()),
        every: Duration::from_millis(1),
    };
    let ip: IpAddr = "192.0.2.1".parse().unwrap();
    let socket: SocketAddr = "[2001:db8::1]:258".parse().unwrap();
    #[derive(Serialize, Gob)]
    struct Network {
        #[serde(with = "wgrpc_gob::adapt::netip_addr")]
        addr: IpAddr,
        #[serde(with = "wgrpc_gob::adapt::netip_addr_port")]
        port: SocketAddr,
        #[serde(with = "wgrpc_gob::adapt::netip_prefix")]
        range: (IpAddr, u8),
    }
    let network = Network {
        addr: ip,
        port: socket,
        range: (ip, 24),
    };
    check(&[
        case(
            "event",
            "Event",
            &event,
            r#"{"Name":"e","At":{"$opaque":"gob","hex":"010000000e7791f70000000000ffff"},
               "Until":{"$opaque":"gob","hex":"010000000edd7223982f072f40014a"},
               "Every":1000000}"#,
        ),
        case(
            "network",
            "Network",
            &network,
            r#"{"Home":{"$opaque":"binary","hex":""},"Mirror":null,
               "Addr":{"$opaque":"binary","hex":"c0000201"},"Port":{"$opaque":"binary",
               "hex":"20010db80000000000000000000000010201"},"Range":{"$opaque":"binary",
               "hex":"c000020118"}}"#,
        ),
        case("ip", "net.IP", &Go(ip), r#"{"$hex":"c0000201"}"#),
        case(
            "big",
            "big.Int",
            &Go(i128::MIN),
            r#"{"$opaque":"gob","hex":"0380000000000000000000000000000000"}"#,
        ),
        case(
            "bigs",
            "[]big.Int",
            &vec![Go(0i128), Go(-1)],
            r#"[{"$opaque":"gob","hex":"02"},{"$opaque":"gob","hex":"0301"}]"#,
        ),
        case(
            "duration",
            "time.Duration",
            &Go(Duration::from_nanos(5)),
            "5",
        ),
    ]);
}

#[test]
fn go_reads_interfaces() {
    #[derive(Serialize, Gob)]
    struct Any {
        v: Option<Interface>,
    }
    #[derive(Serialize, Gob)]
    struct Wrap {
        label: String,
        inner: Option<Interface>,
    }
    let any = |value| Any { v: Some(value) };
    let point = || Interface::new("main.Point", &Point { x: 2, y: 3 }).unwrap();
    let wrapped = Wrap {
        label: "w".to_owned(),
        inner: Some(point()),
    };
    let wrapped = Interface::new("main.Wrap", &wrapped).unwrap();
    #[derive(Serialize, Gob)]
    #[gob(interface)]
    enum Figure {
        #[gob(name = "*main.Disk")]
        Disk { radius: f64 },
        #[gob(name = "main.Tile")]
        Tile { side: f64 },
    }
    #[derive(Serialize, Gob)]
    struct Drawing {
        title: String,
        main: Figure,
        figures: Vec<Figure>,
    }
    let drawing = Drawing {
        title: "d".to_owned(),
        main: Figure::Disk { radius: 1.5 },
        figures: vec![Figure::Tile { side: 2.0 }, Figure::Disk { radius: 0.0 }],
    };
    check(&[
        case("nil", "Any", &Any { v: None }, r#"{"V":null}"#),
        case(
            "int",
            "Any",
            &any(7isize.into()),
            r#"{"V":{"$iface":"int","value":7}}"#,
        ),
        case(
            "strings",
            "Any",
            &any(vec!["a".to_owned()].into()),
            r#"{"V":{"$iface":"[]string","value":["a"]}}"#,
        ),
        case(
            "bytes",
            "Any",
            &any(vec![1u8].into()),
            r#"{"V":{"$iface":"[]uint8","value":{"$hex":"01"}}}"#,
        ),
        case(
            "point",
            "Any",
            &any(point()),
            r#"{"V":{"$iface":"main.Point","value":{"X":2,"Y":3}}}"#,
        ),
        case(
            "nested",
            "Any",
            &any(wrapped),
            r#"{"V":{"$iface":"main.Wrap","value":{"Label":"w",
               "Inner":{"$iface":"main.Point","value":{"X":2,"Y":3}}}}}"#,
        ),
        case(
            "drawing",
            "Drawing",
            &drawing,
            r#"{"Title":"d","Main":{"$iface":"*main.Disk","value":{"Radius":1.5}},
               "Figures":[{"$iface":"main.Tile","value":{"Side":2.0}},
               {"$iface":"*main.Disk","value":{"Radius":0.0}}]}"#,
        ),
    ]);
}
