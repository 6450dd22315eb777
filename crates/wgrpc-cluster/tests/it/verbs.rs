//! Calls to all servers at once.

use std::time::{Duration, Instant};

use bytes::Bytes;
use wgrpc_cluster::{ServerList, XClient};
use wgrpc_core::{CallOptions, Error};
use wgrpc_gob::adapt::Go;

use crate::support::{connected, list, long_bytes, soon, three};

#[tokio::test]
async fn a_broadcast_reaches_every_server() {
    let servers = three().await;
    let client = XClient::builder().start(list(&servers)).unwrap();
    // Servers that are not connected yet are waited for.
    let name: String = soon(client.broadcast("Who.Are", &0u64)).await.unwrap();
    assert!(["a", "b", "c"].contains(&name.as_str()));
    for server in &servers {
        assert_eq!(server.calls.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn the_first_error_ends_a_broadcast() {
    let servers = three().await;
    let client = XClient::builder().start(list(&servers)).unwrap();
    connected(&client, 3).await;
    let error = soon(client.broadcast::<_, String>("Who.Fails", "b"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "b does not want to");
    assert!(matches!(error, Error::Remote(_)));
    let gone = servers[2].address.to_string();
    let [a, b, c] = servers;
    drop(c);
    connected(&client, 2).await;
    let error = soon(client.broadcast::<_, String>("Who.Are", &0u64))
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&gone), "{error}");
    drop((a, b));
}

#[tokio::test]
async fn the_first_reply_ends_a_fork() {
    let servers = three().await;
    let client = XClient::builder().start(list(&servers)).unwrap();
    connected(&client, 3).await;
    let start = Instant::now();
    // Two of them fail at once.
    let name: String = soon(client.fork("Who.Are", &0u64)).await.unwrap();
    assert!(!name.is_empty() && start.elapsed() < Duration::from_secs(5));
    let [a, b, c] = servers;
    drop((a, b));
    connected(&client, 1).await;
    let name: String = soon(client.fork("Who.Are", &0u64)).await.unwrap();
    assert_eq!(name, "c");
    drop(c);
    connected(&client, 0).await;
    let error = soon(client.fork::<_, String>("Who.Are", &0u64))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("3 attempts failed: "),
        "{error}"
    );
}

#[tokio::test]
async fn the_results_of_all_servers_have_their_addresses() {
    let servers = three().await;
    let client = XClient::builder().start(list(&servers)).unwrap();
    let results = soon(client.call_all::<_, String>("Who.Fails", "c"));
    let results = results.await.unwrap();
    assert_eq!(results.len(), 3);
    for (server, name) in servers.iter().zip(["a", "b", "c"]) {
        let (_, result) = results
            .iter()
            .find(|(address, _)| *address == server.address)
            .unwrap();
        match result {
            Ok(answer) => assert_eq!(answer, name),
            Err(error) => assert_eq!(error.to_string(), "c does not want to"),
        }
        assert_eq!(result.is_err(), name == "c");
    }
}

#[tokio::test]
async fn long_bytes_reach_all_servers_whole() {
    let servers = three().await;
    let client = XClient::builder().start(list(&servers)).unwrap();
    let bytes = long_bytes();
    let results = soon(client.call_all::<_, Go<Bytes>>("Who.Echo", &bytes));
    let results = results.await.unwrap();
    assert_eq!(results.len(), 3);
    for (_, echo) in results {
        assert!(echo.unwrap() == bytes);
    }
}

#[tokio::test]
async fn calls_to_all_servers_have_options_too() {
    let servers = three().await;
    // Connections over which nothing has come back are given up, so each verb has its own.
    let connect = async || {
        let client = XClient::builder().start(list(&servers)).unwrap();
        connected(&client, 3).await;
        client
    };
    let short = || CallOptions::new().timeout(Duration::from_millis(50));
    let long = &60_000_u64;
    let start = Instant::now();
    let client = connect().await;
    let broadcast = client.broadcast_with::<_, String>("Who.Are", long, short());
    assert!(soon(broadcast).await.unwrap_err().is_timeout());
    let client = connect().await;
    let fork = client.fork_with::<_, String>("Who.Are", long, short());
    assert!(soon(fork).await.unwrap_err().is_timeout());
    let client = connect().await;
    let all = client.call_all_with::<_, String>("Who.Are", long, short());
    let all = soon(all).await.unwrap();
    assert!(
        all.iter()
            .all(|(_, result)| matches!(result, Err(error) if error.is_timeout()))
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn that_there_is_nobody_to_ask_is_an_error_of_every_verb() {
    let builder = XClient::builder().patience(Duration::from_millis(20));
    let client = builder.start(ServerList::new([])).unwrap();
    let (method, args) = ("Who.Are", &0_u64);
    for error in [
        client
            .broadcast::<_, String>(method, args)
            .await
            .unwrap_err(),
        client.fork::<_, String>(method, args).await.unwrap_err(),
        client
            .call_all::<_, String>(method, args)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "not sent: no servers are known");
    }
}
