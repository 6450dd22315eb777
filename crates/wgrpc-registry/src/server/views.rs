//! Listings as they are sent, made once for many clients.
//!
//! When something changes, every client asks. The list is sorted and written once for all of them,
//! and shared. Ages are the only thing in it that changes by itself, so it is kept for a second.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::api::ListingForm;
use crate::error::{Error, Result};
use crate::lease::Listing;
use crate::store::Store;

/// How old a view may be.
const AGE_MAX: Duration = Duration::from_secs(1);

/// The most groups of which views are kept; with more, all are made anew.
const GROUPS_MAX: usize = 64;

/// What has been made of listings lately.
#[derive(Default)]
pub(super) struct Views {
    json: Cache<Bytes>,
    addresses: Cache<Arc<Addresses>>,
}

/// By group; `None` is all of them.
type Cache<T> = Mutex<HashMap<Option<Box<str>>, View<T>>>;

struct View<T> {
    revision: u64,
    made: Instant,
    content: T,
}

impl Views {
    /// The listing in JSON.
    pub(super) async fn json(&self, store: &dyn Store, group: Option<&str>) -> Result<Bytes> {
        view(&self.json, store, group, |listing| {
            let json = serde_json::to_vec(&ListingForm::from(listing));
            let failed = |error| Error::Store(format!("a listing is no JSON: {error}"));
            json.map(Bytes::from).map_err(failed)
        })
        .await
    }

    /// The listing as clients of the Go original see it.
    pub(super) async fn addresses(
        &self,
        store: &dyn Store,
        group: Option<&str>,
    ) -> Result<Arc<Addresses>> {
        view(&self.addresses, store, group, |listing| {
            Addresses::of(listing).map(Arc::new)
        })
        .await
    }
}

async fn view<T: Clone>(
    cache: &Cache<T>,
    store: &dyn Store,
    group: Option<&str>,
    make: impl FnOnce(&Listing) -> Result<T>,
) -> Result<T> {
    let key = group.map(Box::<str>::from);
    let kept = {
        let cache = cache.lock();
        let view = cache.get(&key).filter(|view| view.made.elapsed() < AGE_MAX);
        view.map(|view| (view.revision, view.content.clone()))
    };
    if let Some((revision, content)) = kept
        && !has_changed(store, revision).await
    {
        return Ok(content);
    }
    let listing = store.list(group).await?;
    let content = make(&listing)?;
    let mut cache = cache.lock();
    if cache.len() >= GROUPS_MAX {
        cache.clear();
    }
    let view = View {
        revision: listing.revision,
        made: Instant::now(),
        content: content.clone(),
    };
    cache.insert(key, view);
    Ok(content)
}

/// Whether the store knows right now that there is another revision.
async fn has_changed(store: &dyn Store, revision: u64) -> bool {
    tokio::select! {
        biased;
        _ = store.changed(revision) => true,
        () = std::future::ready(()) => false,
    }
}

/// Addresses for clients that know nothing but addresses.
pub(super) struct Addresses {
    /// All of them, sorted, with commas between them.
    pub(super) joined: HeaderValue,
    each: Vec<HeaderValue>,
}

impl Addresses {
    /// Servers that want no calls are left out, unless there are no others.
    fn of(listing: &Listing) -> Result<Self> {
        let is_any_wanted = listing.servers.iter().any(|server| server.meta.is_wanted());
        let servers = listing.servers.iter();
        let wanted = servers.filter(|server| !is_any_wanted || server.meta.is_wanted());
        let mut each: Vec<_> = wanted.map(|server| server.address.to_string()).collect();
        each.dedup();
        let value = |text: &String| {
            let failed = |error| Error::Store(format!("an address is no header: {error}"));
            HeaderValue::from_str(text).map_err(failed)
        };
        Ok(Self {
            joined: value(&each.join(","))?,
            each: each.iter().map(value).collect::<Result<_>>()?,
        })
    }

    /// One address, the same one for the same client as long as it is there (the one that has the
    /// highest hash together with the client).
    pub(super) fn one_for(&self, peer: Option<IpAddr>) -> Option<HeaderValue> {
        let Some(peer) = peer else {
            return fastrand::choice(&self.each).cloned();
        };
        let hash = |address: &&HeaderValue| {
            let mut hasher = DefaultHasher::new();
            peer.hash(&mut hasher);
            address.as_bytes().hash(&mut hasher);
            hasher.finish()
        };
        self.each.iter().max_by_key(hash).cloned()
    }
}
