//! The seam behind which registrations are kept: in memory, or in a database that several
//! registries share.

#[cfg(feature = "etcd")]
mod etcd;
mod memory;
mod watchers;

use std::sync::Arc;

use wgrpc_core::{Address, BoxFuture};

use crate::error::Result;
use crate::lease::{Changes, Listing, Registration};

#[cfg(feature = "etcd")]
pub use etcd::{EtcdConfig, EtcdStore};
pub use memory::MemoryStore;

/// Where registrations are kept. One registry front end talks to one store.
///
/// A store keeps time by itself: what is not renewed within its time to live disappears.
pub trait Store: Send + Sync + 'static {
    /// Registers a server, or renews what is registered. The registration has been
    /// [checked](Registration::check), and its time to live filled in: `None` is for ever.
    ///
    /// Fails if there is no room, or if the store does not work.
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<()>>;

    /// Takes a server off the list, and says whether it was there.
    fn deregister<'a>(
        &'a self,
        group: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool>>;

    /// The servers of one group, or all of them, sorted by the text of their address.
    fn list<'a>(&'a self, group: Option<&'a str>) -> BoxFuture<'a, Result<Listing>>;

    /// What has changed in one group, or in all of them, since the revision `seen`. `None` if the
    /// store does not remember that: then everything is told, as it is to everybody where a store
    /// does not remember anything.
    fn changes<'a>(
        &'a self,
        group: Option<&'a str>,
        seen: u64,
    ) -> BoxFuture<'a, Result<Option<Changes>>>;

    /// Resolves when something has changed in one group, or in any of them, since the revision
    /// `seen`, and tells the listing's revision.
    ///
    /// It resolves at once if the store does not remember that revision. As a rule the listing's is
    /// above `seen`. It is below if the store has lost its memory, and then nobody must wait for it
    /// to catch up.
    fn changed<'a>(&'a self, group: Option<&'a str>, seen: u64) -> BoxFuture<'a, Result<u64>>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn register(&self, registration: Registration) -> BoxFuture<'_, Result<()>> {
        (**self).register(registration)
    }

    fn deregister<'a>(
        &'a self,
        group: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool>> {
        (**self).deregister(group, address)
    }

    fn list<'a>(&'a self, group: Option<&'a str>) -> BoxFuture<'a, Result<Listing>> {
        (**self).list(group)
    }

    fn changes<'a>(
        &'a self,
        group: Option<&'a str>,
        seen: u64,
    ) -> BoxFuture<'a, Result<Option<Changes>>> {
        (**self).changes(group, seen)
    }

    fn changed<'a>(&'a self, group: Option<&'a str>, seen: u64) -> BoxFuture<'a, Result<u64>> {
        (**self).changed(group, seen)
    }
}
