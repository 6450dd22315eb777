//! Noticing that a peer makes no progress: neither taking what we write nor finishing what it
//! began to send.

use std::time::Duration;

use tokio::time::Instant;

/// Since when a connection has made no progress, in each direction.
#[derive(Debug)]
pub(crate) struct Stall {
    limit: Duration,
    write: Option<Instant>,
    read: Option<Instant>,
}

impl Stall {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            write: None,
            read: None,
        }
    }

    /// Notes how a write went: `None` if nothing is left to write, otherwise whether the peer
    /// took anything.
    pub(crate) fn wrote(&mut self, blocked: Option<bool>) {
        note(&mut self.write, blocked);
    }

    /// Notes how a read went: `None` if no message is incomplete, otherwise whether anything
    /// arrived.
    pub(crate) fn read(&mut self, incomplete: Option<bool>) {
        note(&mut self.read, incomplete);
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let since = self.write.into_iter().chain(self.read).min()?;
        since.checked_add(self.limit)
    }

    /// What is stalled, if anything is.
    pub(crate) fn check(&self, now: Instant) -> Option<String> {
        let late = |since: Option<Instant>| since.is_some_and(|s| now - s >= self.limit);
        let limit = self.limit;
        if late(self.write) {
            Some(format!(
                "the peer has taken nothing that we wrote for {limit:?} (`stall`)"
            ))
        } else if late(self.read) {
            Some(format!(
                "a message has been incomplete for {limit:?} without progress (`stall`)"
            ))
        } else {
            None
        }
    }
}

fn note(since: &mut Option<Instant>, progress: Option<bool>) {
    *since = match progress {
        None => None,
        Some(true) => Some(Instant::now()),
        Some(false) => Some(since.unwrap_or_else(Instant::now)),
    };
}
