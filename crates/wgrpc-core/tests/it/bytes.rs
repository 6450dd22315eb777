//! Byte for byte: what a server answers to what, and that it makes no difference how the bytes
//! are cut.

use crate::raw::{CONNECT, Codec, Raw};
use crate::support::demo_in_memory;

/// A row: what it shows, what the client sends before it ends its side, and everything that the
/// server sends before it closes.
struct Row(&'static str, Vec<String>, Vec<String>);

const OPTION: &str = "{\"MagicNumber\":57775718,\"CodecType\":\"application/json\",\
                      \"ConnectTimeout\":10000000000,\"HandleTimeout\":0}";

/// A request as Go writes it.
fn ask(method: &str, seq: u64, body: &str) -> String {
    format!("{{\"ServiceMethod\":\"{method}\",\"Seq\":{seq},\"Error\":\"\"}}\n{body}\n")
}

/// A successful response.
fn reply(method: &str, seq: u64, body: &str) -> String {
    ask(method, seq, body)
}

/// A failed one.
fn error(method: &str, seq: u64, text: &str) -> String {
    format!("{{\"ServiceMethod\":\"{method}\",\"Seq\":{seq},\"Error\":\"{text}\"}}\n{{}}\n")
}

fn multiply(seq: u64) -> String {
    ask("Arith.Multiply", seq, "{\"A\":6,\"B\":7}")
}

fn product(seq: u64) -> String {
    reply("Arith.Multiply", seq, "42")
}

/// A good call behind a proper handshake, with something in between.
fn then_good(name: &'static str, said: String, heard: String) -> Row {
    Row(
        name,
        vec![OPTION.into(), "\n".into(), said, multiply(9)],
        vec![heard, product(9)],
    )
}

/// A handshake with this Option, and a call.
fn option(name: &'static str, option: &str, is_good: bool) -> Row {
    let heard = if is_good { vec![product(1)] } else { vec![] };
    Row(name, vec![option.into(), "\n".into(), multiply(1)], heard)
}

/// What begins like this gets no answer at all.
fn closed(name: &'static str, said: &str) -> Row {
    Row(name, vec![said.into()], vec![])
}

/// A call is answered, what follows cannot be read, and the call behind it is lost with it.
fn unreadable(name: &'static str, said: &str) -> Row {
    let said = vec![OPTION.into(), multiply(1), said.into(), multiply(2)];
    Row(name, said, vec![product(1)])
}

fn handshakes() -> Vec<Row> {
    let with = |from: &str, to: &str| {
        assert!(OPTION.contains(from));
        OPTION.replace(from, to)
    };
    let long_name = format!("\"{}\"", "x".repeat(3000));
    let long_name = with("\"HandleTimeout\":0", &format!("\"Unknown\":{long_name}"));
    let too_long = with(
        "\"HandleTimeout\":0",
        &format!("\"Unknown\":\"{}\"", "x".repeat(4096)),
    );
    let timeout = |value: &str| with("\"HandleTimeout\":0", &format!("\"HandleTimeout\":{value}"));
    let connect = |value: &str| with("10000000000", value);
    let magic = |value: &str| with("57775718", value);
    vec![
        option("an option as go sends it", OPTION, true),
        Row(
            "no line end behind the option",
            vec![OPTION.into(), multiply(1)],
            vec![product(1)],
        ),
        Row(
            "blanks between the option and json values",
            vec![OPTION.into(), "\n\r\n \t".into(), multiply(1)],
            vec![product(1)],
        ),
        Row("an option and nothing more", vec![OPTION.into()], vec![]),
        Row("nothing at all", vec![], vec![]),
        Row(
            "blanks before the option",
            vec![" \r\n\t".into(), OPTION.into(), multiply(1)],
            vec![product(1)],
        ),
        option(
            "blanks inside the option",
            &with("}", &format!("{}}}", " ".repeat(3000))),
            true,
        ),
        option(
            "other order and other case",
            "{\"codectype\":\"application/json\",\"MAGICNUMBER\":57775718}",
            true,
        ),
        option(
            "unknown fields",
            &with("\"HandleTimeout\":0", "\"X\":[{\"Y\":null}]"),
            true,
        ),
        option("a long unknown field", &long_name, true),
        option("an option of more than 4 KiB", &too_long, false),
        option(
            "more than 4 KiB of blanks",
            &with("}", &format!("{}}}", " ".repeat(4096))),
            false,
        ),
        option("another magic number", &magic("57775719"), false),
        option(
            "no magic number",
            &with("\"MagicNumber\":57775718,", ""),
            false,
        ),
        option("a magic number as text", &magic("\"57775718\""), false),
        option(
            "a magic number with a fraction",
            &magic("57775718.5"),
            false,
        ),
        option(
            "a magic number that only fits modulo 2^32",
            &magic("4352743014"),
            false,
        ),
        option("an unknown codec", &with("/json", "/xml"), false),
        option(
            "no codec",
            &with("\"CodecType\":\"application/json\",", ""),
            false,
        ),
        option(
            "a codec that is no text",
            &with("\"application/json\"", "7"),
            false,
        ),
        option(
            "the largest connect timeout",
            &connect("9223372036854775807"),
            true,
        ),
        option("no connect timeout", &connect("0"), true),
        option(
            "a connect timeout beyond 64 bits",
            &connect("9223372036854775808"),
            false,
        ),
        option(
            "the smallest connect timeout",
            &connect("-9223372036854775808"),
            false,
        ),
        option("a negative connect timeout", &connect("-1"), false),
        option(
            "the largest handle timeout",
            &timeout("9223372036854775807"),
            true,
        ),
        option(
            "a handle timeout beyond 64 bits",
            &timeout("18446744073709551616"),
            false,
        ),
        option(
            "the smallest handle timeout",
            &timeout("-9223372036854775808"),
            false,
        ),
        option("a negative handle timeout", &timeout("-1"), false),
        option("a handle timeout of null", &timeout("null"), true),
        option("a handle timeout as text", &timeout("\"1s\""), false),
        closed("an array", "[57775718]"),
        closed("an empty object", "{}"),
        closed("half an option", &OPTION[..40]),
        closed("an option without its brace", &OPTION[..OPTION.len() - 1]),
        closed("no JSON", "{MagicNumber:57775718}"),
        closed(
            "a control character in a key",
            "{\"MagicNumber\":57775718,\"\u{0}\":1}",
        ),
        closed("only blanks", &" \n".repeat(2000)),
        closed("noise", "\u{1}\u{2}\u{3}\u{4}"),
        closed("a closing brace", "}"),
        closed("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        closed(
            "JSON-RPC, which is not spoken yet",
            "{\"method\":\"Arith.Multiply\",\"id\":1}\n",
        ),
    ]
}

fn requests() -> Vec<Row> {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let longest = "M".repeat(512 - "Arith.".len());
    let max = u64::MAX;
    vec![
        then_good(
            "an application error",
            ask("Arith.Divide", 1, "{\"A\":1,\"B\":0}"),
            error("Arith.Divide", 1, "divide by zero"),
        ),
        then_good(
            "a reply that is an object",
            ask("Arith.Divide", 1, "{\"A\":17,\"B\":5}"),
            reply("Arith.Divide", 1, "{\"Quo\":3,\"Rem\":2}"),
        ),
        then_good(
            "an empty error text",
            ask("Arith.Fail", 1, "\"\""),
            error("Arith.Fail", 1, "error"),
        ),
        then_good(
            "an error text that looks like a format",
            ask("Arith.Fail", 1, "\"100% %s %d\""),
            error("Arith.Fail", 1, "100% %s %d"),
        ),
        then_good(
            "an error text with quotes and line ends",
            ask("Arith.Fail", 1, "\"a\\\"b\\r\\nc\""),
            error("Arith.Fail", 1, "a\\\"b\\r\\nc"),
        ),
        then_good(
            "an unknown service",
            ask("Foo.Bar", 1, "{\"A\":6}"),
            error("Foo.Bar", 1, "can't find service: Foo"),
        ),
        then_good(
            "an unknown method",
            ask("Arith.Bar", 1, "[1,2,{\"x\":[]}]"),
            error("Arith.Bar", 1, "can't find method: Bar"),
        ),
        then_good(
            "a service name with dots",
            ask("a.b.Foo.Bar", 1, "0"),
            error("a.b.Foo.Bar", 1, "can't find service: a.b.Foo"),
        ),
        then_good(
            "a name without a dot",
            ask("Baz", 1, "null"),
            error("Baz", 1, "service/method request ill-formed: Baz"),
        ),
        then_good(
            "an empty name",
            ask("", 1, "\"\""),
            error("", 1, "service/method request ill-formed: "),
        ),
        then_good(
            "an empty service",
            ask(".Bar", 1, "{}"),
            error(".Bar", 1, "can't find service: "),
        ),
        then_good(
            "an empty method",
            ask("Arith.", 1, "{}"),
            error("Arith.", 1, "can't find method: "),
        ),
        then_good(
            "a name in another case",
            ask("arith.multiply", 1, "{\"A\":6,\"B\":7}"),
            error("arith.multiply", 1, "can't find service: arith"),
        ),
        then_good(
            "the reserved service",
            ask("_wgrpc_.Cancel", 1, "1"),
            error("_wgrpc_.Cancel", 1, "can't find service: _wgrpc_"),
        ),
        then_good(
            "the longest name",
            ask(&format!("Arith.{longest}"), 1, "{}"),
            error(
                &format!("Arith.{longest}"),
                1,
                &format!("can't find method: {longest}"),
            ),
        ),
        unreadable("a longer name", &ask(&format!("Arith.M{longest}"), 1, "{}")),
        then_good("Seq 0", multiply(0), product(0)),
        then_good("the largest Seq", multiply(max), product(max)),
        unreadable(
            "a negative Seq",
            "{\"ServiceMethod\":\"A.B\",\"Seq\":-1}\n{}\n",
        ),
        unreadable(
            "a Seq beyond 64 bits",
            "{\"ServiceMethod\":\"A.B\",\"Seq\":1e30}\n{}\n",
        ),
        unreadable(
            "a Seq that is text",
            "{\"ServiceMethod\":\"A.B\",\"Seq\":\"1\"}\n{}\n",
        ),
        then_good(
            "the same Seq twice",
            [multiply(1), multiply(1)].concat(),
            [product(1), product(1)].concat(),
        ),
        then_good(
            "an error text in a request",
            "{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1,\"Error\":\"x\"}{\"A\":6,\"B\":7}"
                .into(),
            product(1),
        ),
        then_good(
            "no line ends",
            [multiply(1), multiply(2)].concat().replace('\n', ""),
            [product(1), product(2)].concat(),
        ),
        then_good(
            "header fields in other case and order",
            "{\"seq\":1,\"SERVICEMETHOD\":\"Arith.Multiply\"} {\"b\":7,\"a\":6}".into(),
            product(1),
        ),
        then_good(
            "unknown header fields",
            "{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1,\"X\":{\"Y\":[1]}}{\"A\":6,\"B\":7}"
                .into(),
            product(1),
        ),
        then_good(
            "unknown argument fields",
            ask("Arith.Multiply", 1, "{\"C\":1}"),
            reply("Arith.Multiply", 1, "0"),
        ),
        then_good(
            "null where Go has a zero",
            ask("Arith.Multiply", 1, "{\"A\":null,\"B\":7}"),
            reply("Arith.Multiply", 1, "0"),
        ),
        then_good(
            "results wrap as in Go",
            ask("Arith.Multiply", 1, "{\"A\":4611686018427387904,\"B\":2}"),
            reply("Arith.Multiply", 1, "-9223372036854775808"),
        ),
        then_good(
            "bytes as base64",
            ask("Echo.Bytes", 1, "\"AAEC/w==\""),
            reply("Echo.Bytes", 1, "\"AAEC/w==\""),
        ),
        then_good(
            "text with every kind of escape",
            ask("Echo.String", 1, "\"\\u00e9\\ud83c\\udf89\\n\\u0000/\""),
            reply("Echo.String", 1, "\"é🎉\\n\\u0000/\""),
        ),
        then_good(
            "a body as deep as allowed",
            ask("Foo.Bar", 1, &deep(64)),
            error("Foo.Bar", 1, "can't find service: Foo"),
        ),
        unreadable("a body that is too deep", &ask("Foo.Bar", 1, &deep(65))),
        unreadable("no JSON between messages", "!\n"),
        unreadable("a stray closing brace", "}\n"),
        unreadable("a header that is no object", "7 {}\n"),
        unreadable(
            "a header that is an array",
            "[\"Arith.Multiply\",1,\"\"]\n{}\n",
        ),
        unreadable(
            "a method that is no text",
            "{\"ServiceMethod\":7,\"Seq\":1}\n{}\n",
        ),
        unreadable(
            "a header of more than 16 KiB",
            &format!("{{\"X\":\"{}\",\"Seq\":1}}\n{{}}\n", "x".repeat(16 << 10)),
        ),
        unreadable("mismatched braces", &ask("Foo.Bar", 1, "{]")),
        unreadable("a number without end", &ask("Foo.Bar", 1, &"1".repeat(65))),
        Row(
            "half a header at the end",
            vec![OPTION.into(), multiply(1), "{\"ServiceMethod\":".into()],
            vec![product(1)],
        ),
        Row(
            "a header without its body at the end",
            vec![
                OPTION.into(),
                multiply(1),
                "{\"ServiceMethod\":\"A.B\",\"Seq\":1}\n".into(),
            ],
            vec![product(1)],
        ),
        Row(
            "half a body at the end",
            vec![
                OPTION.into(),
                multiply(1),
                ask("Arith.Multiply", 2, "{\"A\":6"),
            ],
            vec![product(1)],
        ),
        Row(
            "a handler that waits is answered after the end",
            vec![OPTION.into(), ask("Arith.Sleep", 1, "400"), multiply(2)],
            vec![product(2), reply("Arith.Sleep", 1, "400")],
        ),
    ]
}

/// The two spellings of the path, the two line ends and the two versions.
fn connects() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, head) in [
        ("as Go asks", str::from_utf8(CONNECT).unwrap().to_owned()),
        (
            "the other spelling",
            "CONNECT /_wgrpc_ HTTP/1.0\n\n".to_owned(),
        ),
        (
            "HTTP/1.1 with CRLF",
            "CONNECT /_wgprc_ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        ),
        (
            "header fields",
            "CONNECT /_wgrpc_ HTTP/1.1\nHost: x\nA: b\n\n".to_owned(),
        ),
    ] {
        let heard = vec!["HTTP/1.0 200 Connected to Wg RPC\n\n".into(), product(1)];
        rows.push(Row(
            name,
            vec![head, OPTION.into(), "\n".into(), multiply(1)],
            heard,
        ));
    }
    let fields = "X: 0123456789\n".repeat(700);
    rows.push(closed(
        "a head of more than 8 KiB",
        &format!("CONNECT /_wgprc_ HTTP/1.0\n{fields}\n"),
    ));
    rows.push(Row(
        "a second CONNECT instead of the option",
        vec![
            CONNECT
                .escape_ascii()
                .to_string()
                .replace("\\n", "\n")
                .repeat(2),
        ],
        vec!["HTTP/1.0 200 Connected to Wg RPC\n\n".into()],
    ));
    rows
}

#[tokio::test]
async fn the_same_bytes_get_the_same_answer_however_they_are_cut() {
    let server = demo_in_memory();
    let rows: Vec<Row> = [handshakes(), requests(), connects()]
        .into_iter()
        .flatten()
        .collect();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for Row(name, said, heard) in rows {
        let (said, heard) = (said.concat(), heard.concat());
        for is_trickled in [false, true] {
            let mut raw = Raw::in_memory(&server, 64 << 10, Codec::Json);
            if is_trickled {
                raw.trickle(said.as_bytes()).await;
            } else {
                raw.send(said.as_bytes()).await;
            }
            raw.finish().await;
            let answer = raw.rest().await;
            let answer = String::from_utf8_lossy(&answer);
            assert_eq!(answer, heard, "{name}, trickled: {is_trickled}");
        }
    }
}
