//! Heartbeats to real registries that come and go.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::*;
use crate::lease::Server;
use crate::server::{Registry, RegistryServer};

async fn registry() -> RegistryServer {
    Registry::builder()
        .build()
        .listen("127.0.0.1:0")
        .await
        .unwrap()
}

fn heartbeat(registry: &RegistryServer) -> Heartbeat {
    Heartbeat::new(registry.url())
        .unwrap()
        .linger(Duration::ZERO)
}

async fn servers(registry: &RegistryServer) -> Vec<Server> {
    let client = RegistryClient::new(registry.url()).unwrap();
    client.list(None).await.unwrap().servers
}

async fn addresses(registry: &RegistryServer) -> Vec<String> {
    let servers = servers(registry).await;
    servers
        .iter()
        .map(|server| server.address.to_string())
        .collect()
}

async fn until_registered(heartbeat: &Heartbeat) {
    heartbeat
        .state()
        .wait_for(HeartbeatState::is_registered)
        .await
        .unwrap();
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_server_is_listed_at_once_and_taken_off_when_it_goes() {
    let registry = registry().await;
    let heartbeat = heartbeat(&registry)
        .group("Arith")
        .weight(3)
        .zone("b")
        .version("1.2");
    assert!(matches!(*heartbeat.state().borrow(), HeartbeatState::Idle));
    heartbeat.up(&address("tcp@127.0.0.1:9001"));
    until_registered(&heartbeat).await;
    let listed = servers(&registry).await;
    assert_eq!(listed[0].group, "Arith");
    assert_eq!(listed[0].meta.weight, 3);
    assert_eq!(listed[0].meta.zone.as_deref(), Some("b"));
    assert_eq!(listed[0].meta.version.as_deref(), Some("1.2"));
    heartbeat.down().await;
    assert!(matches!(
        *heartbeat.state().borrow(),
        HeartbeatState::Stopped
    ));
    assert!(addresses(&registry).await.is_empty());
    heartbeat.down().await;
}

#[tokio::test]
async fn a_server_goes_on_for_a_while_after_it_was_taken_off() {
    let registry = registry().await;
    let heartbeat = heartbeat(&registry).linger(Duration::from_millis(300));
    heartbeat.up(&address("tcp@127.0.0.1:9001"));
    until_registered(&heartbeat).await;
    let start = tokio::time::Instant::now();
    heartbeat.down().await;
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn every_address_is_registered_but_those_that_nobody_else_can_reach() {
    let registry = registry().await;
    let heartbeat = heartbeat(&registry);
    heartbeat.up(&address("tcp@0.0.0.0:9001"));
    heartbeat.up(&address("unix@/run/arith.sock"));
    heartbeat.up(&address("tcp@10.0.0.1:9002"));
    heartbeat.up(&address("tcp@10.0.0.1:9002"));
    let expected = ["tcp@10.0.0.1:9002", "tcp@127.0.0.1:9001"];
    while addresses(&registry).await != expected {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    heartbeat.down().await;
    assert!(addresses(&registry).await.is_empty());
}

#[tokio::test]
async fn what_clients_are_to_see_can_be_said() {
    let registry = registry().await;
    let heartbeat = heartbeat(&registry).advertise(address("tcp@arith.example:80"));
    heartbeat.up(&address("unix@/run/arith.sock"));
    heartbeat.up(&address("tcp@0.0.0.0:9001"));
    until_registered(&heartbeat).await;
    assert_eq!(addresses(&registry).await, ["tcp@arith.example:80"]);
}

#[tokio::test]
async fn it_registers_again_with_a_registry_that_comes_back_empty() {
    let first = registry().await;
    let address_of_both = first.address();
    let heartbeat = heartbeat(&first).ttl(Duration::from_millis(600));
    heartbeat.up(&address("tcp@127.0.0.1:9001"));
    until_registered(&heartbeat).await;
    first.shutdown().await;
    let mut state = heartbeat.state();
    let is_failing =
        |state: &HeartbeatState| matches!(state, HeartbeatState::Failing { failures: 3.., .. });
    state.wait_for(is_failing).await.unwrap();
    let second = listen_again(address_of_both).await;
    until_registered(&heartbeat).await;
    assert_eq!(addresses(&second).await, ["tcp@127.0.0.1:9001"]);
}

async fn listen_again(address: SocketAddr) -> RegistryServer {
    Registry::builder().build().listen(address).await.unwrap()
}

#[tokio::test]
async fn a_token_that_is_wrong_is_a_failure_that_it_tells() {
    let registry = Registry::builder().token("secret").build();
    let registry = registry.listen("127.0.0.1:0").await.unwrap();
    let wrong = heartbeat(&registry).token("guess").unwrap();
    wrong.up(&address("tcp@127.0.0.1:9001"));
    let mut state = wrong.state();
    let is_refused = |state: &HeartbeatState| {
        matches!(
            state,
            HeartbeatState::Failing {
                error: Error::Unauthorized,
                ..
            }
        )
    };
    state.wait_for(is_refused).await.unwrap();
    let right = heartbeat(&registry).token("secret").unwrap();
    right.up(&address("tcp@127.0.0.1:9001"));
    until_registered(&right).await;
}

#[tokio::test]
async fn a_frozen_registry_does_not_keep_a_server_from_ending() {
    let frozen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", frozen.local_addr().unwrap());
    let heartbeat = Heartbeat::new(url).unwrap().linger(Duration::ZERO);
    heartbeat.up(&address("tcp@127.0.0.1:9001"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = tokio::time::Instant::now();
    heartbeat.down().await;
    // A beat that is under way, and the farewell.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn its_task_ends_with_it() {
    let registry = registry().await;
    let heartbeat = heartbeat(&registry);
    heartbeat.up(&address("tcp@127.0.0.1:9001"));
    until_registered(&heartbeat).await;
    let mut state = heartbeat.state();
    drop(heartbeat);
    while state.changed().await.is_ok() {}
}
