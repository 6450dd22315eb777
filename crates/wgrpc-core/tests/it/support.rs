//! What many tests need: services to call, and patience with an end.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wgrpc_core::{Context, Fault, Method, Server, ServerBuilder, Service};
use wgrpc_gob::Gob;

/// What must happen at all gets this much time: far more than it ever takes.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Waits for what must happen soon: a test fails, it does not hang.
#[track_caller]
pub(crate) fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = Location::caller();
    async move {
        let outcome = tokio::time::timeout(SOON, future).await;
        outcome.unwrap_or_else(|_| panic!("nothing came of it within {SOON:?}: {place}"))
    }
}

/// Waits until `holds` does.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    soon(async move {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

/// The arguments of `Arith.Multiply` and `Arith.Divide`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Args {
    pub(crate) a: i64,
    pub(crate) b: i64,
}

/// The reply of `Arith.Divide`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Quotient {
    pub(crate) quo: i64,
    pub(crate) rem: i64,
}

/// The services of the Go peer, as far as they are needed here.
pub(crate) fn demo() -> ServerBuilder {
    Server::builder().register(arith()).register(echo())
}

/// A server of [`demo`] without a listener.
pub(crate) fn demo_in_memory() -> Server {
    demo().start().unwrap()
}

pub(crate) fn arith() -> Service {
    Service::new("Arith")
        .method(
            "Multiply",
            Method::function(|args: Args, _| Ok(args.a.wrapping_mul(args.b))),
        )
        .method("Divide", Method::function(divide))
        .method("Sleep", Method::future(sleep))
        .method(
            "Fail",
            Method::function(|text: String, _| Err::<i64, _>(Fault::new(text))),
        )
}

pub(crate) fn echo() -> Service {
    Service::new("Echo")
        .method("String", Method::function(|text: String, _| Ok(text)))
        .method("Bytes", Method::function(|bytes: Bytes, _| Ok(bytes)))
        .method("Length", Method::function(|text: String, _| Ok(text.len())))
}

/// Bytes as Go has them, in both codecs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Gob)]
#[serde(transparent)]
pub(crate) struct Bytes(#[serde(with = "wgrpc_gob::adapt::bytes")] pub(crate) Vec<u8>);

fn divide(args: Args, _: Context) -> Result<Quotient, Fault> {
    match args.b {
        0 => Err(Fault::new("divide by zero")),
        b => Ok(Quotient {
            quo: args.a / b,
            rem: args.a % b,
        }),
    }
}

async fn sleep(milliseconds: i64, _: Context) -> Result<i64, Fault> {
    tokio::time::sleep(Duration::from_millis(milliseconds.try_into()?)).await;
    Ok(milliseconds)
}
