//! Many at once: large replies that are ready together, handlers that compute, bytes that trickle.

use std::time::Duration;

use tokio::io::{AsyncWriteExt, duplex};
use wgrpc_core::{Client, Method, Server, ServerLimits, Service};

use crate::support::{Bytes, SOON, arith, echo, soon};

/// Replies of a size, at once or after a while.
fn large() -> Service {
    let bytes = |len: u64| Bytes(vec![7; usize::try_from(len).unwrap_or(0)]);
    Service::new("Large")
        .method("Now", Method::function(move |len: u64, _| Ok(bytes(len))))
        .method(
            "Later",
            Method::future(move |len: u64, _| async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(bytes(len))
            }),
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn large_replies_that_are_ready_together_all_arrive() {
    let server = Server::builder().register(large()).start().unwrap();
    let client = server.connect().unwrap();
    for method in ["Large.Now", "Large.Later"] {
        let calls: Vec<_> = (0..48)
            .map(|_| client.call::<_, Bytes>(method, &(1u64 << 20)).timeout(SOON))
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().0.len(), 1 << 20, "{method}");
        }
    }
}

/// Handlers that compute for five milliseconds, all requested in one write.
async fn first_and_last(method: &str) -> (Duration, Duration) {
    let busy = || std::thread::sleep(Duration::from_millis(5));
    let service = Service::new("Busy")
        .method(
            "Plain",
            Method::function(move |n: u64, _| {
                busy();
                Ok(n)
            }),
        )
        .method(
            "Async",
            Method::future(move |n: u64, _| async move {
                busy();
                Ok(n)
            }),
        );
    let server = Server::builder().register(service).start().unwrap();
    let client = server.connect().unwrap();
    let start = std::time::Instant::now();
    let calls: Vec<_> = (0..200u64)
        .map(|n| client.call::<_, u64>(method, &n))
        .collect();
    let mut first = None;
    for (n, call) in (0..).zip(calls) {
        assert_eq!(call.timeout(SOON).await.unwrap(), n);
        first.get_or_insert_with(|| start.elapsed());
    }
    (first.unwrap_or_default(), start.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_does_not_wait_for_the_last_handler() {
    for method in ["Busy.Plain", "Busy.Async"] {
        let (first, last) = first_and_last(method).await;
        assert!(first < last / 4, "{method}: {first:?} of {last:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_announces_long_requests_shuts_nobody_out() {
    let limits = ServerLimits {
        long_requests: 4 << 20,
        ..ServerLimits::default()
    };
    let builder = Server::builder().register(echo()).register(arith());
    let server = builder.limits(limits).start().unwrap();
    let mut announcers = Vec::new();
    for _ in 0..10 {
        let (mut near, far) = duplex(1 << 16);
        let serving = server.clone();
        tokio::spawn(async move { serving.serve_connection(far).await });
        let option = br#"{"MagicNumber":57775718,"CodecType":"application/gob"}"#;
        near.write_all(option).await.unwrap();
        // A gob message of almost 16 MiB, of which nothing follows.
        near.write_all(&[0xfd, 0xf0, 0, 0]).await.unwrap();
        announcers.push(near);
    }
    let client: Client = server.connect().unwrap();
    let long = Bytes(vec![7; 3 << 20]);
    let reply: Bytes = soon(client.call("Echo.Bytes", &long)).await.unwrap();
    assert_eq!(reply, long);
}
