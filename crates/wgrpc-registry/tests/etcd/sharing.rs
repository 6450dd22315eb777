//! Several front ends of one cluster are one registry.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use interop::Etcd;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use wgrpc_registry::{Error, EtcdStore, Store};

use crate::{client, config, count, front_end, keys_and_leases, list, server, until};

#[tokio::test]
async fn what_one_front_end_registers_all_of_them_list() {
    let etcd = Etcd::start();
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    let mut rich = server(2);
    rich.group = "arith/v2".to_owned();
    rich.meta.zone = Some("b".to_owned());
    rich.meta
        .extra
        .insert("key".to_owned(), "a \"value\"".to_owned());
    one.register(server(1)).await.unwrap();
    one.register(rich.clone()).await.unwrap();
    let here = list(&one).await;
    assert_eq!(here.servers.len(), 2, "what is done is seen at once");
    let there = until(&other, "two servers", |it| it.servers.len() == 2).await;
    assert_eq!(here.revision, there.revision);
    let group = other.list(Some("arith/v2")).await.unwrap().servers;
    assert_eq!(group.len(), 1);
    assert_eq!(
        (&group[0].address, &group[0].meta),
        (&rich.address, &rich.meta)
    );
    let late = front_end(&etcd).await;
    assert_eq!(count(&late).await, 2);
}

#[tokio::test]
async fn a_heartbeat_through_another_front_end_keeps_the_lease_and_writes_nothing() {
    let etcd = Etcd::start();
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    let mut short = server(1);
    short.ttl = Some(Duration::from_secs(2));
    one.register(short.clone()).await.unwrap();
    let before = until(&other, "registered", |it| it.servers.len() == 1).await;
    // A front end that dies takes nothing with it.
    drop(one);
    for _ in 0..10 {
        sleep(Duration::from_millis(500)).await;
        other.register(short.clone()).await.unwrap();
    }
    let after = list(&other).await;
    assert_eq!(after.servers.len(), 1);
    assert_eq!(after.revision, before.revision);
    assert!(after.servers[0].age.unwrap() < Duration::from_millis(500));
    assert_eq!(keys_and_leases(&etcd).await, (1, 1));
}

#[tokio::test]
async fn who_falls_silent_is_taken_off_and_may_come_back() {
    let etcd = Etcd::start();
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    let mut short = server(1);
    short.ttl = Some(Duration::from_millis(600));
    let mut eternal = server(2);
    eternal.ttl = None;
    one.register(short.clone()).await.unwrap();
    one.register(eternal.clone()).await.unwrap();
    sleep(Duration::from_millis(600)).await;
    assert_eq!(
        count(&one).await,
        2,
        "a lease is never shorter than asked for"
    );
    for store in [&one, &other] {
        let left = until(store, "expired", |it| it.servers.len() == 1).await;
        assert_eq!(left.servers[0].address, eternal.address);
    }
    assert_eq!(keys_and_leases(&etcd).await, (1, 0));
    other.register(short).await.unwrap();
    assert_eq!(count(&other).await, 2);
}

#[tokio::test]
async fn a_server_is_deregistered_through_any_front_end_and_its_lease_ends() {
    let etcd = Etcd::start();
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    let mut eternal = server(2);
    eternal.ttl = None;
    one.register(server(1)).await.unwrap();
    one.register(eternal.clone()).await.unwrap();
    for it in [server(1), eternal] {
        assert!(other.deregister("", &it.address).await.unwrap());
        assert!(!other.deregister("", &it.address).await.unwrap());
    }
    assert!(!one.deregister("another", &server(1).address).await.unwrap());
    assert_eq!(count(&other).await, 0);
    until(&one, "gone", |it| it.servers.is_empty()).await;
    assert_eq!(keys_and_leases(&etcd).await, (0, 0));
}

#[tokio::test]
async fn new_metadata_and_times_to_live_leave_no_lease_behind() {
    let etcd = Etcd::start();
    let store = front_end(&etcd).await;
    let mut it = server(1);
    store.register(it.clone()).await.unwrap();
    it.meta.is_draining = true;
    store.register(it.clone()).await.unwrap();
    assert!(list(&store).await.servers[0].meta.is_draining);
    it.ttl = Some(Duration::from_secs(30));
    store.register(it.clone()).await.unwrap();
    assert_eq!(keys_and_leases(&etcd).await, (1, 1));
    it.ttl = None;
    store.register(it).await.unwrap();
    assert_eq!(count(&store).await, 1);
    assert_eq!(keys_and_leases(&etcd).await, (1, 0));
}

#[tokio::test]
async fn a_watch_ends_with_the_next_change_through_whichever_front_end() {
    let etcd = Etcd::start();
    let one = front_end(&etcd).await;
    one.register(server(1)).await.unwrap();
    let mut client = client(&etcd).await;
    client.put("others", "write", None).await.unwrap();
    let late = front_end(&etcd).await;
    let seen = list(&late).await.revision;
    assert!(seen > list(&one).await.revision);
    let short = Duration::from_secs(3);
    // What others write is no change, and what another front end knew is none either.
    let (here, there) = (late.changed(None, seen), one.changed(None, seen));
    let waits = async {
        tokio::select! { it = here => it, it = there => it }
    };
    assert!(timeout(short, waits).await.is_err());
    let (here, there) = (late.changed(None, seen), one.changed(None, seen));
    let (here, there, done) = tokio::join!(here, there, one.register(server(2)));
    done.unwrap();
    let now = here.unwrap();
    assert!(now > seen);
    assert_eq!(there.unwrap(), now);
    assert_eq!(
        late.changed(None, seen).await.unwrap(),
        now,
        "it has changed already"
    );
}

#[tokio::test]
async fn a_change_wakes_nobody_who_watches_another_group() {
    let etcd = Etcd::start();
    let (one, other) = (Arc::new(front_end(&etcd).await), front_end(&etcd).await);
    let seen = list(&one).await.revision;
    let wakes = Arc::new(AtomicUsize::new(0));
    let watch = tokio::spawn({
        let (store, wakes) = (Arc::clone(&one), Arc::clone(&wakes));
        async move {
            let mut watch = pin!(store.changed(Some("a"), seen));
            let counted = poll_fn(|context| {
                wakes.fetch_add(1, Ordering::Relaxed);
                watch.as_mut().poll(context)
            });
            counted.await.unwrap()
        }
    });
    let in_group = |number, group: &str| {
        let mut it = server(number);
        it.group = group.to_owned();
        it
    };
    for number in 0..10 {
        other.register(in_group(number, "b")).await.unwrap();
    }
    until(&one, "ten servers", |it| it.servers.len() == 10).await;
    assert!(!watch.is_finished());
    assert_eq!(wakes.load(Ordering::Relaxed), 1, "polled when it began");
    let now = list(&one).await.revision;
    other.register(in_group(11, "a")).await.unwrap();
    let told = timeout(Duration::from_secs(10), watch).await.unwrap();
    assert!(told.unwrap() > now);
}

#[tokio::test]
async fn every_front_end_tells_what_has_changed_as_long_as_it_was_connected() {
    let etcd = Etcd::start();
    let (one, other) = (front_end(&etcd).await, front_end(&etcd).await);
    one.register(server(1)).await.unwrap();
    one.register(server(2)).await.unwrap();
    let seen = until(&other, "two servers", |it| it.servers.len() == 2)
        .await
        .revision;
    one.deregister("", &server(1).address).await.unwrap();
    one.register(server(3)).await.unwrap();
    let now = list(&one).await.revision;
    until(&other, "the third", |it| it.revision == now).await;
    for store in [&one, &other] {
        let changes = store.changes(None, seen).await.unwrap().unwrap();
        assert_eq!(changes.revision, now);
        assert_eq!(changes.gone, [(String::new(), server(1).address)]);
        assert_eq!(changes.servers.len(), 1);
        assert_eq!(changes.servers[0].address, server(3).address);
        assert!(store.changes(None, now).await.unwrap().unwrap().is_empty());
        assert!(
            store
                .changes(Some("Arith"), seen)
                .await
                .unwrap()
                .unwrap()
                .is_empty()
        );
        // Etcd has never been there.
        assert_eq!(store.changes(None, now + 1000).await.unwrap(), None);
    }
    let late = front_end(&etcd).await;
    assert_eq!(late.changes(None, seen).await.unwrap(), None);
}

#[tokio::test]
async fn a_thousand_servers_are_listed_whole() {
    let etcd = Etcd::start();
    let stores = [front_end(&etcd).await, front_end(&etcd).await].map(Arc::new);
    let mut tasks = JoinSet::new();
    for chunk in 0..20 {
        let store = Arc::clone(&stores[chunk % 2]);
        tasks.spawn(async move {
            for number in 0..50 {
                let number = u32::try_from(chunk * 50 + number).unwrap();
                store.register(server(number)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    for store in &stores {
        until(store, "all servers", |it| it.servers.len() == 1000).await;
    }
    // A front end that starts now reads more than one page.
    let listing = list(&front_end(&etcd).await).await;
    assert_eq!(listing.servers.len(), 1000);
    let addresses: Vec<_> = listing
        .servers
        .iter()
        .map(|it| it.address.to_string())
        .collect();
    assert!(addresses.is_sorted());
    assert_eq!(
        listing.servers,
        list(&stores[0])
            .await
            .servers
            .into_iter()
            .map(|mut it| {
                it.age = None;
                it
            })
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn there_is_a_most_of_servers_and_nobody_is_displaced() {
    let etcd = Etcd::start();
    let mut config = config();
    config.servers_max = 2;
    let one = EtcdStore::connect(etcd.urls(), config.clone())
        .await
        .unwrap();
    let other = EtcdStore::connect(etcd.urls(), config).await.unwrap();
    one.register(server(1)).await.unwrap();
    other.register(server(2)).await.unwrap();
    for store in [&one, &other] {
        let error = store.register(server(3)).await.unwrap_err();
        assert!(matches!(error, Error::Full(_)), "{error}");
        store.register(server(1)).await.unwrap();
        store.register(server(2)).await.unwrap();
    }
    one.deregister("", &server(1).address).await.unwrap();
    other.register(server(3)).await.unwrap();
}

#[tokio::test]
async fn registries_of_different_prefixes_and_foreign_keys_do_not_meet() {
    let etcd = Etcd::start();
    let mut client = client(&etcd).await;
    let mut put = async |key: &str, value: &str| {
        client.put(key, value, None).await.unwrap();
    };
    let value = r#"{"address":"tcp@10.0.0.1:9001"}"#;
    put("/a/junk", "no JSON").await;
    put("/a/g/tcp@10.0.0.1:9001", value).await;
    put("/a//tcp@10.0.0.2:9001", value).await;
    put(
        "/a//unix@/run/docker.sock",
        r#"{"address":"unix@/run/docker.sock"}"#,
    )
    .await;
    put("/a//tcp@10.0.0.1:9001", value).await;
    let [a, b] = ["/a", "/b/"].map(|prefix| {
        let mut config = config();
        config.prefix = prefix.to_owned();
        EtcdStore::connect(etcd.urls(), config)
    });
    let (a, b) = (a.await.unwrap(), b.await.unwrap());
    assert_eq!(count(&a).await, 1);
    put("/a//tcp@10.0.0.3:9001", value).await;
    b.register(server(7)).await.unwrap();
    assert_eq!(count(&b).await, 1);
    a.register(server(8)).await.unwrap();
    assert_eq!(count(&a).await, 2);
    // A key of ours that others have spoilt is hidden, and the next heartbeat repairs it.
    let spoilt = format!("/a//{}", server(8).address);
    put(&spoilt, "no JSON").await;
    until(&a, "hidden", |it| it.servers.len() == 1).await;
    a.register(server(8)).await.unwrap();
    assert_eq!(count(&a).await, 2);
}
