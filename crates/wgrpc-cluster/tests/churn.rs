//! A list of servers that changes ten thousand times while calls are made: none is lost, and
//! nothing is left of servers that have gone.
//!
//! A binary of its own, because its allocator counts, and one test, because it counts for all.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "memory/fleet.rs"]
mod fleet;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use peak_alloc::PeakAlloc;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use wgrpc_cluster::{Discovery, ServerList, XClient};
use wgrpc_core::{CallOptions, Method, Server, Service};

use fleet::{Fleet, endpoint};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// All servers that there are, and how many are listed at a time at most.
const SERVERS: usize = 40;
const LISTED: usize = 4;

/// How many calls are made at a time.
const CALLERS: usize = 4;

/// What memory may differ by for no reason of ours: buffers that have grown once.
const SLACK: usize = 64 << 10;

fn server() -> Server {
    let work = Method::future(|milliseconds: u64, _| async move {
        sleep(Duration::from_millis(milliseconds)).await;
        Ok(milliseconds)
    });
    let service = Service::new("Work").method("Do", work);
    Server::builder().register(service).start().unwrap()
}

/// Calls until told to stop, and says how many calls there were.
async fn call(client: XClient, stop: Arc<AtomicBool>, seed: u64) -> usize {
    let mut random = Rng::with_seed(seed);
    let mut calls = 0;
    while !stop.load(Ordering::SeqCst) {
        let work = random.u64(..50);
        let mut options = CallOptions::new();
        if random.bool() {
            options = options.idempotent();
        }
        let reply = client.call_with::<_, u64>("Work.Do", &work, options).await;
        assert_eq!(reply.unwrap(), work);
        calls += 1;
    }
    calls
}

/// Changes the list so many times while calls are made, and says how many calls there were.
async fn change(list: &ServerList, client: &XClient, fleet: &Fleet, times: usize) -> usize {
    let mut random = Rng::with_seed(51);
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for seed in 0..CALLERS as u64 {
        callers.spawn(call(client.clone(), stop.clone(), seed));
    }
    let mut most = 0;
    for _ in 0..times {
        let count = random.usize(1..=LISTED);
        let numbers = random.choose_multiple(0..SERVERS, count);
        let listed = numbers.into_iter().map(|number| {
            // That only the weight is another is a change too.
            endpoint(number).weight(1 + number as u32 % 3)
        });
        list.update(listed.collect());
        // Changes that come at once are taken for one.
        sleep(Duration::from_millis(random.u64(4..12))).await;
        most = most.max(fleet.open());
    }
    // Those of the servers in the list, and those that calls are under way on.
    let bound = 2 * LISTED + CALLERS;
    assert!(most <= bound, "{most} connections at a time");
    stop.store(true, Ordering::SeqCst);
    callers.join_all().await.into_iter().sum()
}

/// Waits for this many connections, and says what memory is in use and how many tasks there are.
async fn settle(list: &ServerList, fleet: &Fleet) -> (usize, usize) {
    list.update((0..3).map(endpoint).collect());
    let settled = timeout(Duration::from_secs(60), async {
        while fleet.open() != 3 {
            sleep(Duration::from_millis(100)).await;
        }
    });
    settled.await.unwrap();
    // What was given up is executed to its end.
    sleep(Duration::from_secs(1)).await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    (ALLOCATOR.current_usage(), tasks)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_changes_of_the_list_lose_no_call_and_leave_nothing_behind() {
    let fleet = Fleet::default();
    (0..SERVERS).for_each(|number| fleet.put(&endpoint(number), server()));
    let list = Arc::new(ServerList::new((0..3).map(endpoint)));
    let client = fleet.reached_by(XClient::builder());
    let client = client.start(list.clone()).unwrap();
    // Once as a rehearsal, so that what is made once and kept is there.
    change(&list, &client, &fleet, 300).await;
    let (memory, tasks) = settle(&list, &fleet).await;

    let calls = change(&list, &client, &fleet, 10_000).await;
    assert!(calls > 10_000, "{calls} calls");
    let after = settle(&list, &fleet).await;
    assert!(fleet.dials() > 10_000, "{} connections", fleet.dials());
    assert_eq!(after.1, tasks, "tasks are left");
    let more = after.0.saturating_sub(memory);
    assert!(more <= SLACK, "{more} bytes more than before");

    drop((client, list));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fleet.open(), 0);
    (0..SERVERS).for_each(|number| fleet.remove(&endpoint(number)));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}
