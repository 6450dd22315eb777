//! Connections that are made alike, and arguments that are encoded once for all of them.

use std::time::Duration;

use serde::{Serialize, Serializer};
use wgrpc_core::{Arguments, CallOptions, Client, Error};
use wgrpc_gob::{Builder, Gob, Inferred, Ref};

use crate::support::{Args, demo_in_memory, soon};

fn none() -> CallOptions {
    CallOptions::new()
}

#[tokio::test]
async fn arguments_are_encoded_once_for_many_connections() {
    let servers = [demo_in_memory(), demo_in_memory()];
    for codec in ["application/gob", "application/json"] {
        let connector = Client::builder().codec(codec).connector().unwrap();
        let args = connector.encode(&Args { a: 6, b: 7 }).unwrap();
        // Its type is known to no program in advance, so each connection has to tell it.
        let inferred = connector.encode(&Inferred(&Args { a: 6, b: 8 })).unwrap();
        let long = "x".repeat(100_000);
        let text = connector.encode(long.as_str()).unwrap();
        for server in &servers {
            let (ours, theirs) = tokio::io::duplex(1 << 10);
            let serving = server.clone();
            tokio::spawn(async move { serving.serve_connection(theirs).await });
            let client = connector.from_stream(ours);
            for _ in 0..2 {
                let call = client.call_encoded::<i64>("Arith.Multiply", &args, none());
                assert_eq!(soon(call).await.unwrap(), 42);
                let call = client.call_encoded::<i64>("Arith.Multiply", &inferred, none());
                assert_eq!(soon(call).await.unwrap(), 48);
                let call = client.call_encoded::<String>("Echo.String", &text, none());
                assert_eq!(soon(call).await.unwrap(), long);
            }
        }
    }
}

#[tokio::test]
async fn arguments_are_not_sent_where_they_mean_something_else() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    let args = Args { a: 6, b: 7 };
    let [gob, json] = ["application/gob", "application/json"]
        .map(|codec| Client::builder().codec(codec).connector().unwrap());
    for args in [json.encode(&args), gob.encode(&Inferred(&args))] {
        let call = client.call_encoded::<i64>("Arith.Multiply", &args.unwrap(), none());
        assert!(matches!(soon(call).await, Err(Error::Setup(_))));
    }
    // Types that are known beforehand have the same numbers everywhere.
    let call = client.call_encoded::<i64>("Arith.Multiply", &gob.encode(&args).unwrap(), none());
    assert_eq!(soon(call).await.unwrap(), 42);
}

#[tokio::test]
async fn arguments_keep_the_method_that_they_were_encoded_for() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    let connector = Client::builder().connector().unwrap();
    let mut args = Arguments::default();
    let call = client.call_encoded::<i64>("Arith.Multiply", &args, none());
    assert!(matches!(soon(call).await, Err(Error::Setup(_))));
    // Lengths around the ones up to which they are kept in place, or in a buffer of their own.
    for len in [0, 30, 60, 16 << 10, 100_000] {
        for more in 0..20 {
            let text = "x".repeat(len + more);
            let encoded = connector.encode_for("Echo.String", text.as_str(), &mut args);
            encoded.unwrap();
            assert_eq!(args.method(), "Echo.String");
            let call = client.call_encoded::<String>(args.method(), &args, none());
            assert_eq!(soon(call).await.unwrap(), text);
        }
    }
}

#[tokio::test]
async fn a_call_can_have_a_time_limit_among_its_options() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    let options = CallOptions::new().timeout(Duration::from_millis(20));
    let error = soon(client.call_with::<_, i64>("Arith.Sleep", &10_000i64, options))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let options = CallOptions::new().timeout(Duration::MAX);
    let slept = soon(client.call_with::<_, i64>("Arith.Sleep", &1i64, options));
    assert_eq!(slept.await.unwrap(), 1);
}

#[tokio::test]
async fn a_client_tells_that_no_more_calls_can_be_made() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.closed().await }
    });
    assert_eq!(
        client.call::<_, i64>("Arith.Sleep", &1i64).await.unwrap(),
        1
    );
    assert!(!waiting.is_finished());
    client.close().unwrap();
    soon(waiting).await.unwrap();
    soon(client.closed()).await;

    let client = server.connect().unwrap();
    assert_eq!(
        client.call::<_, i64>("Arith.Sleep", &1i64).await.unwrap(),
        1
    );
    let (shutdown, ()) = tokio::join!(server.shutdown(), soon(client.closed()));
    shutdown.unwrap();
    assert!(!client.is_available());
}

/// A number that makes a call while it is written.
struct Calling(Client);

impl Gob for Calling {
    fn describe(types: &mut Builder) -> Ref {
        types.int()
    }
}

impl Serialize for Calling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        drop(
            self.0
                .call::<_, String>("Echo.String", "long".repeat(100).as_str()),
        );
        serializer.serialize_i64(1)
    }
}

#[tokio::test]
async fn an_argument_may_make_a_call_while_it_is_encoded() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    for _ in 0..3 {
        let call = client.call::<_, i64>("Arith.Sleep", &Calling(client.clone()));
        assert_eq!(soon(call).await.unwrap(), 1);
    }
}
