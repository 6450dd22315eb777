//! `bytes::Bytes`, of every size and in every codec: they come back, and where they are long
//! nobody copies them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wgrpc_core::{Client, GOB, JSON, Method, Server, Service};
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
    let builder = Server::builder().add_codec(MessagePack).register(service);
    builder.start().unwrap()
}

fn client(server: &Server, codec: &str) -> Client {
    let (ours, theirs) = tokio::io::duplex(256 << 10);
    serve(server, theirs);
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
