//! The registry: HTTP over a [`Store`].
//!
//! `server/limits.rs` has its bounds, `server/request.rs` reads what a request says,
//! `server/sources.rs` knows who has registered too often, `server/revision.rs` which list a client
//! has, `server/views.rs` has listings as they are sent, and `server/listen.rs` serves them on a
//! port of its own.

mod limits;
mod listen;
mod request;
mod revision;
mod sources;
mod views;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use wgrpc_core::BoxFuture;

use self::request::{Query, address, group, is_authorized, is_from_a_page, meta, ttl, wants_json};
use self::revision::Revision;
use self::sources::Sources;
use self::views::{Told, Views};
use crate::api;
use crate::error::{Error, Result};
use crate::lease::Registration;
use crate::membership::MembershipConfig;
use crate::store::{MemoryStore, Store};

pub use limits::RegistryLimits;
pub use listen::RegistryServer;

/// What a server lives without a sign of life, unless it asks for less.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Changes that come together are told together.
const GATHER: Duration = Duration::from_millis(50);

/// A registry: servers tell it that they are alive, clients ask it where servers are.
///
/// It speaks HTTP as the Go original does, so that Go programs can use it, and more with those
/// who know more. [`listen`](Self::listen) gives it a port; [`handle`](Self::handle) makes it
/// part of any HTTP server. Cloning it is cheap and gives the same registry.
///
/// ```
/// use wgrpc_registry::{Registration, Registry, RegistryClient};
///
/// # #[tokio::main]
/// # async fn main() -> wgrpc_registry::Result<()> {
/// let registry = Registry::builder().build();
/// let server = registry.listen("127.0.0.1:0").await?;
///
/// let client = RegistryClient::new(server.url())?;
/// client.register(&Registration::new("tcp@127.0.0.1:9001".parse()?)).await?;
/// let listing = client.list(None).await?;
/// assert_eq!(listing.servers[0].address.to_string(), "tcp@127.0.0.1:9001");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    store: Box<dyn Store>,
    /// `None` is for ever.
    timeout: Option<Duration>,
    token: Option<String>,
    is_open: bool,
    path: String,
    limits: RegistryLimits,
    watchers: Semaphore,
    sources: Sources,
    views: Views,
}

/// The options of a [`Registry`].
#[derive(Default)]
pub struct RegistryBuilder {
    store: Option<Box<dyn Store>>,
    timeout: Option<Duration>,
    token: Option<String>,
    is_open: bool,
    path: Option<String>,
    limits: RegistryLimits,
}

impl RegistryBuilder {
    /// How long a server is listed after it was last heard of, unless it asks for another time: 5
    /// minutes, since Go servers beat every 4. 0 is for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Only who has this token may register and deregister: `Authorization: Bearer TOKEN`.
    /// Everybody may list. Go servers cannot send one.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Lets everybody who reaches it register servers, from other machines too. Without this a
    /// registry that has no token listens to its own machine only.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Where registrations are kept: [in memory](MemoryStore), unless something else is said.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// The path under which [`listen`](Registry::listen) serves it: [`PATH`](crate::api::PATH). Who
    /// [mounts](Registry::handle) it decides about its path there.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Its bounds.
    #[must_use]
    pub fn limits(mut self, limits: RegistryLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The registry. Without a store of its own it has to be made inside of a tokio runtime.
    #[must_use]
    pub fn build(self) -> Registry {
        let in_memory =
            || -> Box<dyn Store> { Box::new(MemoryStore::new(MembershipConfig::default())) };
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        let watchers = self.limits.watchers.min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            store: self.store.unwrap_or_else(in_memory),
            timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
            token: self.token,
            is_open: self.is_open,
            path: self.path.unwrap_or_else(|| api::PATH.to_owned()),
            sources: Sources::new(self.limits.posts_per_second),
            limits: self.limits,
            watchers: Semaphore::new(watchers),
            views: Views::default(),
        };
        Registry {
            shared: Arc::new(shared),
        }
    }
}

impl Registry {
    /// The options of a new registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// Answers a request, under whatever path it came: mount it in any server of hyper's types. A
    /// watch is answered when there is news, so do not hold anything up with it.
    ///
    /// What it needs of a request is in the head; the body is not read. If the request's extensions
    /// have the peer's [`SocketAddr`], a client of later Go versions that asks for one server of a
    /// group always gets the same one, and nobody registers
    /// [too often](RegistryLimits::posts_per_second). How many connections there may be, and for
    /// how long, is for that server to say.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Full;
    /// use hyper::body::Incoming;
    /// use hyper::{Request, Response};
    /// use wgrpc_registry::Registry;
    ///
    /// async fn route(registry: &Registry, request: Request<Incoming>) -> Response<Full<Bytes>> {
    ///     match request.uri().path() {
    ///         "/internal/servers" => registry.handle(request).await,
    ///         _ => Response::new(Full::from("hello")),
    ///     }
    /// }
    /// ```
    pub fn handle<B>(&self, request: Request<B>) -> BoxFuture<'static, Response<Full<Bytes>>> {
        let shared = Arc::clone(&self.shared);
        let (head, _body) = request.into_parts();
        Box::pin(async move {
            shared.answer(&head).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "a request was refused");
                failure(&error)
            })
        })
    }
}

impl Shared {
    async fn answer(&self, head: &Parts) -> Result<Response<Full<Bytes>>> {
        if is_from_a_page(head) {
            let text = "pages of a browser may not use the registry\n";
            return Ok(plain(StatusCode::FORBIDDEN, text));
        }
        let peer = head.extensions.get::<SocketAddr>().map(SocketAddr::ip);
        let is_post = matches!(head.method, Method::POST | Method::DELETE);
        if is_post && peer.is_some_and(|peer| !self.sources.may_post(peer, Instant::now())) {
            let most = self.limits.posts_per_second;
            let text = format!("more than {most} registrations a second from one address\n");
            return Ok(plain(StatusCode::TOO_MANY_REQUESTS, &text));
        }
        match head.method {
            Method::GET => self.list(head).await,
            Method::POST => self.register(head).await,
            Method::DELETE => self.deregister(head).await,
            // This and what is said about a missing address are the Go original's to the letter.
            _ => Ok(empty(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    async fn register(&self, head: &Parts) -> Result<Response<Full<Bytes>>> {
        is_authorized(head, self.token.as_deref())?;
        let Some(address) = address(head)? else {
            return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let limits = &self.limits;
        let asked = ttl(head)?.map(|ttl| ttl.clamp(limits.ttl_min, limits.ttl_max));
        let registration = Registration {
            address,
            group: group(head)?.unwrap_or_default().to_owned(),
            ttl: asked.or(self.timeout),
            meta: meta(head)?,
        };
        registration.check()?;
        let granted = registration.ttl.map_or(0, api::millis);
        self.store.register(registration).await?;
        let mut response = empty(StatusCode::OK);
        response.headers_mut().insert(api::TTL, granted.into());
        Ok(response)
    }

    async fn deregister(&self, head: &Parts) -> Result<Response<Full<Bytes>>> {
        is_authorized(head, self.token.as_deref())?;
        let Some(address) = address(head)? else {
            return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let group = group(head)?.unwrap_or_default();
        let was_there = self.store.deregister(group, &address).await?;
        Ok(empty(if was_there {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        }))
    }

    async fn list(&self, head: &Parts) -> Result<Response<Full<Bytes>>> {
        let group = group(head)?;
        let query = Query::of(head)?;
        if let Some(seen) = query.watch {
            let seen = Revision::from_number(seen);
            let told = self.watch(group, seen, &query).await?;
            return Ok(if told.is_known_to(seen) {
                not_stored(empty(StatusCode::NOT_MODIFIED))
            } else {
                json(told)
            });
        }
        if query.is_json || wants_json(head) {
            return Ok(json(self.views.listing(&*self.store, group).await?));
        }
        let addresses = self.views.addresses(&*self.store, group).await?;
        let mut response = empty(StatusCode::OK);
        if group.is_some() {
            let peer = head.extensions.get::<SocketAddr>().map(SocketAddr::ip);
            if let Some(one) = addresses.one_for(peer) {
                response.headers_mut().insert(api::SERVER_ADDR, one);
            }
        }
        response
            .headers_mut()
            .insert(api::SERVERS, addresses.joined.clone());
        Ok(not_stored(response))
    }

    /// What is to be told to a client that has the revision `seen`: as soon as there is news, or
    /// when the time is up.
    async fn watch(&self, group: Option<&str>, seen: Revision, query: &Query) -> Result<Told> {
        let most = self.limits.watch_max;
        let wait = query.wait.map_or(most, |wait| wait.min(most));
        if wait.is_zero() {
            return self.news(group, seen, query).await;
        }
        let Ok(_place) = self.watchers.try_acquire() else {
            let most = self.limits.watchers;
            let text = format!("the registry has {most} watchers, ask without waiting");
            return Err(Error::Full(text));
        };
        if let Ok(changed) = timeout(wait, self.store.changed(group, seen.of_store)).await {
            changed?;
            if seen.of_store > 0 {
                sleep(GATHER).await;
            }
        }
        self.news(group, seen, query).await
    }

    async fn news(&self, group: Option<&str>, seen: Revision, query: &Query) -> Result<Told> {
        if query.are_changes_enough {
            self.views.changes(&*self.store, group, seen).await
        } else {
            self.views.listing(&*self.store, group).await
        }
    }
}

fn failure(error: &Error) -> Response<Full<Bytes>> {
    let status = match error {
        Error::Address(_) | Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Unauthorized => StatusCode::UNAUTHORIZED,
        Error::Full(_) | Error::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = plain(status, &format!("{error}\n"));
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static(api::BEARER.trim_ascii_end());
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
    }
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, text);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn json(told: Told) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(told.json));
    let json = HeaderValue::from_static(api::JSON);
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    not_stored(response)
}

/// A list is only true when it is sent.
fn not_stored(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("timeout", &self.shared.timeout)
            .field("has_token", &self.shared.token.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("timeout", &self.timeout)
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
