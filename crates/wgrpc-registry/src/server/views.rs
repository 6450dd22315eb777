//! Listings as they are sent, made once for many clients.
//!
//! When something changes, every client asks. The list is sorted and written once for all of them,
//! and shared. Ages are the only thing in it that changes by itself, so it is kept for a second.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::revision::Revision;
use crate::api::ListingForm;
use crate::error::{Error, Result};
use crate::lease::Listing;
use crate::store::Store;

/// How old a view may be.
const AGE_MAX: Duration = Duration::from_secs(1);

/// The most listings that are kept; with more, all are made anew. A server is in one group, so
/// those of all groups together are as long as the one of everybody.
const LISTINGS_MAX: usize = 1024;

/// The most of what has changed. Each may be half as long as the listing of everybody.
const CHANGES_MAX: usize = 64;

/// What has been made of listings lately.
#[derive(Default)]
pub(super) struct Views {
    listings: Cache<Told>,
    changes: Cache<Told>,
    addresses: Cache<Arc<Addresses>>,
}

type Cache<T> = Mutex<HashMap<Key, View<T>>>;

/// What of a store's list: one group or all of them, and everything or what has changed.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    group: Option<Box<str>>,
    since: Option<Revision>,
}

struct View<T> {
    /// That of the store.
    revision: u64,
    made: Instant,
    content: T,
}

/// A listing or changes, in JSON.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) revision: Revision,
    /// It says that no server has changed.
    pub(super) is_empty: bool,
    pub(super) json: Bytes,
}

impl Told {
    /// A whole listing, or what has changed `since` a revision.
    fn new(form: ListingForm, since: Option<Revision>) -> Result<Self> {
        let revision = Revision {
            of_store: form.revision,
            is_warming: form.warming,
        };
        let is_empty = since.is_some() && form.servers.is_empty() && form.gone.is_empty();
        let form = ListingForm {
            revision: revision.number(),
            since: since.map(Revision::number),
            ..form
        };
        let failed = |error| Error::Store(format!("a listing is no JSON: {error}"));
        let json = serde_json::to_vec(&form).map_err(failed)?;
        Ok(Self {
            revision,
            is_empty,
            json: json.into(),
        })
    }

    /// Whether it tells nothing to whoever has this revision. In a store that several registries
    /// share that may be one that ours has not come to, since nothing has changed.
    pub(super) fn is_known_to(&self, seen: Revision) -> bool {
        let is_older = self.is_empty && self.revision.of_store <= seen.of_store;
        self.revision == seen || is_older && self.revision.is_warming == seen.is_warming
    }
}

impl Views {
    /// The whole listing.
    pub(super) async fn listing(&self, store: &dyn Store, group: Option<&str>) -> Result<Told> {
        let make = async {
            let listing = store.list(group).await?;
            let told = Told::new(ListingForm::from(&listing), None)?;
            Ok((listing.revision, told))
        };
        view(&self.listings, store, Key::of(group, None), make).await
    }

    /// What has changed since that revision, or the whole listing if nobody remembers.
    pub(super) async fn changes(
        &self,
        store: &dyn Store,
        group: Option<&str>,
        seen: Revision,
    ) -> Result<Told> {
        let make = async {
            let Some(changes) = store.changes(group, seen.of_store).await? else {
                let told = self.listing(store, group).await?;
                return Ok((told.revision.of_store, told));
            };
            let told = Told::new(ListingForm::from(&changes), Some(seen))?;
            Ok((changes.revision, told))
        };
        view(&self.changes, store, Key::of(group, Some(seen)), make).await
    }

    /// The listing as clients of the Go original see it.
    pub(super) async fn addresses(
        &self,
        store: &dyn Store,
        group: Option<&str>,
    ) -> Result<Arc<Addresses>> {
        let make = async {
            let listing = store.list(group).await?;
            Ok((listing.revision, Arc::new(Addresses::of(&listing)?)))
        };
        view(&self.addresses, store, Key::of(group, None), make).await
    }
}

impl Key {
    fn of(group: Option<&str>, since: Option<Revision>) -> Self {
        Self {
            group: group.map(Box::from),
            since,
        }
    }
}

/// What is kept under the key, or what is made now: the store's revision, and the content.
async fn view<T: Clone>(
    cache: &Cache<T>,
    store: &dyn Store,
    key: Key,
    make: impl Future<Output = Result<(u64, T)>>,
) -> Result<T> {
    let is_whole = key.since.is_none();
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
    let (revision, content) = make.await?;
    let mut cache = cache.lock();
    let most = if is_whole { LISTINGS_MAX } else { CHANGES_MAX };
    if cache.len() >= most {
        cache.clear();
    }
    let view = View {
        revision,
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
        _ = store.changed(None, revision) => true,
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
