//! Go programs and ours share a registry, whichever of them it is.

use std::time::Duration;

use interop::{GoClient, GoServer, expect_all_ok, go_listing, probe};
use tokio::task::spawn_blocking;
use wgrpc::registry::{Heartbeat, Registry, RegistryClient, RegistryServer};
use wgrpc::{CallOptions, Client, RegistryDiscovery, SelectMode, Server, XClient};

use crate::services::{Args, demo};

/// Ours, in which servers that do not ask for a time live for this long.
async fn ours(timeout: Duration) -> RegistryServer {
    let registry = Registry::builder().timeout(timeout).build();
    registry.listen("127.0.0.1:0").await.unwrap()
}

async fn go_registry(flags: &'static [&'static str]) -> GoServer {
    spawn_blocking(|| GoServer::registry(flags)).await.unwrap()
}

async fn go_server(url: &str, flags: &'static [&'static str]) -> GoServer {
    let url = url.to_owned();
    let start = move || GoServer::start(&[&["-registry", &url], flags].concat());
    spawn_blocking(start).await.unwrap()
}

/// Our server, with its heartbeat.
async fn our_server(url: &str, group: &str) -> Server {
    let heartbeat = Heartbeat::new(url)
        .unwrap()
        .group(group)
        .linger(Duration::ZERO);
    let mut state = heartbeat.state();
    let server = demo()
        .announcer(heartbeat)
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    state.wait_for(|state| state.is_registered()).await.unwrap();
    server
}

/// What a Go client finds there.
async fn found_by_go(url: &str) -> Vec<String> {
    let url = url.to_owned();
    spawn_blocking(move || go_listing(&url, &[]).all)
        .await
        .unwrap()
}

/// Waits until a Go client finds these there and no others.
async fn until_found(url: &str, expected: &[String]) {
    let start = tokio::time::Instant::now();
    while found_by_go(url).await != expected {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            found_by_go(url).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a Go client finds there, and ours finds too.
async fn listed(url: &str) -> Vec<String> {
    let of_go = found_by_go(url).await;
    let listing = RegistryClient::new(url).unwrap().list(None).await.unwrap();
    let of_ours: Vec<_> = listing
        .servers
        .iter()
        .map(|it| it.address.to_string())
        .collect();
    assert_eq!(of_ours, of_go);
    of_ours
}

/// Everybody who is listed can be called, by Go and by us.
async fn check_calls(addresses: Vec<String>) {
    for address in addresses {
        let client = Client::connect(&*address).await.unwrap();
        let product: i64 = client
            .call("Arith.Multiply", &Args { a: 6, b: 7 })
            .await
            .unwrap();
        assert_eq!(product, 42);
        let checks = spawn_blocking(move || GoClient::run("basic", &address, "gob"));
        expect_all_ok(&checks.await.unwrap());
    }
}

/// A Go server and one of ours register at `url`, are found and called, and disappear.
async fn share(url: &str) {
    let go = go_server(url, &["-beat", "300ms"]).await;
    let rust = our_server(url, "").await;
    let mut expected = vec![go.address.clone(), rust.addresses()[0].to_string()];
    expected.sort();
    assert_eq!(listed(url).await, expected);
    // Long enough for either to be forgotten if it did not beat.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(listed(url).await, expected);
    check_calls(expected).await;

    rust.shutdown().await.unwrap();
    spawn_blocking(|| drop(go)).await.unwrap();
    until_found(url, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn go_and_rust_servers_share_our_registry() {
    let registry = ours(Duration::from_secs(2)).await;
    share(registry.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn go_and_rust_servers_share_a_go_registry() {
    // It knows nothing of the time that our servers ask for, so it gets one that suits them.
    let registry = go_registry(&["-timeout", "2s"]).await;
    let url = registry.address.clone();
    let heartbeat = |ttl| {
        Heartbeat::new(&url)
            .unwrap()
            .ttl(ttl)
            .linger(Duration::ZERO)
    };
    let go = go_server(&url, &["-beat", "300ms"]).await;
    let beating = heartbeat(Duration::from_millis(900));
    let mut state = beating.state();
    let rust = demo()
        .announcer(beating)
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    state.wait_for(|state| state.is_registered()).await.unwrap();
    let mut expected = vec![go.address.clone(), rust.addresses()[0].to_string()];
    expected.sort();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(listed(&url).await, expected);
    check_calls(expected.clone()).await;

    // A Go registry cannot take anybody off; it forgets.
    rust.shutdown().await.unwrap();
    until_found(&url, std::slice::from_ref(&go.address)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_go_versions_find_servers_by_name() {
    let registry = ours(Duration::from_secs(300)).await;
    let url = registry.url();
    let plain = go_server(url, &[]).await;
    let named = go_server(url, &["-later", "-name", "Arith"]).await;
    let ours = our_server(url, "Arith").await;
    let mut expected = vec![named.address.clone(), ours.addresses()[0].to_string()];
    expected.sort();

    let ask = async |flags: &'static [&'static str]| {
        let url = url.to_owned();
        spawn_blocking(move || go_listing(&url, flags))
            .await
            .unwrap()
    };
    let found = ask(&["-later", "-name", "Arith"]).await;
    assert_eq!(found.all, expected);
    assert!(expected.contains(&found.one), "{found:?}");
    // By the caller's address, whatever the port that it comes from.
    assert_eq!(ask(&["-later", "-name", "Arith"]).await, found);
    let nobody = ask(&["-later", "-name", "Nobody"]).await;
    assert_eq!((nobody.all.len(), &*nobody.one), (0, ""));
    let everybody = ask(&[]).await;
    assert_eq!(everybody.all.len(), 3);
    assert!(everybody.all.contains(&plain.address));
    ours.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_program_cannot_tell_whose_registry_it_is() {
    let go = go_registry(&[]).await;
    let rust = ours(Duration::from_secs(300)).await;
    let (theirs, ours) = (go.address.clone(), rust.url().to_owned());
    let theirs = spawn_blocking(move || probe(&theirs)).await.unwrap();
    let ours = spawn_blocking(move || probe(&ours)).await.unwrap();
    assert!(theirs.len() > 10);
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(theirs, ours);
    }
    assert_eq!(theirs.len(), ours.len());
}

/// Servers of both languages, found at `url`, share the calls of one client of ours, and those of
/// a Go client that goes round.
async fn balance_over_both(url: &str) {
    let go = go_server(url, &["-beat", "300ms"]).await;
    let rust = our_server(url, "").await;
    let client = XClient::builder()
        .select(SelectMode::RoundRobin)
        .start(RegistryDiscovery::start(url, None).unwrap())
        .unwrap();
    let usable = || client.servers().iter().filter(|s| s.is_usable).count();
    let start = tokio::time::Instant::now();
    while usable() < 2 {
        assert!(start.elapsed() < Duration::from_secs(20));
        client.refresh().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for number in 0..100 {
        let args = Args { a: number, b: 7 };
        let product: i64 = client.call("Arith.Multiply", &args).await.unwrap();
        assert_eq!(product, 7 * number);
    }
    let all: Vec<_> = client
        .call_all::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })
        .await
        .unwrap();
    let addresses: Vec<_> = all.iter().map(|(address, _)| address.to_string()).collect();
    assert!(addresses.contains(&go.address), "{addresses:?}");
    assert!(
        addresses.contains(&rust.address().to_string()),
        "{addresses:?}"
    );
    for (server, product) in all {
        assert_eq!(product.unwrap(), 42, "{server}");
    }
    let url = url.to_owned();
    let checks = spawn_blocking(move || GoClient::run("balance", &url, "gob"));
    expect_all_ok(&checks.await.unwrap());

    // What runs at one of them when it dies is made again at the other.
    spawn_blocking(|| drop(go)).await.unwrap();
    for number in 0..100 {
        let args = Args { a: number, b: 7 };
        let options = CallOptions::new().idempotent();
        let product: i64 = client
            .call_with("Arith.Multiply", &args, options)
            .await
            .unwrap();
        assert_eq!(product, 7 * number);
    }
    rust.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn go_and_rust_servers_share_the_calls_of_go_and_rust_clients() {
    let registry = ours(Duration::from_secs(2)).await;
    balance_over_both(registry.url()).await;
    let registry = go_registry(&["-timeout", "100s"]).await;
    balance_over_both(&registry.address).await;
}
