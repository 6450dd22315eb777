//! Every way to choose does what it says: shares, order, who is avoided.

mod bursts;

use proptest::prelude::*;

use super::*;
use crate::discovery::Endpoint;
use crate::outcome::Outcome;

const NOW: Duration = Duration::from_secs(100);

/// Servers of these weights under one balancer.
struct Fleet {
    nodes: Vec<Arc<Node>>,
    usable: Vec<u32>,
    balancer: Box<dyn Balancer>,
    random: u64,
}

impl Fleet {
    fn new(mode: &SelectMode, weights: &[u32]) -> Self {
        Self::among(mode, (1..).zip(weights.iter().copied()))
    }

    /// Servers told apart by numbers, with their weights.
    fn among(mode: &SelectMode, numbers: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let nodes = numbers.into_iter().map(|(number, weight)| {
            let address = format!("tcp@10.0.{}.{}:9001", number / 250, number % 250);
            Arc::new(Node::new(Endpoint::parse(&address).unwrap().weight(weight)))
        });
        let nodes: Vec<_> = nodes.collect();
        Self {
            usable: (0..nodes.len() as u32).collect(),
            balancer: mode.build(&nodes, 7),
            nodes,
            random: 1,
        }
    }

    fn pick_with(&mut self, tried: &[u32], key: Option<&[u8]>) -> Option<usize> {
        self.random = candidates::mix(self.random);
        let choice = Choice {
            nodes: &self.nodes,
            usable: &self.usable,
            tried,
            key,
            now: NOW,
        };
        self.balancer.pick(&choice, self.random)
    }

    fn pick(&mut self) -> usize {
        self.pick_with(&[], None).unwrap()
    }

    /// How often each is picked.
    fn counts(&mut self, picks: usize) -> Vec<usize> {
        let mut counts = vec![0; self.nodes.len()];
        (0..picks).for_each(|_| counts[self.pick()] += 1);
        counts
    }

    /// The address of the owner of each key.
    fn owners(&mut self, keys: u32) -> Vec<String> {
        let mut owner = |key: u32| {
            let index = self.pick_with(&[], Some(&key.to_be_bytes())).unwrap();
            self.nodes[index].endpoint().address.to_string()
        };
        (0..keys).map(&mut owner).collect()
    }
}

fn modes() -> [SelectMode; 6] {
    [
        SelectMode::Random,
        SelectMode::RoundRobin,
        SelectMode::WeightedRoundRobin,
        SelectMode::ConsistentHash,
        SelectMode::LeastLoaded,
        SelectMode::PeakEwma,
    ]
}

/// Whether `count` of `total` is what a chance of `share` brings, within six standard deviations.
fn is_by_chance(count: usize, total: usize, share: f64) -> bool {
    let deviation = (total as f64 * share * (1.0 - share)).sqrt();
    (count as f64 - total as f64 * share).abs() <= 6.0 * deviation + 1.0
}

proptest! {
    #[test]
    fn only_usable_servers_are_picked_and_tried_ones_only_if_no_other_is_left(
        weights in proptest::collection::vec(0_u32..5, 1..20),
        usable in proptest::collection::btree_set(0_usize..20, 0..20),
        tried in proptest::collection::vec(0_u32..20, 0..5),
        key: Option<[u8; 2]>,
    ) {
        for mode in modes() {
            let mut fleet = Fleet::new(&mode, &weights);
            // Turns have been had with all of them before.
            fleet.counts(weights.len());
            fleet.usable.retain(|&index| usable.contains(&(index as usize)));
            let untried = fleet.usable.iter().any(|index| !tried.contains(index));
            for _ in 0..10 {
                let picked = fleet.pick_with(&tried, key.as_ref().map(|key| &key[..]));
                let Some(picked) = picked.map(|index| index as u32) else {
                    prop_assert!(fleet.usable.is_empty(), "{mode:?}");
                    continue;
                };
                prop_assert!(fleet.usable.contains(&picked), "{mode:?}");
                prop_assert!(!untried || !tried.contains(&picked), "{mode:?}");
            }
        }
    }

    #[test]
    fn weighted_turns_are_exact_over_a_cycle_and_evenly_spread(
        weights in proptest::collection::vec(1_u32..30, 1..12),
    ) {
        let mut fleet = Fleet::new(&SelectMode::WeightedRoundRobin, &weights);
        let total: u32 = weights.iter().sum();
        for _ in 0..3 {
            let counts = fleet.counts(total as usize);
            prop_assert!(counts.iter().zip(&weights).all(|(&had, &due)| had == due as usize));
        }
        // Nobody gets far from what is due to it, at any moment.
        let mut had = vec![0.0; weights.len()];
        for picks in 1..=total {
            had[fleet.pick()] += 1.0;
            for (had, &weight) in had.iter().zip(&weights) {
                let due = f64::from(picks * weight) / f64::from(total);
                prop_assert!((had - due).abs() < 2.5, "{weights:?}: {had} instead of {due}");
            }
        }
    }

    #[test]
    fn weighted_turns_stay_exact_for_those_that_are_left(
        weights in proptest::collection::vec(1_u32..10, 2..12),
        away: proptest::sample::Index,
        before in 0_usize..50,
    ) {
        let mut fleet = Fleet::new(&SelectMode::WeightedRoundRobin, &weights);
        fleet.counts(before);
        let away = away.index(weights.len());
        fleet.usable.remove(away);
        let cycle = |fleet: &Fleet| -> u32 {
            fleet.usable.iter().map(|&index| weights[index as usize]).sum()
        };
        // Where the turns begin in the cycle is left over from before; after a cycle it is not.
        let left = cycle(&fleet) as usize;
        fleet.counts(left);
        let counts = fleet.counts(left);
        for (index, &count) in counts.iter().enumerate() {
            let due = if index == away { 0 } else { weights[index] as usize };
            prop_assert_eq!(count, due);
        }
        fleet.usable.insert(away, away as u32);
        let all = cycle(&fleet) as usize;
        fleet.counts(2 * all);
        let counts = fleet.counts(all);
        prop_assert!(counts.iter().zip(&weights).all(|(&had, &due)| had == due as usize));
    }
}

#[test]
fn chance_follows_the_weights() {
    const PICKS: usize = 100_000;
    for weights in [&[1, 1, 1, 1][..], &[1, 2, 3], &[1, 1_000], &[5, 0, 5]] {
        let mut fleet = Fleet::new(&SelectMode::Random, weights);
        // One of weight 0 that has to be used is like any other.
        let total: u32 = weights.iter().map(|&weight| weight.max(1)).sum();
        for (count, &weight) in fleet.counts(PICKS).into_iter().zip(weights) {
            let share = f64::from(weight.max(1)) / f64::from(total);
            assert!(is_by_chance(count, PICKS, share), "{weights:?}: {count}");
        }
    }
    // Also if those that weigh most cannot be used, which no draw would find by luck.
    let mut fleet = Fleet::new(&SelectMode::Random, &[1, 2, 1_000_000]);
    fleet.usable.pop();
    let counts = fleet.counts(PICKS);
    assert!(is_by_chance(counts[1], PICKS, 2.0 / 3.0), "{counts:?}");
    assert_eq!(counts[2], 0);
}

#[test]
fn turns_go_round_and_begin_anywhere() {
    let weights = [1; 5];
    let mut fleet = Fleet::new(&SelectMode::RoundRobin, &weights);
    let first = fleet.pick();
    let turns: Vec<_> = (0..10).map(|_| fleet.pick()).collect();
    let expected: Vec<_> = (1..=10).map(|turn| (first + turn) % 5).collect();
    assert_eq!(turns, expected);
    for mode in [SelectMode::RoundRobin, SelectMode::WeightedRoundRobin] {
        let mut firsts = [0; 5];
        for seed in 0..5_000 {
            fleet.balancer = mode.build(&fleet.nodes, candidates::mix(seed));
            firsts[fleet.pick()] += 1;
        }
        assert!(
            firsts.iter().all(|&count| is_by_chance(count, 5_000, 0.2)),
            "{firsts:?}"
        );
    }
}

#[test]
fn a_key_belongs_to_the_same_server_in_every_version() {
    // These must never change: programs of several versions share their keys.
    let mut fleet = Fleet::new(&SelectMode::ConsistentHash, &[1; 10]);
    let owners: Vec<_> = ["", "a", "user-42", "München"]
        .map(|key| fleet.pick_with(&[], Some(key.as_bytes())).unwrap())
        .to_vec();
    assert_eq!(owners, [7, 8, 4, 9]);
}

#[test]
fn keys_are_shared_evenly_and_by_weight() {
    const KEYS: u32 = 100_000;
    for count in [2, 3, 10, 100] {
        let mut fleet = Fleet::new(&SelectMode::ConsistentHash, &vec![1; count]);
        let owners = fleet.owners(KEYS);
        for node in &fleet.nodes {
            let address = node.endpoint().address.to_string();
            let keys = owners.iter().filter(|owner| **owner == address).count();
            let share = keys as f64 * count as f64 / f64::from(KEYS);
            assert!((0.75..1.25).contains(&share), "{share} of {count}");
        }
    }
    let mut fleet = Fleet::new(&SelectMode::ConsistentHash, &[1, 2, 3]);
    let owners = fleet.owners(KEYS);
    for (node, weight) in fleet.nodes.iter().zip([1.0, 2.0, 3.0]) {
        let address = node.endpoint().address.to_string();
        let keys = owners.iter().filter(|owner| **owner == address).count();
        let share = keys as f64 / f64::from(KEYS) * 6.0 / weight;
        assert!((0.75..1.25).contains(&share), "{share} of {weight}");
    }
}

#[test]
fn only_the_keys_of_a_server_that_comes_or_goes_move() {
    const KEYS: u32 = 20_000;
    let mode = SelectMode::ConsistentHash;
    for count in [3, 10, 100] {
        let all = Fleet::among(&mode, (1..=count).map(|number| (number, 1))).owners(KEYS);
        let gone = Fleet::among(&mode, [(2, 1)]).nodes[0]
            .endpoint()
            .address
            .to_string();
        let left = (1..=count).filter(|&number| number != 2);
        let fewer = Fleet::among(&mode, left.map(|number| (number, 1))).owners(KEYS);
        let mut moved = 0;
        for (before, after) in all.iter().zip(&fewer) {
            assert!(before == after || *before == gone);
            moved += u32::from(before != after);
        }
        assert!(
            f64::from(moved) < 1.25 * f64::from(KEYS / count),
            "{moved} of {count}"
        );

        // One that cannot be used leaves its keys to the same others as one that is gone.
        let mut fleet = Fleet::among(&mode, (1..=count).map(|number| (number, 1)));
        fleet.usable.remove(1);
        assert_eq!(fleet.owners(KEYS), fewer);
    }
    // A greater weight only attracts.
    let light = Fleet::new(&mode, &[1, 1, 1]).owners(KEYS);
    let mut fleet = Fleet::new(&mode, &[1, 1, 2]);
    let heavy = fleet.nodes[2].endpoint().address.to_string();
    let moved = light.iter().zip(fleet.owners(KEYS));
    assert!(
        moved
            .into_iter()
            .all(|(before, after)| *before == after || after == heavy)
    );
}

#[test]
fn weights_of_any_size_make_no_more_points_than_there_is_room_for() {
    let mut fleet = Fleet::new(&SelectMode::ConsistentHash, &[u32::MAX, u32::MAX / 2, 1]);
    let owners = fleet.owners(1_000);
    let first = fleet.nodes[0].endpoint().address.to_string();
    let share = owners.iter().filter(|owner| **owner == first).count();
    assert!((600..730).contains(&share), "{share}");
}

#[test]
fn a_call_without_a_key_goes_anywhere() {
    let mut fleet = Fleet::new(&SelectMode::ConsistentHash, &[1, 1, 2]);
    let counts = fleet.counts(10_000);
    assert!(is_by_chance(counts[2], 10_000, 0.5), "{counts:?}");
}

#[test]
fn the_least_loaded_of_few_is_picked_for_its_weight() {
    let mut fleet = Fleet::new(&SelectMode::LeastLoaded, &[1, 1, 4]);
    for (index, calls) in [(0, 2), (1, 3), (2, 7)] {
        for _ in 0..calls {
            let _ = fleet.nodes[index].load().begin(NOW);
        }
    }
    // 2 of weight 1, 3 of weight 1, 7 of weight 4.
    assert_eq!(fleet.counts(10), [0, 0, 10]);
    (0..2).for_each(|_| drop(fleet.nodes[2].load().begin(NOW)));
    assert_eq!(fleet.counts(10), [10, 0, 0]);
}

#[test]
fn idle_servers_get_calls_in_proportion_to_their_weights() {
    const PICKS: usize = 40_000;
    let many: Vec<u32> = (0..20).map(|index| 1 + index % 2).collect();
    for weights in [vec![1, 3], vec![1, 1, 1, 1], many] {
        let mut fleet = Fleet::new(&SelectMode::LeastLoaded, &weights);
        let total: u32 = weights.iter().sum();
        for (count, &weight) in fleet.counts(PICKS).into_iter().zip(&weights) {
            let share = f64::from(weight) / f64::from(total);
            assert!(is_by_chance(count, PICKS, share), "{weights:?}: {count}");
        }
    }
}

#[test]
fn the_worst_of_many_is_never_picked_if_two_are_drawn() {
    for mode in [SelectMode::LeastLoaded, SelectMode::PeakEwma] {
        let mut fleet = Fleet::new(&mode, &[1; 20]);
        for node in &fleet.nodes {
            let begun = node.load().begin(NOW);
            node.load()
                .end(begun, NOW + Duration::from_millis(1), Outcome::Answered);
        }
        let _ = fleet.nodes[3].load().begin(NOW);
        let counts = fleet.counts(10_000);
        assert_eq!(counts[3], 0);
        assert!(
            counts.iter().filter(|&&count| count > 400).count() == 19,
            "{counts:?}"
        );
    }
}

#[test]
fn an_own_way_to_choose_is_built_for_each_list() {
    struct Last(usize);
    impl Balancer for Last {
        fn pick(&self, _: &Choice<'_>, _: u64) -> Option<usize> {
            self.0.checked_sub(1)
        }
    }
    let mode = SelectMode::custom(|nodes| Last(nodes.len()));
    assert_eq!(Fleet::new(&mode, &[1, 1, 1]).pick(), 2);
    assert_eq!(format!("{mode:?}"), "Custom");
}

#[test]
fn every_way_that_has_a_name_is_found_by_it() {
    for name in SelectMode::NAMES {
        let mode: SelectMode = name.parse().unwrap();
        assert_eq!(mode.to_string(), name);
    }
    let error = "best".parse::<SelectMode>().unwrap_err();
    let text = "no way to choose a server is 'best': \
        expect random, round-robin, weighted, hash, least-loaded, ewma";
    assert_eq!(error.to_string(), text);
}
