//! Calls that come ten at a time, in simulated time: nothing has come back when the last of a
//! burst is given to a server.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::*;

/// How many calls come at a time.
const BURST: u32 = 10;

/// What a call to a server takes and comes to, from when on it begins.
type Server = fn(Duration, &mut fastrand::Rng) -> (Duration, Outcome);

/// How many of the calls of the seconds after `from` each server gets, at so many a second.
fn counts(mode: &SelectMode, servers: &[Server], rate: u32, from: u64, until: u64) -> Vec<usize> {
    let fleet = Fleet::new(mode, &vec![1; servers.len()]);
    let mut random = fastrand::Rng::with_seed(1);
    let mut ends: BinaryHeap<Reverse<(Duration, u32)>> = BinaryHeap::new();
    let mut calls = BTreeMap::new();
    let mut counts = vec![0; servers.len()];
    let mut now = Duration::ZERO;
    for number in 0.. {
        if number % BURST == 0 {
            now = Duration::from_secs(1) * number / rate;
        }
        if now >= Duration::from_secs(until) {
            break;
        }
        while let Some(&Reverse((end, call))) = ends.peek().filter(|end| end.0.0 <= now) {
            ends.pop();
            let (server, begun, outcome): (usize, _, _) = calls.remove(&call).unwrap();
            fleet.nodes[server].load().end(begun, end, outcome);
        }
        let choice = Choice {
            nodes: &fleet.nodes,
            usable: &fleet.usable,
            tried: &[],
            key: None,
            now,
        };
        let server = fleet.balancer.pick(&choice, random.u64(..)).unwrap();
        let (takes, outcome) = servers[server](now, &mut random);
        let begun = fleet.nodes[server].load().begin(now);
        ends.push(Reverse((now + takes, number)));
        calls.insert(number, (server, begun, outcome));
        counts[server] += usize::from(now >= Duration::from_secs(from));
    }
    counts
}

/// A millisecond, or two as timers have it, and once in two thousand calls up to eight more.
fn quick(_: Duration, random: &mut fastrand::Rng) -> (Duration, Outcome) {
    let mut millis = 1.0 + 1.1 * random.f64();
    if random.u32(..2_000) == 0 {
        millis += 8.0 * random.f64();
    }
    (Duration::from_secs_f64(millis / 1e3), Outcome::Answered)
}

/// Ten times slower.
fn slow(now: Duration, random: &mut fastrand::Rng) -> (Duration, Outcome) {
    let (takes, outcome) = quick(now, random);
    (takes + Duration::from_millis(9), outcome)
}

/// Fails at once for ten seconds, then it is like the others.
fn back_after_ten_seconds(now: Duration, random: &mut fastrand::Rng) -> (Duration, Outcome) {
    if now < Duration::from_secs(10) {
        (Duration::from_micros(100), Outcome::Failed)
    } else {
        quick(now, random)
    }
}

#[test]
fn a_server_that_is_ten_times_slower_gets_little_of_a_burst() {
    for rate in [500, 5_000, 20_000] {
        let counts = counts(&SelectMode::PeakEwma, &[slow, quick, quick], rate, 1, 20);
        let all: usize = counts.iter().sum();
        let share = counts[0] as f64 / all as f64;
        assert!(share < 0.05, "{share} at {rate}/s: {counts:?}");
        let others = counts[1] as f64 / counts[2] as f64;
        assert!((0.75..1.33).contains(&others), "{rate}/s: {counts:?}");
    }
}

#[test]
fn a_server_that_is_back_gets_its_share_soon_also_if_there_are_few_calls() {
    let servers = [back_after_ten_seconds, quick, quick];
    for mode in [SelectMode::LeastLoaded, SelectMode::PeakEwma] {
        for rate in [50, 1_000] {
            let failing = counts(&mode, &servers, rate, 1, 10);
            let share = failing[0] as f64 / failing.iter().sum::<usize>() as f64;
            assert!(share <= 0.05, "{mode:?} at {rate}/s: {failing:?}");
            let back = counts(&mode, &servers, rate, 14, 24);
            let share = back[0] as f64 / back.iter().sum::<usize>() as f64;
            assert!(share >= 0.25, "{mode:?} at {rate}/s: {back:?}");
        }
    }
}
