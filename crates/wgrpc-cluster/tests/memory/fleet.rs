//! Servers in memory, by address.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::duplex;
use tokio::task::JoinSet;
use wgrpc_cluster::{Endpoint, XClientBuilder};
use wgrpc_core::{Address, Cause, Client, Connector, Error, Result, Server};

/// How many bytes may be on their way in each direction.
const PIPE: usize = 16 << 10;

/// Servers, and the connections to them. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Fleet(Arc<Inner>);

#[derive(Default)]
struct Inner {
    places: Mutex<BTreeMap<String, Place>>,
    open: Arc<AtomicUsize>,
    dials: AtomicUsize,
}

/// A server, and what waits for the ends of its connections. Both end together.
struct Place {
    server: Server,
    serving: JoinSet<()>,
}

/// Counts a connection as long as it is served.
struct Open(Arc<AtomicUsize>);

impl Fleet {
    /// Puts a server there, or another one in its place: that one ends as a process does that is
    /// killed.
    pub(crate) fn put(&self, endpoint: &Endpoint, server: Server) {
        let address = endpoint.address.to_string();
        let serving = JoinSet::new();
        let killed = self
            .0
            .places
            .lock()
            .insert(address, Place { server, serving });
        drop(killed);
    }

    /// Kills the server there; there is no other.
    pub(crate) fn remove(&self, endpoint: &Endpoint) {
        let killed = self.0.places.lock().remove(&endpoint.address.to_string());
        drop(killed);
    }

    /// How many connections are served.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    /// How many connections were ever asked for.
    pub(crate) fn dials(&self) -> usize {
        self.0.dials.load(Ordering::SeqCst)
    }

    /// A client that finds its servers here.
    pub(crate) fn reached_by(&self, client: XClientBuilder) -> XClientBuilder {
        let fleet = self.clone();
        client.dial(move |connector, address| {
            let fleet = fleet.clone();
            async move { fleet.dial(&connector, &address) }
        })
    }

    fn dial(&self, connector: &Connector, address: &Address) -> Result<Client> {
        self.0.dials.fetch_add(1, Ordering::SeqCst);
        let address = address.to_string();
        let mut places = self.0.places.lock();
        let Some(place) = places.get_mut(&address) else {
            let cause = Cause::new("nobody is there");
            return Err(Error::Connect { address, cause });
        };
        let (ours, theirs) = duplex(PIPE);
        self.0.open.fetch_add(1, Ordering::SeqCst);
        let (server, open) = (place.server.clone(), Open(self.0.open.clone()));
        place.serving.spawn(async move {
            server.serve_connection(theirs).await;
            drop(open);
        });
        while place.serving.try_join_next().is_some() {}
        Ok(connector.from_stream(ours))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The endpoint of this number.
pub(crate) fn endpoint(number: usize) -> Endpoint {
    let address = format!("tcp@10.0.{}.{}:9000", number / 250, number % 250 + 1);
    Endpoint::parse(&address).unwrap()
}
