//! Everything fails for half a minute, in each way in which a call may be made again: the servers
//! must not get more than the retry budget allows on top, and all is as usual soon after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use wgrpc_cluster::{SelectMode, ServerList, XClient};
use wgrpc_core::{
    BoxFuture, CallInfo, CallOptions, Code, Error, Fault, Method, Middleware, Next, Result, Server,
    Service,
};

use crate::fleet::{Fleet, endpoint};

const SERVERS: usize = 3;

/// Between two calls.
const INTERVAL: Duration = Duration::from_millis(10);

/// How long all is well before.
const USUAL: Duration = Duration::from_secs(5);

/// How long everything fails then.
const STORM: Duration = Duration::from_secs(30);

/// How long after that all has to be as usual.
const RECOVERY: Duration = Duration::from_secs(2);

/// How long a call takes by itself.
const WORK: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The servers refuse every call: too much to do.
    Refuse,
    /// They never answer.
    Mute,
    /// The process ends with the first call that it begins, and is started again at once.
    Crash,
    /// Nobody is there at all.
    Away,
}

/// What all servers share.
#[derive(Clone)]
struct Weather {
    failure: Failure,
    is_storm: Arc<AtomicBool>,
    /// Calls that have reached a server.
    attempts: Arc<AtomicUsize>,
    fleet: Fleet,
}

impl Weather {
    fn start(&self) {
        (0..SERVERS).for_each(|number| self.start_server(number));
    }

    fn start_server(&self, number: usize) {
        let weather = self.clone();
        let answer = Method::future(move |_: u64, _| {
            let weather = weather.clone();
            async move { weather.answer(number).await }
        });
        let server = Server::builder()
            .register(Service::new("Work").method("Do", answer))
            .middleware(Gate(self.clone()))
            .start()
            .unwrap();
        self.fleet.put(&endpoint(number), server);
    }

    fn is_bad(&self, failure: Failure) -> bool {
        self.failure == failure && self.is_storm.load(Ordering::SeqCst)
    }

    async fn answer(&self, number: usize) -> std::result::Result<u64, Fault> {
        // Then it answers, when nobody waits for that any more.
        while self.is_bad(Failure::Mute) {
            sleep(Duration::from_secs(1)).await;
        }
        if self.is_bad(Failure::Crash) {
            self.start_server(number);
            std::future::pending::<()>().await;
        }
        sleep(WORK).await;
        Ok(0)
    }
}

/// Counts what reaches a server, and refuses it if that is the failure.
struct Gate(Weather);

impl Middleware for Gate {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        self.0.attempts.fetch_add(1, Ordering::SeqCst);
        if self.0.is_bad(Failure::Refuse) {
            let fault = Fault::new("too much to do").with_code(Code::Overloaded);
            return Box::pin(async { Err(Error::Refused(fault)) });
        }
        Box::pin(next.run(call))
    }
}

/// What a phase of calls at a steady rate came to.
#[derive(Debug)]
struct Phase {
    calls: usize,
    failed: Vec<Error>,
    slowest: Duration,
}

/// Calls at a steady rate, whatever becomes of the calls, and waits for all.
async fn call(client: &XClient, time: Duration) -> Phase {
    let (start, mut next) = (Instant::now(), Instant::now());
    let mut calls = JoinSet::new();
    while next < start + time {
        let options = CallOptions::new()
            .idempotent()
            .timeout(Duration::from_secs(2));
        let call = client.call_with::<_, u64>("Work.Do", &0u64, options);
        calls.spawn(async move {
            let begun = Instant::now();
            (call.await, begun.elapsed())
        });
        next += INTERVAL;
        sleep_until(next).await;
    }
    let mut phase = Phase {
        calls: calls.len(),
        failed: Vec::new(),
        slowest: Duration::ZERO,
    };
    for (result, took) in calls.join_all().await {
        phase.failed.extend(result.err());
        phase.slowest = phase.slowest.max(took);
    }
    phase
}

async fn storm(failure: Failure, select: SelectMode) {
    let what = format!("{failure:?}, {select:?}");
    fastrand::seed(1);
    let weather = Weather {
        failure,
        is_storm: Arc::default(),
        attempts: Arc::default(),
        fleet: Fleet::default(),
    };
    weather.start();
    let endpoints = (0..SERVERS).map(endpoint);
    let client = weather
        .fleet
        .reached_by(XClient::builder().select(select))
        .start(ServerList::new(endpoints))
        .unwrap();
    client.ready().await;
    let usual = call(&client, USUAL).await;
    assert!(usual.failed.is_empty(), "{what}: {usual:?}");

    weather.is_storm.store(true, Ordering::SeqCst);
    if failure == Failure::Away {
        (0..SERVERS).for_each(|number| weather.fleet.remove(&endpoint(number)));
    }
    let dials = weather.fleet.dials();
    // Healed at the very end of the storm, not when its last calls have ended.
    let healing = {
        let weather = weather.clone();
        tokio::spawn(async move {
            sleep(STORM).await;
            weather.is_storm.store(false, Ordering::SeqCst);
            if failure == Failure::Away {
                weather.start();
            }
            weather.attempts.load(Ordering::SeqCst)
        })
    };
    let healed = Instant::now() + STORM;
    let bad = call(&client, STORM).await;
    let attempts = healing.await.unwrap();
    let dials = weather.fleet.dials() - dials;
    // Of the whole run: what was not sent again before the storm is saved up for a while.
    let seconds = (USUAL + STORM).as_secs() as usize;
    let allowed = (usual.calls + bad.calls) * 12 / 10 + 10 * seconds;
    assert!(attempts <= allowed, "{what}: {attempts} of {allowed}");
    // Dialled every quarter of a second at most, each of them.
    assert!(dials <= SERVERS * 4 * seconds, "{what}: {dials} dials");
    assert!(
        bad.slowest <= Duration::from_millis(2_100),
        "{what}: {bad:?}"
    );

    sleep_until(healed + RECOVERY).await;
    let before = weather.attempts.load(Ordering::SeqCst);
    let again = call(&client, Duration::from_secs(20)).await;
    let attempts = weather.attempts.load(Ordering::SeqCst) - before;
    assert!(again.failed.is_empty(), "{what}: {again:?}");
    assert_eq!(attempts, again.calls, "{what}: calls are made twice");
    let (slow, usual) = (again.slowest, usual.slowest);
    assert!(slow <= 2 * usual, "{what}: {slow:?}, before {usual:?}");
    // A server that was connected to in vain for long may be connected to again only now.
    sleep(Duration::from_secs(40)).await;
    assert_eq!(weather.fleet.open(), SERVERS, "{what}: {client:?}");
}

#[tokio::test(start_paused = true)]
async fn servers_that_refuse_get_no_more_than_the_budget_on_top() {
    for select in [SelectMode::RoundRobin, SelectMode::PeakEwma] {
        storm(Failure::Refuse, select).await;
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_never_answer_get_no_more_than_the_budget_on_top() {
    for select in [SelectMode::RoundRobin, SelectMode::PeakEwma] {
        storm(Failure::Mute, select).await;
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_crash_get_no_more_than_the_budget_on_top() {
    for select in [SelectMode::RoundRobin, SelectMode::PeakEwma] {
        storm(Failure::Crash, select).await;
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_away_are_dialled_a_few_times_a_second() {
    for select in [SelectMode::RoundRobin, SelectMode::PeakEwma] {
        storm(Failure::Away, select).await;
    }
}
