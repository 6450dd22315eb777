//! Limits: headers that are made to take long, and values that take too much.

use std::time::{Duration, Instant};

use wgrpc_gob::{Limits, wire};

use super::{Format, Next, Receiver};
use crate::protocol::{REQUEST_HEADER_MAX, RESPONSE_HEADER_MAX};

/// Unoptimized and beside other work; work that grows with the square takes many times as long.
const SOON: Duration = Duration::from_secs(2);

fn message(body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    wire::put_bytes(&mut message, body);
    message
}

/// Defines a struct of very many fields, the first of which is a header's.
fn wide(id: i64) -> Vec<u8> {
    const FIELDS: u32 = 15_000;
    let mut body = Vec::new();
    wire::put_int(&mut body, -id);
    // A struct, its name and id, both absent, and its fields.
    body.extend([3, 1, 0, 1]);
    wire::put_uint(&mut body, FIELDS.into());
    for number in 0..FIELDS {
        let name = char::from_u32(0x100 + number).unwrap().to_string();
        let (name, ty) = if number == 0 { ("Seq", 3) } else { (&*name, 2) };
        body.push(1);
        wire::put_bytes(&mut body, name.as_bytes());
        body.push(1);
        wire::put_int(&mut body, ty);
        body.push(0);
    }
    body.extend([0, 0]);
    message(&body)
}

#[test]
fn headers_of_two_types_in_turn_take_no_work_for_each_field() {
    const REQUESTS: u64 = 2000;
    let mut stream = [wide(65), wide(66)].concat();
    for seq in 1..=REQUESTS {
        let mut header = Vec::new();
        wire::put_int(&mut header, 65 + (seq % 2) as i64);
        header.push(1);
        wire::put_uint(&mut header, seq);
        header.push(0);
        stream.extend(message(&header));
        stream.extend([3, 4, 0, 2]);
    }
    let start = Instant::now();
    let mut receiver = Receiver::new(&Format::Gob, REQUEST_HEADER_MAX, Limits::default());
    let (mut at, mut last) = (0, 0);
    while let Next::Message {
        consumed, header, ..
    } = receiver.next(&stream[at..]).unwrap()
    {
        at += consumed;
        assert_eq!(header.seq, last + 1);
        last = header.seq;
        if at == stream.len() {
            break;
        }
    }
    assert_eq!(last, REQUESTS);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn far_too_much_metadata_is_refused_soon() {
    let entries: Vec<String> = (0..80_000).map(|key| format!("\"{key}\":\"\"")).collect();
    let stream = format!("{{\"Seq\":1,\"Meta\":{{{}}}}}\n{{}}\n", entries.join(","));
    assert!(stream.len() < RESPONSE_HEADER_MAX);
    let start = Instant::now();
    let mut receiver = Receiver::new(&Format::Json, RESPONSE_HEADER_MAX, Limits::default());
    let Err(error) = receiver.next(stream.as_bytes()) else {
        panic!("should be refused");
    };
    assert!(
        error.to_string().contains("metadata of over 64 entries"),
        "{error}"
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn a_value_of_json_may_take_what_the_connection_allows() {
    let limits = Limits {
        decoded: 80,
        ..Limits::default()
    };
    let mut receiver = Receiver::new(&Format::Json, REQUEST_HEADER_MAX, limits);
    let entries: Vec<String> = (0..10).map(|key| format!("\"{key}\":\"\"")).collect();
    let stream = format!(
        "{{\"Seq\":1,\"Meta\":{{{}}}}}[1,2,3,4,5,6,7,8,9,10,11]",
        entries.join(",")
    );
    let Next::Message { header, body, .. } = receiver.next(stream.as_bytes()).unwrap() else {
        panic!("should be complete");
    };
    // A header has bounds of its own.
    assert_eq!(header.meta.len(), 10);
    assert_eq!(body.decode::<Vec<u32>>().unwrap().len(), 11);
    let error = body.decode::<Vec<u64>>().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("exceeds the limit `decoded` of 80 bytes"),
        "{error}"
    );
}
