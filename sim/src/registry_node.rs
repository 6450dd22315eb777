//! The registry: how it starts, knowing nobody, how it ends, and how the others reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use wgrpc_registry::{MemoryStore, Registry, RegistryClient, Store};

use crate::network::{Death, Host, Network, Stream};

/// The registry's machine, whether the registry runs or not. Clones are the same.
#[derive(Clone)]
pub(crate) struct RegistryNode(Arc<Inner>);

struct Inner {
    host: Host,
    network: Network,
    clock: WallClock,
    running: Mutex<Option<Running>>,
}

struct Running {
    store: Arc<MemoryStore>,
    accepting: AbortHandle,
}

/// What the registry takes for the time of day. Clones are the same.
#[derive(Clone)]
pub(crate) struct WallClock {
    start: Instant,
    /// By how much somebody has set it wrong, in milliseconds.
    wrong: Arc<AtomicI64>,
}

impl RegistryNode {
    pub(crate) fn new(host: Host, network: &Network, clock: &WallClock) -> Self {
        Self(Arc::new(Inner {
            host,
            network: network.clone(),
            clock: clock.clone(),
            running: Mutex::new(None),
        }))
    }

    pub(crate) fn host(&self) -> Host {
        self.0.host
    }

    pub(crate) fn is_running(&self) -> bool {
        self.0.running.lock().is_some()
    }

    /// Starts it. It knows nobody, and counts from the time of day, as it does on a real machine.
    pub(crate) fn start(&self) {
        let now = self.0.clock.now();
        let store = Arc::new(MemoryStore::starting_at(Default::default(), now));
        let registry = Registry::builder().store(store.clone()).build();
        let streams = self.0.network.listen(self.0.host);
        let accepting = tokio::spawn(accept(registry, streams)).abort_handle();
        *self.0.running.lock() = Some(Running { store, accepting });
    }

    /// Ends it in the middle of everything.
    pub(crate) fn kill(&self, death: Death) {
        if let Some(Running { accepting, .. }) = self.0.running.lock().take() {
            accepting.abort();
        }
        self.0.network.kill(self.0.host, death);
    }

    /// How many servers it lists.
    pub(crate) async fn listed(&self) -> usize {
        let store = self.0.running.lock().as_ref().map(|it| it.store.clone());
        match store {
            Some(store) => store.list(None).await.map_or(0, |list| list.servers.len()),
            None => 0,
        }
    }

    /// How this host reaches it.
    pub(crate) fn client(&self, from: Host) -> wgrpc_registry::Result<RegistryClient> {
        let (network, host) = (self.0.network.clone(), self.0.host);
        let url = format!("http://10.0.0.{}:9999/wgrpc/registry", host + 1);
        let client = RegistryClient::new(url)?;
        Ok(client.dial(move || {
            let network = network.clone();
            async move { network.connect(from, host).await }
        }))
    }
}

impl WallClock {
    /// One that is right, in the year 2023.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            wrong: Arc::default(),
        }
    }

    /// Sets it so many milliseconds away from what is right.
    pub(crate) fn set_wrong(&self, milliseconds: i64) {
        self.wrong.store(milliseconds, Ordering::Relaxed);
    }

    /// Milliseconds since 1970.
    fn now(&self) -> u64 {
        let right = 1_700_000_000_000 + self.start.elapsed().as_millis() as u64;
        right.saturating_add_signed(self.wrong.load(Ordering::Relaxed))
    }
}

async fn accept(registry: Registry, mut streams: mpsc::UnboundedReceiver<Stream>) {
    let mut serving = JoinSet::new();
    while let Some(stream) = streams.recv().await {
        let registry = registry.clone();
        serving.spawn(async move {
            let service = service_fn(|request| {
                let answer = registry.handle(request);
                async { Ok::<_, std::convert::Infallible>(answer.await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // What becomes of one is the business of who has asked.
            let _ = connection.await;
        });
        while serving.try_join_next().is_some() {}
    }
    while serving.join_next().await.is_some() {}
}
