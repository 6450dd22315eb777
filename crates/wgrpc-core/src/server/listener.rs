//! Accepting connections, as many as the limits allow, for as long as the server runs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Phase, Shared, handshake};
use crate::address::Address;
use crate::error::{Cause, Error, Result};
use crate::transport::{Io, Listener, Peer};

/// How long accepting pauses after a failure, doubling from the first to the last.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// How many connections that wait to be accepted when the server stops are still let in.
const WAITING_MAX: usize = 1024;
/// How long to look for another of them: one turn of the reactor.
const WAITING_TURN: Duration = Duration::from_millis(1);

/// The connections of a server, counted.
#[derive(Debug, Default)]
pub(super) struct Guests {
    all: usize,
    shaking_hands: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place among the [`Guests`]; given back when dropped.
pub(super) struct Place {
    server: Arc<Shared>,
    address: Option<IpAddr>,
    is_shaking_hands: bool,
}

impl Place {
    /// A place for a connection from `peer`, or the name of the limit that leaves none.
    pub(super) fn take(
        server: &Arc<Shared>,
        peer: &Peer,
    ) -> std::result::Result<Self, &'static str> {
        let limits = &server.limits;
        let address = peer.ip();
        let mut guests = server.guests.lock();
        if guests.all >= limits.connections {
            return Err("connections");
        }
        if guests.shaking_hands >= limits.handshakes {
            return Err("handshakes");
        }
        if let Some(address) = address {
            let count = guests.by_address.entry(address).or_default();
            if *count >= limits.connections_per_address {
                return Err("connections_per_address");
            }
            *count += 1;
        }
        guests.all += 1;
        guests.shaking_hands += 1;
        drop(guests);
        Ok(Self {
            server: server.clone(),
            address,
            is_shaking_hands: true,
        })
    }

    /// The handshake is over.
    pub(super) fn hands_shaken(&mut self) {
        if std::mem::take(&mut self.is_shaking_hands) {
            self.server.guests.lock().shaking_hands -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hands_shaken();
        let mut guests = self.server.guests.lock();
        guests.all -= 1;
        if let Some(address) = self.address
            && let Some(count) = guests.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                guests.by_address.remove(&address);
            }
        }
    }
}

/// Listens on `address` until the server stops.
pub(super) async fn listen(server: &Arc<Shared>, address: Address) -> Result<Address> {
    if server.phase() != Phase::Running {
        let what = "cannot listen: the server is shutting down";
        return Err(Error::Setup(what.to_owned()));
    }
    let listener = Listener::bind(&address)
        .await
        .map_err(|error| Error::Listen {
            address: address.to_string(),
            cause: Cause::new(error),
        })?;
    let address = listener.address();
    server.addresses.lock().push(address.clone());
    server.tasks.spawn(serve(server.clone(), listener));
    for announcer in &server.announcers {
        announcer.up(&address);
    }
    Ok(address)
}

/// Accepts connections until the server stops, and then those that wait to be accepted: to them
/// it says that it shuts down.
async fn serve(server: Arc<Shared>, listener: Listener) {
    let accepting = accept(&server, &listener);
    server.stop.run_until_cancelled(accepting).await;
    for _ in 0..WAITING_MAX {
        match tokio::time::timeout(WAITING_TURN, listener.accept()).await {
            Ok(Ok(io)) => admit(&server, io),
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Accepts connections for ever. A failure, as that of having no file descriptor left, is waited
/// out.
async fn accept(server: &Arc<Shared>, listener: &Listener) {
    let mut pause = BACK_OFF.0;
    loop {
        match listener.accept().await {
            Ok(io) => {
                pause = BACK_OFF.0;
                admit(server, io);
            }
            Err(error) => {
                tracing::warn!(address = %listener.address(), %error, ?pause, "cannot accept");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(BACK_OFF.1);
            }
        }
    }
}

/// Serves a connection if there is a place for it; otherwise it is closed.
fn admit(server: &Arc<Shared>, io: Io) {
    match Place::take(server, &io.peer) {
        Ok(place) => {
            server
                .tasks
                .spawn(handshake::serve_at(server.clone(), io, place));
        }
        Err(limit) => tracing::debug!(peer = %io.peer, limit, "no place for a connection"),
    }
}
