//! Much in both directions through little: nobody waits for somebody who waits for him.

use tokio::task::JoinSet;
use wgrpc_core::{Client, ClientLimits, ServerLimits};

use crate::raw::{Codec, serve};
use crate::support::{Args, Bytes, demo, soon};

/// Many large calls at once over buffers of this size and within these limits.
async fn echo_much(buffer: usize, unwritten: usize, codec: Codec) {
    let limits = ServerLimits {
        unwritten_soft: unwritten,
        in_flight: 8,
        ..Default::default()
    };
    let server = demo().limits(limits).start().unwrap();
    let (ours, theirs) = tokio::io::duplex(buffer);
    serve(&server, theirs);
    let limits = ClientLimits {
        unwritten,
        ..ClientLimits::default()
    };
    let client = Client::builder()
        .codec(codec.name())
        .limits(limits)
        .no_timeout();
    let client = client.from_stream(ours).unwrap();
    let mut calls = JoinSet::new();
    for number in 0..64u8 {
        let client = client.clone();
        calls.spawn(async move {
            let bytes = Bytes(vec![number; 1 << (number % 18)]);
            assert_eq!(
                client.call::<_, Bytes>("Echo.Bytes", &bytes).await.unwrap(),
                bytes
            );
            let args = Args {
                a: number.into(),
                b: 2,
            };
            let product = client.call::<_, i64>("Arith.Multiply", &args).await;
            assert_eq!(product.unwrap(), 2 * i64::from(number));
        });
    }
    soon(calls.join_all()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_calls_in_both_directions_pass_through_small_buffers() {
    for (buffer, unwritten) in [(64, 16 << 20), (4096, 16 << 20), (4096, 0), (4096, 100_000)] {
        for codec in Codec::BOTH {
            echo_much(buffer, unwritten, codec).await;
        }
    }
}

/// Replies come while the client is still writing: were they not read, both would stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_reads_while_it_is_blocked_writing() {
    let limits = ServerLimits {
        unwritten_soft: 0,
        ..ServerLimits::default()
    };
    let server = demo()
        .limits(limits)
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    let client = Client::builder()
        .no_timeout()
        .connect(server.address())
        .await
        .unwrap();
    let bytes = Bytes(vec![7; 1 << 20]);
    let calls: Vec<_> = (0..24)
        .map(|_| client.call::<_, Bytes>("Echo.Bytes", &bytes))
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap(), bytes);
    }
}
