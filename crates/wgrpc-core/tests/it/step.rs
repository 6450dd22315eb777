//! Whatever becomes of one request, the stream stays in step and the others get their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wgrpc_core::{Client, Code, Error, Executed, Method, Service};
use wgrpc_gob::{Builder, Gob, Ref};

use crate::raw::{Codec, Header, Raw};
use crate::support::{Args, demo, soon};

/// In a stream that lost step, the body would be the next header.
#[tokio::test]
async fn a_body_that_looks_like_a_request_is_never_executed() {
    let wiped = Arc::new(AtomicUsize::new(0));
    let count = wiped.clone();
    let wipe = move |_: Args, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(0i64)
    };
    let admin = Service::new("Admin").method("Wipe", Method::function(wipe));
    let server = demo().register(admin).start().unwrap();
    for codec in Codec::BOTH {
        for unknown in ["Foo.Bar", "Arith.Bar", "Baz", ""] {
            let mut raw = Raw::greeted(&server, codec).await;
            raw.request(unknown, 1, &Header::new("Admin.Wipe", 2)).await;
            let response = raw.response::<i64>().await.unwrap();
            assert_eq!(response.header.seq, 1);
            assert!(response.result.is_err());
            for seq in 2..1002 {
                raw.request(
                    "Arith.Multiply",
                    seq,
                    &Args {
                        a: seq as i64,
                        b: 2,
                    },
                )
                .await;
                let response = raw.response::<i64>().await.unwrap();
                assert_eq!(
                    (response.header.seq, response.result),
                    (seq, Ok(2 * seq as i64))
                );
            }
            raw.finish().await;
            assert!(raw.rest().await.is_empty());
        }
    }
    assert_eq!(wiped.load(Ordering::Relaxed), 0);
}

/// A value that cannot be written, or not be read.
struct Unspeakable;

impl Gob for Unspeakable {
    fn describe(types: &mut Builder) -> Ref {
        types.string()
    }
}

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it cannot be said"))
    }
}

impl<'de> Deserialize<'de> for Unspeakable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("it cannot be understood"))
    }
}

fn unspeakable() -> Service {
    Service::new("Unspeakable")
        .method("Say", Method::function(|_: String, _| Ok(Unspeakable)))
        .method(
            "SayLater",
            Method::future(|_: String, _| async {
                tokio::task::yield_now().await;
                Ok(Unspeakable)
            }),
        )
        .method("Hear", Method::function(|_: Unspeakable, _| Ok(0i64)))
        .method("Nan", Method::function(|_: String, _| Ok(f64::NAN)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_encoded_or_decoded_fails_its_own_call_only() {
    let server = demo()
        .register(unspeakable())
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    for codec in Codec::BOTH {
        let client = Client::builder()
            .codec(codec.name())
            .connect(server.address())
            .await
            .unwrap();
        for (method, text, executed) in [
            (
                "Unspeakable.Say",
                "cannot encode the reply: ",
                Executed::Yes,
            ),
            (
                "Unspeakable.SayLater",
                "cannot encode the reply: ",
                Executed::Yes,
            ),
            (
                "Unspeakable.Hear",
                "cannot decode the argument: ",
                Executed::No,
            ),
        ] {
            let mut siblings = Vec::new();
            let mut odd = None;
            for i in 0..1000 {
                if i == 500 {
                    odd = Some(client.call::<_, i64>(method, "x"));
                } else {
                    siblings.push((
                        i,
                        client.call::<_, i64>("Arith.Multiply", &Args { a: i, b: 2 }),
                    ));
                }
            }
            let error = soon(odd.unwrap()).await.unwrap_err();
            assert!(error.to_string().starts_with(text), "{method}: {error}");
            assert_eq!(error.is_executed(), executed, "{method}: {error:?}");
            for (i, call) in siblings {
                assert_eq!(soon(call).await.unwrap(), 2 * i);
            }
        }
        // An argument that cannot be written is never sent.
        let error = soon(client.call::<_, i64>("Arith.Multiply", &Unspeakable))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Encode(_)), "{error:?}");
        assert_eq!(error.is_executed(), Executed::No);
        // A reply that does not fit is the caller's own affair.
        let call = client.call::<_, String>("Arith.Multiply", &Args { a: 6, b: 7 });
        let error = soon(call).await.unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error:?}");
        assert_eq!(error.is_executed(), Executed::Yes);
        // JSON has no NaN; gob has.
        let nan = soon(client.call::<_, f64>("Unspeakable.Nan", "x")).await;
        assert_eq!(nan.is_ok(), codec == Codec::Gob, "{nan:?}");
        let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
        assert_eq!(product.unwrap(), 42);
    }
}

/// However long it is, and however it is escaped.
#[tokio::test]
async fn an_error_text_without_end_is_cut() {
    let server = demo().start().unwrap();
    for codec in Codec::BOTH {
        let client = connect(&server, codec);
        for (text, is_whole) in [
            ("größer 100% %s ".repeat(7000), true),
            ("\u{1}".repeat(100_000), true),
            ("\u{1}".repeat(1 << 20), false),
            ("ö".repeat(1_000_001), false),
        ] {
            let error = soon(client.call::<_, i64>("Arith.Fail", &text))
                .await
                .unwrap_err();
            assert!(matches!(error, Error::Remote(_)), "{error:?}");
            assert!(text.starts_with(&error.to_string()));
            assert_eq!(error.to_string().len() == text.len(), is_whole);
            assert!(error.to_string().len() >= 100_000);
        }
        let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
        assert_eq!(product.unwrap(), 42);
    }
}

#[tokio::test]
async fn an_argument_of_the_wrong_type_is_refused_as_not_executed() {
    let server = demo().start().unwrap();
    for codec in Codec::BOTH {
        let client = connect(&server, codec);
        let call = client.call::<_, i64>("Arith.Multiply", "not arguments");
        let error = soon(call).await.unwrap_err();
        assert_eq!(
            error.fault().unwrap().code(),
            Some(Code::BadArguments),
            "{error:?}"
        );
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert!(!error.is_retryable());
        let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
        assert_eq!(product.unwrap(), 42);
    }
}

fn connect(server: &wgrpc_core::Server, codec: Codec) -> Client {
    let (ours, theirs) = tokio::io::duplex(4096);
    crate::raw::serve(server, theirs);
    Client::builder()
        .codec(codec.name())
        .from_stream(ours)
        .unwrap()
}
