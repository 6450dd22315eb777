//! One run: a registry, three servers, five clients, a minute in which things go wrong, time to
//! recover, and what has to be true.
//!
//! * Every call ends within its time and 100 ms. A reply belongs to its call, and so does an error
//!   that a server has said.
//! * What a caller is told of the execution of its call is true, and no call is executed twice that
//!   is not idempotent.
//! * As long as there is one server that nothing happens to, no idempotent call fails that may be
//!   made elsewhere.
//! * Whatever becomes of the registry, no client that has known servers ever knows none. Soon after
//!   the registry is well it lists all servers, and all clients know them.
//! * In the end every server gets its share, and every client is connected to each of them.
//! * Nothing is left then: no stream, no call, no task.
//! * The same seed gives the same run, whatever the wall clocks say meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep};
use wgrpc_cluster::{Discovery, Endpoint, RegistryDiscovery, ServerList};
use wgrpc_core::{Error, Result};

use crate::faults::Victims;
use crate::ledger::Ledger;
use crate::load::{Caller, Habits, Tally, World};
use crate::network::{Death, Host, Network};
use crate::registry_node::{RegistryNode, WallClock};
use crate::servers::Node;
use crate::trace::{Telling, Trace};

const SERVERS: Host = 3;
const CLIENTS: Host = 5;
const REGISTRY: Host = SERVERS + CLIENTS;

/// In which servers register and clients learn of them, before anything goes wrong.
const START: Duration = Duration::from_secs(5);

/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(60);

/// How long after that everything works as if nothing had been. A server that was sick is left out
/// for a minute at most, and 5 s more by clients that have no call to spare for a probe; and again
/// as much, if that is how it turns out that its connection has died unnoticed. The longest pause
/// between two attempts to connect is 36 s.
const RECOVERY: Duration = Duration::from_secs(80);

/// How long after the last fault the registry lists all servers: they beat after 33 s at most.
const LISTED: Duration = Duration::from_secs(36);

/// How much later all clients know them. One whose registry could not be reached asks every 11 s.
const KNOWN: Duration = Duration::from_secs(15);

/// How long it is looked at in the end.
const GOOD_TIMES: Duration = Duration::from_secs(20);

/// After this whatever was given up is over too.
const AFTERMATH: Duration = Duration::from_secs(20);

/// What has become of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// A number for everything that has happened, in its order.
    pub hash: u64,
    /// How many calls were made.
    pub calls: usize,
    /// How many of them failed of what went wrong.
    pub failed: usize,
    /// How long after the last fault a call began that failed.
    pub recovered: Duration,
    /// What has happened that must not.
    pub wrong: Vec<String>,
}

/// What the clocks show that people set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WallClocks {
    /// The time.
    Right,
    /// Now and then they are set forward or back, by up to a day.
    Stepping,
}

/// Runs the minute of this seed, on this thread, with clocks that step.
///
/// # Errors
/// If there is no runtime to be had, or a server or client cannot be set up.
pub fn run(seed: u64, telling: Telling) -> anyhow::Result<Outcome> {
    run_with(seed, telling, WallClocks::Stepping)
}

/// The same with these clocks.
///
/// # Errors
/// As [`run`].
pub fn run_with(seed: u64, telling: Telling, clocks: WallClocks) -> anyhow::Result<Outcome> {
    // What the product leaves to chance.
    fastrand::seed(seed);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(minute(seed, telling, clocks))?)
}

async fn minute(seed: u64, telling: Telling, clocks: WallClocks) -> Result<Outcome> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let world = World {
        network: Network::new(chance.u64(..), SERVERS + CLIENTS + 1),
        ledger: Ledger::default(),
        trace: Trace::new(telling),
        tally: Tally::default(),
    };
    let (network, trace) = (&world.network, &world.trace);
    let clock = WallClock::new();
    let registry = RegistryNode::new(REGISTRY, network, &clock);
    registry.start();
    let servers: Vec<Node> = (0..SERVERS)
        .map(|host| Node::new(host, network, &registry, &world.ledger, trace))
        .collect();
    for server in &servers {
        server.start()?;
    }
    let mut endpoints = Vec::new();
    for server in &servers {
        endpoints.push(server.endpoint()?);
    }
    let mut callers = Vec::new();
    for host in SERVERS..SERVERS + CLIENTS {
        let habits = Habits::by_chance(&mut chance);
        let known = discovery(host, &habits, &endpoints, &registry)?;
        callers.push(Caller::start(host, &world, known, habits, chance.fork())?);
    }
    let callers = Arc::new(callers);
    sleep(START).await;
    check_known(trace, &callers);

    // In half of all runs one server is spared, so that no idempotent call has a reason to fail.
    let is_one_spared = chance.bool();
    let victims = Victims {
        network: network.clone(),
        trace: trace.clone(),
        servers: servers.clone(),
        registry: registry.clone(),
        doomed: SERVERS - usize::from(is_one_spared),
        clients: (SERVERS..SERVERS + CLIENTS).collect(),
        callers: callers.clone(),
    };
    let end = Instant::now() + TROUBLE;
    let stepping = tokio::spawn(step(clock, clocks, chance.fork(), end));
    victims.suffer(chance.fork(), end).await;
    // It only sets a clock.
    let _ = stepping.await;
    let healed = Instant::now();
    trace.note(format_args!("all is well again"));
    sleep(LISTED).await;
    let listed = registry.listed().await;
    if listed != SERVERS {
        trace.wrong(format_args!("the registry lists {listed} servers"));
    }
    sleep(KNOWN).await;
    check_known(trace, &callers);
    sleep(RECOVERY - LISTED - KNOWN).await;
    let before: Vec<u64> = servers.iter().map(Node::executions).collect();
    sleep(GOOD_TIMES).await;
    let after = servers.iter().map(Node::executions);
    let shares: Vec<u64> = after
        .zip(before)
        .map(|(after, before)| after - before)
        .collect();
    check_good_times(trace, &shares, &callers);
    match Arc::try_unwrap(callers) {
        Ok(callers) => check_end(&world, &servers, &registry, callers).await,
        Err(_) => trace.wrong(format_args!("a fault is not over")),
    }
    check_calls(&world, healed, is_one_spared);
    Ok(outcome(&world, healed))
}

/// Where a client with these habits finds its servers.
fn discovery(
    host: Host,
    habits: &Habits,
    endpoints: &[Endpoint],
    registry: &RegistryNode,
) -> Result<Arc<dyn Discovery>> {
    if !habits.asks_registry {
        return Ok(Arc::new(ServerList::new(endpoints.to_vec())));
    }
    let registry = registry.client(host);
    let registry = registry.map_err(|error| Error::Setup(error.to_string()))?;
    Ok(Arc::new(RegistryDiscovery::of_client(registry, None)))
}

/// Sets the clock now and then, or would: so often in either case.
async fn step(clock: WallClock, clocks: WallClocks, mut chance: fastrand::Rng, end: Instant) {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    while Instant::now() < end {
        let wrong = chance.i64(-DAY..=DAY);
        if clocks == WallClocks::Stepping {
            clock.set_wrong(wrong);
        }
        sleep(Duration::from_millis(chance.u64(1..=5_000))).await;
    }
}

/// Every client knows all servers.
fn check_known(trace: &Trace, callers: &[Caller]) {
    for (client, caller) in (SERVERS..).zip(callers) {
        let known = caller.client.servers().len();
        if known != SERVERS {
            trace.wrong(format_args!("client {client} knows {known} servers"));
        }
    }
}

/// Everybody is well, and gets a share.
fn check_good_times(trace: &Trace, shares: &[u64], callers: &[Caller]) {
    trace.note(format_args!("calls by server in good times: {shares:?}"));
    if shares.contains(&0) {
        trace.wrong(format_args!("a server gets no share: {shares:?}"));
    }
    for (client, caller) in (SERVERS..).zip(callers) {
        for server in caller.client.servers() {
            if !server.is_connected || !server.is_usable {
                trace.wrong(format_args!("client {client} does without {server:?}"));
            }
        }
    }
}

/// Whatever was begun is over, and nothing is left of it.
async fn check_end(
    world: &World,
    servers: &[Node],
    registry: &RegistryNode,
    mut callers: Vec<Caller>,
) {
    let trace = &world.trace;
    for caller in &mut callers {
        caller.stop().await;
    }
    // What was given up is executed to its end.
    sleep(AFTERMATH).await;
    for caller in &callers {
        for server in caller.client.servers() {
            if server.in_flight > 0 {
                trace.wrong(format_args!("calls are in flight: {server:?}"));
            }
        }
    }
    for server in servers.iter().filter(|server| server.at_work() > 0) {
        trace.wrong(format_args!("server {} is at work", server.host()));
    }
    // A client and a server hold an end each.
    let (open, expected) = (world.network.open(Some(REGISTRY)), 2 * SERVERS * CLIENTS);
    if open != expected {
        trace.wrong(format_args!(
            "{open} ends of streams are open, not {expected}"
        ));
    }
    drop(callers);
    sleep(AFTERMATH).await;
    let open = world.network.open(Some(REGISTRY));
    if open != 0 {
        trace.wrong(format_args!(
            "{open} ends of streams are open without clients"
        ));
    }
    for server in servers {
        server.shut_down().await;
    }
    let listed = registry.listed().await;
    if listed != 0 {
        trace.wrong(format_args!(
            "{listed} servers are listed that were shut down"
        ));
    }
    registry.kill(Death::Process);
    sleep(AFTERMATH).await;
    let open = world.network.open(None);
    if open != 0 {
        trace.wrong(format_args!(
            "{open} ends of streams are open without anybody"
        ));
    }
    let tasks = Handle::current().metrics().num_alive_tasks();
    if tasks != 0 {
        trace.wrong(format_args!("{tasks} tasks are left"));
    }
}

/// What callers were told is true, and no call failed without a reason.
fn check_calls(world: &World, healed: Instant, is_one_spared: bool) {
    let trace = &world.trace;
    for contradiction in world.ledger.contradictions() {
        trace.wrong(format_args!("{contradiction}"));
    }
    let counts = world.tally.counts();
    if is_one_spared {
        for (_, call) in &counts.failed_idempotent {
            trace.wrong(format_args!(
                "call {call} failed, with a server that was well"
            ));
        }
    }
    for (begun, call) in counts.all_failed() {
        if *begun >= healed + RECOVERY {
            trace.wrong(format_args!("call {call} failed in good times"));
        }
    }
}

fn outcome(world: &World, healed: Instant) -> Outcome {
    let counts = world.tally.counts();
    let last = counts.all_failed().map(|(begun, _)| *begun).max();
    let recovered = last.map_or(Duration::ZERO, |last| {
        last.saturating_duration_since(healed)
    });
    Outcome {
        hash: world.trace.hash(),
        calls: world.ledger.calls(),
        failed: counts.all_failed().count(),
        recovered,
        wrong: world.trace.all_wrong(),
    }
}
