//! CONNECT byte by byte, as Go sends it and as others do.

use proptest::prelude::*;

use super::*;

const PARTIAL: Result<Parse<HttpHead>, HandshakeError> = Ok(Parse::Partial);

fn consumed(head: &str) -> usize {
    match parse_connect(head.as_bytes()) {
        Ok(Parse::Done {
            value: HttpHead::Connect,
            consumed,
        }) => consumed,
        other => panic!("should be ours: {head:?}, {other:?}"),
    }
}

fn is_other(head: impl AsRef<[u8]>) -> bool {
    let value = HttpHead::Other;
    parse_connect(head.as_ref()) == Ok(Parse::Done { value, consumed: 0 })
}

/// The head of a CONNECT with one long field, of this many bytes.
fn of_length(length: usize) -> String {
    let start = "CONNECT /_wgprc_ HTTP/1.1\r\nA: ";
    let end = "\r\n\r\n";
    format!(
        "{start}{}{end}",
        "x".repeat(length - start.len() - end.len())
    )
}

#[test]
fn both_paths_versions_and_line_ends_are_ours() {
    for path in ["/_wgprc_", "/_wgrpc_"] {
        for version in ["1.0", "1.1"] {
            for end in ["\n", "\r\n"] {
                for fields in ["", "Host: a", "Host: a|X-Forwarded-For: b"] {
                    let mut head = format!("CONNECT {path} HTTP/{version}{end}");
                    for field in fields.split('|').filter(|field| !field.is_empty()) {
                        head += &format!("{field}{end}");
                    }
                    head += end;
                    assert_eq!(consumed(&head), head.len(), "{head:?}");
                }
            }
        }
    }
}

#[test]
fn every_beginning_of_a_connect_is_partial() {
    let with_fields = "CONNECT /_wgrpc_ HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n".as_bytes();
    for whole in [connect_request(), with_fields] {
        for length in 0..whole.len() {
            assert_eq!(parse_connect(&whole[..length]), PARTIAL, "{length}");
        }
    }
}

#[test]
fn bytes_behind_the_empty_line_are_not_consumed() {
    let head = str::from_utf8(connect_request()).unwrap();
    for behind in [
        "{\"MagicNumber\":57775718}",
        "\n",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(consumed(&format!("{head}{behind}")), head.len());
    }
}

#[test]
fn a_head_of_8192_bytes_passes_and_one_more_is_refused() {
    assert_eq!(consumed(&of_length(8192)), 8192);
    assert_eq!(
        parse_connect(of_length(8193).as_bytes()),
        Err(HandshakeError::HeadTooLong)
    );
    assert_eq!(parse_connect(&of_length(8193).as_bytes()[..8191]), PARTIAL);
    let endless = "C".repeat(10_000);
    assert_eq!(
        parse_connect(endless.as_bytes()),
        Err(HandshakeError::HeadTooLong)
    );
}

#[test]
fn too_many_or_malformed_fields_of_a_connect_are_refused() {
    let fields = |count: usize| format!("CONNECT /_wgprc_ HTTP/1.1\n{}\n", "A: b\n".repeat(count));
    assert_eq!(consumed(&fields(100)), fields(100).len());
    for head in [
        &fields(101),
        "CONNECT /_wgprc_ HTTP/1.1\nno colon\n\n",
        "CONNECT /_wgprc_ HTTP/2.0\n\n",
    ] {
        let error = parse_connect(head.as_bytes()).unwrap_err();
        assert!(matches!(error, HandshakeError::HeadSyntax(_)), "{head:?}");
    }
}

#[test]
fn other_methods_and_paths_are_left_to_the_http_server_as_soon_as_they_show() {
    for head in [
        "GET ",
        "POST /_wgprc_ HTTP/1.1\r\n\r\n",
        "CONNECTS /_wgprc_ HTTP/1.0\n\n",
        "CONNECT example.org:443 ",
        "CONNECT /_wgprc_/ HTTP/1.0\n\n",
        "CONNECT /_wgprc_?a HTTP/1.0\n\n",
        "CONNECT /_goRPC_ HTTP/1.0\n\n",
    ] {
        assert!(is_other(head), "{head:?}");
    }
}

#[test]
fn what_is_malformed_before_the_path_is_left_to_the_http_server_too() {
    for bytes in ["GET\u{1}", "CONN(", "G/", "CONNECT /_wgprc_\n\n"] {
        assert!(is_other(bytes), "{bytes:?}");
    }
}

#[test]
fn the_exact_answer_is_consent_and_partial_before_its_end() {
    let whole = connect_response();
    assert_eq!(whole, b"HTTP/1.0 200 Connected to Wg RPC\n\n");
    for length in 0..whole.len() {
        assert_eq!(
            parse_connect_response(&whole[..length]),
            Ok(Parse::Partial),
            "{length}"
        );
    }
    let consent = Ok(Parse::Done {
        value: (),
        consumed: whole.len(),
    });
    assert_eq!(parse_connect_response(whole), consent);
    let mut with_more = whole.to_vec();
    with_more.extend(b"\x23\xff\x80");
    assert_eq!(parse_connect_response(&with_more), consent);
}

#[test]
fn an_answer_with_header_fields_is_consent() {
    let head = b"HTTP/1.1 200 Connected to Wg RPC\r\nDate: today\r\n\r\n";
    let consumed = head.len();
    assert_eq!(
        parse_connect_response(head),
        Ok(Parse::Done {
            value: (),
            consumed
        })
    );
}

#[test]
fn any_other_status_is_a_refusal_that_quotes_it() {
    for (head, quoted) in [
        (
            "HTTP/1.0 200 Connected to Go RPC\n\n",
            "200 Connected to Go RPC",
        ),
        (
            "HTTP/1.0 200 connected to wg rpc\n\n",
            "200 connected to wg rpc",
        ),
        (
            "HTTP/1.0 201 Connected to Wg RPC\n\n",
            "201 Connected to Wg RPC",
        ),
        ("HTTP/1.1 404 Not Found\r\nContent-", "404 Not Found"),
        ("HTTP/1.1 200 \r\n\r\n", "200 "),
    ] {
        let error = parse_connect_response(head.as_bytes()).unwrap_err();
        let expected =
            format!("CONNECT was answered by `{quoted}`, expected `200 Connected to Wg RPC`");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn an_answer_that_is_no_http_or_never_ends_is_an_error() {
    for bytes in ["SSH-2.0-OpenSSH\r\n", "\u{16}\u{3}", "{\"Seq\":1}"] {
        assert!(
            parse_connect_response(bytes.as_bytes()).is_err(),
            "{bytes:?}"
        );
    }
    let endless = format!("HTTP/1.0 200 Connected to Wg RPC\nA: {}", "x".repeat(9000));
    let error = parse_connect_response(endless.as_bytes());
    assert_eq!(error, Err(HandshakeError::HeadTooLong));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse_connect(&bytes);
        let _ = parse_connect_response(&bytes);
    }

    #[test]
    fn no_head_like_text_panics(text in "(CONNECT|GET|HTTP/1.0)[ /_wgprcHTP1.0:a\r\n]{0,80}") {
        let _ = parse_connect(text.as_bytes());
        let _ = parse_connect_response(text.as_bytes());
    }
}
