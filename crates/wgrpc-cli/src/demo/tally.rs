//! What became of calls: how many, how many failed, how long they took; at each server, and as
//! the caller sees them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wgrpc::{Address, BoxFuture, CallInfo, Middleware, Next, Peer, Result};

/// What became of some calls. It keeps the time of each, which is fine for a demo of seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) errors: u64,
    /// How long those took that were answered.
    times: Vec<Duration>,
}

impl Tally {
    pub(super) fn count(&mut self, took: Duration, is_answered: bool) {
        self.calls += 1;
        if is_answered {
            self.times.push(took);
        } else {
            self.errors += 1;
        }
    }

    /// The time within which so many percent were answered.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut times = self.times.clone();
        let index = times.len().checked_sub(1)? * percent / 100;
        let (_, time, _) = times.select_nth_unstable(index);
        Some(*time)
    }
}

/// The tallies of all calls, and of the attempts at each server.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    whole: Tally,
    servers: Vec<Tally>,
    /// Which server is at which socket.
    sockets: HashMap<SocketAddr, usize>,
}

impl Tallies {
    /// From now on what is called there counts for this server.
    pub(super) fn assign(&self, address: &Address, server: usize) {
        let mut inner = self.lock();
        inner.sockets.extend(
            address
                .target()
                .parse()
                .map(|socket: SocketAddr| (socket, server)),
        );
        if inner.servers.len() <= server {
            inner.servers.resize_with(server + 1, Tally::default);
        }
    }

    /// Counts a call as its caller sees it.
    pub(super) fn count(&self, took: Duration, is_answered: bool) {
        self.lock().whole.count(took, is_answered);
    }

    /// All calls.
    pub(super) fn whole(&self) -> Tally {
        self.lock().whole.clone()
    }

    /// The attempts at each server.
    pub(super) fn servers(&self) -> Vec<Tally> {
        self.lock().servers.clone()
    }

    fn count_at(&self, peer: &Peer, took: Duration, is_answered: bool) {
        let Inner {
            servers, sockets, ..
        } = &mut *self.lock();
        let Peer::Tcp(socket) = peer else { return };
        let tally = sockets
            .get(socket)
            .and_then(|&server| servers.get_mut(server));
        if let Some(tally) = tally {
            tally.count(took, is_answered);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts every attempt of a call for the server that it is made at.
pub(super) struct CountAttempts(pub(super) std::sync::Arc<Tallies>);

impl Middleware for CountAttempts {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let start = Instant::now();
            let result = next.run(call).await;
            self.0.count_at(&call.peer, start.elapsed(), result.is_ok());
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_answered_calls() {
        let mut tally = Tally::default();
        assert_eq!(tally.percentile(50), None);
        for millis in (1..=100).rev() {
            tally.count(Duration::from_millis(millis), true);
        }
        tally.count(Duration::from_secs(9), false);
        assert_eq!((tally.calls, tally.errors), (101, 1));
        assert_eq!(tally.percentile(50), Some(Duration::from_millis(50)));
        assert_eq!(tally.percentile(99), Some(Duration::from_millis(99)));
    }

    #[test]
    fn a_server_keeps_its_tally_when_it_moves() {
        let tallies = Tallies::default();
        let [first, second] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        tallies.assign(&first.into(), 1);
        tallies.count_at(&Peer::Tcp(first), Duration::ZERO, true);
        tallies.assign(&second.into(), 1);
        tallies.count_at(&Peer::Tcp(second), Duration::ZERO, false);
        tallies.count_at(&Peer::Other, Duration::ZERO, true);
        let servers = tallies.servers();
        assert_eq!(
            (servers[0].calls, servers[1].calls, servers[1].errors),
            (0, 2, 1)
        );
    }
}
