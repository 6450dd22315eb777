//! Connections that look for what comes next before they sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use wgrpc_core::{Address, Client, ClientLimits, Error, ServerLimits};

use crate::support::{Args, demo, soon};

/// So long that whoever looks would never sleep while somebody waits for it.
const LONG: Duration = Duration::from_secs(3600);

fn limits() -> ClientLimits {
    ClientLimits {
        busy_poll: LONG,
        ..Default::default()
    }
}

/// Of one thread each, so that nobody else could do what a connection that looks does not let be
/// done.
fn on_one_thread<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// A server on a thread of its own, with both limits `busy_poll`; while `test` runs.
fn beside_a_server(busy_poll: Duration, test: impl AsyncFnOnce(Address)) {
    let limits = ServerLimits {
        busy_poll,
        ..Default::default()
    };
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        on_one_thread(async {
            let builder = demo().limits(limits);
            let server = builder.listen("tcp@127.0.0.1:0").await.unwrap();
            tell.send(server.addresses()[0].clone()).unwrap();
            // Heard only if the runtime has a turn of its own now and then.
            stopped.await.unwrap();
            soon(server.shutdown()).await.unwrap();
        });
    });
    let address = told.recv().unwrap();
    on_one_thread(test(address));
    stop.send(()).unwrap();
    serving.join().unwrap();
}

#[test]
fn everybody_else_has_turns_while_both_ends_look() {
    beside_a_server(LONG, async |address| {
        let builder = Client::builder().limits(limits());
        let client = builder.connect(address).await.unwrap();
        let turns = Arc::new(AtomicU64::new(0));
        let count = turns.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let turns = || turns.load(Ordering::Relaxed);
        let mut calls = 0;
        while turns() < 50 {
            let args = Args { a: calls, b: 3 };
            let product: i64 = soon(client.call("Arith.Multiply", &args)).await.unwrap();
            assert_eq!(product, 3 * calls);
            calls += 1;
        }
        // And while it looks for one reply that takes long.
        let before = turns();
        while turns() < before + 5 {
            let slept: i64 = soon(client.call("Arith.Sleep", &50)).await.unwrap();
            assert_eq!(slept, 50);
        }
    });
}

/// How often this thread has gone to sleep.
#[cfg(target_os = "linux")]
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("voluntary_ctxt_switches"));
    let count = line.and_then(|line| line.split_whitespace().last());
    count.unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_that_looks_sleeps_less_often_than_it_calls() {
    beside_a_server(LONG, async |address| {
        let builder = Client::builder().limits(limits());
        let client = builder.connect(address).await.unwrap();
        // Others may keep the processors busy, and then it sleeps, for a while.
        soon(async {
            loop {
                let before = sleeps();
                for _ in 0..500 {
                    let args = Args { a: 6, b: 7 };
                    let _product: i64 = client.call("Arith.Multiply", &args).await.unwrap();
                }
                if sleeps() - before < 100 {
                    break;
                }
            }
        })
        .await;
    });
}

#[test]
fn a_connection_that_ends_while_it_is_looked_at_ends_its_calls() {
    for resets in [false, true] {
        on_one_thread(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("tcp@{}", listener.local_addr().unwrap());
            let client = Client::builder()
                .limits(limits())
                .connect(&*address)
                .await
                .unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
            let ending = tokio::spawn(async move {
                let mut bytes = [0; 4096];
                let _count = stream.read(&mut bytes).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
                if resets {
                    stream.set_zero_linger().unwrap();
                }
            });
            let error = soon(call).await.unwrap_err();
            assert!(matches!(error, Error::Lost(_)), "{error:?}");
            ending.await.unwrap();
        });
    }
}

/// Makes calls one after the other, all of which have to be answered.
async fn call_often(client: &Client, start: i64) {
    for a in start..start + 300 {
        let args = Args { a, b: 2 };
        let product: i64 = soon(client.call("Arith.Multiply", &args)).await.unwrap();
        assert_eq!(product, 2 * a);
    }
}

/// Of so many clients on a thread, each of which looks as the server does, all are served,
/// whether they take turns or not.
fn all_are_served(clients: usize) {
    beside_a_server(LONG, async |address| {
        let mut all = Vec::new();
        for _ in 0..clients {
            let builder = Client::builder().limits(limits());
            all.push(builder.connect(address.clone()).await.unwrap());
        }
        for round in 0..100 {
            for client in &all {
                let args = Args { a: round, b: 3 };
                let product: i64 = soon(client.call("Arith.Multiply", &args)).await.unwrap();
                assert_eq!(product, 3 * round);
            }
        }
        let mut callers = JoinSet::new();
        for (client, start) in all.iter().cloned().zip(0..) {
            callers.spawn(async move { call_often(&client, 1000 * start).await });
        }
        callers.join_all().await;
        // Whoever goes is no longer looked for.
        all.truncate(1);
        call_often(&all[0], 0).await;
    });
}

#[test]
fn a_few_for_which_one_looks_are_all_served() {
    all_are_served(3);
}

#[test]
fn more_than_one_looks_for_are_all_served() {
    all_are_served(9);
}

#[test]
fn a_client_hears_of_its_end_although_another_one_looks_for_it() {
    beside_a_server(LONG, async |address| {
        let builder = || Client::builder().limits(limits());
        let one = builder().connect(address.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = format!("tcp@{}", listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(builder().connect(&*other), listener.accept());
        let (client, (mut socket, _)) = (client.unwrap(), accepted.unwrap());
        let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
        let lost = tokio::spawn(call);
        call_often(&one, 0).await;
        socket.read_exact(&mut [0]).await.unwrap();
        // With something unread, so that it is reset.
        drop(socket);
        assert!(matches!(soon(lost).await.unwrap(), Err(Error::Lost(_))));
        call_often(&one, 0).await;
    });
}
