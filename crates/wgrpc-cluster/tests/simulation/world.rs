//! A client and its servers in simulated time: calls arrive at a steady rate, are given to a
//! server, end, and are perhaps made again, as the client over many servers does it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use wgrpc_cluster::{
    Balancer, Begun, Choice, Endpoint, HealthPolicy, Node, Outcome, RetryBudget, RetryPolicy,
    SelectMode, Survey,
};
use wgrpc_core::Error;

/// What a server does with a call that reaches it at some time: after how long it ends, and how.
pub(crate) type Server = Box<dyn Fn(Duration, &mut Rng) -> (Duration, Outcome)>;

/// How long a call has.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

pub(crate) struct World {
    nodes: Vec<Arc<Node>>,
    servers: Vec<Server>,
    balancer: Box<dyn Balancer>,
    pub(crate) survey: Survey,
    pub(crate) health: HealthPolicy,
    retry: RetryPolicy,
    budget: RetryBudget,
    /// The time between two calls.
    interval: Duration,
    random: Rng,
    pub(crate) now: Duration,
    /// Attempts in flight by when they end.
    ends: BinaryHeap<Reverse<(Duration, u64)>>,
    attempts: BTreeMap<u64, Attempt>,
    next_call: Duration,
    next_attempt: u64,
}

/// One attempt in flight.
struct Attempt {
    call: Call,
    server: usize,
    begun: Begun,
    outcome: Outcome,
    /// What the attempt was given.
    timeout: Duration,
}

#[derive(Clone)]
struct Call {
    begun: Duration,
    tried: Vec<u32>,
}

/// What happened over some time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Calls that ended well.
    pub(crate) answered: usize,
    /// Calls that did not.
    pub(crate) failed: usize,
    /// Attempts that began, by server.
    pub(crate) attempts: Vec<usize>,
    /// Calls that began.
    pub(crate) calls: usize,
    /// How long those took that ended well.
    pub(crate) latencies: Vec<Duration>,
}

impl World {
    pub(crate) fn new(mode: &SelectMode, calls_per_second: u32, servers: Vec<Server>) -> Self {
        let nodes = (1..=servers.len()).map(|number| {
            let endpoint = Endpoint::parse(&format!("tcp@10.0.0.{number}:9001"));
            let endpoint = endpoint.expect("it is an address");
            Arc::new(Node::new(endpoint))
        });
        let nodes: Vec<_> = nodes.collect();
        Self {
            balancer: mode.build(&nodes, 3),
            survey: Survey::of(&nodes),
            nodes,
            servers,
            health: HealthPolicy::default(),
            retry: RetryPolicy::default(),
            budget: RetryBudget::default(),
            interval: Duration::from_secs(1) / calls_per_second,
            random: Rng::with_seed(5),
            now: Duration::ZERO,
            ends: BinaryHeap::new(),
            attempts: BTreeMap::new(),
            next_call: Duration::ZERO,
            next_attempt: 0,
        }
    }

    /// The same without anybody being left out for ill health.
    pub(crate) fn without_health(mut self) -> Self {
        self.health.failures_in_a_row = u32::MAX;
        self.health.success = 0.0;
        self
    }

    /// Lets time pass until then.
    pub(crate) fn run_until(&mut self, end: Duration) -> Report {
        let mut report = Report {
            attempts: vec![0; self.nodes.len()],
            ..Report::default()
        };
        loop {
            let ending = self
                .ends
                .peek()
                .map_or(Duration::MAX, |Reverse((at, _))| *at);
            self.now = ending.min(self.next_call).min(end);
            if self.now == end {
                return report;
            }
            if ending <= self.next_call {
                self.end_attempt(&mut report);
            } else {
                self.next_call += self.interval;
                report.calls += 1;
                self.budget.count_call(self.now);
                let call = Call {
                    begun: self.now,
                    tried: Vec::new(),
                };
                let probe =
                    self.survey
                        .probe(&self.nodes, self.now, Duration::ZERO, self.random.u64(..));
                self.attempt(call, probe, &mut report);
            }
        }
    }

    fn attempt(&mut self, call: Call, probe: Option<usize>, report: &mut Report) {
        let key = self.random.u64(..).to_ne_bytes();
        let choice = Choice {
            nodes: &self.nodes,
            usable: &self.survey.usable,
            tried: &call.tried,
            key: Some(&key),
            now: self.now,
        };
        let server = probe.or_else(|| self.balancer.pick(&choice, self.random.u64(..)));
        let server = server.expect("there are servers");
        report.attempts[server] += 1;
        let (takes, outcome) = self.servers[server](self.now, &mut self.random);
        let left = (call.begun + DEADLINE).saturating_sub(self.now);
        let timeout = self.retry.timeout(call.tried.len() as u32, left, true);
        let outcome = if takes < timeout {
            outcome
        } else {
            Outcome::Failed
        };
        let end = self.now + takes.min(timeout);
        let begun = self.nodes[server].load().begin(self.now);
        self.ends.push(Reverse((end, self.next_attempt)));
        let attempt = Attempt {
            call,
            server,
            begun,
            outcome,
            timeout,
        };
        self.attempts.insert(self.next_attempt, attempt);
        self.next_attempt += 1;
    }

    fn end_attempt(&mut self, report: &mut Report) {
        let Some(Reverse((_, number))) = self.ends.pop() else {
            return;
        };
        let Some(attempt) = self.attempts.remove(&number) else {
            return;
        };
        let (node, outcome) = (&self.nodes[attempt.server], attempt.outcome);
        let begun_at = attempt.begun.at();
        node.load().end(attempt.begun, self.now, outcome);
        let random = self.random.u64(..);
        if node
            .health()
            .record(outcome, begun_at, self.now, random, &self.health)
        {
            self.survey = Survey::of(&self.nodes);
        }
        let error = match outcome {
            Outcome::Answered => {
                report.answered += 1;
                report.latencies.push(self.now - attempt.call.begun);
                return;
            }
            Outcome::Failed => Error::Timeout {
                after: attempt.timeout,
                sent: true,
            },
            _ => Error::Closed { sent: false },
        };
        let mut call = attempt.call;
        call.tried.push(attempt.server as u32);
        let made = call.tried.len() as u32;
        let has_time = self.now < call.begun + DEADLINE;
        if has_time && self.retry.allows(made, &error, true) && self.budget.try_retry(self.now) {
            self.attempt(call, None, report);
        } else {
            report.failed += 1;
        }
    }
}

impl Report {
    /// Which part of all attempts this server got.
    pub(crate) fn share(&self, server: usize) -> f64 {
        self.attempts[server] as f64 / self.attempts.iter().sum::<usize>() as f64
    }

    /// The latency that 99 of 100 calls do not exceed.
    pub(crate) fn p99(&self) -> Duration {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        latencies[latencies.len() * 99 / 100]
    }
}

/// Answers after about this time, half of it more or less by chance.
pub(crate) fn answers_in(millis: f64) -> Server {
    Box::new(move |_, random| {
        let takes = millis * (0.5 + random.f64());
        (Duration::from_secs_f64(takes / 1e3), Outcome::Answered)
    })
}

/// Ends every call so after a tenth of a millisecond.
pub(crate) fn fails_with(outcome: Outcome) -> Server {
    Box::new(move |_, _| (Duration::from_micros(100), outcome))
}

/// Is the one server from the first time to the second, in seconds, and otherwise the other.
pub(crate) fn between(from: u64, to: u64, meanwhile: Server, otherwise: Server) -> Server {
    Box::new(move |now, random| {
        if (from..to).contains(&now.as_secs()) {
            meanwhile(now, random)
        } else {
            otherwise(now, random)
        }
    })
}
