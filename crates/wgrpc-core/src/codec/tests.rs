//! Limits: headers that are made to take long or are too long, and values that take too much.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wgrpc_gob::{Limits, wire};

use super::{Codec, CodecError, Encoding, Format, Message, Next, Receiver, Sender, Target, Types};
use crate::error::Error;
use crate::header::{Header, Meta};
use crate::protocol::{ERROR_MAX, METHOD_MAX, REQUEST_HEADER_MAX, RESPONSE_HEADER_MAX};

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
    let mut message = Message::default();
    while let Next::Whole { consumed } = receiver.next(&stream[at..], &mut message).unwrap() {
        at += consumed;
        assert_eq!(message.header.seq, last + 1);
        last = message.header.seq;
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
    let Err(error) = receiver.next(stream.as_bytes(), &mut Message::default()) else {
        panic!("should be refused");
    };
    assert!(
        error.to_string().contains("metadata of over 64 entries"),
        "{error}"
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

/// As long a header as there may be, of characters that JSON writes as six.
fn long_header(error: usize) -> Header<'static> {
    let text = |len| "\u{1}".repeat(len);
    let meta = (0..Meta::ENTRIES).map(|entry| {
        let key = format!("{entry:02}{}", text(14));
        (key, text(Meta::BYTES / Meta::ENTRIES - 16))
    });
    Header {
        service_method: text(METHOD_MAX).into(),
        seq: u64::MAX,
        error: text(error).into(),
        ext: u64::MAX,
        code: u64::MAX,
        method: u64::MAX,
        meta: Cow::Owned(meta.collect()),
    }
}

#[test]
fn any_header_of_a_response_that_is_allowed_is_short_enough_as_json() {
    let header = long_header(ERROR_MAX);
    assert_eq!(header.meta.excess(), None);
    let mut out = Vec::new();
    let mut sender = Sender::new(Format::Json, RESPONSE_HEADER_MAX);
    sender.begin(&header, &Types::default(), &mut out).unwrap();
    out.extend_from_slice(b"{}\n");
    // The line end of the message before counts.
    out.insert(0, b'\n');
    let mut receiver = Receiver::new(&Format::Json, RESPONSE_HEADER_MAX, Limits::default());
    let mut found = Message::default();
    let next = receiver.next(&out, &mut found).unwrap();
    assert!(matches!(next, Next::Whole { .. }));
    assert_eq!(found.header, header);
}

#[test]
fn a_header_that_the_peer_would_not_read_leaves_no_trace() {
    let mut header = long_header(0);
    let mut out = b"before".to_vec();
    let mut sender = Sender::new(Format::Json, REQUEST_HEADER_MAX);
    let error = sender.begin(&header, &Types::default(), &mut out);
    assert_eq!(
        error.unwrap_err().to_string(),
        "a header of 52121 bytes in this codec exceeds the limit of 16384: send less \
         metadata"
    );
    assert_eq!(out, b"before");
    // Gob has no escapes.
    Sender::new(Format::Gob, REQUEST_HEADER_MAX)
        .begin(&header, &Types::default(), &mut out)
        .unwrap();
    assert!(out.len() < REQUEST_HEADER_MAX);
    // The longest that is sent is read, also behind the line end of the message before.
    header.meta = Cow::default();
    header.error = String::new().into();
    out.clear();
    sender.begin(&header, &Types::default(), &mut out).unwrap();
    header.error = "x".repeat(REQUEST_HEADER_MAX - out.len()).into();
    out.clear();
    out.push(b'\n');
    sender.begin(&header, &Types::default(), &mut out).unwrap();
    assert_eq!(out.len(), 1 + REQUEST_HEADER_MAX);
    out.extend_from_slice(b"{}\n");
    let mut receiver = Receiver::new(&Format::Json, REQUEST_HEADER_MAX, Limits::default());
    let next = receiver.next(&out, &mut Message::default());
    assert!(matches!(next, Ok(Next::Whole { .. })));
}

#[test]
fn a_value_of_json_may_take_what_the_connection_allows() {
    let limits = Limits {
        decoded: 80,
        ..Limits::default()
    };
    let mut receiver = Receiver::new(&Format::Json, REQUEST_HEADER_MAX, limits);
    let decoding = receiver.decoding();
    let entries: Vec<String> = (0..10).map(|key| format!("\"{key}\":\"\"")).collect();
    let stream = format!(
        "{{\"Seq\":1,\"Meta\":{{{}}}}}[1,2,3,4,5,6,7,8,9,10,11]",
        entries.join(",")
    );
    let mut message = Message::default();
    let next = receiver.next(stream.as_bytes(), &mut message).unwrap();
    assert!(matches!(next, Next::Whole { .. }));
    let Message { header, body } = message;
    // A header has bounds of its own.
    assert_eq!(header.meta.len(), 10);
    assert_eq!(decoding.decode::<Vec<u32>>(&body).unwrap().len(), 11);
    let error = decoding.decode::<Vec<u64>>(&body).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("exceeds the limit `decoded` of 80 bytes"),
        "{error}"
    );
}

/// A codec in which everything is long.
struct Wordy;

impl Codec for Wordy {
    fn name(&self) -> &'static str {
        "wordy"
    }

    fn encode(&self, _: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.resize(out.len() + REQUEST_HEADER_MAX + 1, 0);
        Ok(())
    }

    fn decode(&self, _: &[u8], _: &mut dyn Target) -> Result<(), CodecError> {
        Err("not to be decoded".into())
    }

    fn frame(&self, _: &[u8]) -> Result<Option<usize>, CodecError> {
        Ok(None)
    }
}

#[test]
fn nothing_of_a_message_is_left_in_the_next() {
    let meta = Cow::Owned(Meta::from_iter([("key", "value")]));
    let full = Header {
        service_method: "Text.Upper".into(),
        seq: 1,
        error: "it failed".into(),
        ext: 2,
        code: 3,
        method: 4,
        meta,
    };
    let empty = Header {
        seq: 5,
        ..Header::default()
    };
    for format in [Format::Gob, Format::Json] {
        let mut sender = Sender::new(format.clone(), RESPONSE_HEADER_MAX);
        let encoding = Encoding::new(format.clone(), Limits::default());
        let mut stream = Vec::new();
        for (header, text) in [(&full, "long".repeat(100)), (&empty, "x".to_owned())] {
            let mut body = Vec::new();
            let types = encoding.encode(&text, &mut body).unwrap();
            sender.begin(header, &types, &mut stream).unwrap();
            stream.append(&mut body);
        }
        let mut receiver = Receiver::new(&format, RESPONSE_HEADER_MAX, Limits::default());
        let decoding = receiver.decoding();
        let (mut message, mut at) = (Message::default(), 0);
        let mut next = || {
            let Ok(Next::Whole { consumed }) = receiver.next(&stream[at..], &mut message) else {
                panic!("should be complete");
            };
            at += consumed;
            let text: String = decoding.decode(&message.body).unwrap();
            (message.header.clone(), text.len())
        };
        assert_eq!(next(), (full.clone(), 400));
        assert_eq!(next(), (empty.clone(), 1));
    }
}

#[test]
fn a_codec_of_the_users_may_be_too_wordy_for_headers() {
    let mut sender = Sender::new(Format::Custom(Arc::new(Wordy)), REQUEST_HEADER_MAX);
    let mut out = b"before".to_vec();
    let error = sender.begin(&Header::default(), &Types::default(), &mut out);
    assert!(matches!(error, Err(Error::Limit(_))), "{error:?}");
    assert_eq!(out, b"before");
}
