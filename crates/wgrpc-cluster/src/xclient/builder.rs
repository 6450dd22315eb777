//! The options of a client of many servers.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use wgrpc_core::{Address, Client, ClientBuilder, Connector, Result};

use super::XClient;
use crate::balance::SelectMode;
use crate::discovery::Discovery;
use crate::health::HealthPolicy;
use crate::pool::{self, Pool};
use crate::retry::{FailMode, RetryBudget, RetryPolicy};

/// Options of a client of many servers.
///
/// ```no_run
/// # fn example() -> wgrpc_core::Result<()> {
/// use std::time::Duration;
/// use wgrpc_cluster::{FailMode, SelectMode, ServerList, XClient};
/// use wgrpc_core::Client;
///
/// let client = XClient::builder()
///     .client(Client::builder().timeout(Duration::from_secs(2)))
///     .select(SelectMode::RoundRobin)
///     .fail(FailMode::FailFast)
///     .start(ServerList::parse(["tcp@10.0.0.1:9000", "tcp@10.0.0.2:9000"])?)?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct XClientBuilder {
    client: ClientBuilder,
    pool: pool::Options,
}

impl Default for XClientBuilder {
    fn default() -> Self {
        Self {
            client: Client::builder(),
            pool: pool::Options {
                select: SelectMode::default(),
                health: HealthPolicy::default(),
                retry: RetryPolicy::default(),
                budget: RetryBudget::default(),
                dial: Arc::new(|connector, address| {
                    Box::pin(async move { connector.connect(address).await })
                }),
                dials: 256,
                connect_timeout: Duration::from_secs(1),
                patience: Duration::from_secs(3),
            },
        }
    }
}

impl XClientBuilder {
    /// The options of its connections: codec, timeouts, metadata, middleware. The timeout of a
    /// call holds for all of its attempts together.
    pub fn client(mut self, client: ClientBuilder) -> Self {
        self.client = client;
        self
    }

    /// How the server for a call is chosen: [`SelectMode::LeastLoaded`] unless set.
    pub fn select(mut self, select: SelectMode) -> Self {
        self.pool.select = select;
        self
    }

    /// What happens when an attempt fails: [`FailMode::FailOver`] unless set.
    pub fn fail(mut self, fail: FailMode) -> Self {
        self.pool.retry.fail_mode = fail;
        self
    }

    /// How many attempts a call may take, the first included: 3 unless set. Only
    /// [`FailMode::FailFast`] has one. The first one of an idempotent call, over a connection that
    /// the network may have forgotten, can be made over a new one as well.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.pool.retry.attempts = attempts.max(1);
        self
    }

    /// How long one attempt of an idempotent call may take before another is made. Unless set,
    /// the time that is left is divided among the attempts that are.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.pool.retry.attempt_timeout = Some(timeout);
        self
    }

    /// How much all calls together may be sent again: a fifth of them and 10 a second more unless
    /// set. What never left does not count.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.pool.budget = budget;
        self
    }

    /// When a server that fails is left out, and for how long.
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.pool.health = policy;
        self
    }

    /// How long a connection to a server may take to come up: 1 s unless set, and never longer
    /// than [`ClientBuilder::connect_timeout`]. A server that takes longer counts as unreachable
    /// and is dialled again later; calls go to the others meanwhile.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.pool.connect_timeout = timeout;
        self
    }

    /// How many connections may be coming up at a time: 256 unless set, 1 at least. The others
    /// wait for their turn, so that a long list does not open thousands of sockets at once.
    pub fn dials_at_once(mut self, dials: usize) -> Self {
        self.pool.dials = dials;
        self
    }

    /// How long a call waits for a server if none can be called: 3 s unless set, and never longer
    /// than the call may take. [`Duration::ZERO`] lets it fail at once.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.pool.patience = patience;
        self
    }

    /// Makes connections in another way than by the address: through TLS, say, by
    /// [`Connector::from_stream`]. One that panics counts as failed.
    pub fn dial<F, C>(mut self, dial: F) -> Self
    where
        F: Fn(Connector, Address) -> C + Send + Sync + 'static,
        C: Future<Output = Result<Client>> + Send + 'static,
    {
        self.pool.dial = Arc::new(move |connector, address| Box::pin(dial(connector, address)));
        self
    }

    /// Starts the client. It begins to connect to the servers that `discovery` knows, and follows
    /// it from then on.
    ///
    /// # Errors
    /// Those of [`ClientBuilder::connector`]: options that cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(self, discovery: impl Discovery) -> Result<XClient> {
        let discovery = Arc::new(discovery);
        let asked = discovery.clone();
        let connector = self.client.connector()?;
        let connector = connector.admitting(move |ip| asked.admits(ip));
        let pool = Pool::start(connector, discovery, self.pool);
        Ok(XClient(Arc::new(pool)))
    }
}

impl fmt::Debug for XClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XClientBuilder")
            .field("client", &self.client)
            .field("select", &self.pool.select)
            .field("retry", &self.pool.retry)
            .field("health", &self.pool.health)
            .finish_non_exhaustive()
    }
}
