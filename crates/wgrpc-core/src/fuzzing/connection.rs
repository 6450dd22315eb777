//! Whole connections in memory: what a server does with the bytes of a client, and a client with
//! those of a server.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::runtime;
use tokio::task::yield_now;
use tokio::time::timeout;
use wgrpc_gob::Limits;

use super::samples::{Nest, Nested, Scalars};
use crate::client::Client;
use crate::codec::{Format, Formats, Message, Next, Receiver};
use crate::protocol::{self, Parse};
use crate::server::Server;
use crate::service::{Method, Service};

/// How much a connection holds in each direction. Little, so that both sides have to wait.
const BUFFER: usize = 4 << 10;

/// How long anything may take once the other side has ended the connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that a client sends to a server.
pub fn server(bytes: &[u8]) {
    let expected = expected_replies(bytes);
    let replies = run(async {
        let (near, far) = duplex(BUFFER);
        let server = Server::builder().register(samples()).start();
        let Ok(server) = server else {
            panic!("the service cannot be registered");
        };
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve_connection(far).await }
        });
        let replies = exchange(near, bytes).await;
        assert!(timeout(PATIENCE, serving).await.is_ok(), "no end");
        assert!(timeout(PATIENCE, server.shutdown()).await.is_ok(), "no end");
        replies
    });
    if let Some((format, count)) = expected {
        let replies = replies
            .strip_prefix(protocol::connect_response())
            .unwrap_or(&replies);
        let mut receiver = response_receiver(&format);
        let (found, is_complete) = count_messages(&mut receiver, replies);
        assert!(is_complete, "a reply is damaged");
        assert_eq!(found, count, "every request has one reply");
    }
}

/// Sends `bytes` in two portions, and reads to the end meanwhile.
async fn exchange(stream: DuplexStream, bytes: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = split(stream);
    let mut received = Vec::new();
    let send = async {
        let sum: usize = bytes.iter().map(|&byte| usize::from(byte)).sum();
        let (first, second) = bytes.split_at(sum % (bytes.len() + 1));
        // Whoever does not want to hear the rest has closed the connection.
        let _ = write.write_all(first).await;
        for _ in 0..10 {
            yield_now().await;
        }
        let _ = write.write_all(second).await;
        let _ = write.shutdown().await;
    };
    let both = async { tokio::join!(send, read.read_to_end(&mut received)) };
    assert!(timeout(PATIENCE, both).await.is_ok(), "no end");
    received
}

/// The codec and the number of replies that a client may expect that sends `bytes`; `None` if it
/// does not get as far as calls.
fn expected_replies(bytes: &[u8]) -> Option<(Format, usize)> {
    let bytes = match protocol::parse_connect(bytes) {
        Ok(Parse::Done { consumed, .. }) => &bytes[consumed..],
        _ => bytes,
    };
    let Some(protocol::Dialect::Option) = protocol::sniff(bytes) else {
        return None;
    };
    let Ok(Parse::Done { value, consumed }) = protocol::parse_option(bytes) else {
        return None;
    };
    // A limit for each request may be over before a handler is.
    if value.handle_timeout != 0 {
        return None;
    }
    let format = Formats::default().find(&value.codec)?;
    let rest = &bytes[consumed..];
    let is_newline = rest
        .first()
        .is_some_and(|&first| protocol::skip_newline(first));
    let mut receiver = Receiver::new(&format, protocol::REQUEST_HEADER_MAX, Limits::default());
    let (count, _) = count_messages(&mut receiver, &rest[usize::from(is_newline)..]);
    Some((format, count))
}

fn response_receiver(format: &Format) -> Receiver {
    Receiver::new(format, protocol::RESPONSE_HEADER_MAX, Limits::default())
}

/// How many messages there are, and whether they end where the bytes do.
fn count_messages(receiver: &mut Receiver, bytes: &[u8]) -> (usize, bool) {
    let (mut count, mut at) = (0, 0);
    let mut message = Message::default();
    loop {
        match receiver.next(&bytes[at..], &mut message) {
            Ok(Next::Whole { consumed }) => {
                at += consumed;
                count += 1;
            }
            Ok(Next::Partial { consumed, .. }) => {
                let rest = bytes[at + consumed..].trim_ascii();
                return (count, rest.is_empty() && receiver.is_between_messages());
            }
            Err(_) => return (count, false),
        }
    }
}

/// Methods of every kind, under the names that the recorded conversations call.
fn samples() -> Service {
    let multiply = |args: BTreeMap<String, i64>, _| Ok(args.values().fold(1, |a, &b| a ^ b));
    let wait = |number: i64, _| async move {
        yield_now().await;
        Ok(number)
    };
    Service::new("Arith")
        .method("Multiply", Method::function(multiply))
        .method(
            "Divide",
            Method::function(|(a, b): (i8, i8), _| Ok(a.checked_div(b))),
        )
        .method("Sleep", Method::future(wait))
        .method("Nothing", Method::function(|(), _| Ok(())))
        .method("Any", Method::function(|any: Text, _| Ok(any.0)))
        .method("Nested", Method::function(|nested: Nested, _| Ok(nested)))
        .method(
            "Scalars",
            Method::function(|scalars: Scalars, _| Ok(scalars)),
        )
        .method("Nest", Method::future(|nest: Nest, _| async { Ok(nest) }))
}

/// Anything, as a text.
struct Text(String);

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(value.to_string()))
    }
}

impl wgrpc_gob::Gob for Text {
    fn describe(types: &mut wgrpc_gob::Builder) -> wgrpc_gob::Ref {
        types.interface()
    }
}

/// Everything that a server sends to a client. The first byte chooses the codec.
pub fn client(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else {
        return;
    };
    let codec = if first % 2 == 0 {
        protocol::GOB
    } else {
        protocol::JSON
    };
    run(async {
        let (near, far) = duplex(BUFFER);
        let client = Client::builder().codec(codec).from_stream(near);
        let Ok(client) = client else {
            panic!("the codec is known");
        };
        let calls = async {
            // As many as the recorded conversations have.
            let numbers = [(); 3].map(|()| client.call::<_, i64>("Arith.Multiply", &1));
            let nested = client.call::<_, Nested>("Arith.Nested", &());
            let scalars = client.call::<_, Scalars>("Arith.Scalars", &());
            let values = [(); 3].map(|()| client.call::<_, Value>("Arith.Any", "text"));
            for call in numbers {
                let _ = call.await;
            }
            let _ = tokio::join!(nested, scalars);
            for call in values {
                let _ = call.await;
            }
        };
        let both = async { tokio::join!(calls, exchange(far, bytes)) };
        assert!(timeout(PATIENCE, both).await.is_ok(), "a call does not end");
        assert!(!client.is_available(), "the connection has ended");
    });
}

fn run<T>(future: impl Future<Output = T>) -> T {
    match runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("no runtime: {error}"),
    }
}
