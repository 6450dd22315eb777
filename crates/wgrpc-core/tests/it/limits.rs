//! Every bound, and what happens at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use wgrpc_core::{
    Client, ClientLimits, Code, Context, Error, Executed, Method, Server, ServerLimits, Service,
};

use crate::hostile_server::client_and_raw_with;
use crate::raw::{Codec, Raw, serve, settle};
use crate::support::{Args, Bytes, demo, soon, until};

/// Handlers that wait until they are let go, and tell how many there are.
#[derive(Clone)]
struct Gate {
    opens: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Gate {
    fn new() -> Self {
        Self {
            opens: Arc::new(Semaphore::new(0)),
            waiting: Arc::default(),
        }
    }

    /// `Gate.Pass` answers with its number.
    fn service(&self) -> Service {
        let gate = self.clone();
        let pass = move |number: u64, _: Context| {
            let gate = gate.clone();
            async move {
                gate.waiting.fetch_add(1, Ordering::Relaxed);
                let pass = gate.opens.acquire().await?;
                pass.forget();
                gate.waiting.fetch_sub(1, Ordering::Relaxed);
                Ok(number)
            }
        };
        Service::new("Gate").method("Pass", Method::future(pass))
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn let_go(&self, count: usize) {
        self.opens.add_permits(count);
    }
}

/// The limits of a server that reads on after a short pause only.
fn limits() -> ServerLimits {
    ServerLimits {
        read_pause: Duration::from_millis(100),
        ..ServerLimits::default()
    }
}

fn connect(server: &Server, codec: Codec) -> Client {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    serve(server, theirs);
    Client::builder()
        .codec(codec.name())
        .from_stream(ours)
        .unwrap()
}

fn expect_overloaded(error: &Error, limit: &str) {
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(
        error.fault().unwrap().code(),
        Some(Code::Overloaded),
        "{error:?}"
    );
    assert_eq!(error.is_executed(), Executed::No);
    assert!(error.is_retryable());
    assert!(error.to_string().contains(limit), "{error}");
}

#[tokio::test]
async fn at_its_limit_a_connection_pauses_and_then_refuses() {
    for codec in Codec::BOTH {
        let gate = Gate::new();
        let limits = ServerLimits {
            in_flight: 10,
            ..limits()
        };
        let server = demo()
            .register(gate.service())
            .limits(limits)
            .start()
            .unwrap();
        let client = connect(&server, codec);
        let mut calls: Vec<_> = (0..10u64)
            .map(|number| client.call::<_, u64>("Gate.Pass", &number))
            .collect();
        until(|| gate.waiting() == 10).await;
        // For a moment the next call is left unread: one that ends makes room for it.
        let next = client.call::<_, u64>("Gate.Pass", &10u64);
        settle().await;
        assert_eq!(gate.waiting(), 10);
        gate.let_go(1);
        until(|| gate.waiting() == 10).await;
        calls.push(next);
        // When nothing ends, the next is refused; and so is everything else.
        let error = soon(client.call::<_, u64>("Gate.Pass", &11u64))
            .await
            .unwrap_err();
        expect_overloaded(&error, "`in_flight`");
        let args = Args { a: 6, b: 7 };
        let error = soon(client.call::<_, i64>("Arith.Multiply", &args))
            .await
            .unwrap_err();
        expect_overloaded(&error, "`in_flight`");
        // All that were taken on are answered, and then there is room again.
        gate.let_go(10);
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(soon(call).await.unwrap(), number as u64);
        }
        let product = soon(client.call::<_, i64>("Arith.Multiply", &args)).await;
        assert_eq!(product.unwrap(), 42);
    }
}

#[tokio::test]
async fn at_the_limit_of_the_server_requests_are_refused_at_once() {
    let gate = Gate::new();
    let limits = ServerLimits {
        in_flight_total: 10,
        ..ServerLimits::default()
    };
    let server = demo()
        .register(gate.service())
        .limits(limits)
        .start()
        .unwrap();
    let clients = [(); 5].map(|()| connect(&server, Codec::Gob));
    let calls: Vec<_> = (0..10u64)
        .map(|number| clients[number as usize % 5].call::<_, u64>("Gate.Pass", &number))
        .collect();
    until(|| gate.waiting() == 10).await;
    for client in &clients {
        let error = soon(client.call::<_, u64>("Gate.Pass", &0u64))
            .await
            .unwrap_err();
        expect_overloaded(&error, "`in_flight_total`");
    }
    gate.let_go(10);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(soon(call).await.unwrap(), number as u64);
    }
    let product = soon(clients[0].call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert_eq!(product.unwrap(), 42);
}

/// A client that pipelines without reading cannot make the server hoard replies.
#[tokio::test]
async fn replies_that_nobody_reads_stop_the_reading_of_requests() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    let fill = move |size: u64, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes(vec![7; size as usize]))
    };
    let fill = Service::new("Fill").method("Bytes", Method::function(fill));
    let limits = ServerLimits {
        unwritten_soft: 1 << 20,
        ..ServerLimits::default()
    };
    let server = Server::builder()
        .register(fill)
        .limits(limits)
        .start()
        .unwrap();
    let mut raw = Raw::in_memory(&server, 4096, Codec::Gob);
    let mut said = Codec::Gob.option();
    for seq in 1..=1000 {
        said.extend(raw.speech.request("Fill.Bytes", seq, &(64u64 << 10)));
    }
    let saying = raw.send_meanwhile(said);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let unread = served.load(Ordering::Relaxed);
    assert!((16..100).contains(&unread), "{unread} replies for nobody");
    for _ in 0..1000 {
        let response = raw
            .response::<Bytes>()
            .await
            .expect("the connection was closed");
        assert_eq!(response.result.unwrap().0.len(), 64 << 10);
    }
    saying.abort();
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_and_little_is_queued_for_it() {
    let gate = Gate::new();
    let large = gate.clone();
    let fill = move |size: u64, _: Context| {
        let gate = large.clone();
        async move {
            gate.waiting.fetch_add(1, Ordering::Relaxed);
            gate.opens.acquire().await?.forget();
            Ok(Bytes(vec![7; size as usize]))
        }
    };
    let fill = Service::new("Fill").method("Bytes", Method::future(fill));
    let limits = ServerLimits {
        unwritten_soft: 256 << 10,
        stall: Duration::from_millis(300),
        ..ServerLimits::default()
    };
    let server = demo().register(fill).limits(limits).start().unwrap();
    let mut raw = Raw::in_memory(&server, 4096, Codec::Gob);
    raw.send(&Codec::Gob.option()).await;
    for seq in 1..=40 {
        raw.request("Fill.Bytes", seq, &(64u64 << 10)).await;
    }
    until(|| gate.waiting() == 40).await;
    gate.let_go(40);
    // Replies beyond the limit wait with their handlers, until the connection is given up.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(raw.rest().await.len() < 512 << 10);
}

/// Connects to a server with these limits, in turn, and returns those that were let in: they
/// have got an answer.
async fn crowd(server: &Server, count: usize) -> Vec<Client> {
    let mut inside = Vec::new();
    for _ in 0..count {
        let client = Client::connect(server.address()).await.unwrap();
        let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
        match soon(call).await {
            Ok(product) => {
                assert_eq!(product, 42);
                inside.push(client);
            }
            Err(Error::Lost(_) | Error::NotSent(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    inside
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limits_are_closed() {
    for limits in [
        ServerLimits {
            connections: 5,
            ..ServerLimits::default()
        },
        ServerLimits {
            connections_per_address: 5,
            ..ServerLimits::default()
        },
    ] {
        let server = demo()
            .limits(limits)
            .listen("tcp@127.0.0.1:0")
            .await
            .unwrap();
        let mut inside = crowd(&server, 8).await;
        assert_eq!(inside.len(), 5);
        // Whoever leaves makes room.
        inside.drain(..2);
        let mut late = Vec::new();
        while late.len() < 2 {
            late.extend(crowd(&server, 1).await);
        }
        assert!(crowd(&server, 2).await.is_empty());
        drop((inside, late));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_in_their_handshake_are_bounded_apart() {
    let limits = ServerLimits {
        handshakes: 3,
        handshake: Duration::from_millis(500),
        ..ServerLimits::default()
    };
    let server = demo()
        .limits(limits)
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    // Handshakes that are over do not count.
    let inside = crowd(&server, 10).await;
    assert_eq!(inside.len(), 10);
    let mut slow = Vec::new();
    for said in [&b""[..], b"{", b"CONNECT /"] {
        let mut raw = Raw::connect(&server.address(), Codec::Gob).await;
        raw.send(said).await;
        slow.push(raw);
    }
    assert!(crowd(&server, 1).await.is_empty());
    // Each is closed when its time is up, however it dawdles; and then there is room again.
    for mut raw in slow {
        assert!(raw.rest().await.is_empty());
    }
    assert_eq!(crowd(&server, 1).await.len(), 1);
}

#[tokio::test]
async fn a_handshake_that_trickles_has_no_more_time_than_another() {
    let limits = ServerLimits {
        handshake: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let server = demo().limits(limits).start().unwrap();
    let mut raw = Raw::in_memory(&server, 4096, Codec::Gob);
    let mut bytes = Vec::from(b"{".as_slice());
    bytes.resize(4000, b' ');
    let start = tokio::time::Instant::now();
    for byte in bytes {
        raw.send(&[byte]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        if start.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    assert!(raw.rest().await.is_empty());
}

#[tokio::test]
async fn messages_beyond_the_limit_fail_before_they_are_sent() {
    let limits = wgrpc_gob::Limits {
        message: 10_000,
        ..Default::default()
    };
    for codec in Codec::BOTH {
        let server = demo()
            .limits(ServerLimits {
                message: limits.clone(),
                ..ServerLimits::default()
            })
            .start()
            .unwrap();
        // A reply that is too long is its own call's affair.
        let client = connect(&server, codec);
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        serve(&server, theirs);
        let small = Client::builder()
            .codec(codec.name())
            .limits(ClientLimits {
                message: limits.clone(),
                ..ClientLimits::default()
            })
            .from_stream(ours)
            .unwrap();
        let long = "x".repeat(10_001);
        let error = soon(small.call::<_, String>("Echo.String", &long))
            .await
            .unwrap_err();
        assert_eq!(error.is_executed(), Executed::No, "{error:?}");
        assert!(error.to_string().contains("`message`"), "{error}");
        let text = soon(small.call::<_, String>("Echo.String", "short")).await;
        assert_eq!(text.unwrap(), "short");
        // A request that is too long cannot be told from one that never ends.
        let error = soon(client.call::<_, String>("Echo.String", &long))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Lost(_)), "{error:?}");
    }
}

#[tokio::test]
async fn calls_beyond_the_clients_limit_are_sent_in_turn() {
    let limits = ClientLimits {
        in_flight: 2,
        ..ClientLimits::default()
    };
    let (client, mut raw) = client_and_raw_with(Codec::Gob, Client::builder().limits(limits)).await;
    let args = |a: i64| Args { a, b: 1 };
    let (ended, mut ends) = mpsc::unbounded_channel();
    let mut tasks = Vec::new();
    for number in 0..10 {
        let call = client.call::<_, i64>("Arith.Multiply", &args(number));
        let ended = ended.clone();
        tasks.push(tokio::spawn(async move {
            ended.send((number, call.await)).unwrap();
        }));
        // In the order in which they were made.
        settle().await;
    }
    // The third is given up while it waits, and so it is never sent.
    tasks[2].abort();
    settle().await;
    let mut expected = (0..10).filter(|&number| number != 2);
    let mut in_flight = std::collections::VecDeque::new();
    for _ in 0..2 {
        let (header, sent) = raw.asked::<Args>().await.unwrap();
        assert_eq!(sent.a, expected.next().unwrap());
        in_flight.push_back((header.seq, sent.a));
    }
    while let Some((seq, number)) = in_flight.pop_front() {
        let reply = raw.speech.reply(seq, &number);
        raw.send(&reply).await;
        let (ended, result) = soon(ends.recv()).await.unwrap();
        assert_eq!((ended, result.unwrap()), (number, number));
        if let Some(next) = expected.next() {
            let (header, sent) = raw.asked::<Args>().await.unwrap();
            assert_eq!(sent.a, next);
            in_flight.push_back((header.seq, sent.a));
        }
    }
    assert!(client.is_available());
}

/// Whoever waits is not held up by calls that end without an answer, nor by one that waits
/// without being polled and runs out of time.
#[tokio::test]
async fn calls_that_time_out_make_room_too() {
    let limits = ClientLimits {
        in_flight: 1,
        ..ClientLimits::default()
    };
    let (client, mut raw) = client_and_raw_with(Codec::Gob, Client::builder().limits(limits)).await;
    let soon_over = Duration::from_millis(50);
    let call = |number: i64| client.call::<_, i64>("Arith.Multiply", &Args { a: number, b: 1 });
    let unanswered = tokio::spawn(call(0).timeout(soon_over));
    let mut neglected = call(1).timeout(soon_over);
    let polled = tokio::time::timeout(Duration::ZERO, &mut neglected).await;
    assert!(polled.is_err(), "{polled:?}");
    let waiting = tokio::spawn(call(2));
    for number in [0, 2] {
        let (header, args) = raw.asked::<Args>().await.unwrap();
        assert_eq!(args.a, number);
        if number == 2 {
            let reply = raw.speech.reply(header.seq, &2i64);
            raw.send(&reply).await;
        }
    }
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 2);
    let error = soon(unanswered).await.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::Timeout { sent: true, .. }),
        "{error:?}"
    );
    let error = soon(neglected).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { sent: false, .. }),
        "{error:?}"
    );
    assert_eq!(error.is_executed(), Executed::No);
}

#[tokio::test]
async fn calls_that_wait_when_the_connection_dies_were_not_sent() {
    let limits = ClientLimits {
        in_flight: 1,
        ..ClientLimits::default()
    };
    let (client, raw) = client_and_raw_with(Codec::Gob, Client::builder().limits(limits)).await;
    let call = || {
        client
            .call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })
            .no_timeout()
    };
    let sent = tokio::spawn(call());
    let waiting = [tokio::spawn(call()), tokio::spawn(call())];
    settle().await;
    drop(raw);
    let error = soon(sent).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error:?}");
    for call in waiting {
        let error = soon(call).await.unwrap().unwrap_err();
        assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_argument_is_sent_even_if_it_is_larger_than_what_may_wait() {
    let limits = ClientLimits {
        unwritten: 0,
        ..ClientLimits::default()
    };
    let server = demo().start().unwrap();
    let (ours, theirs) = tokio::io::duplex(1024);
    serve(&server, theirs);
    let client = Client::builder().limits(limits).from_stream(ours).unwrap();
    let bytes = Bytes(vec![7; 100_000]);
    let calls = [0; 20].map(|_| tokio::spawn(client.call::<_, Bytes>("Echo.Bytes", &bytes)));
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap(), bytes);
    }
}
