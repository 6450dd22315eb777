//! The copy of the registrations, and how they are named.

use std::time::Duration;

use super::*;

fn keys() -> Keys {
    Keys::new("/wgrpc").unwrap()
}

fn registration(group: &str, address: &str) -> Registration {
    let mut it = Registration::new(address.parse().unwrap());
    it.group = group.to_owned();
    it.ttl = Some(Duration::from_secs(90));
    it
}

fn entry(group: &str, address: &str) -> (Vec<u8>, Entry) {
    let registration = registration(group, address);
    let key = keys().of(&registration.group, &registration.address);
    let entry = Entry {
        registration,
        lease: 7,
        heard: None,
    };
    (key.into_bytes(), entry)
}

fn addresses(listing: &Listing) -> Vec<String> {
    let servers = listing.servers.iter();
    servers.map(|it| it.address.to_string()).collect()
}

#[test]
fn each_registration_has_a_key_of_its_own() {
    let address = "tcp@10.0.0.1:9001".parse().unwrap();
    assert_eq!(keys().of("", &address), "/wgrpc//tcp@10.0.0.1:9001");
    assert_eq!(keys().of("a/b", &address), "/wgrpc/a%2Fb/tcp@10.0.0.1:9001");
    assert_ne!(keys().of("a%2Fb", &address), keys().of("a/b", &address));
    assert_eq!(keys().prefix(), "/wgrpc/");
    assert_eq!(keys().end(), "/wgrpc0");
    assert!(Keys::new("//").is_err());
}

#[test]
fn the_copy_follows_what_is_written_and_deleted() {
    let now = Instant::now();
    let mut mirror = Mirror::default();
    mirror.replace(HashMap::from([entry("a", "tcp@10.0.0.9:1")]), 5);
    let (key, other) = entry("b", "tcp@10.0.0.1:1");
    mirror.put(&key, Some(other.clone()), 6, now);
    let all = mirror.listing(None, now, true);
    assert_eq!(addresses(&all), ["tcp@10.0.0.1:1", "tcp@10.0.0.9:1"]);
    assert_eq!((all.revision, all.is_warming), (6, false));
    let group = mirror.listing(Some("a"), now, false);
    assert_eq!(addresses(&group), ["tcp@10.0.0.9:1"]);
    assert!(group.is_warming);
    mirror.remove(&key, 7);
    mirror.remove(&key, 8);
    assert_eq!(mirror.revision(), 7, "nothing was there the second time");
    mirror.put(&key, Some(other), 9, now);
    mirror.put(&key, None, 10, now);
    assert_eq!(addresses(&mirror.listing(None, now, true)).len(), 1);
    assert_eq!(mirror.revision(), 10);
}

#[test]
fn reading_the_same_again_is_no_change() {
    let mut mirror = Mirror::default();
    let same = || HashMap::from([entry("", "tcp@10.0.0.1:1")]);
    mirror.replace(same(), 5);
    mirror.replace(same(), 9);
    assert_eq!(mirror.revision(), 5);
    mirror.replace(HashMap::new(), 11);
    assert_eq!(mirror.revision(), 11);
    mirror.replace(HashMap::new(), 3);
    assert_eq!(mirror.revision(), 3, "etcd counts from the beginning again");
}

#[test]
fn the_age_of_a_server_is_only_told_where_it_is_known() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut mirror = Mirror::default();
    mirror.replace(HashMap::from([entry("", "tcp@10.0.0.1:1")]), 5);
    let age = |mirror: &Mirror, seconds, is_fresh| {
        let listing = mirror.listing(None, at(seconds), is_fresh);
        listing.servers[0].age
    };
    assert_eq!(age(&mirror, 0, true), None);
    mirror.hear("/wgrpc//tcp@10.0.0.1:1", at(10));
    assert_eq!(age(&mirror, 30, true), Some(Duration::from_secs(20)));
    mirror.replace(HashMap::from([entry("", "tcp@10.0.0.1:1")]), 6);
    assert_eq!(age(&mirror, 31, true), Some(Duration::from_secs(21)));
    // It would have ended: its heartbeats come through others.
    assert_eq!(age(&mirror, 101, true), None);
    assert_eq!(age(&mirror, 101, false), Some(Duration::from_secs(91)));
}
