//! Registries that share an etcd: a real one, started by each test for itself.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod front_ends;
mod outage;
mod security;
mod sharing;

use std::time::{Duration, Instant};

use etcd_client::{Client, GetOptions};
use interop::Etcd;
use wgrpc_registry::{EtcdConfig, EtcdStore, Listing, Registration, Store};

/// A front end's store that lists what it finds at once.
async fn front_end(etcd: &Etcd) -> EtcdStore {
    EtcdStore::connect(etcd.urls(), config()).await.unwrap()
}

fn config() -> EtcdConfig {
    let mut config = EtcdConfig::default();
    config.warm_up = Duration::ZERO;
    config
}

/// The server of this number, with a lease of a minute.
fn server(number: u32) -> Registration {
    let [.., a, b] = number.to_be_bytes();
    let address = format!("tcp@10.0.{a}.{b}:9001");
    let mut it = Registration::new(address.parse().unwrap());
    it.ttl = Some(Duration::from_secs(60));
    it
}

async fn list(store: &EtcdStore) -> Listing {
    store.list(None).await.unwrap()
}

async fn count(store: &EtcdStore) -> usize {
    list(store).await.servers.len()
}

/// Waits until the listing is as it should be, and returns it.
async fn until(store: &EtcdStore, what: &str, is_so: impl Fn(&Listing) -> bool) -> Listing {
    let start = Instant::now();
    loop {
        let listing = list(store).await;
        if is_so(&listing) {
            return listing;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{what}: {listing:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A client of etcd that has nothing to do with what is tested.
async fn client(etcd: &Etcd) -> Client {
    Client::connect(etcd.urls(), None).await.unwrap()
}

/// How many of them etcd has.
async fn keys_and_leases(etcd: &Etcd) -> (i64, usize) {
    let mut client = client(etcd).await;
    let all = GetOptions::new().with_all_keys().with_count_only();
    let keys = client.get("", Some(all)).await.unwrap().count();
    (keys, client.leases().await.unwrap().leases().len())
}
