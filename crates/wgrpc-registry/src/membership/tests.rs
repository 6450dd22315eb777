//! Leases over simulated time: renewal, silence, protection, floods.

use super::*;
use crate::rhythm::{BEAT_MAX, TTL};

const SECOND: Duration = Duration::from_secs(1);

fn server(number: usize) -> Registration {
    let host = format!(
        "tcp@10.{}.{}.{}:9001",
        number >> 16,
        number >> 8 & 255,
        number & 255
    );
    let mut registration = Registration::new(host.parse().unwrap());
    registration.ttl = Some(TTL);
    registration
}

fn membership() -> Membership {
    Membership::new(MembershipConfig::default(), 0)
}

fn addresses(membership: &Membership, group: Option<&str>) -> Vec<String> {
    let listing = membership.listing(group, Duration::ZERO);
    listing
        .servers
        .iter()
        .map(|it| it.address.to_string())
        .collect()
}

#[test]
fn a_server_lives_for_its_time_after_its_last_sign_of_life() {
    let mut membership = membership();
    membership.register(server(1), Duration::ZERO).unwrap();
    membership.register(server(1), 60 * SECOND).unwrap();
    assert_eq!(membership.sweep(TTL, 0), 0);
    assert_eq!(membership.next_sweep(), Some(150 * SECOND));
    assert_eq!(
        membership.listing(None, 149 * SECOND).servers[0].age,
        Some(89 * SECOND)
    );
    assert_eq!(membership.sweep(150 * SECOND, 0), 1);
    assert!(membership.is_empty());
    assert_eq!(membership.next_sweep(), None);
}

#[test]
fn without_a_time_to_live_it_is_there_for_ever() {
    let mut membership = membership();
    let eternal = Registration {
        ttl: None,
        ..server(1)
    };
    membership
        .register(eternal.clone(), Duration::ZERO)
        .unwrap();
    assert_eq!(membership.next_sweep(), None);
    assert_eq!(membership.sweep(Duration::MAX, 0), 0);
    assert!(membership.deregister("", &eternal.address));
    assert!(!membership.deregister("", &eternal.address));
    assert!(!membership.deregister("other", &eternal.address));
}

#[test]
fn times_of_any_length_do_not_overflow() {
    let mut membership = membership();
    for ttl in [Duration::ZERO, Duration::MAX] {
        let mut odd = server(1);
        odd.ttl = Some(ttl);
        membership.register(odd, 5 * SECOND).unwrap();
        membership.sweep(6 * SECOND, 0);
    }
    assert_eq!(membership.sweep(Duration::MAX, 0), 1);
}

#[test]
fn the_revision_tells_changes_from_renewals() {
    let mut membership = membership();
    assert_eq!(membership.revision(), 0);
    membership.register(server(1), SECOND).unwrap();
    assert_eq!(membership.revision(), 1);
    membership.register(server(1), 2 * SECOND).unwrap();
    assert_eq!(membership.revision(), 1);
    let mut heavier = server(1);
    heavier.meta.weight = 3;
    membership.register(heavier.clone(), 3 * SECOND).unwrap();
    assert_eq!(membership.revision(), 2);
    membership.deregister("", &heavier.address);
    assert_eq!(membership.revision(), 3);
}

#[test]
fn what_has_changed_and_who_has_not_make_the_new_list() {
    let mut membership = membership();
    let mut random = fastrand::Rng::with_seed(7);
    let key = |it: &Server| (it.group.clone(), it.address.clone());
    let mut before = membership.listing(None, Duration::ZERO);
    for round in 0..200_u32 {
        let now = round * 10 * SECOND;
        for _ in 0..random.usize(..8) {
            let mut registration = server(random.usize(..40));
            registration.group = ["a", "b"][random.usize(..2)].to_owned();
            registration.meta.weight = random.u32(..3);
            if random.bool() {
                membership.register(registration, now).unwrap();
            } else {
                membership.deregister(&registration.group, &registration.address);
            }
        }
        membership.sweep(now, random.u64(..));
        let after = membership.listing(None, now);
        let changes = membership.changes(None, before.revision, now).unwrap();
        assert_eq!(
            (changes.revision, changes.is_warming),
            (after.revision, after.is_warming)
        );
        assert_eq!(changes.is_empty(), before.revision == after.revision);
        let gone = |it: &Server| changes.gone.contains(&key(it));
        let changed = |it: &Server| changes.servers.iter().any(|other| key(other) == key(it));
        before.servers.retain(|it| !gone(it) && !changed(it));
        before.servers.extend(changes.servers.clone());
        Server::sort(&mut before.servers);
        let say = |listing: &Listing| -> Vec<_> {
            listing
                .servers
                .iter()
                .map(|it| (key(it), it.meta.clone()))
                .collect()
        };
        assert_eq!(say(&before), say(&after));
        before = after;
    }
    assert!(before.revision > 500);
    assert_eq!(
        membership.changes(None, before.revision + 1, Duration::ZERO),
        None
    );
}

#[test]
fn changes_of_one_group_are_not_those_of_another() {
    let mut membership = membership();
    let mut one = server(1);
    one.group = "a".to_owned();
    membership.register(one.clone(), SECOND).unwrap();
    let seen = membership.revision();
    membership.register(server(2), SECOND).unwrap();
    membership.deregister("a", &one.address);
    let of = |group| membership.changes(group, seen, SECOND).unwrap();
    assert_eq!(of(Some("a")).gone, [("a".to_owned(), one.address.clone())]);
    assert!(of(Some("a")).servers.is_empty() && of(Some("b")).is_empty());
    assert_eq!((of(None).servers.len(), of(None).gone.len()), (1, 1));
}

#[test]
fn groups_are_listed_apart_and_together_sorted() {
    let mut membership = membership();
    for (number, group) in [(3, "b"), (1, "b"), (2, "a"), (1, "a")] {
        let mut registration = server(number);
        registration.group = group.to_owned();
        membership.register(registration, Duration::ZERO).unwrap();
    }
    let (one, two, three) = (
        "tcp@10.0.0.1:9001",
        "tcp@10.0.0.2:9001",
        "tcp@10.0.0.3:9001",
    );
    assert_eq!(addresses(&membership, Some("a")), [one, two]);
    assert_eq!(addresses(&membership, Some("b")), [one, three]);
    assert_eq!(addresses(&membership, None), [one, one, two, three]);
    assert!(addresses(&membership, Some("c")).is_empty());
}

#[test]
fn it_says_that_it_does_not_know_everybody_yet() {
    let membership = membership();
    assert!(membership.listing(None, 34 * SECOND).is_warming);
    assert!(!membership.listing(None, 35 * SECOND).is_warming);
}

#[test]
fn whoever_beats_is_listed_when_the_list_is_whole_again() {
    let mut random = fastrand::Rng::with_seed(3);
    // How long the registry was away.
    for away in [
        Duration::ZERO,
        SECOND,
        10 * SECOND,
        60 * SECOND,
        600 * SECOND,
    ] {
        let (mut membership, mut last) = (membership(), Duration::ZERO);
        for number in 0..10_000 {
            let mut rhythm = Rhythm::of(TTL);
            // The last one that arrived was at most so long before the registry went away.
            let mut due = rhythm.after_success(random.f64()).mul_f64(random.f64());
            while due < away {
                // It may take its whole time to fail.
                due += rhythm.after_failure(random.f64()) + BEAT_MAX.mul_f64(random.f64());
            }
            let arrives = due - away + BEAT_MAX.mul_f64(random.f64());
            membership.register(server(number), arrives).unwrap();
            last = last.max(arrives);
        }
        assert!(
            membership.listing(None, last).is_warming,
            "{last:?} after {away:?}"
        );
    }
}

/// What a simulation saw.
#[derive(Debug, Default)]
struct Seen {
    /// Servers that were taken off.
    evicted: usize,
    /// The most within any half minute.
    most: usize,
    /// The fewest that were listed.
    fewest: usize,
    /// The longest that one was missing.
    missing: Duration,
}

/// `servers` beat as ours do for `hours`; a beat is lost with this probability.
fn beats_get_lost(servers: usize, seconds: u64, loss: f64, seed: u64) -> (Membership, Seen) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut membership = membership();
    let mut beats: Vec<_> = (0..servers)
        .map(|number| {
            membership.register(server(number), Duration::ZERO).unwrap();
            let mut rhythm = Rhythm::of(TTL);
            (rhythm.after_success(random.f64()), rhythm)
        })
        .collect();
    let mut seen = Seen {
        fewest: servers,
        ..Seen::default()
    };
    let mut missing_since = vec![None; servers];
    let mut evictions = Vec::new();
    for second in 1..=seconds {
        let now = second as u32 * SECOND;
        for (number, (due, rhythm)) in beats.iter_mut().enumerate() {
            while *due <= now {
                let pause = if random.f64() < loss {
                    rhythm.after_failure(random.f64())
                } else {
                    membership.register(server(number), *due).unwrap();
                    if let Some(since) = missing_since[number].take() {
                        seen.missing = seen.missing.max(*due - since);
                    }
                    rhythm.after_success(random.f64())
                };
                *due += pause;
            }
        }
        let evicted = membership.sweep(now, random.u64(..));
        if evicted > 0 {
            evictions.push((second, evicted));
            let listed = addresses(&membership, None);
            for (number, since) in missing_since.iter_mut().enumerate() {
                if since.is_none() && !listed.contains(&server(number).address.to_string()) {
                    *since = Some(now);
                }
            }
        }
        seen.evicted += evicted;
        seen.fewest = seen.fewest.min(membership.len());
        let recent = evictions.iter().filter(|(at, _)| at + 30 > second);
        seen.most = seen.most.max(recent.map(|(_, evicted)| evicted).sum());
    }
    (membership, seen)
}

#[test]
fn most_heartbeats_lost_for_minutes_take_few_servers_off_the_list() {
    for seed in 0..20 {
        let (_, seen) = beats_get_lost(100, 300, 0.9, seed);
        // A sweep may stand at the end of one interval and another at the next one's beginning.
        assert!(seen.most <= 15, "{seen:?}");
        assert!(seen.fewest >= 40, "{seen:?}");
    }
}

#[test]
fn a_third_of_the_heartbeats_lost_for_an_hour_takes_almost_nobody_off() {
    let mut evicted = 0;
    for seed in 0..10 {
        let (_, seen) = beats_get_lost(100, 3600, 0.3, seed);
        assert!(seen.missing <= 33 * SECOND, "{seen:?}");
        evicted += seen.evicted;
    }
    // Nine beats in a row have to get lost: about one server in four hours.
    assert!(evicted <= 5, "{evicted}");
}

#[test]
fn those_that_are_really_gone_are_off_within_three_times_their_time() {
    let mut membership = membership();
    for number in 0..100 {
        membership.register(server(number), Duration::ZERO).unwrap();
    }
    let mut listed = Vec::new();
    for second in 1..=270_u32 {
        let now = second * SECOND;
        if second % 30 == 0 {
            for number in 0..10 {
                membership.register(server(number), now).unwrap();
            }
        }
        membership.sweep(now, u64::from(second));
        listed.push(membership.len());
    }
    assert_eq!(listed[88], 100);
    assert_eq!(listed[89], 85);
    assert_eq!(listed[118], 85);
    assert_eq!(listed[119], 85 - 12);
    assert!(listed[268] > 10, "they were protected for that long");
    assert_eq!(listed[269], 10);
}

#[test]
fn the_same_chance_takes_the_same_servers_off() {
    let survivors = |random| {
        let mut membership = membership();
        for number in 0..100 {
            membership.register(server(number), Duration::ZERO).unwrap();
        }
        membership.sweep(TTL, random);
        addresses(&membership, None)
    };
    assert_eq!(survivors(1), survivors(1));
    assert_ne!(survivors(1), survivors(2));
}

#[test]
fn a_million_addresses_displace_nobody_who_is_alive() {
    let mut membership = membership();
    for number in 0..100 {
        membership.register(server(number), Duration::ZERO).unwrap();
    }
    let mut refused = 0;
    for number in 100..1_000_100 {
        let now = Duration::from_micros(number as u64 * 50);
        refused += usize::from(membership.register(server(number), now).is_err());
    }
    assert_eq!((membership.len(), refused), (10_000, 990_100));
    for number in 0..100 {
        membership.register(server(number), 60 * SECOND).unwrap();
    }
    // Once they are silent for long enough, the others have to make room.
    membership
        .register(server(2_000_000), 140 * SECOND)
        .unwrap();
    assert_eq!(membership.len(), 101);
}

#[test]
fn a_day_of_heartbeats_of_ten_thousand_servers_loses_nobody() {
    let mut membership = membership();
    let servers: Vec<_> = (0..10_000).map(server).collect();
    for beat in 0..24 * 60 * 2_u32 {
        let start = beat * 30 * SECOND;
        for (number, registration) in servers.iter().enumerate() {
            let now = start + Duration::from_millis(3 * number as u64);
            membership.register(registration.clone(), now).unwrap();
        }
        assert_eq!(membership.sweep(start + 30 * SECOND, 0), 0);
    }
    assert_eq!(membership.len(), 10_000);
    assert_eq!(
        membership.revision(),
        10_000,
        "nothing has changed since they came"
    );
}
