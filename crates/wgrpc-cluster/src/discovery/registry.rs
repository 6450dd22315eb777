//! The servers that a registry lists, followed in the background.
//!
//! Calls never wait for the registry. As long as it is away, or answers nonsense, the servers that
//! were known stay known; one that has just started does not make anybody vanish, and an empty
//! list never replaces one that is not.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use wgrpc_core::{BoxFuture, Cause, Error, Result};
use wgrpc_registry::{Listing, RegistryClient, Server};

use super::{Discovery, Endpoint, ServerList, Servers};

/// How often a registry that cannot be watched is asked, and one that does not answer.
const EVERY: Duration = Duration::from_secs(10);

/// How much chance adds to that, or takes off.
const JITTER: f64 = 0.1;

/// How long changes are gathered before the next watch. It bounds what a registry that answers at
/// once, again and again, can cost.
const SETTLE: Duration = Duration::from_millis(100);

/// The servers that a registry lists.
///
/// A registry of ours is watched, so that changes are known at once. A Go registry is asked every
/// 10 s, and so is one of ours that has as many watchers as it may have.
///
/// ```no_run
/// # fn example() -> wgrpc_core::Result<()> {
/// use wgrpc_cluster::{RegistryDiscovery, XClient};
///
/// let registry = RegistryDiscovery::start("http://10.0.0.9:9999/wgrpc/registry", None)?;
/// let client = XClient::builder().start(registry)?;
/// # Ok(())
/// # }
/// ```
pub struct RegistryDiscovery {
    list: Arc<ServerList>,
    /// How many refreshes have been asked for.
    asked: watch::Sender<u64>,
    /// How many of those are done with, and what the last came to.
    done: watch::Receiver<(u64, Result<()>)>,
    task: AbortHandle,
    /// Says where a server may be.
    client: RegistryClient,
}

/// Who is asked.
trait Source: Send + Sync + 'static {
    /// Every server.
    fn list(&self) -> impl Future<Output = Result<Listing, wgrpc_registry::Error>> + Send;

    /// Every server, if the list is another one than `known`.
    fn poll(&self, known: &Listing) -> impl Future<Output = News> + Send;

    /// The same as soon as there is news, or after a while.
    fn watch(&self, known: &Listing) -> impl Future<Output = News> + Send;
}

/// `None` if there is none.
type News = Result<Option<Listing>, wgrpc_registry::Error>;

impl RegistryDiscovery {
    /// Begins to follow the registry at `url`: the servers of one group, or all.
    ///
    /// # Errors
    /// [`Error::Setup`] if that is no URL of a registry.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(url: &str, group: Option<&str>) -> Result<Self> {
        let client = RegistryClient::new(url).map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self::of_client(client, group))
    }

    /// Begins to follow a registry through a client of it that has been set up already, with a
    /// token, say.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn of_client(client: RegistryClient, group: Option<&str>) -> Self {
        let source = Group {
            client: client.clone(),
            group: group.map(str::to_owned),
        };
        Self::follow(source, client)
    }

    fn follow(source: impl Source, client: RegistryClient) -> Self {
        let list = Arc::new(ServerList::empty());
        let asked = watch::Sender::new(0);
        let (sender, done) = watch::channel((0, Ok(())));
        let follower = Follower {
            source,
            list: list.clone(),
            asked: asked.subscribe(),
            done: sender,
            known: Listing::default(),
            is_watched: false,
        };
        let task = tokio::spawn(follower.run()).abort_handle();
        Self {
            list,
            asked,
            done,
            task,
            client,
        }
    }
}

impl Discovery for RegistryDiscovery {
    fn servers(&self) -> Arc<Servers> {
        self.list.servers()
    }

    fn refresh(&self) -> BoxFuture<'_, Result<()>> {
        let mut done = self.done.clone();
        let mut round = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            round = *asked;
        });
        Box::pin(async move {
            match done.wait_for(|(number, _)| *number >= round).await {
                Ok(done) => done.1.clone(),
                Err(_) => Err(Error::Setup("the registry is not followed any more".into())),
            }
        })
    }

    fn update(&self, endpoints: Vec<Endpoint>) {
        self.list.put(endpoints);
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        self.list.changed(seen)
    }

    fn admits(&self, ip: IpAddr) -> bool {
        self.client.admits(ip)
    }
}

impl fmt::Debug for RegistryDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryDiscovery")
            .field("servers", &self.servers())
            .finish_non_exhaustive()
    }
}

impl Drop for RegistryDiscovery {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One group at a registry, or all of it.
struct Group {
    client: RegistryClient,
    group: Option<String>,
}

impl Source for Group {
    async fn list(&self) -> Result<Listing, wgrpc_registry::Error> {
        self.client.list(self.group.as_deref()).await
    }

    async fn poll(&self, known: &Listing) -> News {
        self.client.poll(self.group.as_deref(), known).await
    }

    async fn watch(&self, known: &Listing) -> News {
        self.client.watch(self.group.as_deref(), known).await
    }
}

/// The task that follows a registry.
struct Follower<S> {
    source: S,
    list: Arc<ServerList>,
    asked: watch::Receiver<u64>,
    done: watch::Sender<(u64, Result<()>)>,
    /// What the registry has said last. If it does not count, it is not watched.
    known: Listing,
    /// The registry has answered as it should when it was last asked.
    is_watched: bool,
}

impl<S: Source> Follower<S> {
    async fn run(mut self) {
        loop {
            self.ask().await;
            // Until somebody wants to know it now, or it is time anyway.
            while self.rest().await {}
        }
    }

    /// Asks once, for all who want to know.
    async fn ask(&mut self) {
        let round = *self.asked.borrow_and_update();
        let news = if self.known.revision == 0 {
            self.source.list().await.map(Some)
        } else {
            self.source.poll(&self.known).await
        };
        let result = match news {
            Ok(news) => {
                self.take(news);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "a registry cannot be asked");
                self.is_watched = false;
                if matches!(error, wgrpc_registry::Error::Answer { .. }) {
                    // What has changed makes no sense, so everything is asked for next.
                    self.known = Listing::default();
                }
                Err(Error::NotSent(Cause::new(error)))
            }
        };
        // Nobody need listen.
        let _ = self.done.send((round, result));
    }

    /// Waits for the next reason to look. `true`: what has been learnt came by itself.
    async fn rest(&mut self) -> bool {
        if !self.is_watched {
            let share = 1.0 - JITTER + 2.0 * JITTER * fastrand::f64();
            tokio::select! {
                biased;
                () = sleep(EVERY.mul_f64(share)) => {}
                _ = self.asked.changed() => {}
            }
            return false;
        }
        tokio::select! {
            biased;
            // First, so that a registry that answers at once cannot keep it waiting.
            _ = self.asked.changed() => return false,
            answer = self.source.watch(&self.known) => match answer {
                Ok(news) => self.take(news),
                // It is polled, and less often, until it answers again.
                Err(_) => self.is_watched = false,
            },
        }
        sleep(SETTLE).await;
        true
    }

    /// Takes over what the registry says, as far as it can be trusted. No news is that what it has
    /// said last still holds.
    fn take(&mut self, news: Option<Listing>) {
        if let Some(listing) = news {
            self.known = listing;
        }
        self.is_watched = self.known.revision > 0;
        let listing = &self.known;
        let mut servers: BTreeMap<String, Endpoint> = BTreeMap::new();
        let known = self.list.servers();
        if listing.is_warming || listing.servers.is_empty() {
            let known = known.endpoints.iter();
            servers.extend(known.map(|known| (known.address.to_string(), known.clone())));
        }
        for Server { address, meta, .. } in &listing.servers {
            let endpoint = Endpoint {
                weight: meta.weight,
                zone: meta.zone.clone(),
                version: meta.version.clone(),
                is_draining: meta.is_draining,
                ..Endpoint::new(address.clone())
            };
            servers.insert(endpoint.address.to_string(), endpoint);
        }
        self.list.put(servers.into_values().collect());
    }
}

#[cfg(test)]
mod tests;
