//! How much a server or client takes on, and for how long. Each limit has a name that its errors
//! give.

use std::time::Duration;

use crate::connection::BusyPoll;

/// What a server bounds.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_core::ServerLimits;
///
/// let minute = Some(Duration::from_secs(60));
/// let limits = ServerLimits { handle_timeout: minute, ..Default::default() };
/// # let _ = limits;
/// ```
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// From accepting a connection to the last byte of its Option, CONNECT included.
    pub handshake: Duration,
    /// Connections at a time; more are closed as soon as they are accepted.
    pub connections: usize,
    /// Connections at a time from one IP address.
    pub connections_per_address: usize,
    /// Connections at a time that are still in their handshake.
    pub handshakes: usize,
    /// Requests of one connection that wait for their handlers. At the limit reading pauses for
    /// at most [`read_pause`](Self::read_pause), then requests are refused as overloaded.
    pub in_flight: usize,
    /// Requests of all connections that wait for their handlers; more are refused at once.
    pub in_flight_total: usize,
    /// What requests of more than 64 KiB may take together, in bytes, while they are read and
    /// handled. Where there is no more, connections that bring another one are not read on.
    /// Their encoded bytes count. What they decode to is bounded for each request alone, by
    /// [`message.decoded`](wgrpc_gob::Limits::decoded).
    pub long_requests: usize,
    /// How long a connection at a limit is not read before its requests are refused.
    pub read_pause: Duration,
    /// Reply bytes of one connection that wait to be written, above which it is not read, and
    /// handlers that are done wait with their replies.
    pub unwritten_soft: usize,
    /// Reply bytes of one connection that wait to be written, above which it is closed: for what
    /// cannot wait, as errors.
    pub unwritten_hard: usize,
    /// How long a write, or a message that has begun to arrive, may make no progress.
    pub stall: Duration,
    /// How long a connection over TCP or a Unix socket looks for the next requests before it
    /// sleeps, if that has paid lately: being woken takes longer than many clients do. So long it
    /// keeps its thread busy, though others have turns; longer where more than 128 requests come
    /// together. Up to four connections that wait on one thread look for each other, for which each
    /// has a second descriptor of its socket. Zero for never, which is the default where the
    /// program may use one processor only.
    pub busy_poll: Duration,
    /// The longest time that a request may take, whatever its client asks for; `None` leaves it
    /// to the client, as in Go.
    pub handle_timeout: Option<Duration>,
    /// How long a graceful shutdown waits for handlers.
    pub drain: Duration,
    /// How long a closing connection reads on, so that its last replies are not lost.
    pub linger: Duration,
    /// The size and shape of messages.
    pub message: wgrpc_gob::Limits,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            connections: 10_000,
            connections_per_address: 1024,
            handshakes: 1024,
            in_flight: 1024,
            in_flight_total: 10_000,
            long_requests: 256 << 20,
            read_pause: Duration::from_secs(5),
            unwritten_soft: 1 << 20,
            unwritten_hard: 16 << 20,
            stall: Duration::from_secs(30),
            busy_poll: BusyPoll::usual(),
            handle_timeout: None,
            drain: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            message: wgrpc_gob::Limits::default(),
        }
    }
}

/// What a client bounds.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// Calls in flight at a time; further calls wait, first come first served, when polled.
    pub in_flight: usize,
    /// Request bytes that wait to be written; above it further calls wait.
    pub unwritten: usize,
    /// How long a write, or a message that has begun to arrive, may make no progress.
    pub stall: Duration,
    /// How long a connection over TCP or a Unix socket looks for replies before it sleeps, if that
    /// has paid lately: being woken takes longer than many servers do. So long it keeps its thread
    /// busy, though others have turns; longer while more than 128 calls are in flight. Up to four
    /// connections that wait on one thread look for each other, for which each has a second
    /// descriptor of its socket. Zero for never, which is the default where the program may use one
    /// processor only.
    pub busy_poll: Duration,
    /// The size and shape of messages.
    pub message: wgrpc_gob::Limits,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            in_flight: 65_536,
            unwritten: 16 << 20,
            stall: Duration::from_secs(30),
            busy_poll: BusyPoll::usual(),
            message: wgrpc_gob::Limits::default(),
        }
    }
}
