//! What the pure parts of the client do together, in simulated time: who gets the calls when
//! servers fail, are slow, die and come back.

mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use wgrpc_cluster::{Endpoint, Node, Outcome, SelectMode, Survey};
use world::{Server, World, answers_in, between, fails_with};

const ALL: [SelectMode; 6] = [
    SelectMode::Random,
    SelectMode::RoundRobin,
    SelectMode::WeightedRoundRobin,
    SelectMode::ConsistentHash,
    SelectMode::LeastLoaded,
    SelectMode::PeakEwma,
];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn three(first: Server) -> Vec<Server> {
    vec![first, answers_in(2.0), answers_in(2.0)]
}

#[test]
fn a_server_that_fails_at_once_attracts_no_calls() {
    for rate in [50, 2_000] {
        for outcome in [Outcome::Failed, Outcome::Overloaded] {
            // By its load alone, even if nobody were ever left out.
            for mode in [SelectMode::LeastLoaded, SelectMode::PeakEwma] {
                let servers = three(fails_with(outcome));
                let mut world = World::new(&mode, rate, servers).without_health();
                world.run_until(seconds(1));
                let report = world.run_until(seconds(30));
                let share = report.share(0);
                assert!(share <= 0.05, "{mode:?} at {rate}/s, {outcome:?}: {share}");
            }
        }
        for mode in &ALL {
            for outcome in [Outcome::Failed, Outcome::Unreachable] {
                let mut world = World::new(mode, rate, three(fails_with(outcome)));
                world.run_until(seconds(1));
                let report = world.run_until(seconds(30));
                let share = report.share(0);
                assert!(share <= 0.05, "{mode:?} at {rate}/s, {outcome:?}: {share}");
                assert_eq!(report.failed, 0, "{mode:?} at {rate}/s, {outcome:?}");
            }
        }
    }
}

#[test]
fn a_server_that_is_ten_times_slower_gets_little() {
    for rate in [100, 1_000, 4_000] {
        for count in [3, 10] {
            let mut servers = vec![answers_in(20.0)];
            servers.resize_with(count, || answers_in(2.0));
            let mut world = World::new(&SelectMode::PeakEwma, rate, servers);
            world.run_until(seconds(1));
            let report = world.run_until(seconds(60));
            let share = report.share(0);
            assert!(share < 0.05, "{count} servers at {rate}/s: {share}");
            assert_eq!(report.failed, 0);
            // The others share the rest.
            let even = 1.0 / (count - 1) as f64;
            for server in 1..count {
                let share = report.share(server);
                assert!(
                    (0.5 * even..1.5 * even).contains(&share),
                    "{server}: {share}"
                );
            }
        }
    }
}

#[test]
fn no_call_is_lost_when_one_of_three_is_killed_and_it_gets_its_share_when_it_is_back() {
    for mode in &ALL {
        let killed = between(10, 30, fails_with(Outcome::Unreachable), answers_in(2.0));
        let mut world = World::new(mode, 5_000, three(killed));
        let before = world.run_until(seconds(10));
        let dying = world.run_until(seconds(11));
        let after = world.run_until(seconds(30));
        let back = world.run_until(seconds(45));
        assert_eq!(
            before.failed + dying.failed + after.failed + back.failed,
            0,
            "{mode:?}"
        );
        assert!(
            after.p99() <= 2 * before.p99(),
            "{mode:?}: {:?}",
            after.p99()
        );
        let share = world.run_until(seconds(60)).share(0);
        assert!(share >= 0.25, "{mode:?}: {share}");
    }
}

#[test]
fn no_idempotent_call_is_lost_when_one_of_three_freezes() {
    for mode in &ALL {
        let hangs: Server = Box::new(|_, _| (Duration::MAX / 2, Outcome::Answered));
        let mut world = World::new(mode, 2_000, three(between(10, 20, hangs, answers_in(2.0))));
        let before = world.run_until(seconds(10));
        let freezing = world.run_until(seconds(12));
        let is_left_out = world.survey.usable == [1, 2];
        let after = world.run_until(seconds(20));
        // One that gets the least gets so few calls that hang that nobody need leave it out.
        assert!(
            is_left_out || after.share(0) < 0.01,
            "{mode:?}: {}",
            after.share(0)
        );
        let thawed = world.run_until(seconds(35));
        let failed = [&before, &freezing, &after, &thawed].map(|report| report.failed);
        assert_eq!(failed, [0; 4], "{mode:?}");
        assert!(
            after.p99() <= 2 * before.p99(),
            "{mode:?}: {:?}",
            after.p99()
        );
        let share = world.run_until(seconds(50)).share(0);
        assert!(share >= 0.25, "{mode:?}: {share}");
    }
}

#[test]
fn when_all_are_dead_all_are_tried_and_the_first_that_heals_serves_all() {
    for mode in &ALL {
        let dead = |from, to| between(from, to, fails_with(Outcome::Unreachable), answers_in(2.0));
        let servers = vec![dead(10, 30), dead(10, 600), dead(10, 600)];
        let mut world = World::new(mode, 1_000, servers);
        world.run_until(seconds(29));
        assert!(world.survey.is_panic);
        assert_eq!(world.survey.usable.len(), 3);
        world.run_until(seconds(31));
        let healed = world.run_until(seconds(90));
        assert_eq!(healed.failed, 0, "{mode:?}");
        assert!(healed.p99() < Duration::from_millis(20), "{mode:?}");
    }
}

#[test]
fn half_of_the_servers_are_left_out_and_no_more() {
    let sick = |_| fails_with(Outcome::Failed);
    for (count, ill, usable) in [
        (4, 1, 3),
        (4, 2, 2),
        (4, 3, 4),
        (3, 1, 2),
        (3, 2, 3),
        (1, 1, 1),
    ] {
        let mut servers: Vec<Server> = (0..ill).map(sick).collect();
        servers.resize_with(count, || answers_in(2.0));
        let mut world = World::new(&SelectMode::RoundRobin, 100, servers);
        world.run_until(seconds(3));
        assert_eq!(world.survey.usable.len(), usable, "{ill} of {count}");
        assert_eq!(world.survey.is_panic, ill * 2 > count);
        assert_eq!(world.survey.ill.len(), ill);
    }
}

#[test]
fn retries_do_not_multiply_the_load_of_servers_that_all_fail() {
    for mode in &ALL {
        for outcome in [Outcome::Failed, Outcome::Unreachable, Outcome::Overloaded] {
            let servers: Vec<Server> = (0..3)
                .map(|_| between(0, 30, fails_with(outcome), answers_in(2.0)))
                .collect();
            let mut world = World::new(mode, 1_000, servers);
            let failing = world.run_until(seconds(30));
            let attempts: usize = failing.attempts.iter().sum();
            let allowed = failing.calls * 12 / 10 + 10 * 30;
            assert!(
                attempts <= allowed,
                "{mode:?}, {outcome:?}: {attempts} of {allowed}"
            );
            world.run_until(seconds(32));
            let healed = world.run_until(seconds(60));
            assert_eq!(healed.failed, 0, "{mode:?}, {outcome:?}");
            assert!(
                healed.p99() < Duration::from_millis(20),
                "{mode:?}, {outcome:?}"
            );
        }
    }
}

#[test]
fn what_is_known_of_a_server_ends_with_it_however_often_the_list_changes() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut known: BTreeMap<u32, Arc<Node>> = BTreeMap::new();
    let mut gone: Vec<Weak<Node>> = Vec::new();
    for _ in 0..10_000 {
        let mut next = BTreeMap::new();
        for _ in 0..30 {
            let number = random.u32(0..1_000);
            let address = format!("tcp@10.0.{}.{}:9001", number / 250, number % 250);
            let endpoint = Endpoint::parse(&address).unwrap().weight(random.u32(1..4));
            let node = match known.get(&number) {
                Some(node) => node.renewed(endpoint),
                None => Node::new(endpoint),
            };
            next.insert(number, Arc::new(node));
        }
        gone.extend(known.values().map(Arc::downgrade));
        known = next;
        let nodes: Vec<_> = known.values().cloned().collect();
        let survey = Survey::of(&nodes);
        assert_eq!(survey.usable.len(), nodes.len());
        // What is in flight on a server is still known when its weight is another.
        for node in &nodes {
            assert!(node.load().in_flight() <= 10_000);
            let _ = node.load().begin(Duration::ZERO);
        }
        assert!(gone.iter().all(|node| node.strong_count() == 0));
        gone.clear();
    }
}
