//! The Option byte by byte, as Go sends it and as an attacker might.

use proptest::prelude::*;

use super::*;
use crate::protocol::{Ext, GOB};

const FROM_GO: &str = concat!(
    r#"{"MagicNumber":57775718,"CodecType":"application/gob","#,
    r#""ConnectTimeout":10000000000,"HandleTimeout":0}"#,
);

fn gob() -> ConnectOption {
    ConnectOption {
        codec: GOB.to_owned(),
        connect_timeout: 10_000_000_000,
        handle_timeout: 0,
        ext: 0,
    }
}

fn done(bytes: impl AsRef<[u8]>) -> (ConnectOption, usize) {
    match parse_option(bytes.as_ref()).unwrap() {
        Parse::Done { value, consumed } => (value, consumed),
        Parse::Partial => panic!("should be complete"),
    }
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    parse_option(bytes.as_ref()).unwrap_err().to_string()
}

/// An Option with these fields after the magic number.
fn with(fields: &str) -> String {
    format!("{{\"MagicNumber\":57775718,{fields}}}")
}

/// A complete Option of this many bytes.
fn of_length(length: usize) -> Vec<u8> {
    let mut bytes = with("\"CodecType\":\"x\"").into_bytes();
    bytes.pop();
    bytes.resize(length - 1, b' ');
    bytes.push(b'}');
    bytes
}

#[test]
fn every_beginning_of_an_option_is_partial_and_the_whole_is_done() {
    for whole in [FROM_GO.as_bytes().to_vec(), gob().encode()] {
        for length in 0..whole.len() {
            assert_eq!(
                parse_option(&whole[..length]),
                Ok(Parse::Partial),
                "{length}"
            );
        }
        assert_eq!(done(&whole), (gob(), whole.len()));
    }
}

#[test]
fn bytes_behind_the_closing_brace_are_not_consumed() {
    for behind in ["\n", "\n{\"Seq\":1}", "{\"Seq\":1}", "\u{0}garbage", "}}}}"] {
        let bytes = format!("{FROM_GO}{behind}");
        assert_eq!(done(&bytes), (gob(), FROM_GO.len()), "{behind:?}");
    }
    let mut gob_behind = FROM_GO.as_bytes().to_vec();
    gob_behind.extend([0x37, 0x7f, 0x03, 0xff, 0xfe]);
    assert_eq!(done(gob_behind), (gob(), FROM_GO.len()));
}

#[test]
fn only_a_line_feed_belongs_to_the_option_before_it() {
    assert!(skip_newline(b'\n'));
    assert!((0..=255).filter(|byte| skip_newline(*byte)).count() == 1);
}

#[test]
fn an_option_is_sent_with_just_as_many_bytes_as_a_go_server_reads_at_once() {
    let bytes = gob().encode();
    assert_eq!(bytes.len(), 512);
    let text = String::from_utf8(bytes).unwrap();
    let (object, padding) = text.split_at(FROM_GO.len() - 1);
    assert_eq!(object, FROM_GO.strip_suffix('}').unwrap());
    assert_eq!(padding.trim_start_matches(' '), "}");
}

#[test]
fn extensions_are_announced_in_the_same_512_bytes() {
    let option = ConnectOption {
        ext: Ext::OURS.0,
        ..gob()
    };
    let bytes = option.encode();
    assert_eq!(bytes.len(), 512);
    assert!(
        str::from_utf8(&bytes)
            .unwrap()
            .contains(",\"HandleTimeout\":0,\"Ext\":35 ")
    );
    assert_eq!(done(bytes), (option, 512));
}

#[test]
fn a_codec_name_that_leaves_no_room_makes_the_option_longer_and_not_wrong() {
    let fitting = 512 - gob().encode().iter().filter(|byte| **byte != b' ').count() + GOB.len();
    for (length, expected) in [
        (fitting, 512),
        (fitting + 1, 513),
        (1000, 1000 + 512 - fitting),
    ] {
        let option = ConnectOption {
            codec: "x".repeat(length),
            ..gob()
        };
        let bytes = option.encode();
        assert_eq!(bytes.len(), expected);
        assert_eq!(done(bytes), (option, expected));
    }
}

#[test]
fn an_option_of_4096_bytes_passes_and_one_more_is_refused() {
    assert_eq!(done(of_length(4096)).1, 4096);
    assert_eq!(
        parse_option(&of_length(4097)),
        Err(HandshakeError::OptionTooLong)
    );
    assert_eq!(parse_option(&of_length(4097)[..4095]), Ok(Parse::Partial));
    assert_eq!(
        parse_option(&of_length(9000)[..4096]),
        Err(HandshakeError::OptionTooLong)
    );
    assert_eq!(parse_option(&b" ".repeat(4095)), Ok(Parse::Partial));
    assert_eq!(
        parse_option(&b" ".repeat(4096)),
        Err(HandshakeError::OptionTooLong)
    );
}

#[test]
fn fields_come_in_any_order_and_case_and_the_last_of_equal_ones_counts() {
    let option = with(r#""handletimeout":1,"CODECTYPE":"a","CodecType":"b","HandleTimeout":2"#);
    let (value, _) = done(option);
    assert_eq!(value.codec, "b");
    assert_eq!(value.handle_timeout, 2);
    let magic_last = r#"{"CodecType":"c","magicNUMBER":1,"MagicNumber":57775718}"#;
    assert_eq!(done(magic_last).0.codec, "c");
}

#[test]
fn null_leaves_a_field_as_it_was_and_absence_is_zero() {
    let expected = ConnectOption {
        codec: String::new(),
        connect_timeout: 0,
        handle_timeout: 7,
        ext: 0,
    };
    let fields = r#""CodecType":null,"HandleTimeout":7,"HandleTimeout":null,"Ext":null"#;
    assert_eq!(done(with(fields)).0, expected);
}

#[test]
fn unknown_fields_are_ignored_whatever_they_hold() {
    let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for value in [
        "1",
        "-1e9999",
        r#""}{""#,
        r#"{"MagicNumber":0,"a":[{}]}"#,
        &nested,
    ] {
        assert_eq!(
            done(with(&format!("\"Future\":{value},\"CodecType\":\"x\"")))
                .0
                .codec,
            "x"
        );
    }
}

#[test]
fn unknown_fields_may_arrive_in_two_pieces_cut_anywhere() {
    for value in ["-1.5e+10", "\"\\u00e4\"", "[true,null,-0.1E-2]"] {
        let whole = with(&format!("\n\"Future\":{value}"));
        for length in 0..whole.len() {
            let part = &whole.as_bytes()[..length];
            assert_eq!(parse_option(part), Ok(Parse::Partial), "{length}");
        }
    }
    // What cannot become a number is known by the byte behind it.
    for wrong in ["-", "--1", "1.e5", "1e+,"] {
        error(with(&format!("\"Future\":{wrong}")));
    }
}

#[test]
fn white_space_and_escapes_are_what_json_says() {
    let option = "\r\n\t { \"Magic\\u004eumber\" : 57775718 ,\n\"CodecType\":\"\\u0061\\/b\" }";
    assert_eq!(
        done(option),
        (
            ConnectOption {
                codec: "a/b".into(),
                ..zero()
            },
            option.len()
        )
    );
}

fn zero() -> ConnectOption {
    ConnectOption {
        codec: String::new(),
        connect_timeout: 0,
        handle_timeout: 0,
        ext: 0,
    }
}

#[test]
fn a_wrong_magic_number_is_refused_with_what_was_found() {
    for found in [
        "57775717",
        "0",
        "57775718.0",
        "5.7775718e7",
        "\"57775718\"",
        "99999999999999",
    ] {
        let error = error(format!("{{\"MagicNumber\":{found}}}"));
        assert!(
            error.starts_with("the option's `MagicNumber` must be the number"),
            "{error}"
        );
    }
    let expected = "the option's `MagicNumber` must be the number that marks WgRPC, found null";
    assert_eq!(error("{}"), expected);
}

#[test]
fn timeouts_from_zero_to_the_largest_are_taken() {
    for nanoseconds in [0, 1, i64::MAX] {
        let fields = format!("\"ConnectTimeout\":{nanoseconds},\"HandleTimeout\":{nanoseconds}");
        let (value, _) = done(with(&fields));
        assert_eq!(value.connect_timeout, nanoseconds);
        assert_eq!(value.handle_timeout, nanoseconds);
    }
}

#[test]
fn timeouts_that_are_negative_or_no_whole_numbers_are_refused() {
    for field in ["ConnectTimeout", "HandleTimeout"] {
        for found in [
            "-1",
            "-9223372036854775808",
            "9223372036854775808",
            "1.5",
            "\"1s\"",
            "[]",
        ] {
            let expected = "must be a whole number of nanoseconds, 0 or more";
            let error = error(with(&format!("\"{field}\":{found}")));
            let start = format!("the option's `{field}` {expected}, found ");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}

#[test]
fn other_fields_of_the_wrong_type_are_refused() {
    let wrong_codec = "the option's `CodecType` must be a text, found 1";
    assert_eq!(error(with("\"CodecType\":1")), wrong_codec);
    assert!(error(with("\"Ext\":-1")).contains("`Ext`"));
    assert_eq!(done(with(&format!("\"Ext\":{}", u64::MAX))).0.ext, u64::MAX);
}

#[test]
fn what_is_no_object_is_refused_at_once() {
    for bytes in [
        "[",
        "1 ",
        "\"text\"",
        "{1",
        "{\"a\" 1",
        "{\"a\":1,}",
        "{,",
        "x",
        "{\"a\":tru ",
    ] {
        assert!(
            error(bytes).starts_with("the option is not a JSON object: "),
            "{bytes}"
        );
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_wherever_it_stands() {
    for value in [
        &b"\"CodecType\":\"\xff\""[..],
        b"\"Future\":\"\xff\"",
        b"\"\xff\":1",
    ] {
        let mut bytes = b"{\"MagicNumber\":57775718,".to_vec();
        bytes.extend(value);
        bytes.push(b'}');
        assert!(error(bytes).starts_with("the option is not a JSON object: "));
    }
}

#[test]
fn errors_quote_little_of_what_the_peer_sent() {
    let long = "\\u0000\\r\\n<b>".repeat(300);
    for bytes in [with(&format!("\"Ext\":\"{long}\"")), format!("\"{long}\"")] {
        let error = error(bytes);
        assert!(error.len() < 400, "{}", error.len());
        assert!(!error.contains(char::is_control));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse_option(&bytes);
    }

    #[test]
    fn no_object_like_text_panics(text in "\\{[\"{}\\[\\]:,a-zA-Z0-9.\\\\ -]{0,80}\\}?") {
        let _ = parse_option(text.as_bytes());
    }

    #[test]
    fn what_is_sent_is_read_and_partial_at_every_byte_before(
        codec in "\\PC{0,60}",
        connect_timeout in 0..=i64::MAX,
        handle_timeout in 0..=i64::MAX,
        ext: u64,
        cut in 0.0..1.0,
    ) {
        let option = ConnectOption { codec, connect_timeout, handle_timeout, ext };
        let bytes = option.encode();
        prop_assert_eq!(bytes.len(), 512);
        let cut = (bytes.len() as f64 * cut) as usize;
        prop_assert_eq!(parse_option(&bytes[..cut]), Ok(Parse::Partial));
        prop_assert_eq!(done(bytes), (option, 512));
    }
}
