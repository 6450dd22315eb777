//! One run: three servers, five clients, a minute in which things go wrong, time to recover, and
//! what has to be true then.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep};
use wgrpc_cluster::ServerList;
use wgrpc_core::Result;

use crate::faults::Victims;
use crate::ledger::Ledger;
use crate::load::{Caller, Habits, Tally, World};
use crate::network::{Host, Network};
use crate::servers::Node;
use crate::trace::{Telling, Trace};

const SERVERS: Host = 3;
const CLIENTS: Host = 5;

/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(60);

/// How long after that everything works as if nothing had been. A server that was sick is left out
/// for a minute at most, and 5 s more by clients that have no call to spare for a probe. If its
/// connection has died unnoticed meanwhile, that is what the probe finds, and it takes another
/// minute. The longest pause between two attempts to connect is 36 s.
const RECOVERY: Duration = Duration::from_secs(130);

/// How long it is looked at then.
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

/// Runs the minute of this seed, on this thread.
///
/// # Errors
/// If there is no runtime to be had, or a server or client cannot be set up.
pub fn run(seed: u64, telling: Telling) -> anyhow::Result<Outcome> {
    // What the product leaves to chance.
    fastrand::seed(seed);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(minute(seed, telling))?)
}

async fn minute(seed: u64, telling: Telling) -> Result<Outcome> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let world = World {
        network: Network::new(chance.u64(..), SERVERS + CLIENTS),
        ledger: Ledger::default(),
        trace: Trace::new(telling),
        tally: Tally::default(),
    };
    let (network, trace) = (&world.network, &world.trace);
    let servers: Vec<Node> = (0..SERVERS)
        .map(|host| Node::new(host, network, &world.ledger, trace))
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
        let list = ServerList::new(endpoints.clone());
        callers.push(Caller::start(host, &world, list, habits, chance.fork())?);
    }
    let callers = Arc::new(callers);

    // In half of all runs one server is spared, so that no idempotent call has a reason to fail.
    let is_one_spared = chance.bool();
    let victims = Victims {
        network: network.clone(),
        trace: trace.clone(),
        servers: servers.clone(),
        doomed: SERVERS - usize::from(is_one_spared),
        clients: (SERVERS..SERVERS + CLIENTS).collect(),
        callers: callers.clone(),
    };
    victims
        .suffer(chance.fork(), Instant::now() + TROUBLE)
        .await;
    let healed = Instant::now();
    trace.note(format_args!("all is well again"));
    sleep(RECOVERY).await;
    let before: Vec<u64> = servers.iter().map(Node::executions).collect();
    sleep(GOOD_TIMES).await;
    let after = servers.iter().map(Node::executions);
    let shares: Vec<u64> = after
        .zip(before)
        .map(|(after, before)| after - before)
        .collect();
    check_good_times(trace, &shares, &callers);
    match Arc::try_unwrap(callers) {
        Ok(callers) => check_end(&world, &servers, callers).await,
        Err(_) => trace.wrong(format_args!("a fault is not over")),
    }
    check_calls(&world, healed, is_one_spared);
    Ok(outcome(&world, healed))
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
async fn check_end(world: &World, servers: &[Node], mut callers: Vec<Caller>) {
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
    let (open, expected) = (world.network.open(), 2 * SERVERS * CLIENTS);
    if open != expected {
        trace.wrong(format_args!(
            "{open} ends of streams are open, not {expected}"
        ));
    }
    drop(callers);
    sleep(AFTERMATH).await;
    let open = world.network.open();
    if open != 0 {
        trace.wrong(format_args!(
            "{open} ends of streams are open without clients"
        ));
    }
    for server in servers {
        server.shut_down().await;
    }
    sleep(AFTERMATH).await;
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
