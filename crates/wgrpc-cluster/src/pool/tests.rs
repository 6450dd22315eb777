//! What becomes of connections that stall or end, and what a pool of many servers costs.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{DuplexStream, duplex};
use tokio::time::sleep;
use wgrpc_core::{BoxFuture, Client, Result, Server};

use super::*;
use crate::discovery::{ServerList, Servers};
use crate::health::Condition;
use crate::outcome::Outcome;

/// A pool of one server that never says anything. The other ends of the connections to it are
/// kept; there are no more than so many.
fn mute(connections: usize) -> Owner {
    let others: Mutex<Vec<DuplexStream>> = Mutex::default();
    let others = Arc::new(others);
    let dial: Dial = Arc::new(move |connector, _| {
        let others = others.clone();
        Box::pin(async move {
            if others.lock().len() == connections {
                std::future::pending::<()>().await;
            }
            let (here, there) = duplex(4096);
            others.lock().push(there);
            Ok(connector.from_stream(here))
        })
    });
    let connector = Client::builder().connector().unwrap();
    let list = Arc::new(ServerList::parse(["tcp@mute:1"]).unwrap());
    Pool::start(connector, list, options(dial))
}

fn options(dial: Dial) -> Options {
    Options {
        select: SelectMode::Random,
        health: HealthPolicy::default(),
        retry: RetryPolicy::default(),
        budget: RetryBudget::default(),
        dial,
        dials: 4,
        connect_timeout: Duration::from_secs(1),
        patience: Duration::from_secs(3),
    }
}

async fn link(pool: &Pool) -> Arc<Link> {
    let link = pool.wait(None, &[], None).await;
    link.unwrap()
}

#[tokio::test(start_paused = true)]
async fn late_calls_of_an_old_connection_do_not_count_against_the_new_one() {
    let owner = mute(9);
    let old = link(&owner.pool).await;
    // Another call is under way all the time.
    let _other = old.begin_first(owner.pool.signals.now());
    for _ in 0..3 {
        old.missed();
    }
    let new = link(&owner.pool).await;
    assert!(!Arc::ptr_eq(&old, &new));
    old.missed();
    old.missed();
    new.missed();
    assert!(Arc::ptr_eq(&new, &link(&owner.pool).await));
}

#[tokio::test(start_paused = true)]
async fn no_probe_is_lost_on_a_server_that_is_not_connected() {
    let owner = mute(1);
    let pool = &owner.pool;
    let link = link(pool).await;
    for _ in 0..5 {
        sleep(Duration::from_millis(1)).await;
        let begun = link.begin_first(pool.signals.now());
        let stay = link.client.call::<_, ()>("A.B", &()).stay();
        assert_eq!(link.end(begun, Outcome::Failed, stay), Outcome::Failed);
    }
    sleep(2 * SETTLE).await;
    assert_eq!(pool.view.load().ill(), [0]);
    link.client.close().unwrap();
    sleep(2 * SETTLE).await;
    assert!(pool.view.load().ill().is_empty());
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_looks_at_one_by_one_count_for_retries_and_health() {
    let server = Server::builder().start().unwrap();
    let dial: Dial = Arc::new(move |_, _| Box::pin(std::future::ready(server.connect())));
    let owner = start(&Arc::new(ServerList::new(many(0, 1))), dial);
    let (pool, link) = (&owner.pool, link(&owner.pool).await);
    let call = async || {
        let begun = link.begin_first(pool.signals.now());
        let mut call = link.client.call::<_, ()>("A.B", &());
        (&mut call).await.unwrap_err();
        link.end(begun, Outcome::Answered, call.stay())
    };
    for _ in 0..50 {
        assert_eq!(call().await, Outcome::Answered);
    }
    sleep(Duration::from_millis(1)).await;
    call().await;
    // A fifth of these, and ten a second.
    let budget = &pool.signals.options.budget;
    let retries = (0..1_000).filter(|_| budget.try_retry(pool.signals.now()));
    assert_eq!(retries.count(), 51 / 5 + 100);
    // A fifth of all may fail, if not in a row.
    for failures in 1..=18 {
        call().await;
        sleep(Duration::from_millis(1)).await;
        let begun = link.begin_first(pool.signals.now());
        let stay = link.client.call::<_, ()>("A.B", &()).stay();
        link.end(begun, Outcome::Failed, stay);
        let is_sick = 5 * failures >= 51 + 2 * failures;
        let condition = link.member.node.health().condition();
        assert_eq!(condition == Condition::Sick, is_sick, "{failures} failures");
    }
}

/// A list of so many servers, after the first `from`.
fn many(from: u32, count: u32) -> Vec<Endpoint> {
    let endpoint = |number: u32| Endpoint::parse(&format!("tcp@server-{number:05}:1"));
    (from..from + count)
        .map(|number| endpoint(number).unwrap())
        .collect()
}

fn start(list: &Arc<ServerList>, dial: Dial) -> Owner {
    let connector = Client::builder().connector().unwrap();
    Pool::start(connector, list.clone(), options(dial))
}

fn connected(pool: &Pool) -> usize {
    pool.servers()
        .iter()
        .filter(|server| server.is_usable)
        .count()
}

/// Connects to everybody, after a while of up to 100 ms each.
fn after_a_while() -> Dial {
    let others: Arc<Mutex<Vec<DuplexStream>>> = Arc::default();
    Arc::new(move |connector, _| {
        let others = others.clone();
        Box::pin(async move {
            sleep(Duration::from_micros(fastrand::u64(..100_000))).await;
            let (here, there) = duplex(64);
            others.lock().push(there);
            Ok(connector.from_stream(here))
        })
    })
}

#[tokio::test(start_paused = true)]
async fn two_thousand_connections_that_come_up_together_make_few_views() {
    let list = Arc::new(ServerList::new(many(0, 2_000)));
    let connector = Client::builder().connector().unwrap();
    let options = Options {
        dials: 2_000,
        ..options(after_a_while())
    };
    let owner = Pool::start(connector, list, options);
    let mut views = 0;
    let begun = Instant::now();
    while connected(&owner.pool) < 2_000 {
        owner.pool.signals.published.notified().await;
        views += 1;
    }
    let most = begun.elapsed().as_millis() / SETTLE.as_millis() + 2;
    assert!(views <= most, "{views} views, at most {most}");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_was_told_of_changes_shows_what_one_made_anew_does() {
    let owner = start(&Arc::new(ServerList::new(many(0, 20))), after_a_while());
    let pool = &owner.pool;
    while connected(pool) < 20 {
        pool.signals.published.notified().await;
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        if let Some(link) = pool.pick(None, &[]) {
            match fastrand::u8(..3) {
                0 => link.client.close().unwrap_or_default(),
                1 => link.give_up(),
                _ => (0..5).for_each(|_| {
                    let begun = link.begin_first(pool.signals.now());
                    let stay = link.client.call::<_, ()>("A.B", &()).stay();
                    link.end(begun, Outcome::Failed, stay);
                }),
            }
        }
        sleep(Duration::from_millis(fastrand::u64(20..100))).await;
        while !pool.signals.restless.lock().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        let view = pool.view.load();
        let anew = View::new(view.fleet.clone());
        let usable = |view: &View| (0..20).filter(|&it| view.is_usable(it)).collect::<Vec<_>>();
        assert_eq!(usable(&view), usable(&anew));
        assert_eq!(view.ill(), anew.ill());
        seen.insert(usable(&view));
    }
    assert!(seen.len() > 20, "hardly anything has changed");
}

#[tokio::test(start_paused = true)]
async fn no_more_servers_are_dialled_at_a_time_than_the_options_say() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, inner, highest) = (now.clone(), after_a_while(), most.clone());
    let dial: Dial = Arc::new(move |connector, address| {
        let (now, most) = (counted.clone(), highest.clone());
        let dial = inner(connector, address);
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let result = dial.await;
            now.fetch_sub(1, Ordering::Relaxed);
            result
        })
    });
    let owner = start(&Arc::new(ServerList::new(many(0, 100))), dial);
    while connected(&owner.pool) < 100 {
        owner.pool.signals.published.notified().await;
    }
    assert_eq!(
        (most.load(Ordering::Relaxed), now.load(Ordering::Relaxed)),
        (4, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_somebody_to_call_while_the_list_changes() {
    let list = Arc::new(ServerList::new(many(0, 1_000)));
    let dial: Dial = Arc::new(|connector, address| {
        Box::pin(async move {
            if address.target() != "server-00000:1" {
                std::future::pending::<()>().await;
            }
            let (here, there) = duplex(64);
            tokio::spawn(async move {
                let _open = there;
                std::future::pending::<()>().await;
            });
            Ok(connector.from_stream(here))
        })
    });
    let owner = start(&list, dial);
    owner.pool.ready().await;
    let pool = owner.pool.clone();
    let changes = tokio::spawn(async move {
        for round in 0..40 {
            let others = many(1 + round % 2 * 1_000, 1_000);
            list.update(many(0, 1).into_iter().chain(others).collect());
            pool.signals.published.notified().await;
        }
    });
    while !changes.is_finished() {
        let link = owner
            .pool
            .pick_first(None, || Duration::ZERO, Duration::ZERO);
        assert!(link.is_some());
        tokio::task::yield_now().await;
    }
    changes.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_discovery_that_speaks_of_changes_without_end_is_not_asked_without_end() {
    struct Chatty(AtomicUsize);
    impl Discovery for Chatty {
        fn servers(&self) -> Arc<Servers> {
            Arc::default()
        }
        fn refresh(&self) -> BoxFuture<'_, Result<()>> {
            Box::pin(std::future::ready(Ok(())))
        }
        fn update(&self, _: Vec<Endpoint>) {}
        fn changed(&self, _: u64) -> BoxFuture<'_, ()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(self.0.load(Ordering::Relaxed) < 10_000);
            Box::pin(std::future::ready(()))
        }
    }
    let chatty = Arc::new(Chatty(AtomicUsize::new(0)));
    let connector = Client::builder().connector().unwrap();
    let owner = Pool::start(connector, chatty.clone(), options(after_a_while()));
    sleep(100 * SETTLE).await;
    let asked = chatty.0.load(Ordering::Relaxed);
    assert!((90..=110).contains(&asked), "{asked}");
    // Its task has it as well.
    assert_eq!(Arc::strong_count(&owner.pool), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_panics_has_failed_and_is_tried_again() {
    let dials = AtomicUsize::new(0);
    let inner = after_a_while();
    let dial: Dial = Arc::new(move |connector, address| {
        let dial = inner(connector, address);
        match dials.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("at once"),
            1 => Box::pin(async { panic!("later") }),
            _ => dial,
        }
    });
    let owner = start(&Arc::new(ServerList::new(many(0, 1))), dial);
    sleep(2 * SETTLE).await;
    let [state] = &owner.pool.servers()[..] else {
        panic!("one server");
    };
    let error = state.error.as_ref().unwrap().to_string();
    assert!(
        error.contains("the function that dials has panicked"),
        "{error}"
    );
    owner.pool.ready().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_server_to_come_up_is_called_at_once() {
    let list = Arc::new(ServerList::new(many(0, 1)));
    let dial: Dial = Arc::new(|connector, _| {
        let (here, there) = duplex(64);
        tokio::spawn(async move {
            let _open = there;
            std::future::pending::<()>().await;
        });
        Box::pin(std::future::ready(Ok(connector.from_stream(here))))
    });
    let owner = start(&list, dial);
    owner.pool.ready().await;
    sleep(10 * SETTLE).await;
    let begun = Instant::now();
    list.update(many(1, 1));
    while owner.pool.servers()[0].address.target() != "server-00001:1" {
        tokio::task::yield_now().await;
    }
    owner.pool.ready().await;
    assert!(begun.elapsed() < SETTLE, "{:?}", begun.elapsed());
}
