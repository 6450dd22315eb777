//! Registrations in an etcd cluster, so that any number of registries can share them.
//!
//! A registration is a key with a lease of its own. What is written goes to etcd before anybody is
//! told that it is done, and nothing about it is kept here: a server may send its next heartbeat
//! to another front end, and a front end that dies takes nothing with it. What is read comes from
//! a copy of all registrations that every front end keeps, so that listing costs etcd nothing.
//!
//! `etcd/cluster.rs` finds a member of the cluster that answers, `etcd/mirror.rs` is the copy, and
//! `etcd/follow.rs` keeps it fresh.

mod cluster;
mod follow;
mod mirror;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{DeleteOptions, GetOptions, PutOptions};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use wgrpc_core::{Address, BoxFuture};

use crate::api;
use crate::error::{Error, Result};
use crate::lease::{Changes, Listing, Registration};
use crate::rhythm::Rhythm;
use crate::store::Store;

use cluster::{Cluster, is_not_found};
use follow::{Copy, Follower};
use mirror::{Entry, Keys};

/// A key that has this lease stays for ever.
const NO_LEASE: i64 = 0;

/// The longest time to live that etcd grants, in seconds.
const TTL_MAX: i64 = 9_000_000_000;

/// How long a change that etcd has accepted may take to come back before it is announced as done.
const ECHO_MAX: Duration = Duration::from_millis(500);

/// For how long a client that has seen more than this front end is believed. Two front ends are
/// never that far apart: then etcd has lost its data, and counts from the beginning.
const BEHIND_MAX: Duration = Duration::from_secs(10);

/// How an [`EtcdStore`] uses its cluster. Front ends that share a cluster have the same.
#[derive(Clone)]
#[non_exhaustive]
pub struct EtcdConfig {
    /// What all keys begin with; [`PATH`](crate::api::PATH). Registries that have different ones
    /// know nothing of each other.
    pub prefix: String,
    /// The most servers; 10,000. More are refused: a server that is alive is never displaced.
    /// Servers that register at the same moment through different front ends can exceed it.
    pub servers_max: usize,
    /// How long after the start the list is said to be [warming](Listing::is_warming); 35 s. If
    /// all front ends were away for longer than a lease, all servers that beat as ours do have
    /// shown up again by then.
    pub warm_up: Duration,
    /// The name and the password that we have at etcd, if it asks for them. A role that may read
    /// and write what begins with the prefix is enough. Over `http://` they are sent as they are.
    pub user: Option<(String, String)>,
    /// The authorities of which one has to have signed etcd's certificate, in PEM, for `https://`;
    /// without them it is those that the system trusts.
    pub authorities: Option<Vec<u8>>,
    /// Our own certificate and its key, in PEM, if etcd asks for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Default for EtcdConfig {
    fn default() -> Self {
        Self {
            prefix: api::PATH.to_owned(),
            servers_max: 10_000,
            warm_up: Rhythm::round(),
            user: None,
            authorities: None,
            identity: None,
        }
    }
}

/// Without the password and the key.
impl fmt::Debug for EtcdConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdConfig")
            .field("prefix", &self.prefix)
            .field("servers_max", &self.servers_max)
            .field("warm_up", &self.warm_up)
            .finish_non_exhaustive()
    }
}

/// Keeps registrations in an etcd cluster (3.4 or newer), which any number of registries share.
///
/// * A registration is a key `prefix group/address` with the [`Registration`] as JSON. It has an
///   etcd lease, in whole seconds and of at least two: etcd does not count finer. Heartbeats keep
///   that lease alive, through whichever front end, and write nothing.
/// * The revision of a listing is etcd's, so that a client can watch through one front end after
///   the other.
/// * [`Server::age`](crate::Server::age) is only known of servers whose heartbeats come through
///   this front end.
/// * While etcd is away, or has no leader, the last list stands, and says that it is
///   [warming](Listing::is_warming); registering fails. Nothing is lost: when a cluster comes
///   back, it gives every lease its whole time again.
/// * There is no [preservation](crate::MembershipConfig::preserve_percent) of servers that fall
///   silent together: etcd ends their leases by itself.
///
/// Dropping it ends its task and its connections.
pub struct EtcdStore {
    cluster: Arc<Cluster>,
    keys: Keys,
    servers_max: usize,
    copy: Arc<Copy>,
    follower: JoinHandle<()>,
}

impl EtcdStore {
    /// Connects to a cluster by the URLs of its members, or some of them: `http://host:2379`, or
    /// `https://`.
    ///
    /// # Errors
    /// If a URL or a certificate is none, if etcd does not let us in, or if no member answers. A
    /// cluster that goes away later comes back by itself.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub async fn connect(
        urls: impl IntoIterator<Item = impl Into<String>>,
        config: EtcdConfig,
    ) -> Result<Self> {
        let keys = Keys::new(&config.prefix)?;
        let urls = urls.into_iter().map(Into::into).collect();
        let cluster = Arc::new(Cluster::new(urls, &config)?);
        let copy = Arc::new(Copy::new(Instant::now() + config.warm_up));
        let follower = Follower {
            cluster: Arc::clone(&cluster),
            keys: keys.clone(),
            copy: Arc::clone(&copy),
        };
        let first = follower.begin().await?;
        Ok(Self {
            cluster,
            keys,
            servers_max: config.servers_max,
            copy,
            follower: tokio::spawn(follower.run(first)),
        })
    }

    async fn register_or_renew(&self, registration: Registration) -> Result<()> {
        let key = self.keys.of(&registration.group, &registration.address);
        // A lease can end between being kept alive and being used; a new one does not.
        for _ in 0..2 {
            let held = self.held(&key).await?;
            let lease = self.lease_for(&registration, held.as_ref()).await?;
            match &held {
                Some(held) if held.lease == lease && held.registration == registration => {
                    self.copy.hear(&key, Instant::now());
                    return Ok(());
                }
                Some(_) => {}
                None => self.check_room().await?,
            }
            if let Some(revision) = self.put(&key, &registration, lease).await? {
                self.echo(revision).await;
                let before = held.map_or(NO_LEASE, |held| held.lease);
                if before != NO_LEASE && before != lease {
                    self.revoke(before).await?;
                }
                return Ok(());
            }
        }
        let text = "etcd ended a lease that it had just granted";
        Err(Error::Store(text.to_owned()))
    }

    async fn remove(&self, group: &str, address: &Address) -> Result<bool> {
        let key = self.keys.of(group, address);
        let Some(held) = self.held(&key).await? else {
            return Ok(false);
        };
        // Ending the lease deletes the key. A heartbeat that comes at the same time through
        // another front end either was there before, or finds no lease and registers anew.
        let revision = if held.lease == NO_LEASE {
            self.delete(&key).await?
        } else {
            self.revoke(held.lease).await?
        };
        self.echo(revision).await;
        Ok(true)
    }

    /// What etcd has under a key, asked anew: the copy may be a moment behind.
    async fn held(&self, key: &str) -> Result<Option<Entry>> {
        let ask = |mut client: etcd_client::Client| async move { client.get(key, None).await };
        let response = self.cluster.ask(ask).await?;
        let held = response.kvs().first();
        Ok(held.and_then(|held| self.keys.read(held)))
    }

    /// The lease that a registration has, kept alive, or a new one.
    async fn lease_for(&self, registration: &Registration, held: Option<&Entry>) -> Result<i64> {
        let Some(ttl) = registration.ttl else {
            return Ok(NO_LEASE);
        };
        if let Some(held) = held
            && held.lease != NO_LEASE
            && held.registration.ttl == registration.ttl
            && self.keep_alive(held.lease).await?
        {
            return Ok(held.lease);
        }
        let seconds = whole_seconds(ttl);
        let ask = |mut client: etcd_client::Client| async move {
            client.lease_grant(seconds, None).await
        };
        Ok(self.cluster.ask(ask).await?.id())
    }

    /// Whether the lease was still there.
    async fn keep_alive(&self, lease: i64) -> Result<bool> {
        let ask = |mut client: etcd_client::Client| async move {
            match client.lease_keep_alive(lease).await {
                Ok(_) => Ok(true),
                Err(etcd_client::Error::LeaseKeepAliveError(_)) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.cluster.ask(ask).await
    }

    async fn check_room(&self) -> Result<()> {
        let prefix = self.keys.prefix();
        let ask = |mut client: etcd_client::Client| async move {
            let options = GetOptions::new().with_prefix().with_count_only();
            client.get(prefix, Some(options)).await
        };
        let count = self.cluster.ask(ask).await?.count();
        if usize::try_from(count).is_ok_and(|count| count < self.servers_max) {
            return Ok(());
        }
        let most = self.servers_max;
        Err(Error::Full(format!(
            "the registry has {most} servers, more are not taken"
        )))
    }

    /// The revision of the change, or `None` if there is no such lease.
    async fn put(&self, key: &str, value: &Registration, lease: i64) -> Result<Option<u64>> {
        let value = serde_json::to_vec(value).map_err(|it| Error::Store(it.to_string()))?;
        let ask = |mut client: etcd_client::Client| {
            let value = value.clone();
            async move {
                let options = PutOptions::new().with_lease(lease);
                match client.put(key, value, Some(options)).await {
                    Ok(response) => Ok(Some(revision(response.header()))),
                    Err(error) if is_not_found(&error) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        };
        self.cluster.ask(ask).await
    }

    /// The revision of the change; 0 if somebody else was quicker.
    async fn revoke(&self, lease: i64) -> Result<u64> {
        let ask = |mut client: etcd_client::Client| async move {
            match client.lease_revoke(lease).await {
                Ok(response) => Ok(revision(response.header())),
                Err(error) if is_not_found(&error) => Ok(0),
                Err(error) => Err(error),
            }
        };
        self.cluster.ask(ask).await
    }

    /// The revision of the change.
    async fn delete(&self, key: &str) -> Result<u64> {
        let ask = |mut client: etcd_client::Client| async move {
            client.delete(key, Some(DeleteOptions::new())).await
        };
        let response = self.cluster.ask(ask).await?;
        Ok(revision(response.header()))
    }

    /// Waits until a change is in the copy, so that who has made it finds it in the list. If the
    /// copy has been cut off, it stays behind.
    async fn echo(&self, revision: u64) {
        self.copy.etcd_is_back();
        let mut news = self.copy.news();
        let _ = timeout(ECHO_MAX, news.wait_for(|news| news.revision >= revision)).await;
    }

    async fn wait_for_change(&self, group: Option<&str>, seen: u64) -> u64 {
        // Who has seen more than we, by another front end, has the same list as we when we have
        // heard of that revision and nothing of ours has changed since.
        let mut news = self.copy.news();
        let known = news.wait_for(|news| news.known >= seen);
        if timeout(BEHIND_MAX, known).await.is_err() {
            return news.borrow().revision;
        }
        // Whatever else is new about the copy is no reason to wake up.
        drop(news);
        self.copy.changed(group, seen).await
    }
}

impl Store for EtcdStore {
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.register_or_renew(registration))
    }

    fn deregister<'a>(
        &'a self,
        group: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.remove(group, address))
    }

    fn list<'a>(&'a self, group: Option<&'a str>) -> BoxFuture<'a, Result<Listing>> {
        Box::pin(async move { Ok(self.copy.listing(group, Instant::now())) })
    }

    fn changes<'a>(
        &'a self,
        group: Option<&'a str>,
        seen: u64,
    ) -> BoxFuture<'a, Result<Option<Changes>>> {
        Box::pin(async move { Ok(self.copy.changes(&self.keys, group, seen, Instant::now())) })
    }

    fn changed<'a>(&'a self, group: Option<&'a str>, seen: u64) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { Ok(self.wait_for_change(group, seen).await) })
    }
}

impl Drop for EtcdStore {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore")
            .field("prefix", &self.keys.prefix())
            .field("news", &*self.copy.news().borrow())
            .finish_non_exhaustive()
    }
}

fn revision(header: Option<&etcd_client::ResponseHeader>) -> u64 {
    let revision = header.map_or(0, etcd_client::ResponseHeader::revision);
    u64::try_from(revision).unwrap_or(0)
}

/// Never shorter than asked for: who beats in time must not expire.
fn whole_seconds(ttl: Duration) -> i64 {
    let seconds = ttl.as_millis().div_ceil(1000);
    i64::try_from(seconds).map_or(TTL_MAX, |seconds| seconds.clamp(1, TTL_MAX))
}
