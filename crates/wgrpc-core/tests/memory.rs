//! What a peer can make us allocate: no more than it sends, give or take a buffer.
//!
//! A binary of its own, because its allocator counts, and one test, because it counts for all.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wgrpc_core::{Client, Fault, Method, Server, ServerLimits, Service};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// What the two ends of a connection take at most beside what a peer sends: the buffers of the
/// pipe, and the room for the next part of a long message.
const BUFFERS: usize = 3 * MIB / 2;

/// An unsigned integer, as gob writes it.
fn uint(number: u64) -> Vec<u8> {
    if number < 0x80 {
        return vec![number as u8];
    }
    let bytes = number.to_be_bytes();
    let bytes = &bytes[number.leading_zeros() as usize / 8..];
    [&[(bytes.len() as u8).wrapping_neg()], bytes].concat()
}

/// A signed one.
fn int(number: i64) -> Vec<u8> {
    uint(((number << 1) ^ (number >> 63)) as u64)
}

fn message(content: &[u8]) -> Vec<u8> {
    [uint(content.len() as u64), content.to_vec()].concat()
}

/// Go's definition of its header, and a header with this method and the number 1.
fn header(method: &str) -> Vec<u8> {
    let definition = b"\x37\x7f\x03\x01\x01\x06Header\x01\xff\x80\x00\x01\x03\
        \x01\x0dServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x01\x05Error\x01\x0c\x00\x00\x00";
    let value = [
        b"\xff\x80\x01",
        &uint(method.len() as u64)[..],
        method.as_bytes(),
        b"\x01\x01\x00",
    ];
    [&definition[..], &message(&value.concat())].concat()
}

/// The definition of the type `id`, of the kind that has this number in Go's wireType.
fn type_of(kind: u8, id: i64, rest: &[u8]) -> Vec<u8> {
    message(&[&int(-id), &[kind, 1, 2][..], &int(id), &[0], rest, &[0, 0]].concat())
}

/// A slice type.
fn slice_type(id: i64, element: i64) -> Vec<u8> {
    type_of(2, id, &[vec![1], int(element)].concat())
}

/// A map type.
fn map_type(id: i64, key: i64, element: i64) -> Vec<u8> {
    type_of(4, id, &[vec![1], int(key), vec![1], int(element)].concat())
}

/// A struct type with this many fields of type int.
fn struct_type(id: i64, fields: usize) -> Vec<u8> {
    let field = |number: usize| {
        let name = format!("F{number}");
        [
            vec![1],
            uint(name.len() as u64),
            name.into_bytes(),
            vec![1, 4, 0],
        ]
        .concat()
    };
    let all: Vec<u8> = (0..fields).flat_map(field).collect();
    type_of(3, id, &[vec![1], uint(fields as u64), all].concat())
}

/// A value that is not a struct, of this type, whose content begins with a count of elements.
fn counted(id: i64, count: u64) -> Vec<u8> {
    message(&[int(id), vec![0], uint(count), vec![0; 40]].concat())
}

/// What is sent behind the handshake, in gob.
fn gob_cases() -> Vec<(String, Vec<u8>)> {
    let mut cases = Vec::new();
    for exponent in [24, 31, 32, 33, 62, 63] {
        let length = uint((1 << exponent) - 1);
        cases.push((format!("a header of 2^{exponent}-1 bytes"), length.clone()));
        for method in ["Take.Bytes", "No.Such"] {
            let said = [header(method), length.clone()].concat();
            cases.push((format!("{method}: a body of 2^{exponent}-1 bytes"), said));
        }
        let count = (1 << exponent) - 1;
        for (method, id, define) in [
            ("Take.Bytes", 5, vec![]),
            ("Take.Text", 6, vec![]),
            ("Take.Ints", 70, slice_type(70, 2)),
            ("Take.Units", 70, slice_type(70, 2)),
            ("Take.Texts", 70, slice_type(70, 6)),
            ("Take.Map", 70, map_type(70, 6, 2)),
            ("Take.Map", 70, map_type(70, 2, 6)),
            ("No.Such", 70, map_type(70, 6, 2)),
        ] {
            let said = [header(method), define, counted(id, count)].concat();
            cases.push((format!("{method}: {count} elements of type {id}"), said));
        }
    }
    let slices: Vec<u8> = (100..100_100).flat_map(|id| slice_type(id, 2)).collect();
    cases.push(("100,000 types".to_owned(), slices));
    cases.push((
        "a type of 100,000 fields".to_owned(),
        struct_type(100, 100_000),
    ));
    cases.push(("a type of 2^40 fields".to_owned(), {
        type_of(3, 100, &[vec![1], uint(1 << 40), vec![0; 40]].concat())
    }));
    let mutual = [slice_type(100, 101), slice_type(101, 100)].concat();
    let nested = message(&[int(100), vec![0], vec![1; 100_000]].concat());
    let said = [header("No.Such"), mutual.clone(), nested.clone()].concat();
    cases.push(("types of each other, nested".to_owned(), said));
    let said = [header("Take.Ints"), mutual, nested].concat();
    cases.push(("types of each other, nested and taken".to_owned(), said));
    for (name, id) in [
        ("negative", -70),
        ("zero", 0),
        ("reserved", 3),
        ("huge", i64::MAX),
    ] {
        cases.push((format!("a type of a {name} id"), slice_type(id, 2)));
    }
    cases
}

/// The same, in JSON.
fn json_cases() -> Vec<(String, Vec<u8>)> {
    let ask = |method: &str, body: &str| {
        format!("{{\"ServiceMethod\":\"{method}\",\"Seq\":1}}{body}\n").into_bytes()
    };
    vec![
        ("a header without end".to_owned(), vec![b' '; 8 * MIB]),
        ("a deep header".to_owned(), vec![b'['; 8 * MIB]),
        ("a deep body".to_owned(), ask("Take.Ints", &"[".repeat(MIB))),
        (
            "a deep body for nobody".to_owned(),
            ask("No.Such", &"[".repeat(MIB)),
        ),
        (
            "a long number".to_owned(),
            ask("Take.Ints", &"1".repeat(MIB)),
        ),
        (
            "a large exponent".to_owned(),
            ask("Take.Ints", "[1e999999999]"),
        ),
        ("text for a number".to_owned(), ask("Take.Ints", "[\"x\"]")),
    ]
}

/// A server whose methods take values of every kind that has a length.
fn server() -> Server {
    let take = Service::new("Take")
        .method(
            "Bytes",
            Method::function(|v: Bytes, _| Ok(v.0.len() as i64)),
        )
        .method("Text", Method::function(|v: String, _| Ok(v.len() as i64)))
        .method(
            "Ints",
            Method::function(|v: Vec<i64>, _| Ok(v.len() as i64)),
        )
        .method(
            "Units",
            Method::function(|v: Vec<Option<i8>>, _| Ok(v.len() as i64)),
        )
        .method(
            "Texts",
            Method::function(|v: Vec<String>, _| Ok(v.len() as i64)),
        )
        .method(
            "Wide",
            Method::function(|v: Vec<Wide>, _| Ok(v.len() as i64)),
        )
        .method(
            "Map",
            Method::function(|v: BTreeMap<String, i64>, _| Ok(v.len() as i64)),
        );
    let limits = ServerLimits {
        stall: Duration::from_millis(100),
        ..ServerLimits::default()
    };
    Server::builder()
        .register(take)
        .limits(limits)
        .start()
        .unwrap()
}

#[derive(serde::Serialize, serde::Deserialize, wgrpc_gob::Gob)]
#[serde(transparent)]
struct Bytes(#[serde(with = "wgrpc_gob::adapt::bytes")] Vec<u8>);

/// Large in memory, and a single byte on the wire when all of it is zero.
#[derive(Default, serde::Serialize, serde::Deserialize, wgrpc_gob::Gob)]
struct Wide {
    f0: i64,
    #[serde(default)]
    numbers: [[u64; 16]; 8],
}

/// How much more memory was in use, at the peak, than before.
async fn peak_of(work: impl Future<Output = ()>) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("it does not end");
    ALLOCATOR.peak_usage().saturating_sub(before)
}

/// Says `said` to a server, behind the handshake, and reads its answers to the end.
async fn to_server(server: &Server, codec: &str, said: &[u8]) {
    let (mut ours, theirs) = tokio::io::duplex(64 << 10);
    let server = server.clone();
    let serving = tokio::spawn(async move { server.serve_connection(theirs).await });
    let option = format!("{{\"MagicNumber\":57775718,\"CodecType\":\"application/{codec}\"}}");
    ours.write_all(option.as_bytes()).await.unwrap();
    // It may be cut off before the end, and is not waited for behind it.
    let _ = ours.write_all(said).await;
    let _ = ours.shutdown().await;
    let mut heard = [0; 4096];
    while ours.read(&mut heard).await.unwrap() > 0 {}
    drop(ours);
    serving.await.unwrap();
}

/// Says `said` to a client that has called and waits for the answer.
async fn to_client(codec: &str, said: &[u8]) {
    let (ours, mut theirs) = tokio::io::duplex(64 << 10);
    let client = Client::builder().codec(format!("application/{codec}"));
    let client = client.from_stream(ours).unwrap();
    let call = client
        .call::<_, Vec<i64>>("Any.Thing", &1)
        .timeout(Duration::from_millis(100));
    let serving = async move {
        let mut heard = [0; 4096];
        let _ = theirs.read(&mut heard).await;
        let _ = theirs.write_all(said).await;
        while matches!(theirs.read(&mut heard).await, Ok(1..)) {}
    };
    let calling = async move {
        assert!(call.await.is_err());
        drop(client);
    };
    tokio::join!(serving, calling);
}

async fn prove_that_hostile_bytes_cost_nothing() {
    let server = server();
    // What is made once: types, buffers of the thread, the runtime's own.
    to_server(&server, "gob", &header("No.Such")).await;
    to_server(&server, "json", b"{\"Seq\":1}1\n").await;
    for (codec, cases) in [("gob", gob_cases()), ("json", json_cases())] {
        for (name, said) in cases {
            // A mebibyte is what a header may have.
            let most = BUFFERS + said.len().min(MIB);
            let peak = peak_of(to_server(&server, codec, &said)).await;
            assert!(peak <= most, "{codec}, server, {name}: {peak} bytes");
            let peak = peak_of(to_client(codec, &said)).await;
            assert!(peak <= most, "{codec}, client, {name}: {peak} bytes");
        }
    }
}

/// The limits on messages and on what they become are what bounds memory otherwise.
async fn prove_that_limits_bound_what_is_taken() {
    let server = server();
    let bytes = |count: usize| {
        let content = [int(5), vec![0], uint(count as u64), vec![7; count]].concat();
        [header("Take.Bytes"), message(&content)].concat()
    };
    to_server(&server, "gob", &bytes(1)).await;
    // A control: what is sent and allowed is taken.
    let said = bytes(4 * MIB);
    let peak = peak_of(to_server(&server, "gob", &said)).await;
    assert!(
        (4 * MIB..12 * MIB + BUFFERS).contains(&peak),
        "{peak} bytes for 4 MiB"
    );
    let limits = wgrpc_gob::Limits::default();
    let zeros = counted_zeros(4 * MIB);
    let said = [
        header("Take.Wide"),
        struct_type(71, 1),
        slice_type(70, 71),
        zeros,
    ]
    .concat();
    let peak = peak_of(to_server(&server, "gob", &said)).await;
    // Once decoded, and once more while the list grows.
    let most = 4 * MIB + 2 * limits.decoded + BUFFERS;
    assert!(
        peak <= most,
        "{peak} bytes for 4 MiB of empty structs in gob"
    );
    let list = format!("[{}{{}}]", "{},".repeat(4 * MIB / 3));
    let said = format!("{{\"ServiceMethod\":\"Take.Wide\",\"Seq\":1}}{list}\n");
    let peak = peak_of(to_server(&server, "json", said.as_bytes())).await;
    assert!(
        peak <= most,
        "{peak} bytes for 4 MiB of empty objects in JSON"
    );
}

/// A list of type 70 of this many empty structs.
fn counted_zeros(count: usize) -> Vec<u8> {
    message(&[int(70), vec![0], uint(count as u64), vec![0; count]].concat())
}

/// Calls past their time and calls given up: nothing of them stays.
async fn prove_that_nothing_stays_behind() {
    let wait = |milliseconds: u64, _| async move {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Ok::<_, Fault>(milliseconds)
    };
    let service = Service::new("Wait").method("For", Method::future(wait));
    let server = Server::builder().register(service).start().unwrap();
    let client = server.connect().unwrap();
    let storm = async || {
        for _ in 0..10 {
            let calls: Vec<_> = (0..1000u64)
                .map(|i| client.call::<_, u64>("Wait.For", &(i % 20)))
                .collect();
            for (i, call) in calls.into_iter().enumerate() {
                if i % 3 == 0 {
                    drop(call);
                } else {
                    let _ = call.timeout(Duration::from_millis(i as u64 % 30)).await;
                }
            }
            // Those that were given up are still being handled.
            assert_eq!(client.call::<_, u64>("Wait.For", &40u64).await.unwrap(), 40);
        }
    };
    storm().await;
    let before = ALLOCATOR.current_usage();
    storm().await;
    let grown = ALLOCATOR.current_usage().saturating_sub(before);
    assert!(grown < MIB / 4, "{grown} bytes more than before");
}

#[tokio::test]
async fn memory_is_bounded_by_what_a_peer_sends() {
    prove_that_hostile_bytes_cost_nothing().await;
    prove_that_limits_bound_what_is_taken().await;
    prove_that_nothing_stays_behind().await;
}
