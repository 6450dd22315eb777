//! Byte for byte, in gob: bytes that real Go wrote, and bytes that nobody should write.

use crate::raw::{Codec, Hearing, Raw};
use crate::support::demo_in_memory;

/// What a client sends behind the handshake before it ends its side, and the responses, all of
/// them numbers, that it gets before the server closes.
struct Row(
    &'static str,
    Vec<Vec<u8>>,
    Vec<(u64, Result<i64, &'static str>)>,
);

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks_exact(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

/// Go's definition of its header, and the header of `Arith.Multiply`, number 1.
fn header() -> Vec<u8> {
    hex(
        "377f0301010648656164657201ff80000103010d536572766963654d6574686f64010c000103536571\
         01060001054572726f72010c000000 15ff80010e41726974682e4d756c7469706c79010100",
    )
}

/// Go's definition of `Args{A, B int}`, and `{6 7}`.
fn body() -> Vec<u8> {
    hex("1eff81030101044172677301ff82000102010141010400010142010400000007ff82010c010e00")
}

/// The header of another call, of number 2, and `{1 0}`, whose B is absent.
fn second() -> Vec<u8> {
    hex("15ff80010e41726974682e4d756c7469706c79010200 05ff82010200")
}

/// The length of what follows, as gob writes it.
fn uint(number: u64) -> Vec<u8> {
    if number < 0x80 {
        return vec![number as u8];
    }
    let bytes = number.to_be_bytes();
    let bytes = &bytes[number.leading_zeros() as usize / 8..];
    [&[(bytes.len() as u8).wrapping_neg()], bytes].concat()
}

/// A message of these bytes.
fn message(content: &[u8]) -> Vec<u8> {
    [uint(content.len() as u64), content.to_vec()].concat()
}

/// The header value `fields` (without its length), of Go's type.
fn header_of(fields: &[u8]) -> Vec<u8> {
    message(&[&hex("ff80"), fields, &[0]].concat())
}

/// A good call, something that cannot be followed, and a call that is lost with it.
fn unreadable(name: &'static str, bytes: Vec<u8>) -> Row {
    Row(
        name,
        vec![header(), body(), bytes, second()],
        vec![(1, Ok(42))],
    )
}

/// A good call, a header with `name` and the number 3 and a body, and another good call.
fn refused(what: &'static str, name: &[u8], body_3: Vec<u8>, text: &'static str) -> Row {
    let fields = [&[1], &uint(name.len() as u64)[..], name, &[1, 3]].concat();
    let said = vec![header(), body(), header_of(&fields), body_3, second()];
    Row(what, said, vec![(1, Ok(42)), (3, Err(text)), (2, Ok(0))])
}

fn rows() -> Vec<Row> {
    let good = vec![(1, Ok(42)), (2, Ok(0))];
    let args = || hex("07ff82010c010e00");
    let long = |length: u64| uint(length);
    let mut rows = vec![
        Row(
            "a conversation as Go has it",
            vec![header(), body(), second()],
            good.clone(),
        ),
        Row("nothing behind the handshake", vec![], vec![]),
        Row(
            "a type is defined ahead of the header",
            vec![
                body()[..body().len() - args().len()].to_vec(),
                header(),
                args(),
                second(),
            ],
            good,
        ),
        Row("half a header", vec![header()[..70].to_vec()], vec![]),
        Row("a header without its body", vec![header()], vec![]),
        Row("half a body", vec![header(), body()[..36].to_vec()], vec![]),
        refused(
            "an unknown service",
            b"Foo.Bar",
            args(),
            "can't find service: Foo",
        ),
        refused(
            "an unknown method",
            b"Arith.Bar",
            args(),
            "can't find method: Bar",
        ),
        refused(
            "a number as the body",
            b"Foo.Bar",
            hex("03040054"),
            "can't find service: Foo",
        ),
        refused(
            "text as the body",
            b"Foo.Bar",
            hex("050c0002 6869"),
            "can't find service: Foo",
        ),
        refused(
            "bytes as the body",
            b"Foo.Bar",
            hex("050a00020000"),
            "can't find service: Foo",
        ),
        refused(
            "a header as the body",
            b"Foo.Bar",
            hex("15ff80010e41726974682e4d756c7469706c79010400"),
            "can't find service: Foo",
        ),
        refused(
            "a line end in a name",
            b"Fo\r\no.B",
            args(),
            "can't find service: Fo\r\no",
        ),
        refused(
            "NUL in a name",
            b"Fo\0o.B",
            args(),
            "can't find service: Fo\0o",
        ),
        refused(
            "markup in a name",
            b"<b>.B",
            args(),
            "can't find service: <b>",
        ),
        unreadable("a name that is no UTF-8", {
            [header_of(b"\x01\x05\xff\xfe.BC\x01\x03"), args()].concat()
        }),
        unreadable(
            "a header with a field too many",
            header_of(&hex("010161 0101 0100 0105")),
        ),
        unreadable("a header without an end", message(&hex("ff8001036162 63"))),
        unreadable("a name longer than its header", header_of(&hex("017f6162"))),
        unreadable("a body in place of a header", args()),
        unreadable("a number in place of a header", hex("03040054")),
        unreadable("a value of an unknown type", hex("04ff900100")),
        unreadable("a value of type 0", hex("03000101")),
        unreadable("an empty message", vec![0]),
        unreadable("a length of 9 bytes", hex("f7 010101010101010101")),
        unreadable("a type that is defined again", body()),
        unreadable("a reserved type is defined", {
            hex("1e0b030101044172677301ff8200010201014101040001014201040000000000")
        }),
        unreadable("half a definition", hex("05ff830301 02")),
    ];
    for (name, length) in [
        ("a message of 2^31 bytes", 1 << 31),
        ("a message of 2^32 bytes", 1 << 32),
        ("a message of 8 GiB less 1", (8 << 30) - 1),
        ("a message of 2^62 bytes", 1 << 62),
        ("a message of 2^63 bytes", 1 << 63),
        ("a message of 2^64 bytes less 1", u64::MAX),
        ("a header of 1 MiB", 1 << 20),
    ] {
        rows.push(unreadable(name, long(length)));
        let behind_header = [
            hex("15ff80010e41726974682e4d756c7469706c79010300"),
            long(length),
        ];
        if length > 16 << 20 {
            rows.push(unreadable(name, behind_header.concat()));
        }
    }
    rows
}

#[tokio::test]
async fn the_same_bytes_get_the_same_answer_however_they_are_cut() {
    let server = demo_in_memory();
    for Row(name, said, heard) in rows() {
        let said = [Codec::Gob.option(), said.concat()].concat();
        for is_trickled in [false, true] {
            let mut raw = Raw::in_memory(&server, 64 << 10, Codec::Gob);
            if is_trickled {
                raw.trickle(&said).await;
            } else {
                raw.send(&said).await;
            }
            raw.finish().await;
            let answers: Vec<(u64, Result<i64, String>)> =
                Hearing::responses(Codec::Gob, &raw.rest().await)
                    .into_iter()
                    .map(|response| (response.header.seq, response.result))
                    .collect();
            let expected: Vec<_> = heard
                .iter()
                .map(|&(seq, result)| (seq, result.map_err(str::to_owned)))
                .collect();
            assert_eq!(answers, expected, "{name}, trickled: {is_trickled}");
        }
    }
}
