//! Handlers that panic answer their callers, and harm nobody else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Once;
use std::task::Poll;

use serde::{Serialize, Serializer};
use wgrpc_core::{Client, Code, Context, Error, Executed, Fault, Method, Service};
use wgrpc_gob::{Builder, Gob, Ref};

use crate::raw::Codec;
use crate::support::{Args, demo, soon};

/// What panics say that are meant to be; they are kept out of the tests' output.
pub(crate) const TEXT: &str = "a panic that is meant to be";

pub(crate) fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&TEXT) {
                usual(info);
            }
        }));
    });
}

/// A reply that panics when it is written, or when it is dropped.
struct Explosive {
    in_encode: bool,
    in_drop: bool,
}

impl Gob for Explosive {
    fn describe(types: &mut Builder) -> Ref {
        types.string()
    }
}

impl Serialize for Explosive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.in_encode {
            std::panic::panic_any(TEXT);
        }
        serializer.serialize_str("survived")
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        if self.in_drop && !std::thread::panicking() {
            std::panic::panic_any(TEXT);
        }
    }
}

async fn wait() {
    tokio::task::yield_now().await;
}

fn explosives() -> Service {
    Service::new("Panic")
        .method("Plain", Method::function(plain))
        .method("Blocking", Method::function(plain).blocking())
        .method(
            "AtOnce",
            Method::future(|(): (), _: Context| async { plain((), ()) }),
        )
        .method(
            "Later",
            Method::future(|(): (), _: Context| async {
                wait().await;
                plain((), ())
            }),
        )
        .method(
            "Spawned",
            Method::future(|(): (), _: Context| async { plain((), ()) }).blocking(),
        )
        .method(
            "Making",
            Method::future(|(): (), _: Context| {
                std::panic::panic_any(TEXT);
                #[expect(unreachable_code, reason = "it gives the handler its type")]
                std::future::ready(Ok::<i64, Fault>(0))
            }),
        )
        .method(
            "Encode",
            Method::function(|(): (), _| {
                Ok(Explosive {
                    in_encode: true,
                    in_drop: false,
                })
            }),
        )
        .method(
            "EncodeLater",
            Method::future(|(): (), _: Context| async {
                wait().await;
                Ok(Explosive {
                    in_encode: true,
                    in_drop: false,
                })
            }),
        )
        .method(
            "DropReply",
            Method::function(|(): (), _| {
                Ok(Explosive {
                    in_encode: false,
                    in_drop: true,
                })
            }),
        )
        .method(
            "DropFuture",
            Method::future(|(): (), _: Context| async {
                let _held = Explosive {
                    in_encode: false,
                    in_drop: true,
                };
                wait().await;
                Ok(0i64)
            }),
        )
        .method(
            "DropPayload",
            Method::function(|(): (), _| -> Result<i64, Fault> {
                // A panic whose very payload panics when it is dropped.
                std::panic::panic_any(Payload)
            }),
        )
}

/// An answer that is there at once, and may panic when it is dropped.
struct Answered {
    in_drop: bool,
}

impl Future for Answered {
    type Output = Result<i64, Fault>;

    fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(7))
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        if self.in_drop {
            std::panic::panic_any(TEXT);
        }
    }
}

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        std::panic::panic_any(TEXT);
    }
}

fn plain<C>((): (), _: C) -> Result<i64, Fault> {
    std::panic::panic_any(TEXT)
}

const METHODS: [&str; 10] = [
    "Panic.Plain",
    "Panic.Blocking",
    "Panic.AtOnce",
    "Panic.Later",
    "Panic.Spawned",
    "Panic.Making",
    "Panic.Encode",
    "Panic.EncodeLater",
    "Panic.DropReply",
    "Panic.DropFuture",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_handler_answers_and_the_others_go_on() {
    keep_quiet();
    let server = demo()
        .register(explosives())
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    for codec in Codec::BOTH {
        let client = Client::builder()
            .codec(codec.name())
            .connect(server.address())
            .await
            .unwrap();
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for i in 0..5000 {
            if i % 10 == 0 {
                let method = METHODS[i as usize / 10 % METHODS.len()];
                bad.push((method, client.call::<_, ()>(method, &())));
            } else {
                good.push((
                    i,
                    client.call::<_, i64>("Arith.Multiply", &Args { a: i, b: 2 }),
                ));
            }
        }
        for (method, call) in bad {
            let error = soon(call).await.unwrap_err();
            let Error::Remote(fault) = &error else {
                panic!("{method}: {error:?}")
            };
            assert_eq!(fault.code(), Some(Code::Panicked), "{method}: {error:?}");
            assert!(!fault.text().contains(TEXT), "{method}: {error:?}");
            assert_eq!(error.is_executed(), Executed::Maybe);
        }
        for (i, call) in good {
            assert_eq!(soon(call).await.unwrap(), 2 * i);
        }
    }
    soon(server.shutdown()).await.unwrap();
}

#[tokio::test]
async fn even_a_panic_whose_payload_panics_is_answered() {
    keep_quiet();
    let server = demo().register(explosives()).start().unwrap();
    let client = server.connect().unwrap();
    let error = soon(client.call::<_, i64>("Panic.DropPayload", &()))
        .await
        .unwrap_err();
    assert_eq!(
        error.fault().and_then(Fault::code),
        Some(Code::Panicked),
        "{error:?}"
    );
    let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert_eq!(product.unwrap(), 42);
}

#[tokio::test]
async fn a_future_that_panics_when_it_has_answered_has_answered() {
    keep_quiet();
    let answer = Method::future(|in_drop: bool, _: Context| Answered { in_drop });
    let service = Service::new("Panic").method("Answered", answer);
    let server = demo().register(service).start().unwrap();
    let client = server.connect().unwrap();
    // The first one leaves its memory to the next if it does not panic.
    for in_drop in [true, false, true, true, false] {
        let answer = soon(client.call::<_, i64>("Panic.Answered", &in_drop)).await;
        assert_eq!(answer.unwrap(), 7);
    }
}
