//! Members, clusters and connections that fail: the list stands, and nothing is lost.

use std::time::{Duration, Instant};

use interop::Etcd;
use tokio::time::sleep;
use wgrpc_registry::{Error, EtcdStore, Store};

use crate::{client, config, count, front_end, list, server, until};

#[tokio::test]
async fn an_etcd_that_is_killed_and_started_again_loses_nothing() {
    let mut etcd = Etcd::start();
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    let mut short = server(1);
    short.ttl = Some(Duration::from_secs(3));
    let mut eternal = server(2);
    eternal.ttl = None;
    for it in [&short, &eternal, &server(3)] {
        one.register(it.clone()).await.unwrap();
    }
    let before = until(&other, "three servers", |it| it.servers.len() == 3).await;

    etcd.kill(0);
    for store in [&one, &other] {
        let stale = until(store, "the loss is noticed", |it| it.is_warming).await;
        assert_eq!(stale.servers.len(), 3, "the last list stands");
        assert_eq!(stale.revision, before.revision);
    }
    let start = Instant::now();
    let error = one.register(short.clone()).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    let text = error.to_string();
    assert!(text.contains(&etcd.urls()[0]), "{text}");
    assert!(text.contains("Connection refused"), "{text}");
    // Longer than the short lease: who could not renew it does not lose it.
    sleep(Duration::from_secs(3)).await;

    etcd.start_again(0);
    for store in [&one, &other] {
        store.register(short.clone()).await.unwrap();
        let fresh = until(store, "it is back", |it| !it.is_warming).await;
        assert_eq!(fresh.servers.len(), 3, "nothing is lost");
        assert_eq!(fresh.revision, before.revision, "nothing has changed");
    }
    // And all goes on.
    one.register(server(4)).await.unwrap();
    until(&other, "the fourth", |it| it.servers.len() == 4).await;
    until(&other, "who fell silent", |it| it.servers.len() == 3).await;
}

#[tokio::test]
async fn what_happened_while_a_front_end_was_cut_off_is_caught_up_after_a_compaction() {
    let mut etcd = Etcd::start();
    let store = front_end(&etcd).await;
    store.register(server(1)).await.unwrap();
    store.register(server(2)).await.unwrap();
    let seen = list(&store).await.revision;
    etcd.kill(0);
    until(&store, "the loss is noticed", |it| it.is_warming).await;
    etcd.start_again(0);
    let mut client = client(&etcd).await;
    let value = r#"{"address":"tcp@10.0.0.3:9001"}"#;
    client
        .put("/wgrpc/registry//tcp@10.0.0.3:9001", value, None)
        .await
        .unwrap();
    let gone = format!("/wgrpc/registry//{}", server(1).address);
    let revision = client
        .delete(gone, None)
        .await
        .unwrap()
        .header()
        .unwrap()
        .revision();
    client.compact(revision, None).await.unwrap();
    let now = store.changed(None, seen).await.unwrap();
    assert!(now > seen);
    let listing = list(&store).await;
    let addresses: Vec<_> = listing
        .servers
        .iter()
        .map(|it| it.address.to_string())
        .collect();
    assert_eq!(addresses, ["tcp@10.0.0.2:9001", "tcp@10.0.0.3:9001"]);
}

#[tokio::test]
async fn an_etcd_that_has_lost_its_data_is_believed() {
    let mut etcd = Etcd::start();
    let store = front_end(&etcd).await;
    for number in 0..20 {
        store.register(server(number)).await.unwrap();
    }
    let seen = list(&store).await.revision;
    etcd.kill(0);
    etcd.start_empty();
    let now = store.changed(None, seen).await.unwrap();
    assert!(now < seen, "it counts from the beginning");
    assert_eq!(count(&store).await, 0);
    // The next heartbeats fill it again.
    for number in 0..20 {
        store.register(server(number)).await.unwrap();
    }
    assert_eq!(count(&store).await, 20);
}

#[tokio::test]
async fn an_etcd_that_is_frozen_is_noticed_although_the_connection_stands() {
    let etcd = Etcd::start();
    let store = front_end(&etcd).await;
    store.register(server(1)).await.unwrap();
    etcd.freeze();
    let start = Instant::now();
    let error = store.register(server(2)).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(error.to_string().contains("no answer in time"), "{error}");
    let stale = until(&store, "the loss is noticed", |it| it.is_warming).await;
    assert!(start.elapsed() < Duration::from_secs(12));
    assert_eq!(stale.servers.len(), 1);
    etcd.thaw();
    until(&store, "it is back", |it| !it.is_warming).await;
    store.register(server(3)).await.unwrap();
    assert!(count(&store).await >= 2);
}

#[tokio::test]
async fn a_cluster_that_loses_a_member_goes_on() {
    let mut etcd = Etcd::start_members(3);
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    for number in 0..10 {
        one.register(server(number)).await.unwrap();
    }
    for dead in 0..3 {
        etcd.kill(dead);
        let number = 10 + u32::try_from(dead).unwrap();
        // If it was the leader, the others elect a new one first.
        while let Err(error) = one.register(server(number)).await {
            assert!(matches!(error, Error::Store(_)), "{error}");
        }
        for store in [&one, &other] {
            let is_whole =
                |it: &wgrpc_registry::Listing| !it.is_warming && it.servers.len() == 11 + dead;
            until(store, "all servers, without one member", is_whole).await;
        }
        etcd.start_again(dead);
    }
}

#[tokio::test]
async fn a_store_begins_only_with_an_etcd_that_answers() {
    let mut etcd = Etcd::start();
    let dead = "http://127.0.0.1:1".to_owned();
    let urls = [dead.clone(), etcd.urls()[0].clone()];
    let store = EtcdStore::connect(urls, config()).await.unwrap();
    store.register(server(1)).await.unwrap();
    let error = EtcdStore::connect([dead], config()).await.unwrap_err();
    assert!(
        error.to_string().contains("etcd at http://127.0.0.1:1: "),
        "{error}"
    );
    let error = EtcdStore::connect(["no url at all"], config())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no url at all"), "{error}");
    let error = EtcdStore::connect(Vec::<String>::new(), config())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Setup(_)), "{error}");
    etcd.kill(0);
    let error = EtcdStore::connect(etcd.urls(), config()).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error}");
}

#[tokio::test]
async fn a_store_that_is_dropped_leaves_no_task_behind() {
    let etcd = Etcd::start();
    let metrics = tokio::runtime::Handle::current().metrics();
    let quiet = async |most: usize| {
        let start = Instant::now();
        while metrics.num_alive_tasks() > most {
            assert!(start.elapsed() < Duration::from_secs(10), "tasks are left");
            sleep(Duration::from_millis(10)).await;
        }
    };
    quiet(0).await;
    let store = front_end(&etcd).await;
    store.register(server(1)).await.unwrap();
    assert!(metrics.num_alive_tasks() > 0);
    drop(store);
    quiet(0).await;
}
