//! A server shuts down while Go clients call it as fast as they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use interop::{GoClient, counted, expect_all_ok};
use wgrpc::{Context, Fault, Method, Server, Service};

use crate::services::Args;
use crate::socket_path;

/// What the Go clients call, with a count of the requests that handlers have begun to work on.
fn counting(executed: &Arc<AtomicU64>) -> Service {
    let count = |executed: &Arc<AtomicU64>| {
        let executed = executed.clone();
        move || executed.fetch_add(1, Ordering::Relaxed)
    };
    let (multiplied, slept) = (count(executed), count(executed));
    let multiply = Method::function(move |args: Args, _: Context| {
        multiplied();
        Ok::<_, Fault>(args.a * args.b)
    });
    let sleep = Method::future(move |milliseconds: i64, _: Context| {
        slept();
        async move {
            tokio::time::sleep(Duration::from_millis(milliseconds as u64)).await;
            Ok::<_, Fault>(milliseconds)
        }
    });
    Service::new("Arith")
        .method("Multiply", multiply)
        .method("Sleep", sleep)
}

/// Lets Go clients of `codec` call over eight connections until the server at that kind of address
/// is gone.
async fn shut_down_under_load(address: &str, codec: &'static str, load: Duration) {
    let executed = Arc::default();
    let server = Server::builder().register(counting(&executed));
    let server = server.listen(address.replace("http@", "tcp@")).await;
    let server = server.unwrap();
    let protocol = address.split_once('@').unwrap().0;
    let target = format!("{protocol}@{}", server.address().target());
    let clients = tokio::task::spawn_blocking(move || {
        let mut clients = GoClient::start(&["-connections", "8"], "shutdown", &target, codec);
        // The first check says that all of them are at it.
        let check = clients.next_check().cloned();
        assert!(check.as_ref().is_some_and(|check| check.ok), "{check:?}");
        clients
    });
    let clients = clients.await.unwrap();
    tokio::time::sleep(load).await;
    let start = Instant::now();
    server.shutdown().await.unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let checks = tokio::task::spawn_blocking(|| clients.finish());
    let checks = checks.await.unwrap();
    expect_all_ok(&checks);
    assert_eq!(
        counted(&checks, "shutdown/answered"),
        executed.load(Ordering::Relaxed),
        "every request that was executed is answered, and no other: {checks:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_to_a_go_client_is_lost() {
    let unix = format!("unix@{}", socket_path());
    for (round, codec) in ["gob", "json", "gob", "json"].into_iter().enumerate() {
        for address in ["tcp@127.0.0.1:0", &unix, "http@127.0.0.1:0"] {
            let load = Duration::from_millis(13 * round as u64);
            shut_down_under_load(address, codec, load).await;
        }
    }
}
