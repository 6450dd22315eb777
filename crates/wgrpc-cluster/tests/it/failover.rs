//! Servers that die, freeze, restart or never answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::sleep;
use wgrpc_cluster::{Discovery, Endpoint, FailMode, SelectMode, ServerList, XClient};
use wgrpc_core::{BoxFuture, CallInfo, CallOptions, Client, Error, Executed, Middleware, Next};
use wgrpc_gob::adapt::Go;

use crate::support::{Traffic, Who, connected, list, long_bytes, soon, tally, three};

#[tokio::test]
async fn no_idempotent_call_is_lost_when_a_server_dies_and_comes_back() {
    let [a, b, c] = three().await;
    let client = XClient::builder().start(list([&a, &b, &c])).unwrap();
    connected(&client, 3).await;
    let traffic = Traffic::start(&client, &CallOptions::new().idempotent());
    traffic.goes_on(200).await;
    let address = b.address.clone();
    drop(b);
    traffic.goes_on(500).await;
    let b = Who::start_at("b", address).await;
    soon(async {
        while b.calls.load(Ordering::Relaxed) < 20 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let errors = traffic.end().await;
    assert!(
        errors.is_empty(),
        "{} failed, first: {}",
        errors.len(),
        errors[0]
    );
}

#[tokio::test]
async fn a_call_that_is_not_idempotent_fails_only_if_it_was_in_flight() {
    let [a, b, c] = three().await;
    let client = XClient::builder().start(list([&a, &b, &c])).unwrap();
    connected(&client, 3).await;
    let traffic = Traffic::start(&client, &CallOptions::new());
    traffic.goes_on(200).await;
    let address = b.address.to_string();
    drop(b);
    traffic.goes_on(300).await;
    let errors = traffic.end().await;
    assert!(errors.len() <= 8, "{} failed", errors.len());
    for error in errors {
        assert_eq!(error.is_executed(), Executed::Maybe, "{error}");
        assert!(error.to_string().contains(&address), "{error}");
    }
}

#[tokio::test]
async fn rolling_restarts_lose_no_call_at_all() {
    let mut servers: Vec<Who> = three().await.into();
    let client = XClient::builder().start(list(&servers)).unwrap();
    connected(&client, 3).await;
    let traffic = Traffic::start(&client, &CallOptions::new());
    for name in ["a", "b", "c"] {
        traffic.goes_on(100).await;
        let old = servers.remove(0);
        soon(old.server.shutdown()).await.unwrap();
        traffic.goes_on(50).await;
        servers.push(Who::start_at(name, old.address).await);
        connected(&client, 3).await;
    }
    let errors = traffic.end().await;
    assert!(
        errors.is_empty(),
        "{} failed, first: {}",
        errors.len(),
        errors[0]
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_costs_the_calls_to_others_nothing() {
    let [a, b, _] = three().await;
    let hole: Endpoint = Endpoint::parse("tcp@10.255.255.1:1").unwrap();
    let known = ServerList::new([a.endpoint(), b.endpoint(), hole]);
    let client = XClient::builder()
        .select(SelectMode::RoundRobin)
        .dial(|connector, address| async move {
            if address.to_string() == "tcp@10.255.255.1:1" {
                std::future::pending::<()>().await;
            }
            connector.connect(address).await
        })
        .start(known)
        .unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let start = Instant::now();
        let _: String = soon(client.call("Who.Are", &0u64)).await.unwrap();
        slowest = slowest.max(start.elapsed());
    }
    // A dial is given up after a second, which no call has waited for.
    assert!(slowest < Duration::from_millis(800), "{slowest:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_out() {
    let [a, b, c] = three().await;
    // It accepts connections, and nothing ever comes back.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", mute.local_addr().unwrap());
    let mut known: Vec<Endpoint> = [&a, &b, &c].map(Who::endpoint).into();
    known.push(Endpoint::parse(&address).unwrap());
    let client = XClient::builder()
        .select(SelectMode::RoundRobin)
        // A third of this for each attempt: enough for the others, however busy the machine is.
        .client(Client::builder().timeout(Duration::from_secs(3)))
        .start(ServerList::new(known))
        .unwrap();
    connected(&client, 4).await;
    let traffic = Traffic::start(&client, &CallOptions::new().idempotent());
    connected(&client, 3).await;
    traffic.goes_on(200).await;
    assert!(traffic.end().await.is_empty());
}

#[tokio::test]
async fn a_call_that_is_made_again_sends_its_long_bytes_again() {
    let who = Who::start("a").await;
    // It reads the beginning of the first request, and hangs up.
    let fickle = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", fickle.local_addr().unwrap());
    let begun = tokio::spawn(async move {
        let (mut stream, _) = fickle.accept().await.unwrap();
        let mut begin = vec![0; 100 << 10];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut begin).await
    });
    let known = ServerList::new([who.endpoint(), Endpoint::parse(&address).unwrap()]);
    let client = XClient::builder().select(SelectMode::RoundRobin);
    let client = client.start(known).unwrap();
    connected(&client, 2).await;
    let bytes = long_bytes();
    for _ in 0..2 {
        let options = CallOptions::new().idempotent();
        let echo = client.call_with::<_, Go<Bytes>>("Who.Echo", &bytes, options);
        assert!(soon(echo).await.unwrap() == bytes);
    }
    assert!(soon(begun).await.unwrap().is_ok(), "it was not called");
}

#[tokio::test]
async fn fail_fast_does_not_try_again_and_fail_try_stays_where_it_is() {
    let [a, b, _] = three().await;
    let idempotent = CallOptions::new().idempotent();
    let fast = XClient::builder()
        .fail(FailMode::FailFast)
        .start(list([&a]))
        .unwrap();
    connected(&fast, 1).await;
    let call = fast.call_with::<_, String>("Who.Are", &500u64, idempotent.clone());
    let address = a.address.clone();
    while a.calls.load(Ordering::Relaxed) == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    drop(a);
    let error = soon(call).await.unwrap_err();
    assert_eq!(error.is_executed(), Executed::Maybe);
    assert!(
        error.to_string().starts_with(&address.to_string()),
        "{error}"
    );

    let same = XClient::builder()
        .fail(FailMode::FailTry)
        .select(SelectMode::Random)
        .start(ServerList::new([b.endpoint()]))
        .unwrap();
    connected(&same, 1).await;
    let call = same.call_with::<_, String>("Who.Are", &300u64, idempotent);
    while b.calls.load(Ordering::Relaxed) == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let address = b.address.clone();
    drop(b);
    let again = Who::start_at("again", address).await;
    assert_eq!(soon(call).await.unwrap(), "again");
    assert_eq!(again.calls.load(Ordering::Relaxed), 1);
    assert_eq!(tally(&same, 3).await.len(), 1);
}

#[tokio::test]
async fn what_a_server_says_is_not_asked_again_elsewhere() {
    let servers = three().await;
    let client = XClient::builder().start(list(&servers)).unwrap();
    connected(&client, 3).await;
    let options = CallOptions::new().idempotent();
    let error = soon(client.call_with::<_, String>("Who.Knows", &0u64, options.clone()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    let error = soon(client.call_with::<_, u64>("Who.Are", &0u64, options))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    let calls: u64 = servers
        .iter()
        .map(|s| s.calls.load(Ordering::Relaxed))
        .sum();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn calls_that_wait_do_not_make_a_server_that_refuses_be_dialled_in_a_circle() {
    let dials = Arc::new(AtomicU64::new(0));
    let counted = dials.clone();
    let [a, ..] = three().await;
    let known = list([&a]);
    soon(a.server.shutdown()).await.unwrap();
    let client = XClient::builder()
        .dial(move |connector, address| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { connector.connect(address).await }
        })
        .start(known)
        .unwrap();
    let start = Instant::now();
    let options = CallOptions::new().timeout(Duration::from_millis(600));
    let wait = || client.call_with::<_, String>("Who.Are", &0u64, options.clone());
    let (first, second) = soon(async { tokio::join!(wait(), wait()) }).await;
    assert!(first.is_err() && second.is_err());
    // The first waits are shorter than a quarter of a second, and no later one is.
    let most = 3 + start.elapsed().as_millis() as u64 / 250;
    let dials = dials.load(Ordering::Relaxed);
    assert!(dials <= most, "{dials} dials, at most {most}");
}

#[tokio::test]
async fn fail_try_does_not_wait_for_a_server_that_has_left_the_list() {
    let [a, b, _] = three().await;
    let known = Arc::new(list([&a]));
    let client = XClient::builder()
        .fail(FailMode::FailTry)
        .start(known.clone())
        .unwrap();
    connected(&client, 1).await;
    let idempotent = CallOptions::new().idempotent();
    let call = client.call_with::<_, String>("Who.Are", &60_000u64, idempotent);
    let call = tokio::spawn(call);
    while a.calls.load(Ordering::Relaxed) == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    known.update(vec![b.endpoint()]);
    connected(&client, 1).await;
    let start = Instant::now();
    drop(a);
    let error = soon(call).await.unwrap().unwrap_err();
    assert_eq!(error.is_executed(), Executed::Maybe);
    assert!(start.elapsed() < Duration::from_millis(800), "{error}");
}

/// Takes its time before a call and after it.
struct Slow {
    before: Duration,
    after: Duration,
}

impl Middleware for Slow {
    fn handle<'a>(
        &'a self,
        call: &'a mut CallInfo,
        next: Next<'a>,
    ) -> BoxFuture<'a, wgrpc_core::Result<()>> {
        Box::pin(async move {
            sleep(self.before).await;
            next.run(call).await?;
            sleep(self.after).await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn the_time_that_a_middleware_takes_is_not_held_against_the_server() {
    let [a, ..] = three().await;
    let start = async |before: u64, after: u64| {
        let (before, after) = (Duration::from_millis(before), Duration::from_millis(after));
        let options = Client::builder().middleware(Slow { before, after });
        let client = XClient::builder()
            .client(options)
            .start(list([&a]))
            .unwrap();
        connected(&client, 1).await;
        client
    };
    let client = start(400, 400).await;
    let _: String = soon(client.call("Who.Are", &0u64)).await.unwrap();
    let latency = client.servers()[0].latency.unwrap();
    assert!(latency < Duration::from_millis(200), "{latency:?}");

    // Neither are calls that it does not let through, or whose answers it holds back.
    for (before, after) in [(60_000, 0), (0, 60_000)] {
        let client = start(before, after).await;
        let options = CallOptions::new().timeout(Duration::from_millis(300));
        let call = || client.call_with::<_, String>("Who.Are", &0u64, options.clone());
        let results = soon(futures_util::future::join_all((0..10).map(|_| call()))).await;
        assert!(results.iter().all(Result::is_err));
        let [server] = &client.servers()[..] else {
            panic!("one server");
        };
        // A connection over which nothing is answered would have been given up.
        assert!(server.is_connected && server.error.is_none());
        assert!(
            server
                .latency
                .is_none_or(|latency| latency < Duration::from_millis(200))
        );
    }
}
