//! A membership with a clock: expiry, waiting for changes, the file.

use super::*;
use crate::error::Error;

fn server(number: u8, ttl: Option<Duration>) -> Registration {
    let address = format!("tcp@10.0.0.{number}:9001").parse().unwrap();
    Registration {
        ttl,
        ..Registration::new(address)
    }
}

fn store() -> MemoryStore {
    MemoryStore::new(MembershipConfig::default())
}

async fn addresses(store: &MemoryStore) -> Vec<String> {
    let listing = store.list(None).await.unwrap();
    let servers = listing.servers.iter();
    servers.map(|server| server.address.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn who_falls_silent_disappears_and_whoever_waits_is_told() {
    let store = store();
    let ttl = Some(Duration::from_secs(90));
    store.register(server(1, ttl)).await.unwrap();
    store.register(server(2, None)).await.unwrap();
    let seen = store.list(None).await.unwrap().revision;
    let start = Instant::now();
    let revision = store.changed(None, seen).await.unwrap();
    assert!(revision > seen);
    let after = start.elapsed();
    assert!(
        after >= Duration::from_secs(90) && after < Duration::from_secs(91),
        "{after:?}"
    );
    assert_eq!(addresses(&store).await, ["tcp@10.0.0.2:9001"]);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_time_to_live_is_noticed_by_a_sweeper_that_sleeps() {
    let store = store();
    store
        .register(server(1, Some(Duration::from_secs(900))))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    store
        .register(server(2, Some(Duration::from_secs(5))))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(addresses(&store).await, ["tcp@10.0.0.1:9001"]);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_was_never_told_needs_no_waiting() {
    let store = store();
    let now = store.list(None).await.unwrap().revision;
    assert!(now > 0);
    for seen in [0, now - 1, now + 1, u64::MAX] {
        assert_eq!(store.changed(None, seen).await.unwrap(), now);
    }
    let wait = tokio::time::timeout(Duration::from_secs(60), store.changed(None, now));
    assert!(wait.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_a_group_waits_for_a_change_in_it() {
    let store = store();
    let mut one = server(1, Some(Duration::from_secs(90)));
    one.group = "a".to_owned();
    let mut other = server(2, None);
    other.group = "b".to_owned();
    store.register(one).await.unwrap();
    let seen = store.list(None).await.unwrap().revision;
    store.register(other).await.unwrap();
    let minute = Duration::from_secs(60);
    let a = tokio::time::timeout(minute, store.changed(Some("a"), seen));
    assert!(a.await.is_err(), "it is about another group");
    assert_eq!(store.changed(Some("b"), seen).await.unwrap(), seen + 1);
    // Silence is a change, too, and so is what is not remembered.
    let start = Instant::now();
    store.changed(Some("a"), seen).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(31));
    for unknown in [0, seen - 2, seen + 1000, u64::MAX] {
        store.changed(Some("none"), unknown).await.unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_brings_everybody_back_with_a_higher_revision() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.json");
    let open = || MemoryStore::open(MembershipConfig::default(), &file);
    let store = open().await.unwrap();
    let mut heavy = server(1, Some(Duration::from_secs(90)));
    heavy.meta.weight = 7;
    store.register(heavy).await.unwrap();
    store.register(server(2, None)).await.unwrap();
    let before = store.list(None).await.unwrap();
    while !std::fs::read_to_string(&file).unwrap().contains("10.0.0.2") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(store);

    let store = open().await.unwrap();
    let after = store.list(None).await.unwrap();
    assert!(after.revision > before.revision);
    let meta = |listing: &Listing| -> Vec<_> {
        listing
            .servers
            .iter()
            .map(|it| (it.address.clone(), it.meta.clone()))
            .collect()
    };
    assert_eq!(meta(&after), meta(&before));
}

#[tokio::test]
async fn a_file_that_is_no_snapshot_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("novel.txt");
    for text in [
        "Call me Ishmael.",
        "",
        r#"{"revision":1,"registrations":[{"address":"x"}]}"#,
    ] {
        std::fs::write(&file, text).unwrap();
        let error = MemoryStore::open(MembershipConfig::default(), &file)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Setup(_)), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    let nowhere = folder.path().join("none").join("servers.json");
    assert!(
        MemoryStore::open(MembershipConfig::default(), nowhere)
            .await
            .is_err()
    );
}
