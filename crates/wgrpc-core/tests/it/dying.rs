//! Connections that die under calls, and clients that are closed: no call hangs, and each error
//! says whether the call may have been executed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wgrpc_core::{Client, Error, Executed};

use crate::hostile_server::client_and_raw;
use crate::raw::{Codec, Raw};
use crate::support::{Args, demo, soon, until};

/// Calls until that is no longer possible; the error that said so.
async fn call_until_lost(client: Client) -> Error {
    loop {
        let call = client
            .call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })
            .no_timeout();
        match call.await {
            Ok(product) => assert_eq!(product, 42),
            Err(error) => return error,
        }
    }
}

/// Answers every request on a connection until it is cut.
async fn answer(mut raw: Raw, is_cut: Arc<AtomicBool>) {
    raw.exactly(crate::raw::OPTION_LEN).await;
    while let Some((header, args)) = raw.asked::<Args>().await {
        if is_cut.load(Ordering::Relaxed) {
            return;
        }
        let reply = raw.speech.reply(header.seq, &(args.a * args.b));
        raw.send(&reply).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_hangs_when_its_connection_dies() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", listener.local_addr().unwrap());
    let mut deaths = 0;
    for kill in 0..1000u64 {
        let is_tcp = kill % 4 == 0;
        let (client, raw) = if is_tcp {
            let client = Client::connect(address.as_str()).await.unwrap();
            let (stream, _) = soon(listener.accept()).await.unwrap();
            if kill % 8 == 0 {
                // Cut off by a reset instead of an end.
                stream.set_zero_linger().unwrap();
            }
            (client, Raw::over(stream, Codec::Gob))
        } else {
            let (ours, theirs) = tokio::io::duplex(4096);
            (
                Client::builder().from_stream(ours).unwrap(),
                Raw::over(theirs, Codec::Gob),
            )
        };
        let is_cut = Arc::new(AtomicBool::new(false));
        let answering = tokio::spawn(answer(raw, is_cut.clone()));
        let mut callers = JoinSet::new();
        for _ in 0..8 {
            callers.spawn(call_until_lost(client.clone()));
        }
        tokio::time::sleep(Duration::from_micros(kill % 200)).await;
        if kill % 2 == 0 {
            answering.abort();
        } else {
            is_cut.store(true, Ordering::Relaxed);
        }
        for error in soon(callers.join_all()).await {
            match &error {
                Error::Lost(_) => assert_eq!(error.is_executed(), Executed::Maybe),
                Error::NotSent(_) => {
                    assert_eq!(error.is_executed(), Executed::No);
                    assert!(error.is_retryable());
                }
                other => panic!("{other:?}"),
            }
            deaths += 1;
        }
        assert!(!client.is_available());
        let error = soon(call_until_lost(client)).await;
        assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    }
    assert_eq!(deaths, 8000);
}

#[tokio::test]
async fn closing_ends_the_calls_and_the_connection_at_once() {
    for codec in Codec::BOTH {
        let (client, mut raw) = client_and_raw(codec).await;
        let args = Args { a: 6, b: 7 };
        let calls = [0; 3].map(|_| client.call::<_, i64>("Arith.Multiply", &args).no_timeout());
        let other = client.clone();
        client.close().unwrap();
        for call in calls {
            let error = soon(call).await.unwrap_err();
            assert!(matches!(error, Error::Closed { sent: true }), "{error:?}");
            assert_eq!(error.is_executed(), Executed::Maybe);
        }
        assert!(!client.is_available() && !other.is_available());
        for client in [&client, &other] {
            let error = client.close().unwrap_err();
            assert!(matches!(error, Error::Closed { sent: false }), "{error:?}");
            let error = soon(client.call::<_, i64>("Arith.Multiply", &args))
                .await
                .unwrap_err();
            assert!(matches!(error, Error::Closed { sent: false }), "{error:?}");
            assert_eq!(error.is_executed(), Executed::No);
        }
        // The server hears of it, although handles of the client are still around.
        raw.rest().await;
        drop((client, other));
    }
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_calls_and_the_connection() {
    let (client, mut raw) = client_and_raw(Codec::Gob).await;
    let call = client
        .call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })
        .no_timeout();
    let other = client.clone();
    drop(client);
    assert!(other.is_available());
    drop(other);
    let error = soon(call).await.unwrap_err();
    assert!(matches!(error, Error::Closed { sent: true }), "{error:?}");
    raw.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_and_servers_leave_no_tasks_behind() {
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let baseline = tasks();
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    for round in 0..50 {
        let client = Client::connect(server.address()).await.unwrap();
        let call = client.call::<_, i64>("Arith.Sleep", &1);
        if round % 2 == 0 {
            assert_eq!(soon(call).await.unwrap(), 1);
            client.close().unwrap();
        }
    }
    drop(server);
    until(|| tasks() == baseline).await;
}

/// A client whose server shuts down its side learns it without making a call.
#[tokio::test]
async fn a_client_notices_the_end_of_its_connection_by_itself() {
    let (client, raw) = client_and_raw(Codec::Json).await;
    assert!(client.is_available());
    drop(raw);
    until(|| !client.is_available()).await;
    // It can be closed all the same, once.
    client.close().unwrap();
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", listener.local_addr().unwrap());
    drop(listener);
    let error = soon(Client::connect(address.as_str())).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(error.to_string().contains(&address), "{error}");
    for wrong in [
        "127.0.0.1:80",
        "tcp@127.0.0.1:80@x",
        "udp@127.0.0.1:80",
        "tcp@",
    ] {
        let error = soon(Client::connect(wrong)).await.unwrap_err();
        assert!(matches!(error, Error::Address(_)), "{error:?}");
    }
}

/// The limit holds for the dial and the CONNECT together.
#[tokio::test]
async fn the_connect_timeout_covers_the_http_handshake() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http@{}", silent.local_addr().unwrap());
    let client = Client::builder().connect_timeout(Duration::from_millis(100));
    let error = soon(client.connect(address.as_str())).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.to_string().contains("100ms"), "{error}");
}
