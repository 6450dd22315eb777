//! Whole registries, over HTTP.

use std::time::Duration;

use interop::Etcd;
use tokio::time::timeout;
use wgrpc_registry::{Error, EtcdStore, Registry, RegistryClient, RegistryServer};

use crate::{config, server};

/// A registry on a port of its own, and a client of it.
async fn registry(etcd: &Etcd) -> (RegistryServer, RegistryClient) {
    let store = EtcdStore::connect(etcd.urls(), config()).await.unwrap();
    let registry = Registry::builder().store(store).build();
    let server = registry.listen("127.0.0.1:0").await.unwrap();
    let client = RegistryClient::new(server.url()).unwrap();
    (server, client)
}

async fn count(client: &RegistryClient) -> usize {
    client.list(None).await.unwrap().servers.len()
}

#[tokio::test]
async fn two_registries_are_one_although_one_is_killed_and_etcd_started_again() {
    let mut etcd = Etcd::start();
    let (one, client_of_one) = registry(&etcd).await;
    let (_other, client_of_other) = registry(&etcd).await;
    let granted = client_of_one.register(&server(1)).await.unwrap();
    assert_eq!(granted, server(1).ttl);
    for number in 2..20 {
        let client = [&client_of_one, &client_of_other][number as usize % 2];
        client.register(&server(number)).await.unwrap();
    }
    let all = |listing: &wgrpc_registry::Listing| listing.servers.len() == 19;
    let mut listing = client_of_other.list(None).await.unwrap();
    while !all(&listing) {
        let next = client_of_other.watch(None, &listing);
        let next = timeout(Duration::from_secs(10), next).await.unwrap();
        listing = next.unwrap().unwrap();
    }

    drop(one);
    client_of_one.list(None).await.unwrap_err();
    for number in 1..20 {
        client_of_other.register(&server(number)).await.unwrap();
    }
    assert_eq!(
        client_of_other.list(None).await.unwrap().revision,
        listing.revision
    );

    etcd.kill(0);
    assert_eq!(count(&client_of_other).await, 19);
    let error = client_of_other.register(&server(1)).await.unwrap_err();
    assert!(!matches!(error, Error::Setup(_)), "{error}");
    assert!(error.to_string().contains("etcd at http://"), "{error}");
    assert_eq!(count(&client_of_other).await, 19);

    etcd.start_again(0);
    client_of_other.register(&server(20)).await.unwrap();
    assert_eq!(count(&client_of_other).await, 20);
    let (_late, client_of_late) = registry(&etcd).await;
    assert_eq!(count(&client_of_late).await, 20);
    assert!(
        client_of_late
            .deregister("", &server(20).address)
            .await
            .unwrap()
    );
    assert!(
        !client_of_other
            .deregister("", &server(20).address)
            .await
            .unwrap()
    );
}
