//! Each dialect by its first bytes, and no verdict before they suffice.

use proptest::prelude::*;

use super::*;
use crate::protocol::connect_request;
use crate::protocol::option::ConnectOption;

fn is_known_only_from(length: usize, bytes: &[u8], dialect: Dialect) {
    for shorter in 0..length {
        assert_eq!(sniff(&bytes[..shorter]), None, "{shorter} of {bytes:?}");
    }
    for longer in length..=bytes.len() {
        assert_eq!(
            sniff(&bytes[..longer]),
            Some(dialect),
            "{longer} of {bytes:?}"
        );
    }
}

#[test]
fn an_option_is_known_when_its_first_key_is_complete() {
    let option = ConnectOption {
        codec: "application/gob".to_owned(),
        connect_timeout: 0,
        handle_timeout: 0,
        ext: 0,
    };
    is_known_only_from(14, &option.encode(), Dialect::Option);
    is_known_only_from(16, b"\r\n { \"codecTYPE\" : 1", Dialect::Option);
    is_known_only_from(17, b"{\"ConnectTimeout\":", Dialect::Option);
    is_known_only_from(
        34,
        b"{\"Future\":{\"id\":1},\"HandleTimeout\":0}",
        Dialect::Option,
    );
}

#[test]
fn json_rpc_is_told_from_an_option_by_its_first_known_key() {
    is_known_only_from(
        9,
        b"{\"method\":\"Arith.Multiply\",\"params\":[{}],\"id\":1}",
        JSON_RPC,
    );
    is_known_only_from(10, b"{\"jsonrpc\":\"2.0\",\"MagicNumber\":1}", JSON_RPC);
    is_known_only_from(9, b"{\"Params\":[]}", JSON_RPC);
    is_known_only_from(5, b"{\"ID\":0}", JSON_RPC);
}

#[test]
fn other_json_is_nobodys() {
    is_known_only_from(2, b"{}", UNKNOWN);
    is_known_only_from(7, b"{\"a\":1}", UNKNOWN);
    is_known_only_from(2, b"{1", UNKNOWN);
    is_known_only_from(3, b" \n[", UNKNOWN);
    is_known_only_from(2, b" x", UNKNOWN);
}

#[test]
fn an_unknown_value_before_the_first_known_key_may_be_cut_anywhere() {
    let bytes = b"{\"Ext\":-1.5e+10,\"MagicNumber\":";
    is_known_only_from(bytes.len() - 1, bytes, Dialect::Option);
}

#[test]
fn json_without_a_known_key_is_not_read_for_ever() {
    assert_eq!(sniff(&b"\n".repeat(4095)), None);
    assert_eq!(sniff(&b"\n".repeat(4096)), Some(UNKNOWN));
    let long_key = format!("{{\"{}", "a".repeat(5000));
    assert_eq!(sniff(&long_key.as_bytes()[..4095]), None);
    assert_eq!(sniff(long_key.as_bytes()), Some(UNKNOWN));
}

#[test]
fn http_is_a_capital_letter_and_a_token() {
    is_known_only_from(2, connect_request(), Dialect::Http);
    is_known_only_from(2, b"GET / HTTP/1.1\r\n", Dialect::Http);
    is_known_only_from(2, b"M-SEARCH * HTTP/1.1", Dialect::Http);
    is_known_only_from(2, b"POST", Dialect::Http);
    is_known_only_from(3, b"PROPFIND", Dialect::Http);
    is_known_only_from(4, b"PRIORITY", Dialect::Http);
    is_known_only_from(2, b"A {", UNKNOWN);
    is_known_only_from(2, b"get", UNKNOWN);
}

#[test]
fn http_2_shows_by_its_preface() {
    is_known_only_from(4, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP2);
}

#[test]
fn tls_shows_by_its_record_header() {
    is_known_only_from(2, &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01], TLS);
    is_known_only_from(2, &[0x16, 0x04], UNKNOWN);
}

#[test]
fn net_rpc_shows_by_a_type_definition_whatever_its_length_looks_like() {
    for length in 1..=0x7f {
        for id in [0x7f, 0xfc, 0xfd, 0xfe, 0xff] {
            is_known_only_from(2, &[length, id, 0x03], NET_RPC);
        }
    }
    for length in 0xf8..=0xff {
        is_known_only_from(1, &[length, 0x80, 0x7f], NET_RPC);
    }
}

#[test]
fn a_byte_that_begins_nothing_is_enough() {
    for first in (0x80..=0xf7).chain([0]) {
        is_known_only_from(1, &[first, 0x7f], UNKNOWN);
    }
    is_known_only_from(2, b"SS", Dialect::Http);
    is_known_only_from(2, &[0x01, 0x02], UNKNOWN);
}

proptest! {
    #[test]
    fn no_bytes_panic_and_a_verdict_stands_whatever_follows(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        more in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        stands(bytes, more)?;
    }

    #[test]
    fn a_verdict_on_json_stands_whatever_follows(
        text in "[ \n]{0,2}\\{\"[a-z\"{}\\[\\]:,0-9 ]{0,12}(\"id\"|\"MagicNumber\")?:?1?",
        more in "[a-z\"{}\\[\\]:,0-9 ]{0,12}",
    ) {
        stands(text.into_bytes(), more.into_bytes())?;
    }
}

fn stands(mut bytes: Vec<u8>, more: Vec<u8>) -> Result<(), TestCaseError> {
    let Some(dialect) = sniff(&bytes) else {
        return Ok(());
    };
    bytes.extend(more);
    prop_assert_eq!(sniff(&bytes), Some(dialect));
    Ok(())
}
