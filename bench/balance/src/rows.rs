//! What is measured.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use wgrpc_cluster::{Choice, Endpoint, HealthPolicy, Node, Outcome, RetryBudget, SelectMode};

use crate::changes::Changes;

/// One thing to be measured.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Does it so many times.
    pub(crate) work: Box<dyn FnMut(u64)>,
    /// How many times fill a turn.
    pub(crate) times: u64,
    /// What one took, by round.
    pub(crate) nanos: Vec<f64>,
}

/// What all rows have in common.
struct Fleet {
    nodes: Vec<Arc<Node>>,
    usable: Vec<u32>,
}

const NOW: Duration = Duration::from_secs(1_000);

/// Everything, for so many servers.
pub(crate) fn all(servers: u32) -> Result<Vec<Row>> {
    let even = Arc::new(Fleet::new(servers, |_| 1)?);
    let weighted = Arc::new(Fleet::new(servers, |index| 1 + index % 3)?);
    let mut rows = Vec::new();
    for (name, mode, fleet) in [
        ("Random", SelectMode::Random, &even),
        ("Random, weights 1 to 3", SelectMode::Random, &weighted),
        ("RoundRobin", SelectMode::RoundRobin, &even),
        (
            "WeightedRoundRobin, weights 1 to 3",
            SelectMode::WeightedRoundRobin,
            &weighted,
        ),
        ("ConsistentHash", SelectMode::ConsistentHash, &even),
        ("LeastLoaded", SelectMode::LeastLoaded, &even),
        ("PeakEwma", SelectMode::PeakEwma, &even),
    ] {
        rows.push(pick(name, &mode, fleet, false));
    }
    let hash = SelectMode::ConsistentHash;
    rows.push(pick("ConsistentHash, second choice", &hash, &even, true));
    let peak = SelectMode::PeakEwma;
    rows.push(pick("PeakEwma, second choice", &peak, &even, true));
    rows.push(load(&even));
    rows.push(health(&even));
    rows.push(budget());
    let fleet = Arc::clone(&even);
    rows.push(row("building a ConsistentHash", move || {
        black_box(SelectMode::ConsistentHash.build(&fleet.nodes, 1));
    }));
    let endpoints: Vec<Endpoint> = even.nodes.iter().map(|it| it.endpoint().clone()).collect();
    let mut changes = Changes::new(endpoints.clone())?;
    rows.push(row("a list that differs in one server", move || {
        changes.change_list();
    }));
    let mut changes = Changes::new(endpoints)?;
    rows.push(row("a connection that ends and comes back", move || {
        changes.end_connection();
    }));
    Ok(rows)
}

/// Choosing a server; the second choice is that of a call which the first one failed.
fn pick(name: &'static str, mode: &SelectMode, fleet: &Arc<Fleet>, is_second: bool) -> Row {
    let fleet = Arc::clone(fleet);
    let balancer = mode.build(&fleet.nodes, 1);
    let mut random = Rng::with_seed(1);
    row(name, move || {
        let key = random.u64(..).to_ne_bytes();
        let mut choice = Choice {
            nodes: &fleet.nodes,
            usable: &fleet.usable,
            tried: &[],
            key: Some(&key),
            now: NOW,
        };
        let picked = balancer.pick(&choice, random.u64(..));
        if is_second {
            let tried = picked.map_or(0, |index| index as u32);
            choice.tried = std::slice::from_ref(&tried);
            black_box(balancer.pick(&choice, random.u64(..)));
        }
        black_box(picked);
    })
}

/// Counting a call in and out.
fn load(fleet: &Arc<Fleet>) -> Row {
    let fleet = Arc::clone(fleet);
    let mut now = NOW;
    let mut turn = 0;
    row("Load: begin and end", move || {
        turn = (turn + 1) % fleet.nodes.len();
        now += Duration::from_nanos(500);
        let load = fleet.nodes[turn].load();
        let begun = load.begin(now);
        load.end(begun, now + Duration::from_micros(300), Outcome::Answered);
    })
}

/// Taking note of an answer.
fn health(fleet: &Arc<Fleet>) -> Row {
    let fleet = Arc::clone(fleet);
    let policy = HealthPolicy::default();
    let mut now = NOW;
    let mut turn = 0;
    row("Health: an answer", move || {
        turn = (turn + 1) % fleet.nodes.len();
        now += Duration::from_nanos(500);
        let health = fleet.nodes[turn].health();
        black_box(health.record(Outcome::Answered, now, now, 0, &policy));
    })
}

fn budget() -> Row {
    let budget = RetryBudget::default();
    let mut now = NOW;
    row("RetryBudget: a call", move || {
        now += Duration::from_nanos(500);
        budget.count_call(now);
    })
}

fn row(name: &'static str, mut work: impl FnMut() + 'static) -> Row {
    Row {
        name,
        work: Box::new(move |times| (0..times).for_each(|_| work())),
        times: 1,
        nanos: Vec::new(),
    }
}

impl Fleet {
    fn new(servers: u32, weight: impl Fn(u32) -> u32) -> Result<Self> {
        let mut random = Rng::with_seed(2);
        let mut nodes = Vec::new();
        for index in 0..servers {
            let address = format!("tcp@10.0.{}.{}:9001", index / 250, index % 250);
            let node = Node::new(Endpoint::parse(&address)?.weight(weight(index)));
            let begun = node.load().begin(NOW);
            let took = Duration::from_micros(random.u64(200..400));
            node.load().end(begun, NOW + took, Outcome::Answered);
            for _ in 0..random.u32(0..4) {
                let _ = node.load().begin(NOW);
            }
            nodes.push(Arc::new(node));
        }
        Ok(Self {
            nodes,
            usable: (0..servers).collect(),
        })
    }
}
