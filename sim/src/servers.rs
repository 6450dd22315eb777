//! The servers: how they start, how they end, and what they do meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use wgrpc_cluster::Endpoint;
use wgrpc_core::{
    AddressError, Announcer, Error, Fault, Method, Result, Server, ServerLimits, Service,
};
use wgrpc_registry::Heartbeat;

use crate::ledger::Ledger;
use crate::network::{Death, Host, Network, Stream};
use crate::registry_node::RegistryNode;
use crate::trace::Trace;

/// The one method there is.
pub(crate) const METHOD: &str = "Job.Do";

/// How long a server that goes away waits for what it has accepted.
const DRAIN: Duration = Duration::from_secs(2);

/// One server, whether it runs or not. Clones are the same.
#[derive(Clone)]
pub(crate) struct Node(Arc<Inner>);

struct Inner {
    host: Host,
    network: Network,
    registry: RegistryNode,
    ledger: Ledger,
    trace: Trace,
    /// How much longer it takes for everything, in milliseconds.
    slow: AtomicU64,
    executions: AtomicU64,
    /// Handlers at work.
    at_work: Arc<AtomicU64>,
    running: Mutex<Option<Running>>,
}

struct Running {
    server: Server,
    /// It listens on no address of this machine's, so this is told by hand what there is.
    heartbeat: Heartbeat,
    accepting: AbortHandle,
}

impl Node {
    pub(crate) fn new(
        host: Host,
        network: &Network,
        registry: &RegistryNode,
        ledger: &Ledger,
        trace: &Trace,
    ) -> Self {
        Self(Arc::new(Inner {
            host,
            network: network.clone(),
            registry: registry.clone(),
            ledger: ledger.clone(),
            trace: trace.clone(),
            slow: AtomicU64::new(0),
            executions: AtomicU64::new(0),
            at_work: Arc::default(),
            running: Mutex::new(None),
        }))
    }

    pub(crate) fn host(&self) -> Host {
        self.0.host
    }

    /// How a client finds it.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, AddressError> {
        Endpoint::parse(&address_of(self.0.host))
    }

    /// How many calls it has begun to execute.
    pub(crate) fn executions(&self) -> u64 {
        self.0.executions.load(Ordering::Relaxed)
    }

    /// How many calls it is executing.
    pub(crate) fn at_work(&self) -> u64 {
        self.0.at_work.load(Ordering::Relaxed)
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.0.running.lock().is_some()
    }

    /// Everything takes so much longer from now on; 0 is usual.
    pub(crate) fn slow_down(&self, milliseconds: u64) {
        self.0.slow.store(milliseconds, Ordering::Relaxed);
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Result<()> {
        let limits = ServerLimits {
            drain: DRAIN,
            ..Default::default()
        };
        let server = Server::builder()
            .limits(limits)
            .register(self.service())
            .start()?;
        let streams = self.0.network.listen(self.0.host);
        let accepting = tokio::spawn(accept(server.clone(), streams)).abort_handle();
        let registry = self.0.registry.client(self.0.host);
        let registry = registry.map_err(|error| Error::Setup(error.to_string()))?;
        let heartbeat = Heartbeat::of_client(registry);
        heartbeat.up(&self.endpoint()?.address);
        *self.0.running.lock() = Some(Running {
            server,
            heartbeat,
            accepting,
        });
        Ok(())
    }

    /// Ends it in the middle of everything.
    pub(crate) fn kill(&self, death: Death) {
        if let Some(Running { accepting, .. }) = self.0.running.lock().take() {
            accepting.abort();
        }
        self.0.network.kill(self.0.host, death);
    }

    /// Ends it as one should.
    pub(crate) async fn shut_down(&self) {
        let running = self.0.running.lock().take();
        if let Some(Running {
            server,
            heartbeat,
            accepting,
        }) = running
        {
            heartbeat.down().await;
            self.0.network.refuse(self.0.host);
            // What it could not wait for is the business of those who sent it.
            let _ = server.shutdown().await;
            accepting.abort();
        }
    }

    fn service(&self) -> Service {
        let node = Arc::downgrade(&self.0);
        let handler = move |request: Vec<u64>, _| {
            let node = node.upgrade();
            async move {
                match node {
                    Some(node) => execute(&node, &request).await,
                    None => Err(Fault::new("the run is over")),
                }
            }
        };
        Service::new("Job").method("Do", Method::future(handler))
    }
}

/// The address of a host.
pub(crate) fn address_of(host: Host) -> String {
    format!("tcp@10.0.0.{}:9000", host + 1)
}

/// The host at an address.
pub(crate) fn host_of(address: &str) -> Option<Host> {
    let number = address.strip_prefix("tcp@10.0.0.")?.strip_suffix(":9000")?;
    number.parse::<Host>().ok()?.checked_sub(1)
}

/// A reply to a request, without what is ballast: the same numbers and who has answered.
pub(crate) fn reply_to(request: &[u64], host: Host) -> Vec<u64> {
    let mut reply = request.to_vec();
    reply.push(host as u64);
    reply
}

async fn accept(server: Server, mut streams: mpsc::UnboundedReceiver<Stream>) {
    let mut serving = JoinSet::new();
    while let Some(stream) = streams.recv().await {
        let server = server.clone();
        serving.spawn(async move { server.serve_connection(stream).await });
        while serving.try_join_next().is_some() {}
    }
    while serving.join_next().await.is_some() {}
}

/// Counts a handler as long as it is at work.
struct AtWork(Arc<AtomicU64>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn execute(node: &Inner, request: &[u64]) -> std::result::Result<Vec<u64>, Fault> {
    let call = request.first().copied().unwrap_or(u64::MAX);
    let Some(job) = node.ledger.execute(call) else {
        node.trace
            .wrong(format_args!("server {} got call {call}", node.host));
        return Err(Fault::new("nobody has asked for this"));
    };
    node.at_work.fetch_add(1, Ordering::Relaxed);
    let _at_work = AtWork(node.at_work.clone());
    node.executions.fetch_add(1, Ordering::Relaxed);
    node.trace
        .note(format_args!("server {} executes call {call}", node.host));
    let work = job.work + Duration::from_millis(node.slow.load(Ordering::Relaxed));
    if !work.is_zero() {
        sleep(work).await;
    }
    if job.fails {
        return Err(Fault::new(format!("call {call} is to fail")));
    }
    Ok(reply_to(request, node.host))
}
