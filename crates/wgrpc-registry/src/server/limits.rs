//! How much is too much for a registry.

use std::time::Duration;

/// The bounds of a [`Registry`](crate::Registry). How many servers it lists is its store's to say.
#[derive(Clone, Debug)]
pub struct RegistryLimits {
    /// The most connections at a time to a port of its own; 10,000. More wait until others end.
    pub connections: usize,
    /// The most of them from one IP address; 1,024. More are closed when they are accepted.
    pub connections_per_address: usize,
    /// The most clients that wait for a change at a time; 8,000. More are refused, with status 503,
    /// and ask every 10 s instead. Each takes a connection, so raise that limit, too.
    pub watchers: usize,
    /// How often a second servers may register and deregister from one IP address (one network of
    /// 64 bits in IPv6); 10, and those of ten seconds at once. More are refused, with status 429.
    /// It knows where a request is from on a port of its own; elsewhere, if it is
    /// [told](crate::Registry::handle).
    pub posts_per_second: u32,
    /// The longest that a watch goes on without an answer; 60 s.
    pub watch_max: Duration,
    /// The shortest time to live that a server may ask for; 1 s. Less is taken for that.
    pub ttl_min: Duration,
    /// The longest; 1 h.
    pub ttl_max: Duration,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 1024,
            watchers: 8_000,
            posts_per_second: 10,
            watch_max: Duration::from_secs(60),
            ttl_min: Duration::from_secs(1),
            ttl_max: Duration::from_secs(60 * 60),
        }
    }
}
