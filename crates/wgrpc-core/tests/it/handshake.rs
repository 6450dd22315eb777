//! The handshake is not framed: not a byte may be lost between it and the first request, however
//! the bytes are cut.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wgrpc_core::{Address, Server};

use crate::raw::{CONNECT, CONNECTED, Codec, Raw, settle};
use crate::support::{Args, demo, demo_in_memory};

/// The handshake and one request, as a Go client sends them; and how long the handshake is.
fn opening(codec: Codec, is_http: bool) -> (Vec<u8>, usize) {
    let mut bytes = if is_http {
        CONNECT.to_vec()
    } else {
        Vec::new()
    };
    bytes.extend(codec.option());
    let handshake = bytes.len();
    let mut speech = crate::raw::Speech::new(codec);
    bytes.extend(speech.request("Arith.Multiply", 1, &Args { a: 6, b: 7 }));
    (bytes, handshake)
}

/// Reads the answer to [`opening`].
async fn expect_answer(raw: &mut Raw, is_http: bool) {
    if is_http {
        raw.expect(CONNECTED).await;
    }
    let response = raw
        .response::<i64>()
        .await
        .expect("the connection was closed");
    assert_eq!((response.header.seq, response.result), (1, Ok(42)));
}

#[tokio::test]
async fn the_opening_may_be_cut_in_two_anywhere() {
    let server = demo_in_memory();
    for codec in Codec::BOTH {
        for is_http in [false, true] {
            let (bytes, _) = opening(codec, is_http);
            for cut in 1..bytes.len() {
                let mut raw = Raw::in_memory(&server, 4096, codec);
                raw.send(&bytes[..cut]).await;
                settle().await;
                raw.send(&bytes[cut..]).await;
                expect_answer(&mut raw, is_http).await;
            }
        }
    }
}

#[tokio::test]
async fn the_opening_may_be_cut_in_three_around_its_line_end() {
    let server = demo_in_memory();
    for codec in Codec::BOTH {
        let (bytes, handshake) = opening(codec, false);
        for first in handshake - 3..handshake {
            for second in first + 1..handshake + 4 {
                let mut raw = Raw::in_memory(&server, 4096, codec);
                for piece in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                    raw.send(piece).await;
                    settle().await;
                }
                expect_answer(&mut raw, false).await;
            }
        }
    }
}

#[tokio::test]
async fn the_opening_may_arrive_byte_by_byte() {
    let server = demo_in_memory();
    for codec in Codec::BOTH {
        for is_http in [false, true] {
            let (bytes, _) = opening(codec, is_http);
            let mut raw = Raw::in_memory(&server, 4096, codec);
            raw.trickle(&bytes).await;
            expect_answer(&mut raw, is_http).await;
        }
    }
}

/// A server on TCP and on a Unix socket, and the ways to it: the address and whether it is asked
/// by HTTP first. Dropping the folder removes the socket.
pub(crate) async fn on_every_transport() -> (Server, Vec<(Address, bool)>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    let path = folder.path().join("socket");
    server
        .listen(format!("unix@{}", path.display()))
        .await
        .unwrap();
    let [tcp, unix] = server.addresses().try_into().unwrap();
    (
        server,
        vec![(tcp.clone(), false), (unix, false), (tcp, true)],
        folder,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_may_cut_the_opening_anywhere_too() {
    let (_server, ways, _folder) = on_every_transport().await;
    let mut attempts = JoinSet::new();
    let at_once = Arc::new(Semaphore::new(32));
    for (address, is_http) in ways {
        for codec in Codec::BOTH {
            let (bytes, _) = opening(codec, is_http);
            for cut in 1..bytes.len() {
                let (address, bytes) = (address.clone(), bytes.clone());
                let turn = at_once.clone().acquire_owned().await.unwrap();
                attempts.spawn(async move {
                    let mut raw = Raw::connect(&address, codec).await;
                    raw.send(&bytes[..cut]).await;
                    // Only so that the pieces are likely to arrive apart.
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                    raw.send(&bytes[cut..]).await;
                    expect_answer(&mut raw, is_http).await;
                    drop(turn);
                });
            }
        }
    }
    attempts.join_all().await;
}

/// Go's clients lose requests that follow the handshake too closely; here none may be lost.
#[tokio::test(flavor = "multi_thread")]
async fn requests_in_the_same_write_as_the_handshake_are_all_answered() {
    let (_server, ways, _folder) = on_every_transport().await;
    let mut attempts = JoinSet::new();
    let at_once = Arc::new(Semaphore::new(32));
    for number in 0..1000 {
        let (address, is_http) = ways[number % ways.len()].clone();
        let codec = Codec::BOTH[number / ways.len() % 2];
        let count = 1 + number as u64 % 64;
        let turn = at_once.clone().acquire_owned().await.unwrap();
        attempts.spawn(async move {
            let mut raw = Raw::connect(&address, codec).await;
            let mut bytes = if is_http {
                CONNECT.to_vec()
            } else {
                Vec::new()
            };
            bytes.extend(codec.option());
            for seq in 1..=count {
                let args = Args {
                    a: seq as i64,
                    b: 3,
                };
                bytes.extend(raw.speech.request("Arith.Multiply", seq, &args));
            }
            raw.send(&bytes).await;
            if is_http {
                raw.expect(CONNECTED).await;
            }
            let mut seen = vec![false; count as usize];
            for _ in 0..count {
                let response = raw
                    .response::<i64>()
                    .await
                    .expect("the connection was closed");
                let seq = response.header.seq;
                assert_eq!(response.result, Ok(3 * seq as i64));
                assert!(
                    !std::mem::replace(&mut seen[seq as usize - 1], true),
                    "{seq} twice"
                );
            }
            drop(turn);
        });
    }
    attempts.join_all().await;
}
