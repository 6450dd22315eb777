//! What hostile streams may cost: little memory, little time, little stack.
//!
//! In a binary of its own, because it counts what is allocated.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use serde::Deserialize;
use serde::de::IgnoredAny;
use wgrpc_gob::{Category, Decoder, Dynamic, Error, Limits, Result, Scan, Scanner, Types, wire};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const STACK: usize = 256 << 10;
const MEMORY: usize = 1 << 20;
/// Unoptimized and beside other work; optimized it is a small part of ten milliseconds.
const TIME: Duration = Duration::from_millis(300);

/// One test, for whatever else runs would be counted as well.
#[test]
fn hostile_streams_cost_little() {
    for (name, stream) in vectors() {
        cheap(&name, move || exhaust(&stream, &Limits::default()));
    }
    lengths_that_are_only_announced();
    depth_is_bounded();
    definitions_are_bounded();
    many_types_take_no_quadratic_work();
    small_messages_stay_small();
    reading_again_is_bounded();
}

/// Runs `hostile` on a small stack, and checks what it costs.
fn cheap(name: &str, hostile: impl Fn() + Send + Sync + 'static) {
    let hostile = Arc::new(hostile);
    // What others do to the clock is forgiven twice.
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let hostile = hostile.clone();
        let run = move || {
            ALLOCATED.reset_peak_usage();
            let before = ALLOCATED.current_usage();
            let start = Instant::now();
            hostile();
            (
                start.elapsed(),
                ALLOCATED.peak_usage().saturating_sub(before),
            )
        };
        let thread = std::thread::Builder::new().stack_size(STACK);
        let (taken, memory) = thread.spawn(run).unwrap().join().unwrap();
        assert!(memory <= MEMORY, "{name} takes {memory} bytes");
        fastest = fastest.min(taken);
        if fastest <= TIME {
            return;
        }
    }
    panic!("{name} takes {fastest:?}");
}

/// The hostile streams of the corpus.
fn vectors() -> Vec<(String, Vec<u8>)> {
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        hex: String,
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../../interop/vectors/hostile.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let vector = |line| {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let byte = |at| u8::from_str_radix(&vector.hex[at..at + 2], 16).unwrap();
        let bytes = (0..vector.hex.len()).step_by(2).map(byte).collect();
        (vector.name, bytes)
    };
    text.lines().map(vector).collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only read")]
struct Node {
    name: String,
    next: Option<Box<Self>>,
    children: Vec<Self>,
    map: HashMap<String, Self>,
}

/// Reads a stream in every way, up to the error that it must end in.
fn exhaust(stream: &[u8], limits: &Limits) {
    assert!(
        all(stream, limits, |decoder| decoder
            .next_value()
            .map(|v| v.is_some()))
        .is_err()
    );
    let _ = all(stream, limits, |decoder| {
        decoder.decode::<Node>().map(|v| v.is_some())
    });
    let _ = all(stream, limits, |decoder| {
        decoder.decode::<Vec<u64>>().map(|v| v.is_some())
    });
    let _ = all(stream, limits, |decoder| {
        decoder.decode::<IgnoredAny>().map(|v| v.is_some())
    });
    let _ = all(stream, limits, Decoder::skip);
}

fn all(
    stream: &[u8],
    limits: &Limits,
    mut next: impl FnMut(&mut Decoder) -> Result<bool>,
) -> Result<()> {
    let mut decoder = Decoder::with_limits(limits.clone());
    decoder.push(stream);
    while next(&mut decoder)? {}
    decoder.finish()
}

/// A message, given its body.
fn message(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_bytes(&mut out, body);
    out
}

/// The message that defines type `id`. `rest` is the member of wireType, its CommonType apart.
fn define(id: i64, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    wire::put_int(&mut body, -id);
    body.extend([kind, 2]);
    body.extend_from_slice(rest);
    body.extend([0, 0]);
    // Without its name and number, which mean nothing, CommonType is left out.
    message(&body)
}

fn int(value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_int(&mut out, value);
    out
}

fn slice(id: i64, elem: i64) -> Vec<u8> {
    define(id, 2, &int(elem))
}

fn array(id: i64, elem: i64, len: i64) -> Vec<u8> {
    define(id, 1, &[int(elem), vec![1], int(len)].concat())
}

fn structure(id: i64, fields: &[(&str, i64)]) -> Vec<u8> {
    let mut rest = Vec::new();
    wire::put_uint(&mut rest, fields.len() as u64);
    for (name, ty) in fields {
        rest.push(1);
        wire::put_bytes(&mut rest, name.as_bytes());
        rest.push(1);
        wire::put_int(&mut rest, *ty);
        rest.push(0);
    }
    define(id, 3, &rest)
}

fn value(id: i64, rest: &[u8]) -> Vec<u8> {
    message(&[int(id), rest.to_vec()].concat())
}

fn category<T>(result: Result<T>) -> Category {
    result.map(drop).unwrap_err().category()
}

fn lengths_that_are_only_announced() {
    for len in [1 << 31, 1 << 32, 1 << 62, (8 << 30) - 1, u64::MAX] {
        cheap("a length", move || {
            let mut stream = Vec::new();
            wire::put_uint(&mut stream, len);
            let error = Scanner::new(Limits::default()).scan(&stream).unwrap_err();
            assert_eq!(error.category(), Category::Limit);
        });
    }
}

fn depth_is_bounded() {
    // A list of lists of lists, and a chain of structs, each of them so many levels deep.
    let lists = |depth: usize| {
        let mut payload = vec![1; depth];
        payload[0] = 0;
        payload.push(0);
        [slice(64, 64), value(64, &payload)].concat()
    };
    let chain = |depth: usize| {
        let payload = [vec![1; depth - 1], vec![0; depth]].concat();
        [structure(64, &[("Next", 64)]), value(64, &payload)].concat()
    };
    let interfaces = |depth: usize| {
        let mut payload = vec![0];
        for _ in 0..depth {
            // The name, the type, the size, a zero byte and the interface inside.
            let mut outer = b"\x01x\x10".to_vec();
            wire::put_uint(&mut outer, payload.len() as u64 + 1);
            outer.push(0);
            outer.extend_from_slice(&payload);
            payload = outer;
        }
        value(8, &[&[0], &payload[..]].concat())
    };
    #[derive(Debug, Deserialize)]
    struct Lists(#[expect(dead_code, reason = "only read")] Vec<Self>);
    #[derive(Debug, Deserialize)]
    struct Chain {
        #[serde(rename = "Next")]
        #[expect(dead_code, reason = "only read")]
        next: Option<Box<Self>>,
    }
    let limits = Limits::default();
    let depth = limits.depth;
    for (name, stream) in [("lists", lists(depth)), ("a chain", chain(depth))] {
        cheap(name, move || {
            let limits = Limits::default();
            all(&stream, &limits, |d| d.next_value().map(|v| v.is_some())).unwrap();
            all(&stream, &limits, |d| {
                d.decode::<Lists>().map(|v| v.is_some())
            })
            .unwrap_or_default();
            all(&stream, &limits, |d| {
                d.decode::<Chain>().map(|v| v.is_some())
            })
            .unwrap_or_default();
            all(&stream, &limits, |d| {
                d.decode::<IgnoredAny>().map(|v| v.is_some())
            })
            .unwrap();
            all(&stream, &limits, Decoder::skip).unwrap();
        });
    }
    cheap("interfaces", move || {
        all(&interfaces(64), &Limits::default(), Decoder::skip).unwrap();
        let next = |d: &mut Decoder| d.next_value().map(|v| v.is_some());
        all(&interfaces(64), &Limits::default(), next).unwrap();
        let error = all(&interfaces(65), &Limits::default(), next).unwrap_err();
        assert_eq!(error.category(), Category::Limit);
        let error = all(&interfaces(10_000), &Limits::default(), next).unwrap_err();
        assert_eq!(error.category(), Category::Limit);
    });
    for depth in [depth + 1, 100_000] {
        for stream in [lists(depth), chain(depth)] {
            cheap("too deep", move || {
                let limits = Limits::default();
                let any = all(&stream, &limits, |d| d.next_value().map(|v| v.is_some()));
                let typed = all(&stream, &limits, |d| {
                    d.decode::<IgnoredAny>().map(|v| v.is_some())
                });
                assert_eq!(
                    (category(any), category(typed)),
                    (Category::Limit, Category::Limit)
                );
                let _ = all(&stream, &limits, |d| {
                    d.decode::<Lists>().map(|v| v.is_some())
                });
                let _ = all(&stream, &limits, |d| {
                    d.decode::<Chain>().map(|v| v.is_some())
                });
            });
        }
    }
}

fn definitions_are_bounded() {
    // A million types, one message each.
    cheap("a million types", || {
        let mut scanner = Scanner::new(Limits::default());
        let scan = |id| scanner.scan(&slice(id, 2)).map(drop);
        let error = (64..1_000_064).map(scan).find_map(Result::err).unwrap();
        assert_eq!(error.category(), Category::Limit);
    });
    // As many fields as there is room for, and more.
    let fields: Vec<(String, i64)> = (0..100_000).map(|n| (format!("F{n}"), 2)).collect();
    let fields: Vec<(&str, i64)> = fields.iter().map(|(name, ty)| (&**name, *ty)).collect();
    let too_many = structure(64, &fields);
    cheap("100,000 fields", move || {
        let error = Scanner::new(Limits::default()).scan(&too_many).unwrap_err();
        assert_eq!(error.category(), Category::Limit);
    });
    let many = structure(64, &vec![("A", 2); 43_000]);
    assert!(many.len() < Limits::default().definitions);
    let many = Arc::new(many);
    let stream = many.clone();
    cheap("43,000 fields", move || {
        let mut scanner = Scanner::new(Limits::default());
        scanner.scan(&stream).unwrap();
        scanner
            .types()
            .skip(
                wgrpc_gob::Id::new(64),
                &mut wire::Reader::new(&[0]),
                scanner.limits(),
            )
            .unwrap();
    });
    // And not while a value is being read into some other struct, or shown.
    cheap("43,000 fields read", move || {
        let stream = [&many[..], &value(64, &[0])].concat();
        let mut decoder = Decoder::new();
        decoder.push(&stream);
        #[derive(Debug, Deserialize)]
        struct A {
            #[serde(rename = "A")]
            a: i64,
        }
        assert_eq!(decoder.decode::<A>().unwrap().unwrap().a, 0);
    });
}

/// The types and nothing else, so that the value that is being read is not counted.
fn many_types_take_no_quadratic_work() {
    // A thousand types, each of which refers to all others, with a value of each in between and
    // somebody who keeps what was known.
    let last = 64 + 200;
    cheap("types that refer to each other", move || {
        let mut scanner = Scanner::new(Limits::default());
        for id in 64..last {
            let fields: Vec<(&str, i64)> = (64..last).map(|other| ("A", other)).collect();
            scanner
                .scan(&structure(id, &fields))
                .map(drop)
                .or_else(limit_only)
                .unwrap();
        }
        for id in 64..last {
            let _ = scanner.scan(&value(id, &[0]));
        }
    });
    cheap("types between values", || {
        let mut scanner = Scanner::new(Limits::default());
        let mut snapshots: Vec<Arc<Types>> = Vec::new();
        for id in 64..64 + 1000 {
            let fields = [("A", (id - 1).max(64)), ("B", 2)];
            let stream = [structure(id, &fields), value(id, &[0])].concat();
            match scanner.scan(&stream).unwrap() {
                Scan::Value { .. } => snapshots.push(scanner.types().clone()),
                partial => panic!("{partial:?}"),
            }
        }
        assert_eq!(snapshots.len(), 1000);
    });
}

fn limit_only(error: Error) -> Result<()> {
    assert_eq!(error.category(), Category::Limit, "{error}");
    Ok(())
}

fn small_messages_stay_small() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Large {
        #[serde(rename = "A")]
        a: [[u64; 32]; 3],
    }
    let limits = || Limits {
        decoded: MEMORY / 2,
        ..Limits::default()
    };
    // A thousand structs of one byte each, which are large here. (Of any list serde itself may
    // reserve up to a mebibyte before its first element is read.)
    let mut payload = vec![0];
    wire::put_uint(&mut payload, 1000);
    payload.resize(payload.len() + 1000, 0);
    let nothing = structure(65, &[]);
    let stream = [slice(64, 65), nothing, value(64, &payload)].concat();
    cheap("structs of nothing", move || {
        let mut decoder = Decoder::with_limits(limits());
        decoder.push(&stream);
        assert_eq!(category(decoder.decode::<Vec<Large>>()), Category::Limit);
    });
    // A name is sent once, and whoever reads the structs as maps keeps a copy for each.
    let mut payload = vec![0];
    wire::put_uint(&mut payload, 1000);
    payload.extend([1, 2, 0].repeat(1000));
    let named = structure(65, &[(&"x".repeat(100_000), 2)]);
    let stream = [slice(64, 65), named, value(64, &payload)].concat();
    cheap("long names of fields", move || {
        let mut decoder = Decoder::with_limits(limits());
        decoder.push(&stream);
        let result = decoder.decode::<Vec<HashMap<String, i64>>>();
        assert_eq!(category(result), Category::Limit);
    });
    // Arrays that are absent take no bytes at all.
    let types = [
        structure(64, &[("A", 65)]),
        array(65, 66, 1 << 20),
        array(66, 67, 1 << 20),
        structure(67, &[]),
        value(64, &[0]),
    ];
    let stream = types.concat();
    cheap("absent arrays", move || {
        #[derive(Debug, Deserialize)]
        struct Arrays<T> {
            #[serde(rename = "A")]
            #[expect(dead_code, reason = "only read")]
            a: T,
        }
        fn read<T: serde::de::DeserializeOwned>(stream: &[u8], limits: Limits) -> Category {
            let mut decoder = Decoder::with_limits(limits);
            decoder.push(stream);
            category(decoder.decode::<Arrays<T>>())
        }
        assert_eq!(read::<Vec<Vec<()>>>(&stream, limits()), Category::Limit);
        assert_eq!(read::<Vec<IgnoredAny>>(&stream, limits()), Category::Limit);
        assert_eq!(
            read::<Vec<IgnoredAny>>(&stream, Limits::default()),
            Category::Limit
        );
        assert_eq!(read::<Dynamic>(&stream, limits()), Category::Limit);
    });
}

fn reading_again_is_bounded() {
    // Every element lacks other fields, for each is of another type: every attempt gets one
    // element further.
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Wide {
        a: i64,
        b: String,
        c: Vec<u8>,
        d: bool,
    }
    let types = 500;
    let mut stream = Vec::new();
    for id in 64..64 + types {
        stream.extend(structure(id, &[("A", 2)]));
    }
    stream.extend(slice(64 + types, 8));
    let mut payload = vec![0];
    wire::put_uint(&mut payload, types as u64);
    for id in 64..64 + types {
        payload.extend_from_slice(b"\x01x");
        wire::put_int(&mut payload, id);
        payload.extend([1, 0]);
    }
    stream.extend(value(64 + types, &payload));
    cheap("fields that are missing everywhere", move || {
        let mut decoder = Decoder::new();
        decoder.push(&stream);
        let _ = decoder.decode::<Vec<Wide>>();
    });
}
