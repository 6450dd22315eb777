//! The options of a client of many servers.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use wgrpc_core::{Address, Client, ClientBuilder, Connector, Result};

use super::{Shared, XClient};
use crate::balance::SelectMode;
use crate::discovery::Discovery;
use crate::health::HealthPolicy;
use crate::member::Dial;
use crate::pool::Pool;
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
    select: SelectMode,
    retry: RetryPolicy,
    budget: RetryBudget,
    health: HealthPolicy,
    dial: Dial,
}

impl Default for XClientBuilder {
    fn default() -> Self {
        Self {
            client: Client::builder(),
            select: SelectMode::default(),
            retry: RetryPolicy::default(),
            budget: RetryBudget::default(),
            health: HealthPolicy::default(),
            dial: Arc::new(|connector, address| {
                Box::pin(async move { connector.connect(address).await })
            }),
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
        self.select = select;
        self
    }

    /// What happens when an attempt fails: [`FailMode::FailOver`] unless set.
    pub fn fail(mut self, fail: FailMode) -> Self {
        self.retry.fail_mode = fail;
        self
    }

    /// How many attempts a call may take, the first included: 3 unless set. Only
    /// [`FailMode::FailFast`] has one.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.retry.attempts = attempts.max(1);
        self
    }

    /// How long one attempt of an idempotent call may take before another is made. Unless set,
    /// the time that is left is divided among the attempts that are.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.retry.attempt_timeout = Some(timeout);
        self
    }

    /// How much all calls together may be sent again: a fifth of them and 10 a second more unless
    /// set. What never left does not count.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// When a server that fails is left out, and for how long.
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.health = policy;
        self
    }

    /// Makes connections in another way than by the address: through TLS, say, by
    /// [`Connector::from_stream`].
    pub fn dial<F, C>(mut self, dial: F) -> Self
    where
        F: Fn(Connector, Address) -> C + Send + Sync + 'static,
        C: Future<Output = Result<Client>> + Send + 'static,
    {
        self.dial = Arc::new(move |connector, address| Box::pin(dial(connector, address)));
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
        let connector = self.client.connector()?;
        let discovery = Arc::new(discovery);
        let pool = Pool::start(connector, discovery, self.select, self.health, self.dial);
        Ok(XClient(Arc::new(Shared {
            pool,
            retry: self.retry,
            budget: self.budget,
        })))
    }
}

impl fmt::Debug for XClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XClientBuilder")
            .field("client", &self.client)
            .field("select", &self.select)
            .field("retry", &self.retry)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}
