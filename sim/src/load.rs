//! The clients, and the calls that they make.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use wgrpc_cluster::{Discovery, Endpoint, FailMode, SelectMode, XClient};
use wgrpc_core::{CallOptions, Cause, Connector, Error, Executed, Result};

use crate::ledger::{Job, Ledger};
use crate::network::{Host, Network};
use crate::servers::{METHOD, host_of, reply_to};
use crate::trace::Trace;

/// How late a call may end, after its time is up.
const LATE: Duration = Duration::from_millis(100);

/// One client with its calls.
pub(crate) struct Caller {
    pub(crate) client: XClient,
    /// The servers that it knows.
    discovery: Arc<dyn Discovery>,
    stop: Arc<AtomicBool>,
    calling: JoinHandle<()>,
}

/// What a client is like.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    select: SelectMode,
    fail: FailMode,
    /// Which part of its calls is idempotent.
    idempotent: f64,
    /// Whether it finds its servers in the registry, or in a list of its own.
    pub(crate) asks_registry: bool,
    /// The pauses between its calls are at most so long, in milliseconds.
    pause: u64,
}

/// What calls have come to. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

/// How many calls there were, and how they ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) succeeded: u64,
    /// By an error that the server was to answer.
    pub(crate) refused: u64,
    /// When the idempotent ones began that have failed.
    pub(crate) failed_idempotent: Vec<(Instant, u64)>,
    /// The same of the others.
    pub(crate) failed: Vec<(Instant, u64)>,
}

/// What all callers share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
}

impl Habits {
    /// Those of a client by chance.
    pub(crate) fn by_chance(chance: &mut fastrand::Rng) -> Self {
        let select = match chance.u8(0..6) {
            0 => SelectMode::Random,
            1 => SelectMode::RoundRobin,
            2 => SelectMode::WeightedRoundRobin,
            3 => SelectMode::ConsistentHash,
            4 => SelectMode::LeastLoaded,
            _ => SelectMode::PeakEwma,
        };
        let fail = match chance.u8(0..8) {
            0 => FailMode::FailFast,
            1 => FailMode::FailTry,
            _ => FailMode::FailOver,
        };
        let idempotent = [0.0, 0.5, 0.5, 0.9, 1.0];
        Self {
            select,
            fail,
            idempotent: idempotent[chance.usize(..idempotent.len())],
            asks_registry: chance.u8(..3) > 0,
            pause: chance.u64(500..=2_000),
        }
    }

    fn fails_over(&self) -> bool {
        self.fail == FailMode::FailOver
    }
}

impl Caller {
    /// A client on this host, that calls until it is told to stop.
    pub(crate) fn start(
        host: Host,
        world: &World,
        discovery: Arc<dyn Discovery>,
        habits: Habits,
        chance: fastrand::Rng,
    ) -> Result<Self> {
        world
            .trace
            .note(format_args!("client {host} starts with {habits:?}"));
        let network = world.network.clone();
        let client = XClient::builder()
            .select(habits.select.clone())
            .fail(habits.fail)
            .dial(move |connector, address| {
                let network = network.clone();
                async move { dial(&network, host, &connector, &address.to_string()).await }
            })
            .start(discovery.clone())?;
        let stop = Arc::new(AtomicBool::new(false));
        let calling = tokio::spawn(call(
            host,
            client.clone(),
            world.clone(),
            habits,
            chance,
            stop.clone(),
        ));
        Ok(Self {
            client,
            discovery,
            stop,
            calling,
        })
    }

    /// Waits until its last call has ended.
    pub(crate) async fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A call that panics shows in the ledger of what is wrong: it was noted.
        let _ = (&mut self.calling).await;
    }

    /// Replaces the list of servers by another. The registry's next word overrules it.
    pub(crate) fn knows(&self, servers: Vec<Endpoint>) {
        self.discovery.update(servers);
    }
}

impl Counts {
    /// Every call that failed of what went wrong, and when it began.
    pub(crate) fn all_failed(&self) -> impl Iterator<Item = &(Instant, u64)> {
        self.failed_idempotent.iter().chain(&self.failed)
    }
}

impl Tally {
    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().clone()
    }
}

async fn dial(
    network: &Network,
    from: Host,
    connector: &Connector,
    address: &str,
) -> Result<wgrpc_core::Client> {
    let failed = |cause| Error::Connect {
        address: address.to_owned(),
        cause,
    };
    let host = host_of(address).ok_or_else(|| failed(Cause::new("no such host")))?;
    let stream = network.connect(from, host).await;
    let stream = stream.map_err(|error| failed(Cause::new(error)))?;
    Ok(connector.from_stream(stream))
}

async fn call(
    host: Host,
    client: XClient,
    world: World,
    habits: Habits,
    mut chance: fastrand::Rng,
    stop: Arc<AtomicBool>,
) {
    let mut calls = JoinSet::new();
    let mut has_known = false;
    while !stop.load(Ordering::Relaxed) {
        let knows = !client.servers().is_empty();
        if has_known && !knows {
            let trace = &world.trace;
            trace.wrong(format_args!("client {host} knows no server any more"));
        }
        has_known |= knows;
        let (job, timeout) = any_job(&mut chance, &habits);
        let mut request = vec![world.ledger.open(job.clone())];
        request.extend((0..job.ballast).map(|_| chance.u64(..)));
        let mut options = CallOptions::new().timeout(timeout);
        if job.is_idempotent {
            options = options.idempotent();
        }
        if chance.bool() {
            options = options.key(chance.u8(..20).to_le_bytes());
        }
        let fails_over = habits.fails_over();
        let (client, world) = (client.clone(), world.clone());
        calls.spawn(async move {
            let call = request[0];
            let begun = Instant::now();
            let result = client
                .call_with::<_, Vec<u64>>(METHOD, &request, options)
                .await;
            let late = begun.elapsed().saturating_sub(timeout);
            if late > LATE {
                world.trace.wrong(format_args!(
                    "call {call} ended {late:?} after its time ({result:?})"
                ));
            }
            judge(&world, host, &request, &job, begun, result, fails_over);
        });
        while calls.try_join_next().is_some() {}
        sleep(Duration::from_millis(chance.u64(1..=habits.pause))).await;
    }
    while let Some(ended) = calls.join_next().await {
        if let Err(error) = ended {
            world
                .trace
                .wrong(format_args!("a call has panicked: {error}"));
        }
    }
}

fn any_job(chance: &mut fastrand::Rng, habits: &Habits) -> (Job, Duration) {
    let job = Job {
        is_idempotent: chance.f64() < habits.idempotent,
        work: Duration::from_millis(match chance.u8(..10) {
            0..5 => 0,
            5..9 => chance.u64(1..20),
            _ => chance.u64(20..200),
        }),
        fails: chance.u8(..50) == 0,
        ballast: match chance.u16(..500) {
            0 => chance.usize(..20_000),
            _ => chance.usize(..20),
        },
    };
    (job, Duration::from_millis(chance.u64(2_000..=6_000)))
}

/// Notes what a call has come to, and whether that can be.
fn judge(
    world: &World,
    host: Host,
    request: &[u64],
    job: &Job,
    begun: Instant,
    result: Result<Vec<u64>>,
    fails_over: bool,
) {
    let call = request[0];
    let World {
        ledger,
        trace,
        tally,
        ..
    } = world;
    let took = begun.elapsed();
    let mut counts = tally.0.lock();
    match result {
        Ok(reply) => {
            let server = reply.last().map_or(0, |&server| server as Host);
            trace.note(format_args!(
                "client {host} has call {call} answered by server {server} after {took:?}"
            ));
            if reply != reply_to(request, server) || job.fails {
                trace.wrong(format_args!("the reply to call {call} belongs to another"));
            }
            if ledger.executions(call) == 0 {
                trace.wrong(format_args!("nobody has executed call {call}"));
            }
            counts.succeeded += 1;
        }
        Err(error) => {
            trace.note(format_args!(
                "client {host} has call {call} ({}) fail after {took:?}: {error}",
                if job.is_idempotent {
                    "idempotent"
                } else {
                    "once"
                },
            ));
            ledger.told(call, error.is_executed());
            if let Error::Remote(fault) = &error {
                if !job.fails || fault.text() != format!("call {call} is to fail") {
                    trace.wrong(format_args!(
                        "call {call} got the error of another: {error}"
                    ));
                }
                counts.refused += 1;
            } else if job.is_idempotent && fails_over {
                counts.failed_idempotent.push((begun, call));
            } else {
                counts.failed.push((begun, call));
            }
            if error.is_executed() == Executed::Yes && ledger.executions(call) == 0 {
                trace.wrong(format_args!("nobody has executed call {call}: {error}"));
            }
        }
    }
}
