//! Frames in streams that arrive in any pieces.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Frame, NUMBER_MAX};

/// What a stream holds: the text of each value, and the error that it ends with.
type Found = (Vec<Vec<u8>>, Option<String>);

const LENGTH_MAX: usize = 100;

/// Takes the values from `stream`, which arrives in pieces that end at `ends`.
fn frames(stream: &[u8], ends: impl IntoIterator<Item = usize>) -> Found {
    let mut frame = Frame::new(LENGTH_MAX);
    let mut found = Vec::new();
    let mut front = 0;
    for end in ends.into_iter().chain([stream.len()]) {
        loop {
            match frame.scan(&stream[front..end]) {
                Ok(None) => break,
                Ok(Some(range)) => {
                    let bytes = &stream[front..end];
                    found.push(bytes[range.clone()].to_vec());
                    front += range.end;
                }
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }
    (found, None)
}

fn one(text: &str) -> Option<Range<usize>> {
    Frame::new(usize::MAX).scan(text.as_bytes()).unwrap()
}

fn error(text: &str) -> String {
    frames(text.as_bytes(), []).1.unwrap()
}

#[test]
fn a_value_ends_where_it_ends() {
    let values = [
        "{}",
        "[]",
        r#""""#,
        r#"{"a":[1,{"b":"}]\"\\"}],"c":"\\"}"#,
        r#"[[],{},"[",-1.5e+3,true,null]"#,
        "\"\\u00e9 é \\\\\"",
    ];
    for value in values {
        for rest in ["", "\n", " {", "}", "1", "\u{0}"] {
            let text = format!("{value}{rest}");
            assert_eq!(one(&text), Some(0..value.len()), "{text}");
            let text = format!(" \t\r\n{text}");
            assert_eq!(one(&text), Some(4..4 + value.len()), "{text}");
        }
        for end in 0..value.len() {
            let part = &value.as_bytes()[..end];
            assert_eq!(frames(part, []), (vec![], None), "{}", part.escape_ascii());
        }
    }
}

#[test]
fn a_word_ends_where_something_else_begins() {
    for word in ["0", "-12.5e+300", "true", "null"] {
        assert_eq!(one(word), None);
        for rest in ["\n", " ", "{", "\"", "]", ","] {
            assert_eq!(one(&format!("{word}{rest}")), Some(0..word.len()));
        }
    }
}

#[test]
fn headers_and_bodies_come_in_turns() {
    let stream = b"{\"Seq\":1}\n42\n\n{\"Seq\":2}{\"A\":[]}\"x\" null\n {\"Seq\"";
    let (values, error) = frames(stream, []);
    let values: Vec<_> = values
        .iter()
        .map(|value| str::from_utf8(value).unwrap())
        .collect();
    assert_eq!(
        values,
        [
            r#"{"Seq":1}"#,
            "42",
            r#"{"Seq":2}"#,
            r#"{"A":[]}"#,
            "\"x\"",
            "null"
        ]
    );
    assert_eq!(error, None);
}

#[test]
fn what_cannot_be_framed_is_an_error() {
    let errors = [
        ("}", "not JSON: unexpected `}` at byte 0"),
        ("  ,", "not JSON: unexpected `,` at byte 2"),
        ("[}", "not JSON: unexpected `}` at byte 1"),
        ("{\"a\":[1}", "not JSON: unexpected `}` at byte 7"),
        ("[1,\u{0}", "not JSON: unexpected `\\x00` at byte 3"),
        ("\u{feff}{}", "not JSON: unexpected `\\xef` at byte 0"),
        ("[é", "not JSON: unexpected `\\xc3` at byte 1"),
        ("'a'", "not JSON: unexpected `\\'` at byte 0"),
    ];
    for (text, expected) in errors {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn long_numbers_are_refused() {
    let number = "1".repeat(NUMBER_MAX);
    assert_eq!(one(&format!("{number} ")), Some(0..NUMBER_MAX));
    assert_eq!(
        one(&format!("[{number},{number}]")),
        Some(0..2 * NUMBER_MAX + 3)
    );
    let message = "a number of more than 64 characters at byte ";
    assert_eq!(error(&format!("{number}1")), format!("{message}64"));
    assert_eq!(error(&format!("[{number}e")), format!("{message}65"));
}

#[test]
fn long_values_are_refused_as_soon_as_they_are_too_long() {
    let list = |len: usize| format!("[{}]", " ".repeat(len - 2));
    assert_eq!(frames(list(LENGTH_MAX).as_bytes(), []).0.len(), 1);
    let message = "a JSON value of more than 100 bytes";
    assert_eq!(error(&list(LENGTH_MAX + 1)), message);
    assert_eq!(error(&" ".repeat(LENGTH_MAX + 1)), message);
    assert_eq!(error(&format!("\"{}", "a".repeat(LENGTH_MAX))), message);
    assert_eq!(
        frames(" ".repeat(LENGTH_MAX).as_bytes(), []),
        (vec![], None)
    );
    // A number's end is seen only behind it.
    let number = format!("{}1 ", " ".repeat(LENGTH_MAX - 1));
    assert_eq!(frames(number.as_bytes(), []).0.len(), 1);
    assert_eq!(error(&format!(" {number}")), message);
}

#[test]
fn each_byte_is_looked_at_once() {
    let text = format!("[\"{}\"{}]", "a".repeat(1 << 16), ",1".repeat(1 << 16));
    let mut frame = Frame::new(usize::MAX);
    for end in 0..text.len() {
        assert_eq!(frame.scan(&text.as_bytes()[..end]).unwrap(), None);
        assert_eq!(frame.scanned, end);
    }
    assert_eq!(frame.scan(text.as_bytes()).unwrap(), Some(0..text.len()));
    assert_eq!(frame.scanned, 0);
}

/// Pieces of JSON, mostly in a good order.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "\"\\\"\"",
        "12",
        "-1.5e3",
        "true",
        " ",
        "\n",
        "{}",
        "[1]",
        "{\"a\":[{}]}",
        "\u{1}",
        "é",
    ]);
    let length = prop_oneof![9 => 0..30_usize, 1 => 30..200_usize];
    length
        .prop_flat_map(move |length| vec(pieces.clone(), length))
        .prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn every_split_gives_the_same_values(stream in streams(), seed: u64) {
        let whole = frames(&stream, []);
        prop_assert_eq!(&frames(&stream, 0..stream.len()), &whole);
        for split in 0..stream.len() {
            prop_assert_eq!(&frames(&stream, [split]), &whole);
        }
        let some = (0..stream.len()).filter(|at| seed >> (at % 64) & 1 == 1);
        prop_assert_eq!(&frames(&stream, some), &whole);
    }

    #[test]
    fn every_value_that_serde_json_reads_has_its_frame(stream in streams()) {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&stream) else {
            return Ok(());
        };
        prop_assume!(stream.len() < LENGTH_MAX);
        let (found, error) = frames(&[&stream[..], b"\n"].concat(), []);
        prop_assert_eq!((found.len(), error), (1, None));
        let framed: serde_json::Value = serde_json::from_slice(&found[0]).unwrap();
        prop_assert_eq!(framed, value);
    }
}
