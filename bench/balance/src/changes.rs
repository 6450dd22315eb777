//! What it costs a client when something changes: a list that differs in one server, a connection
//! that ends and comes back.
//!
//! The client is a whole one, whose servers are ends of pipes that say nothing. Its clock stands
//! still and jumps to where something is to be done, so that only the work is measured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::Runtime;
use tokio::time::sleep;
use wgrpc_cluster::{Discovery, Endpoint, ServerList, XClient};

/// Longer than changes are gathered, and than the pause before a connection is made anew.
const LONG: Duration = Duration::from_millis(300);

/// A client of so many servers.
pub(crate) struct Changes {
    runtime: Runtime,
    _client: XClient,
    list: Arc<ServerList>,
    endpoints: Vec<Endpoint>,
    /// The servers' ends of the connections, by address.
    ends: Arc<Mutex<HashMap<String, DuplexStream>>>,
    turn: usize,
}

impl Changes {
    pub(crate) fn new(endpoints: Vec<Endpoint>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let list = Arc::new(ServerList::new(endpoints.clone()));
        let ends: Arc<Mutex<HashMap<String, DuplexStream>>> = Arc::default();
        let kept = ends.clone();
        let builder = XClient::builder().dials_at_once(endpoints.len());
        let builder = builder.dial(move |connector, address| {
            let (ours, theirs) = duplex(64);
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(address.to_string(), theirs);
            std::future::ready(Ok(connector.from_stream(ours)))
        });
        let client = runtime.block_on(async {
            let client = builder.start(list.clone());
            sleep(LONG).await;
            client
        })?;
        let connected = client.servers().iter().filter(|it| it.is_connected).count();
        ensure!(
            connected == endpoints.len(),
            "only {connected} are connected"
        );
        Ok(Self {
            runtime,
            _client: client,
            list,
            endpoints,
            ends,
            turn: 0,
        })
    }

    /// The list gets one server less, or the same one again.
    pub(crate) fn change_list(&mut self) {
        self.turn += 1;
        let less = self.turn % 2;
        let endpoints = self.endpoints[less..].to_vec();
        self.runtime.block_on(async {
            self.list.update(endpoints);
            sleep(LONG).await;
        });
    }

    /// A connection ends, and another one is made in its place: two changes.
    pub(crate) fn end_connection(&mut self) {
        self.turn += 1;
        let address = &self.endpoints[self.turn % self.endpoints.len()].address;
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let end = ends.remove(&address.to_string());
        drop(ends);
        self.runtime.block_on(async {
            drop(end);
            sleep(LONG).await;
        });
    }
}
