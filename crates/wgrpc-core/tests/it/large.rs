//! `bytes::Bytes`, of every size and in every codec: they come back, and where they are long
//! nobody copies them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::DuplexStream;
use wgrpc_core::{
    Arguments, BoxFuture, CallInfo, CallOptions, Client, ClientLimits, GOB, JSON, Method,
    Middleware, Next, Result, Server, ServerBuilder, Service,
};
use wgrpc_gob::Gob;
use wgrpc_gob::adapt::Go;

use crate::codec::{MessagePack, NAME};
use crate::raw::serve;
use crate::support::soon;

/// From this length on bytes are not copied.
const LONG: usize = 16 << 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    #[serde(with = "wgrpc_gob::adapt::bytes")]
    first: Bytes,
    #[serde(with = "wgrpc_gob::adapt::bytes", default)]
    second: Option<Bytes>,
    number: i64,
}

impl Pair {
    /// Whether the second field stands behind the first one as it does in a gob message: with one
    /// byte for the number of the field between them, and some for the length. Copies, which are
    /// allocated each, cannot stand like that.
    fn stands_in_a_message(&self) -> bool {
        let second = self.second.as_ref().unwrap();
        let length = if second.len() >> 16 == 0 { 3 } else { 4 };
        self.first.as_ptr_range().end.wrapping_add(1 + length) == second.as_ptr()
    }
}

fn pattern(len: usize) -> Bytes {
    (0..len).map(|index| (index % 251) as u8).collect()
}

fn server() -> Server {
    builder().start().unwrap()
}

fn builder() -> ServerBuilder {
    let service = Service::new("Echo")
        .method("Bytes", Method::function(|bytes: Go<Bytes>, _| Ok(bytes)))
        .method(
            "Pair",
            Method::future(|pair: Pair, _| async move {
                // Of a request that has a task of its own, too.
                if pair.number > 0 {
                    tokio::task::yield_now().await;
                }
                Ok(pair)
            }),
        )
        .method(
            "Stands",
            Method::function(|pair: Pair, _| Ok(pair.stands_in_a_message())),
        );
    Server::builder().add_codec(MessagePack).register(service)
}

fn pipe(server: &Server) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(256 << 10);
    serve(server, theirs);
    ours
}

fn client(server: &Server, codec: &str) -> Client {
    let ours = pipe(server);
    let builder = Client::builder().add_codec(MessagePack).codec(codec);
    builder.from_stream(ours).unwrap()
}

#[tokio::test]
async fn bytes_of_every_size_come_back_in_every_codec() {
    let server = server();
    for codec in [GOB, JSON, NAME] {
        let client = client(&server, codec);
        for len in [0, 1, LONG - 1, LONG, 1 << 20] {
            let bytes = Go(pattern(len));
            let echo = client.call::<_, Go<Bytes>>("Echo.Bytes", &bytes);
            assert_eq!(soon(echo).await.unwrap(), bytes, "{len} bytes in {codec}");
            for (second, number) in [(None, 0), (Some(pattern(len)), 1), (Some(pattern(3)), 0)] {
                let first = pattern(len);
                let pair = Pair {
                    first,
                    second,
                    number,
                };
                let echo = client.call::<_, Pair>("Echo.Pair", &pair);
                assert!(soon(echo).await.unwrap() == pair, "{len} bytes in {codec}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_received_is_not_copied_where_it_is_long() {
    let server = server();
    let client = client(&server, GOB);
    for (len, is_shared) in [
        (LONG - 1, false),
        (LONG, true),
        (50_000, true),
        (1 << 20, true),
    ] {
        let pair = Pair {
            first: pattern(len),
            second: Some(pattern(len)),
            number: 0,
        };
        let stands = client.call::<_, bool>("Echo.Stands", &pair);
        assert_eq!(
            soon(stands).await.unwrap(),
            is_shared,
            "{len} bytes, at the server"
        );
        let echo = soon(client.call::<_, Pair>("Echo.Pair", &pair))
            .await
            .unwrap();
        assert_eq!(
            echo.stands_in_a_message(),
            is_shared,
            "{len} bytes, at the client"
        );
    }
}

/// Passes everything on.
struct Transparent;

impl Middleware for Transparent {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(next.run(call))
    }
}

fn pair(number: i64) -> Pair {
    let (first, second) = (pattern(1 << 19), Some(pattern(1 << 20)));
    Pair {
        first,
        second,
        number,
    }
}

#[tokio::test]
async fn calls_that_wait_their_turn_send_them_whole() {
    let server = server();
    let limits = ClientLimits {
        in_flight: 2,
        ..ClientLimits::default()
    };
    let builder = Client::builder().limits(limits);
    let client = builder.from_stream(pipe(&server)).unwrap();
    let calls: Vec<_> = (0..9)
        .map(|number| client.call::<_, Pair>("Echo.Pair", &pair(number)))
        .collect();
    for (call, number) in calls.into_iter().zip(0..) {
        assert!(soon(call).await.unwrap() == pair(number));
    }
}

#[tokio::test]
async fn arguments_that_are_encoded_once_are_whole_on_every_connection() {
    let server = server();
    let connector = Client::builder().connector().unwrap();
    let mut named = Arguments::default();
    let encoded = connector.encode_for("Echo.Pair", &pair(7), &mut named);
    encoded.unwrap();
    for args in [connector.encode(&pair(7)).unwrap(), named] {
        let client = connector.from_stream(pipe(&server));
        for _ in 0..2 {
            let call = client.call_encoded("Echo.Pair", &args, CallOptions::new());
            let echo: Pair = soon(call).await.unwrap();
            assert!(echo == pair(7));
        }
    }
}

#[tokio::test]
async fn they_pass_through_middleware_on_both_sides() {
    let server = builder().middleware(Transparent).start().unwrap();
    let builder = Client::builder().middleware(Transparent);
    let client = builder.from_stream(pipe(&server)).unwrap();
    for number in [0, 1] {
        let echo = soon(client.call::<_, Pair>("Echo.Pair", &pair(number)))
            .await
            .unwrap();
        assert!(echo == pair(number) && echo.stands_in_a_message());
        let stands = client.call::<_, bool>("Echo.Stands", &pair(number));
        assert!(soon(stands).await.unwrap());
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_with_them_fails_its_own_call_only() {
    let server = server();
    let mut limits = ClientLimits::default();
    limits.message.message = 1 << 20;
    let builder = Client::builder().limits(limits);
    let client = builder.from_stream(pipe(&server)).unwrap();
    let error = soon(client.call::<_, Pair>("Echo.Pair", &pair(0))).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("limit `message` of 1048576"), "{error}");
    let bytes = Go(pattern(LONG));
    let echo = client.call::<_, Go<Bytes>>("Echo.Bytes", &bytes);
    assert_eq!(soon(echo).await.unwrap(), bytes);
}
