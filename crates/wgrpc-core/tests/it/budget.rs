//! What long requests may take together: connections wait for their share, and get it.

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use wgrpc_core::{Client, Server, ServerLimits};

use crate::support::{Bytes, echo, soon};

/// Half a message of the size that the budget allows once.
fn half_a_request() -> Vec<u8> {
    let option = br#"{"MagicNumber":57775718,"CodecType":"application/json"}"#;
    let header = br#"{"ServiceMethod":"Echo.Bytes","Seq":1,"Error":""}"#;
    let body = "\"".to_owned() + &"QUJD".repeat(75_000);
    [&option[..], header, body.as_bytes()].concat()
}

#[tokio::test]
async fn a_long_request_waits_until_another_has_given_its_share_back() {
    let limits = ServerLimits {
        long_requests: 600_000,
        ..ServerLimits::default()
    };
    let server = Server::builder()
        .register(echo())
        .limits(limits)
        .start()
        .unwrap();

    // One connection begins a long request, and takes its share while it does not finish it.
    let (mut slow, theirs) = duplex(1 << 20);
    let serving = server.clone();
    let slow_served = tokio::spawn(async move { serving.serve_connection(theirs).await });
    slow.write_all(&half_a_request()).await.unwrap();
    tokio::task::yield_now().await;

    let client = server.connect().unwrap();
    let small: String = soon(client.call("Echo.String", "short ones need no share"))
        .await
        .unwrap();
    assert_eq!(small, "short ones need no share");
    let long = Bytes(vec![7; 300_000]);
    let mut waiting = tokio::spawn({
        let (client, long) = (client.clone(), long.clone());
        async move { client.call::<_, Bytes>("Echo.Bytes", &long).await }
    });
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "there was no share left for it: {early:?}");

    // The first is finished, and answered; the other one has its turn.
    slow.write_all(b"\"\n").await.unwrap();
    let mut answer = vec![0; 300_000];
    soon(slow.read_exact(&mut answer)).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), long);
    drop(slow);
    soon(slow_served).await.unwrap();
}

#[tokio::test]
async fn a_request_longer_than_all_shares_together_is_served_alone() {
    let limits = ServerLimits {
        long_requests: 100_000,
        ..ServerLimits::default()
    };
    let server = Server::builder()
        .register(echo())
        .limits(limits)
        .start()
        .unwrap();
    for codec in ["application/gob", "application/json"] {
        let (ours, theirs) = duplex(64 << 10);
        let serving = server.clone();
        tokio::spawn(async move { serving.serve_connection(theirs).await });
        let client = Client::builder().codec(codec).from_stream(ours).unwrap();
        let long = Bytes(vec![7; 1 << 20]);
        let reply: Bytes = soon(client.call("Echo.Bytes", &long)).await.unwrap();
        assert_eq!(reply, long);
    }
}
