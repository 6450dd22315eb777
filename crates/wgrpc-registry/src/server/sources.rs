//! Who registers how often: nobody may keep the registry busy, or guess its token in a hurry.
//!
//! For each source there is one number: when it would be done if it kept to the pace. Whoever is
//! done may be forgotten. Each new source looks for that at a few of the others, one after the
//! other in a ring, so that a post costs the same however many there are.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How far ahead of the pace a source may be.
const AHEAD: Duration = Duration::from_secs(10);

/// The most sources that are told apart. If there are more at a time, those that are new share one.
const SOURCES_MAX: usize = 10_000;

/// At how many others a new source looks: more than one, so that those who are done become fewer.
const LOOKS: usize = 4;

/// The sources that have posted lately.
pub(super) struct Sources {
    /// Between two posts of a source that keeps to the pace.
    pause: Duration,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    done: HashMap<IpAddr, Instant>,
    /// Everyone in it once, those first at whom nobody has looked for the longest time.
    ring: VecDeque<IpAddr>,
}

impl Sources {
    pub(super) fn new(posts_per_second: u32) -> Self {
        Self {
            pause: Duration::from_secs(1) / posts_per_second.max(1),
            table: Mutex::default(),
        }
    }

    /// Whether one more is not too much; then it counts.
    pub(super) fn may_post(&self, source: IpAddr, now: Instant) -> bool {
        let mut table = self.table.lock();
        let done = table.done_of(network(source), now);
        let after = (*done).max(now) + self.pause;
        if after > now + AHEAD {
            return false;
        }
        *done = after;
        true
    }
}

impl Table {
    fn done_of(&mut self, mut source: IpAddr, now: Instant) -> &mut Instant {
        if !self.done.contains_key(&source) {
            self.forget_some(now);
            if self.done.len() >= SOURCES_MAX {
                source = Ipv6Addr::UNSPECIFIED.into();
            }
        }
        let ring = &mut self.ring;
        self.done.entry(source).or_insert_with(|| {
            ring.push_back(source);
            now
        })
    }

    fn forget_some(&mut self, now: Instant) {
        for _ in 0..LOOKS.min(self.ring.len()) {
            let Some(source) = self.ring.pop_front() else {
                return;
            };
            if self.done.get(&source).is_some_and(|done| *done > now) {
                self.ring.push_back(source);
            } else {
                self.done.remove(&source);
            }
        }
    }
}

/// What one machine has for itself: an address, or in IPv6 a network of 64 bits.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of so many posts in the time are let through.
    fn allowed(sources: &Sources, source: &str, posts: u32, start: Instant, time: Duration) -> u32 {
        let at = |number| start + time * number / posts;
        let allowed = (0..posts).filter(|it| sources.may_post(ip(source), at(*it)));
        u32::try_from(allowed.count()).unwrap()
    }

    #[test]
    fn a_source_may_post_at_its_pace_and_for_ten_seconds_at_once() {
        let sources = Sources::new(10);
        let start = Instant::now();
        let minute = Duration::from_secs(60);
        assert_eq!(allowed(&sources, "10.0.0.1", 600, start, minute), 600);
        let after = start + minute;
        assert_eq!(
            allowed(&sources, "10.0.0.1", 1000, after, Duration::ZERO),
            100
        );
        // Others have nothing to do with it, and it may again later.
        assert!(sources.may_post(ip("10.0.0.2"), after));
        assert!(!sources.may_post(ip("::ffff:10.0.0.1"), after));
        let later = after + minute;
        let many = allowed(&sources, "10.0.0.1", 100_000, later, minute);
        assert!((699..=700).contains(&many), "{many}");
    }

    #[test]
    fn a_network_in_ipv6_is_one_source() {
        let sources = Sources::new(1);
        let now = Instant::now();
        let posts = (0..1000_u32).filter(|number| {
            let source = format!("2001:db8:0:1::{number:x}");
            sources.may_post(ip(&source), now)
        });
        assert_eq!(posts.count(), 10);
        assert!(sources.may_post(ip("2001:db8:0:2::1"), now));
    }

    #[test]
    fn any_number_of_sources_takes_bounded_memory() {
        let sources = Sources::new(10);
        let now = Instant::now();
        let posts = (0..100_000_u32).filter(|number| {
            let source = std::net::Ipv4Addr::from_bits(*number);
            sources.may_post(source.into(), now)
        });
        assert_eq!(posts.count(), SOURCES_MAX + 100);
        let sizes = || {
            let table = sources.table.lock();
            (table.done.len(), table.ring.len())
        };
        assert_eq!(sizes(), (SOURCES_MAX + 1, SOURCES_MAX + 1));
        // All of them are done later, and make room for as many others.
        let later = now + Duration::from_secs(11);
        let posts = (1 << 24..).take(SOURCES_MAX).filter(|number| {
            let source = std::net::Ipv4Addr::from_bits(*number);
            sources.may_post(source.into(), later)
        });
        assert_eq!(posts.count(), SOURCES_MAX);
        let (done, ring) = sizes();
        assert!(done == ring && done <= SOURCES_MAX, "{done}, {ring}");
    }

    #[test]
    fn a_post_costs_the_same_however_many_sources_there_are() {
        let sources = Sources::new(1);
        let now = Instant::now();
        let start = std::time::Instant::now();
        for number in 0..1_000_000_u32 {
            let source = std::net::Ipv4Addr::from_bits(number);
            sources.may_post(source.into(), now);
        }
        // Looking at all of them would take a hundred times as long.
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }
}
