//! Extensions: used with those who know them, invisible to those who do not.

use std::collections::BTreeMap;
use std::time::Duration;

use wgrpc_core::{
    Client, Code, Context, Error, Executed, Ext, Fault, Meta, Method, ServerLimits, Service,
};

use crate::hostile_server::{client_and_raw, client_and_raw_with};
use crate::raw::{Codec, FullHeader, Header, Raw, serve};
use crate::support::{Args, demo, demo_in_memory, soon};

/// What a server says to a client that announces `ext` and makes three calls, the second of which
/// fails.
async fn answers(ext: &str) -> String {
    let server = demo_in_memory();
    let mut raw = Raw::in_memory(&server, 64 << 10, Codec::Json);
    raw.send(&Codec::Json.option_with(ext)).await;
    let good = Args { a: 6, b: 7 };
    raw.request("Arith.Multiply", 1, &good).await;
    raw.request("Arith.Divide", 2, &Args { a: 1, b: 0 }).await;
    raw.request("Arith.Multiply", 3, &good).await;
    raw.finish().await;
    String::from_utf8(raw.rest().await).unwrap()
}

#[tokio::test]
async fn what_a_client_hears_depends_on_what_it_has_announced() {
    let plain = "{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1,\"Error\":\"\"}\n42\n\
         {\"ServiceMethod\":\"Arith.Divide\",\"Seq\":2,\"Error\":\"divide by zero\"}\n{}\n\
         {\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":3,\"Error\":\"\"}\n42\n";
    assert_eq!(answers("\"HandleTimeout\":0").await, plain);
    assert_eq!(answers("\"Ext\":0").await, plain);
    assert_eq!(answers("\"Ext\":null").await, plain);
    let codes = "{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1,\"Error\":\"\",\"Ext\":35}\n42\n\
         {\"ServiceMethod\":\"Arith.Divide\",\"Seq\":2,\"Error\":\"divide by zero\",\
         \"Code\":1}\n{}\n\
         {\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":3,\"Error\":\"\"}\n42\n";
    assert_eq!(answers("\"Ext\":1").await, codes);
    let brief = "{\"ServiceMethod\":\"\",\"Seq\":1,\"Error\":\"\",\"Ext\":35}\n42\n\
         {\"ServiceMethod\":\"\",\"Seq\":2,\"Error\":\"divide by zero\"}\n{}\n\
         {\"ServiceMethod\":\"\",\"Seq\":3,\"Error\":\"\"}\n42\n";
    assert_eq!(answers("\"Ext\":2").await, brief);
    // What nobody knows yet changes nothing, beyond that we say what we know.
    let unknown = plain.replacen("\"Error\":\"\"", "\"Error\":\"\",\"Ext\":35", 1);
    assert_eq!(answers("\"Ext\":9223372036854775808").await, unknown);
    let both = brief.replace("zero\"}", "zero\",\"Code\":1}");
    assert_eq!(answers("\"Ext\":3").await, both);
    assert_eq!(answers("\"Ext\":18446744073709551615").await, both);
    // An Ext that is no number is a handshake that fails.
    assert_eq!(answers("\"Ext\":\"3\"").await, "");
    assert_eq!(answers("\"Ext\":-1").await, "");
}

#[tokio::test]
async fn a_gob_client_that_announces_nothing_gets_gos_header_and_nothing_else() {
    let server = demo_in_memory();
    let mut raw = Raw::greeted(&server, Codec::Gob).await;
    raw.request("Arith.Divide", 7, &Args { a: 1, b: 0 }).await;
    let header: FullHeader = raw.value().await.unwrap();
    let expected = FullHeader {
        service_method: "Arith.Divide".to_owned(),
        seq: 7,
        error: "divide by zero".to_owned(),
        ..FullHeader::default()
    };
    assert_eq!(header, expected);
    // The error's body is an empty struct, as in Go.
    #[derive(serde::Deserialize)]
    struct Empty {}
    let Empty {} = raw.value().await.unwrap();
}

#[tokio::test]
async fn requests_are_those_of_go_but_for_the_option() {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let client = Client::builder()
        .codec("application/json")
        .from_stream(ours)
        .unwrap();
    let mut raw = Raw::over(theirs, Codec::Json);
    let option = raw.exactly(512).await;
    let option = str::from_utf8(&option).unwrap();
    let trimmed = option.replace(' ', "");
    assert_eq!(
        trimmed,
        "{\"MagicNumber\":57775718,\"CodecType\":\"application/json\",\
         \"ConnectTimeout\":10000000000,\"HandleTimeout\":0,\"Ext\":35}"
    );
    let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
    raw.expect(b"{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1,\"Error\":\"\"}\n")
        .await;
    raw.expect(b"{\"A\":6,\"B\":7}\n").await;
    // A server that knows nothing echoes the name.
    let reply = raw.speech.pair(&Header::new("Arith.Multiply", 1), &42);
    raw.send(&reply).await;
    assert_eq!(soon(call).await.unwrap(), 42);
    assert_eq!(client.server_extensions(), Ext::default());
}

#[tokio::test]
async fn both_sides_learn_what_the_other_understands() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    assert!(!client.server_extensions().contains(Ext::BRIEF_REPLIES));
    let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert_eq!(product.unwrap(), 42);
    assert!(client.server_extensions().contains(Ext::BRIEF_REPLIES));
    assert!(client.server_extensions().contains(Ext::CODES_AND_META));
}

/// A request whose method is a number, and perhaps a name as well.
#[derive(serde::Serialize, serde::Deserialize, wgrpc_gob::Gob)]
#[serde(rename_all = "PascalCase")]
struct Numbered {
    service_method: String,
    seq: u64,
    method: u64,
}

fn numbered(name: &str, seq: u64, method: u64) -> Numbered {
    let service_method = name.to_owned();
    Numbered {
        service_method,
        seq,
        method,
    }
}

#[tokio::test]
async fn a_method_is_named_once_and_then_numbered_if_the_server_understands_it() {
    for codec in [Codec::Gob, Codec::Json] {
        let (client, mut raw) = client_and_raw(codec).await;
        let mut seq = 0;
        let mut asked = async |expected: (&str, u64), ext: &str| {
            let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
            let (header, _) = raw.asked::<Args>().await.unwrap();
            assert_eq!((&*header.service_method, header.method), expected);
            seq += 1;
            let reply = FullHeader {
                seq,
                ext: ext.parse().unwrap(),
                ..FullHeader::default()
            };
            let reply = raw.speech.pair(&reply, &42);
            raw.send(&reply).await;
            assert_eq!(soon(call).await.unwrap(), 42);
        };
        // Nobody has said so yet, and then somebody who does not understand it.
        asked(("Arith.Multiply", 0), "3").await;
        asked(("Arith.Multiply", 0), "32").await;
        asked(("Arith.Multiply", 1), "0").await;
        asked(("", 1), "0").await;
        asked(("", 1), "0").await;
    }
}

#[tokio::test]
async fn a_server_knows_methods_by_the_numbers_that_came_with_their_names() {
    for codec in [Codec::Gob, Codec::Json] {
        let server = demo_in_memory();
        let mut raw = Raw::in_memory(&server, 64 << 10, codec);
        raw.send(&codec.option_with("\"Ext\":33")).await;
        let args = Args { a: 6, b: 7 };
        let heads = [
            numbered("Arith.Multiply", 1, 2),
            numbered("", 2, 2),
            numbered("Foo.Bar", 3, 1),
            numbered("", 4, 1),
            numbered("", 5, 3),
            numbered("", 6, 2),
        ];
        for head in heads {
            let request = raw.speech.pair(&head, &args);
            raw.send(&request).await;
        }
        let ill_formed = "service/method request ill-formed: ";
        for (name, error) in [
            ("Arith.Multiply", ""),
            ("Arith.Multiply", ""),
            ("Foo.Bar", "can't find service: Foo"),
            ("Foo.Bar", "can't find service: Foo"),
            ("", ill_formed),
            ("Arith.Multiply", ""),
        ] {
            let header: FullHeader = raw.value().await.unwrap();
            assert_eq!((&*header.service_method, &*header.error), (name, error));
            if error.is_empty() {
                assert_eq!(raw.value::<i64>().await, Some(42));
            } else {
                raw.value::<BTreeMap<String, i64>>().await.unwrap();
            }
        }
    }
}

/// `Faults.With` fails with the code of that number.
fn faults() -> Service {
    let fail = |number: u64, _: Context| {
        let codes = [
            Code::Application,
            Code::NotFound,
            Code::BadArguments,
            Code::HandleTimeout,
            Code::Overloaded,
            Code::ShuttingDown,
            Code::Panicked,
            Code::Cancelled,
            Code::Limit,
            Code::Unauthenticated,
            Code::Forbidden,
        ];
        let code = codes.into_iter().find(|code| code.number() == number);
        let fault = Fault::new(format!("number {number}"));
        Err::<i64, _>(match code {
            Some(code) => fault.with_code(code),
            None => fault,
        })
    };
    Service::new("Faults").method("With", Method::function(fail))
}

#[tokio::test]
async fn a_handler_cannot_say_that_it_did_not_run_but_by_asking_who_is_there() {
    let server = demo().register(faults()).start().unwrap();
    for (number, seen, executed) in [
        (0, 1, Executed::Yes),
        (1, 1, Executed::Yes),
        (2, 1, Executed::Yes),
        (3, 1, Executed::Yes),
        (4, 1, Executed::Yes),
        (5, 1, Executed::Yes),
        (6, 1, Executed::Yes),
        (7, 1, Executed::Yes),
        (8, 1, Executed::Yes),
        (9, 1, Executed::Yes),
        (10, 10, Executed::No),
        (11, 11, Executed::No),
    ] {
        for codec in Codec::BOTH {
            let (ours, theirs) = tokio::io::duplex(4096);
            serve(&server, theirs);
            let client = Client::builder()
                .codec(codec.name())
                .from_stream(ours)
                .unwrap();
            let call = client.call::<_, i64>("Faults.With", &(number as u64));
            let error = soon(call).await.unwrap_err();
            assert_eq!(error.to_string(), format!("number {number}"));
            let code = error.fault().unwrap().code().map(Code::number);
            assert_eq!(code, Some(seen));
            assert_eq!(error.is_executed(), executed, "{error:?}");
            assert!(!error.is_retryable(), "{error:?}");
            assert!(client.is_available(), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_server_gives_every_failure_its_code() {
    let limits = ServerLimits {
        handle_timeout: Some(Duration::from_millis(20)),
        ..ServerLimits::default()
    };
    let server = demo().limits(limits).start().unwrap();
    let client = server.connect().unwrap();
    let code = async |call: wgrpc_core::Call<i64>| {
        let error = soon(call).await.unwrap_err();
        error.fault().and_then(Fault::code)
    };
    let args = Args { a: 1, b: 0 };
    assert_eq!(
        code(client.call("Arith.Divide", &args)).await,
        Some(Code::Application)
    );
    assert_eq!(
        code(client.call("Foo.Bar", &args)).await,
        Some(Code::NotFound)
    );
    assert_eq!(
        code(client.call("Arith.Bar", &args)).await,
        Some(Code::NotFound)
    );
    assert_eq!(code(client.call("Bar", &args)).await, Some(Code::NotFound));
    assert_eq!(
        code(client.call("Arith.Divide", "text")).await,
        Some(Code::BadArguments)
    );
    assert_eq!(
        code(client.call("Arith.Sleep", &1000i64)).await,
        Some(Code::HandleTimeout)
    );
}

#[tokio::test]
async fn metadata_of_a_client_and_of_a_call_travels_with_the_request() {
    for codec in Codec::BOTH {
        let builder = Client::builder()
            .meta("token", "letmein")
            .meta("from", "client");
        let (client, mut raw) = client_and_raw_with(codec, builder).await;
        let args = Args { a: 6, b: 7 };
        let own = Meta::from_iter([("from", "call"), ("trace", "größer")]);
        let _call = client.call_with::<_, i64>("Arith.Multiply", &args, own.into());
        let (header, _) = raw.asked::<Args>().await.unwrap();
        let expected = [("from", "call"), ("token", "letmein"), ("trace", "größer")];
        let expected: BTreeMap<String, String> = expected
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(header.meta, expected);
    }
}

#[tokio::test]
async fn too_much_metadata_is_not_sent() {
    let (client, mut raw) = client_and_raw(Codec::Gob).await;
    let many: Meta = (0..65).map(|i| (i.to_string(), String::new())).collect();
    let long = Meta::from_iter([("key", "x".repeat(8 << 10))]);
    let args = Args { a: 6, b: 7 };
    for meta in [many, long] {
        let call = client.call_with::<_, i64>("Arith.Multiply", &args, meta.into());
        let error = soon(call).await.unwrap_err();
        assert!(matches!(error, Error::Limit(_)), "{error:?}");
        assert_eq!(error.is_executed(), Executed::No);
    }
    let most: Meta = (0..64)
        .map(|i| (format!("{i:02}"), "x".repeat(126)))
        .collect();
    let _call = client.call_with::<_, i64>("Arith.Multiply", &args, most.into());
    assert_eq!(raw.asked::<Args>().await.unwrap().0.meta.len(), 64);
}

#[tokio::test]
async fn metadata_that_json_makes_too_long_ends_its_call_and_no_other() {
    let server = demo_in_memory();
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    serve(&server, theirs);
    let builder = Client::builder().codec("application/json");
    let client = builder.from_stream(ours).unwrap();
    let args = Args { a: 6, b: 7 };
    let meta = |len| Meta::from_iter([("key", "\u{1}".repeat(len))]);
    let call = |len| client.call_with::<_, i64>("Arith.Multiply", &args, meta(len).into());
    let before = call(0);
    let error = soon(call(8000)).await.unwrap_err();
    assert!(matches!(error, Error::Limit(_)), "{error:?}");
    let message = "a header of 48072 bytes in this codec exceeds the limit of 16384";
    assert!(error.to_string().starts_with(message), "{error}");
    assert_eq!(error.is_executed(), Executed::No);
    assert_eq!(soon(before).await.unwrap(), 42);
    // What fits is read by the server.
    assert_eq!(soon(call(2700)).await.unwrap(), 42);
}
