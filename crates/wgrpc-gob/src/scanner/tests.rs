//! Finding values, whatever comes first, last and in between.

use super::*;
use crate::{Category, Dynamic};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// `AnyMid{Before: 1, V: Point{2, 3}, After: "after"}` as Go writes it: in two messages, the first
/// of which ends with the definition of `Point`.
const IN_TWO: &str = "2e7f030101 06416e794d6964 01ff80 00 01 03 01064265666f7265 0104 00 \
                      010156 0110 00 01054166746572 010c 00 00 00 \
                      2fff80 01 02 01 0a6d61696e2e506f696e74 \
                      ff81 03 0101 05506f696e74 01ff82 00 01 02 010158 0104 00 \
                      010159 0104 00 00 00 \
                      10ff82 05 01 04 01 06 00 01 056166746572 00";

fn value(scanner: &mut Scanner, bytes: &[u8]) -> Dynamic {
    match scanner.scan(bytes).unwrap() {
        Scan::Value {
            id,
            payload,
            consumed,
        } => {
            assert_eq!(consumed, bytes.len());
            Dynamic::decode(scanner.types(), id, &payload, &Limits::default()).unwrap()
        }
        partial => panic!("{partial:?}"),
    }
}

fn scanner() -> Scanner {
    Scanner::new(Limits::default())
}

#[test]
fn a_value_in_two_messages_is_put_together() {
    let stream = bytes(IN_TWO);
    let shown = r#"AnyMid{Before: 1, V: main.Point(Point{X: 2, Y: 3}), After: "after"}"#;
    assert_eq!(value(&mut scanner(), &stream).to_string(), shown);

    // The same, however it is cut.
    for cut in 1..stream.len() {
        let mut scanner = scanner();
        let Scan::Partial { consumed, missing } = scanner.scan(&stream[..cut]).unwrap() else {
            panic!("a value after {cut} bytes");
        };
        assert!(missing > 0 && cut + missing <= stream.len());
        assert!(!scanner.is_between_values() || consumed == 0);
        assert_eq!(value(&mut scanner, &stream[consumed..]).to_string(), shown);
        assert!(scanner.is_between_values());
        assert_eq!(scanner.offset(), stream.len() as u64);
    }
}

#[test]
fn a_second_value_of_the_type_is_one_message_and_borrowed() {
    let mut scanner = scanner();
    value(&mut scanner, &bytes(IN_TWO));
    let again = bytes("15ff80 02 0a6d61696e2e506f696e74 ff82 03 01 04 00 00");
    match scanner.scan(&again).unwrap() {
        Scan::Value {
            payload: Cow::Borrowed(payload),
            ..
        } => assert_eq!(payload, &again[3..]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_cut_by_its_message_must_not_swallow_the_next() {
    // The interface's name ends the message, and what follows is no definition.
    let mut scanner = scanner();
    value(&mut scanner, &bytes(IN_TWO));
    let error = scanner
        .scan(&bytes("0eff80 02 0a6d61696e2e506f696e74 03040006"))
        .unwrap_err();
    assert!(!error.is_stream_usable(), "{error}");
}

#[test]
fn the_size_of_what_is_in_an_interface_must_be_right() {
    for size in ["02", "04", "00", "f8ffffffffffffffff"] {
        let message = format!("ff80 02 0a6d61696e2e506f696e74 ff82 {size} 01 04 00 00");
        let mut stream = Vec::new();
        crate::wire::put_bytes(&mut stream, &bytes(&message));
        let mut scanner = scanner();
        value(&mut scanner, &bytes(IN_TWO));
        let error = scanner.scan(&stream).unwrap_err();
        assert_eq!(error.category(), Category::Corrupt, "{error}");
        assert!(!error.is_stream_usable());
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_arrives() {
    let limits = Limits {
        message: 0x2e + 4,
        ..Limits::default()
    };
    let error = Scanner::new(limits.clone()).scan(&[0x33]).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert!(error.to_string().contains("`message` of 50"), "{error}");
    let huge = bytes("f8ffffffffffffffff");
    assert_eq!(
        Scanner::new(limits.clone())
            .scan(&huge)
            .unwrap_err()
            .category(),
        Category::Limit
    );

    // The messages of one value count together.
    let error = Scanner::new(limits).scan(&bytes(IN_TWO)).unwrap_err();
    assert!(
        error.to_string().contains("a message of 63 bytes"),
        "{error}"
    );
}

#[test]
fn errors_tell_where_in_the_stream_they_are() {
    let mut scanner = scanner();
    value(&mut scanner, &bytes("03040006"));
    // The definition of a kind of type that there is not.
    let error = scanner.scan(&bytes("05 7f 09 01 01 00")).unwrap_err();
    assert_eq!(error.offset(), Some(4 + 2), "{error}");
}
