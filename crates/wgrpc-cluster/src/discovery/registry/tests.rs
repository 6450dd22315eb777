//! A registry that says what the test wants.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::time::Instant;
use wgrpc_registry::ServerMeta;

use super::*;

/// What the registry answers next, and when and how it was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<News>>,
    asked: Mutex<Vec<Instant>>,
    polled: Mutex<Vec<u64>>,
    watched: Mutex<Vec<u64>>,
}

struct Scripted(Arc<Script>);

impl Scripted {
    async fn next(&self) -> News {
        let next = self.0.answers.lock().pop_front();
        match next {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl Source for Scripted {
    async fn list(&self) -> Result<Listing, wgrpc_registry::Error> {
        self.0.asked.lock().push(Instant::now());
        self.next().await.map(Option::unwrap)
    }

    async fn poll(&self, known: &Listing) -> News {
        self.0.asked.lock().push(Instant::now());
        self.0.polled.lock().push(known.revision);
        self.next().await
    }

    async fn watch(&self, known: &Listing) -> News {
        self.0.watched.lock().push(known.revision);
        self.next().await
    }
}

fn listing(revision: u64, names: &[&str]) -> Option<Listing> {
    let server = |name: &&str| Server {
        address: format!("tcp@{name}:1").parse().unwrap(),
        group: String::new(),
        meta: ServerMeta::default(),
        age: None,
    };
    Some(Listing {
        revision,
        is_warming: false,
        servers: names.iter().map(server).collect(),
    })
}

fn nonsense() -> News {
    Err(wgrpc_registry::Error::Invalid("nonsense".to_owned()))
}

fn start(answers: impl IntoIterator<Item = News>) -> (RegistryDiscovery, Arc<Script>) {
    let script = Arc::new(Script::default());
    script.answers.lock().extend(answers);
    let client = RegistryClient::new("http://registry.example/wgrpc/registry").unwrap();
    (
        RegistryDiscovery::follow(Scripted(script.clone()), client),
        script,
    )
}

fn names(discovery: &RegistryDiscovery) -> String {
    let all = discovery.get_all();
    all.iter()
        .map(|address| address.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_counts_is_watched() {
    let (discovery, script) = start([
        Ok(listing(5, &["a"])),
        Ok(listing(6, &["a", "b"])),
        Ok(listing(9, &["b"])),
    ]);
    discovery.changed(2).await;
    assert_eq!(names(&discovery), "tcp@b:1");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*script.watched.lock(), [5, 6, 9]);
    assert_eq!(script.asked.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_count_is_asked_every_ten_seconds() {
    let answers = (0..5).map(|_| Ok(listing(0, &["a"])));
    let (discovery, script) = start(answers);
    sleep(Duration::from_secs(45)).await;
    assert_eq!(discovery.servers().version, 1);
    let asked = script.asked.lock().clone();
    for pair in asked.windows(2) {
        let pause = (pair[1] - pair[0]).as_secs_f64();
        assert!((9.0..=11.1).contains(&pause), "{pause}");
    }
    assert_eq!(asked.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_list_stays_whatever_the_registry_says() {
    let empty = Ok(listing(0, &[]));
    let answers = [Ok(listing(0, &["a", "b"])), nonsense(), empty, nonsense()];
    let (discovery, script) = start(answers);
    sleep(Duration::from_secs(25)).await;
    assert_eq!(script.asked.lock().len(), 3);
    assert_eq!(names(&discovery), "tcp@a:1,tcp@b:1");
    let error = discovery.refresh().await.unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
    assert_eq!(names(&discovery), "tcp@a:1,tcp@b:1");
}

#[tokio::test(start_paused = true)]
async fn nobody_vanishes_because_the_registry_has_just_started() {
    let mut warming = listing(1, &["c"]);
    warming.as_mut().unwrap().is_warming = true;
    let (discovery, _) = start([
        Ok(listing(7, &["a", "b"])),
        Ok(warming),
        Ok(listing(2, &["a", "c"])),
    ]);
    discovery.changed(1).await;
    assert_eq!(names(&discovery), "tcp@a:1,tcp@b:1,tcp@c:1");
    discovery.changed(2).await;
    assert_eq!(names(&discovery), "tcp@a:1,tcp@c:1");
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_at_a_time_share_a_request() {
    let (discovery, script) = start([Ok(listing(0, &["a"])), Ok(listing(0, &["b"]))]);
    discovery.changed(0).await;
    let results = tokio::join!(
        discovery.refresh(),
        discovery.refresh(),
        discovery.refresh()
    );
    assert!(results.0.is_ok() && results.1.is_ok() && results.2.is_ok());
    assert_eq!(names(&discovery), "tcp@b:1");
    assert_eq!(script.asked.lock().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_cannot_be_watched_any_more_is_asked_again_later() {
    let (discovery, script) = start([Ok(listing(5, &["a"])), nonsense(), Ok(listing(6, &["b"]))]);
    discovery.changed(1).await;
    assert_eq!(names(&discovery), "tcp@b:1");
    let asked = script.asked.lock().clone();
    assert!(asked[1] - asked[0] >= Duration::from_secs(9));
    assert_eq!(
        *script.polled.lock(),
        [5],
        "it is not asked for what is known"
    );
}

#[tokio::test(start_paused = true)]
async fn no_news_is_that_the_list_still_holds() {
    let (discovery, script) = start([Ok(listing(5, &["a"])), Ok(None), Ok(None)]);
    discovery.changed(0).await;
    let before = discovery.servers();
    sleep(Duration::from_secs(1)).await;
    let after = discovery.servers();
    assert_eq!((after.version, &after.endpoints), (1, &before.endpoints));
    assert!(after.as_of > before.as_of, "it is not an old list");
    assert_eq!(*script.watched.lock(), [5, 5, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_has_watchers_enough_is_polled() {
    let full = || Err(wgrpc_registry::Error::Full("watchers".to_owned()));
    let answers = (0..4).flat_map(|_| [Ok(None), full()]);
    let (discovery, script) = start([Ok(listing(5, &["a"])), full()].into_iter().chain(answers));
    sleep(Duration::from_secs(45)).await;
    assert_eq!(names(&discovery), "tcp@a:1");
    assert_eq!(*script.polled.lock(), [5; 4]);
    assert_eq!(script.asked.lock().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn after_changes_that_make_no_sense_everything_is_asked_for() {
    let answer = || wgrpc_registry::Error::Answer {
        url: String::new(),
        reason: "changes of another list".to_owned(),
    };
    let answers = [
        Ok(listing(5, &["a"])),
        Err(answer()),
        Err(answer()),
        Ok(listing(6, &["b"])),
    ];
    let (discovery, script) = start(answers);
    discovery.changed(1).await;
    assert_eq!(names(&discovery), "tcp@b:1");
    assert_eq!(*script.polled.lock(), [5]);
}
