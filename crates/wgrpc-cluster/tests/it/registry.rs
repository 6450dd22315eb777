//! Servers that register themselves, a registry that comes and goes, and a client of them all.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use wgrpc_cluster::{Discovery, RegistryDiscovery, SelectMode, XClient};
use wgrpc_core::{CallOptions, Client};
use wgrpc_registry::{Heartbeat, Registration, Registry, RegistryClient, RegistryServer};

use crate::support::{Traffic, Who, connected, soon, tally};

/// A server that registers itself.
async fn registered(name: &str, url: &str) -> Who {
    let heartbeat = Heartbeat::new(url)
        .unwrap()
        .ttl(Duration::from_secs(3))
        .linger(Duration::from_millis(300));
    Who::start_with(name, "tcp@127.0.0.1:0".parse().unwrap(), |builder| {
        builder.announcer(heartbeat)
    })
    .await
}

async fn registry_at(at: &str) -> RegistryServer {
    soon(async {
        loop {
            match Registry::builder().build().listen(at).await {
                Ok(server) => break server,
                // The one before may be about to let go of the port.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn servers_that_register_are_called_and_those_that_leave_are_not() {
    let registry = registry_at("127.0.0.1:0").await;
    let url = registry.url().to_owned();
    let a = registered("a", &url).await;
    let discovery = RegistryDiscovery::start(&url, None).unwrap();
    let client = XClient::builder()
        .select(SelectMode::RoundRobin)
        .start(discovery)
        .unwrap();
    connected(&client, 1).await;
    let _b = registered("b", &url).await;
    connected(&client, 2).await;
    assert_eq!(tally(&client, 10).await.len(), 2);

    let traffic = Traffic::start(&client, &CallOptions::new());
    traffic.goes_on(50).await;
    soon(a.server.shutdown()).await.unwrap();
    traffic.goes_on(50).await;
    let errors = traffic.end().await;
    assert!(errors.is_empty(), "{} failed: {}", errors.len(), errors[0]);
    connected(&client, 1).await;
}

#[tokio::test]
async fn no_call_is_lost_while_the_registry_is_away_and_when_it_comes_back_empty() {
    let registry = registry_at("127.0.0.1:0").await;
    let url = registry.url().to_owned();
    let at = url["http://".len()..].split('/').next().unwrap().to_owned();
    let _servers = [
        registered("a", &url).await,
        registered("b", &url).await,
        registered("c", &url).await,
    ];
    let client = XClient::builder()
        .start(RegistryDiscovery::start(&url, None).unwrap())
        .unwrap();
    connected(&client, 3).await;
    let traffic = Traffic::start(&client, &CallOptions::new());
    traffic.goes_on(50).await;
    drop(registry);
    for _ in 0..20 {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(client.servers().len(), 3);
    }
    traffic.goes_on(50).await;

    let _registry = registry_at(&at).await;
    let everybody = RegistryClient::new(&url).unwrap();
    soon(async {
        while everybody.list(None).await.unwrap().servers.len() < 3 {
            assert_eq!(client.servers().len(), 3);
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    client.refresh().await.unwrap();
    assert_eq!(client.servers().len(), 3);
    traffic.goes_on(50).await;
    let errors = traffic.end().await;
    assert!(errors.is_empty(), "{} failed: {}", errors.len(), errors[0]);
}

#[tokio::test]
async fn a_group_has_its_own_servers() {
    let registry = registry_at("127.0.0.1:0").await;
    let start = |name: &'static str, group: &'static str| {
        let heartbeat = Heartbeat::new(registry.url()).unwrap().group(group);
        Who::start_with(name, "tcp@127.0.0.1:0".parse().unwrap(), |builder| {
            builder.announcer(heartbeat.linger(Duration::ZERO))
        })
    };
    let _servers = (start("a", "first").await, start("b", "second").await);
    let second = RegistryDiscovery::start(registry.url(), Some("second")).unwrap();
    soon(second.changed(0)).await;
    let client = XClient::builder().start(second).unwrap();
    connected(&client, 1).await;
    let tally = tally(&client, 4).await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["b"]);
}

/// Follows this registry as if it were on another machine.
fn elsewhere(registry: &RegistryServer) -> RegistryClient {
    let address = registry.address();
    let client = RegistryClient::new("http://registry.example/wgrpc/registry").unwrap();
    client.dial(move || TcpStream::connect(address))
}

#[tokio::test]
async fn no_name_in_a_registry_leads_a_client_where_a_registry_must_not_send_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let registry = registry_at("127.0.0.1:0").await;
    let address = format!("tcp@evil.example:{port}").parse().unwrap();
    let here = RegistryClient::new(registry.url()).unwrap();
    here.register(&Registration::new(address)).await.unwrap();

    let follow = |client: RegistryClient, meaning: &'static str| {
        let resolver = move |_| async move { Ok(vec![meaning.parse().unwrap()]) };
        XClient::builder()
            .client(Client::builder().resolver(resolver))
            .start(RegistryDiscovery::of_client(client, None))
            .unwrap()
    };
    for (client, meaning) in [
        (elsewhere(&registry), "127.0.0.1"),
        (elsewhere(&registry), "::ffff:127.0.0.1"),
        (elsewhere(&registry), "0.0.0.0"),
        (elsewhere(&registry), "169.254.169.254"),
        (here.clone(), "169.254.169.254"),
        (here.clone(), "224.0.0.1"),
    ] {
        let client = follow(client, meaning);
        let error = soon(async {
            loop {
                let error = client.servers().first().and_then(|it| it.error.clone());
                match error {
                    Some(error) => break error.to_string(),
                    None => sleep(Duration::from_millis(5)).await,
                }
            }
        });
        let error = error.await;
        assert!(
            error.contains("servers of this list must not be"),
            "{error}"
        );
    }
    let dialled = timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(dialled.is_err(), "a client has dialled what it must not");

    let _client = follow(here, "127.0.0.1");
    soon(listener.accept()).await.unwrap();
}
