//! When a server is left out, for how long, and how it comes back.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::balance::Node;
use crate::discovery::Endpoint;

/// A server's health, with time that passes.
struct Patient {
    health: Health,
    policy: HealthPolicy,
    now: Duration,
}

impl Patient {
    fn new() -> Self {
        Self {
            health: Health::default(),
            policy: HealthPolicy::default(),
            now: Duration::from_secs(100),
        }
    }

    /// A call that takes no time. Chance makes terms as long as they can be.
    fn call(&mut self, outcome: Outcome) -> bool {
        self.now += Duration::from_millis(1);
        self.health
            .record(outcome, self.now, self.now, u64::MAX, &self.policy)
    }

    fn calls(&mut self, count: usize, outcome: Outcome) -> Condition {
        for _ in 0..count {
            self.call(outcome);
        }
        self.health.condition()
    }

    fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }
}

#[test]
fn five_failures_in_a_row_are_enough() {
    let mut patient = Patient::new();
    assert_eq!(patient.calls(4, Outcome::Failed), Condition::Well);
    assert_eq!(patient.calls(1, Outcome::Answered), Condition::Well);
    assert_eq!(patient.calls(4, Outcome::Failed), Condition::Well);
    // That it has too much to do is an answer, too.
    assert_eq!(patient.calls(1, Outcome::Overloaded), Condition::Well);
    assert_eq!(patient.calls(4, Outcome::Failed), Condition::Well);
    assert!(patient.call(Outcome::Failed));
    assert_eq!(patient.health.condition(), Condition::Sick);
}

#[test]
fn a_server_that_fails_too_often_is_left_out_once_there_are_enough_calls() {
    let mut patient = Patient::new();
    for _ in 0..4 {
        // Three quarters succeed.
        assert_eq!(patient.calls(3, Outcome::Answered), Condition::Well);
        patient.call(Outcome::Failed);
    }
    assert_eq!(patient.calls(3, Outcome::Answered), Condition::Well);
    assert_eq!(patient.calls(1, Outcome::Failed), Condition::Sick);

    let mut patient = Patient::new();
    for _ in 0..1_000 {
        // Five sixths do, which is enough.
        patient.calls(5, Outcome::Answered);
        assert_eq!(patient.calls(1, Outcome::Failed), Condition::Well);
    }
    // What happened half a minute ago is forgotten.
    patient.wait(31.0);
    assert_eq!(patient.calls(1, Outcome::Answered), Condition::Well);
    assert_eq!(patient.calls(4, Outcome::Failed), Condition::Well);
    assert_eq!(patient.calls(13, Outcome::Answered), Condition::Well);
    assert_eq!(patient.calls(1, Outcome::Failed), Condition::Well);
    assert_eq!(patient.calls(1, Outcome::Failed), Condition::Sick);
}

#[test]
fn answers_and_what_says_nothing_never_count_against_a_server() {
    let mut patient = Patient::new();
    for outcome in [Outcome::Answered, Outcome::Overloaded, Outcome::Unknown] {
        assert_eq!(patient.calls(1_000, outcome), Condition::Well);
    }
}

#[test]
fn terms_double_up_to_a_minute_and_begin_anew_after_a_while() {
    let mut patient = Patient::new();
    assert!(patient.call(Outcome::Unreachable));
    for term in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
        patient.wait(term - 0.01);
        assert!(
            !patient.health.try_probe(patient.now, Duration::ZERO),
            "{term}"
        );
        patient.wait(0.01);
        assert!(
            patient.health.try_probe(patient.now, Duration::ZERO),
            "{term}"
        );
        assert!(!patient.call(Outcome::Unreachable));
    }
    patient.wait(60.0);
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
    assert!(patient.call(Outcome::Answered));
    // It relapses soon: the term is as long as before.
    patient.call(Outcome::Unreachable);
    patient.wait(59.0);
    assert!(!patient.health.try_probe(patient.now, Duration::ZERO));
    patient.wait(1.0);
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
    patient.call(Outcome::Answered);
    // It was well for long.
    patient.wait(30.0);
    patient.call(Outcome::Unreachable);
    patient.wait(1.0);
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
}

#[test]
fn there_is_one_probe_at_a_time_and_one_that_is_lost_is_replaced() {
    let mut patient = Patient::new();
    patient.calls(5, Outcome::Failed);
    patient.wait(1.0);
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
    patient.wait(29.0);
    assert!(!patient.health.try_probe(patient.now, Duration::ZERO));
    patient.wait(1.0);
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
    // One that was given up makes room at once.
    assert!(!patient.call(Outcome::Unknown));
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
}

#[test]
fn what_was_asked_before_it_fell_ill_changes_nothing() {
    let mut patient = Patient::new();
    let before = patient.now;
    patient.calls(5, Outcome::Failed);
    for outcome in [Outcome::Answered, Outcome::Failed, Outcome::Unreachable] {
        patient.wait(2.0);
        let random = u64::MAX;
        let changed = patient
            .health
            .record(outcome, before, patient.now, random, &patient.policy);
        assert!(!changed);
        assert_eq!(patient.health.condition(), Condition::Sick);
    }
    // Its term is over, whatever came late.
    assert!(patient.health.try_probe(patient.now, Duration::ZERO));
}

#[test]
fn those_that_are_not_wanted_or_not_reachable_are_used_only_if_nobody_else_is() {
    let endpoint = |text: &str| Endpoint::parse(text).unwrap();
    let mut draining = endpoint("tcp@10.0.0.3:1");
    draining.is_draining = true;
    let nodes = [
        endpoint("tcp@10.0.0.1:1"),
        endpoint("tcp@10.0.0.2:1").weight(0),
        draining,
        endpoint("tcp@10.0.0.4:1"),
    ];
    let nodes: Vec<_> = nodes
        .into_iter()
        .map(|endpoint| Arc::new(Node::new(endpoint)))
        .collect();
    let fall_ill = |index: usize| {
        let policy = HealthPolicy::default();
        let now = Duration::from_secs(1);
        nodes[index]
            .health()
            .record(Outcome::Unreachable, now, now, 0, &policy)
    };
    assert_eq!(Survey::of(&nodes).usable, [0, 3]);
    fall_ill(0);
    assert_eq!(Survey::of(&nodes).usable, [3]);
    fall_ill(3);
    assert_eq!(Survey::of(&nodes).usable, [1, 2]);
    fall_ill(1);
    assert_eq!(Survey::of(&nodes).usable, [2]);
    fall_ill(2);
    let survey = Survey::of(&nodes);
    assert_eq!(survey.usable, [0, 3]);
    assert_eq!(survey.ill, [0, 1, 2, 3]);
    assert!(survey.is_panic);
    assert_eq!(Survey::of(&[]), Survey::default());
}

#[test]
fn every_ill_server_gets_its_probe_though_few_are_asked_at_a_time() {
    let policy = HealthPolicy::default();
    let nodes = (0..100).map(|number| format!("tcp@10.0.0.{number}:1"));
    let nodes: Vec<_> = nodes
        .map(|address| Arc::new(Node::new(Endpoint::parse(&address).unwrap())))
        .collect();
    let now = Duration::from_secs(1);
    for node in &nodes[..40] {
        node.health()
            .record(Outcome::Unreachable, now, now, 0, &policy);
    }
    let survey = Survey::of(&nodes);
    assert_eq!(survey.probe(&nodes, now, Duration::ZERO, 0), None);
    let later = Duration::from_secs(2);
    let mut probed: Vec<_> = (0..400)
        .filter_map(|random| survey.probe(&nodes, later, Duration::ZERO, random))
        .collect();
    probed.sort_unstable();
    assert_eq!(probed, (0..40).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn somebody_can_always_be_used_and_at_most_half_of_the_sick_are_left_out(
        illnesses in proptest::collection::vec((0_usize..5, 0_u32..3), 1..12),
    ) {
        let policy = HealthPolicy::default();
        let now = Duration::from_secs(1);
        let mut nodes = Vec::new();
        for (number, (illness, weight)) in illnesses.into_iter().enumerate() {
            let endpoint = Endpoint::parse(&format!("tcp@10.0.0.{number}:1")).unwrap();
            let node = Node::new(endpoint.weight(weight));
            let (outcome, times) = match illness {
                0 => (Outcome::Unreachable, 1),
                1 | 2 => (Outcome::Failed, 5),
                _ => (Outcome::Answered, 1),
            };
            for _ in 0..times {
                node.health().record(outcome, now, now, 0, &policy);
            }
            nodes.push(Arc::new(node));
        }
        let survey = Survey::of(&nodes);
        prop_assert!(!survey.usable.is_empty());
        prop_assert!(survey.usable.is_sorted());
        let wanted: Vec<_> = nodes.iter().filter(|node| node.endpoint().is_wanted()).collect();
        let out = (0..).zip(&nodes).filter(|(index, node)| {
            node.endpoint().is_wanted()
                && node.health().condition() == Condition::Sick
                && !survey.usable.contains(index)
        });
        let is_any_wanted_used = survey
            .usable
            .iter()
            .any(|&index| nodes[index as usize].endpoint().is_wanted());
        prop_assert!(!is_any_wanted_used || out.count() * 2 <= wanted.len());
    }
}

#[test]
fn what_was_asked_before_a_server_was_well_again_tells_nothing_new() {
    let health = Health::default();
    let policy = HealthPolicy::default();
    let at = Duration::from_secs;
    assert!(health.record(Outcome::Unreachable, at(10), at(10), 0, &policy));
    assert!(health.record(Outcome::Answered, at(11), at(12), 0, &policy));
    // Its caller had something else to do meanwhile.
    assert!(!health.record(Outcome::Unreachable, at(9), at(13), 0, &policy));
    assert_eq!(health.condition(), Condition::Well);
    assert!(health.record(Outcome::Unreachable, at(12), at(13), 0, &policy));
}

#[test]
fn a_call_at_risk_is_a_probe_only_if_no_other_was_made_for_a_while() {
    let policy = HealthPolicy::default();
    let at = Duration::from_secs;
    let sick = || {
        let health = Health::default();
        for _ in 0..policy.failures_in_a_row {
            health.record(Outcome::Failed, at(10), at(10), 0, &policy);
        }
        assert_eq!(health.condition(), Condition::Sick);
        health
    };
    let reluctance = at(5);
    let health = sick();
    assert!(!health.try_probe(at(12), reluctance));
    assert!(health.try_probe(at(12), Duration::ZERO));
    // One is under way.
    assert!(!health.try_probe(at(20), reluctance));

    let health = sick();
    assert!(health.try_probe(at(16), reluctance));
    assert!(!health.try_probe(at(16), Duration::ZERO));
    assert!(health.record(Outcome::Answered, at(16), at(17), 0, &policy));
    assert_eq!(health.condition(), Condition::Well);
}
