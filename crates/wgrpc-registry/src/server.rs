//! The registry: HTTP over a [`Store`].
//!
//! `server/limits.rs` has its bounds, `server/request.rs` reads what a request says,
//! `server/views.rs` has listings as they are sent, and `server/listen.rs` serves them on a port
//! of its own.

mod limits;
mod listen;
mod request;
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
use wgrpc_core::BoxFuture;

use self::request::{Query, address, group, is_authorized, is_from_a_page, meta, ttl, wants_json};
use self::views::Views;
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
    /// group always gets the same one. How many connections there may be, and for how long, is for
    /// that server to say.
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
            self.wait(seen, query.wait).await?;
        }
        if query.watch.is_some() || query.is_json || wants_json(head) {
            let json = self.views.json(&*self.store, group).await?;
            let mut response = Response::new(Full::new(json));
            let json = HeaderValue::from_static(api::JSON);
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            not_stored(&mut response);
            return Ok(response);
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
        not_stored(&mut response);
        Ok(response)
    }

    /// Until there is another revision than `seen`, or the time is up.
    async fn wait(&self, seen: u64, wait: Option<Duration>) -> Result<()> {
        let Ok(_place) = self.watchers.try_acquire() else {
            let most = self.limits.watchers;
            let text = format!("the registry has {most} watchers, ask without watching");
            return Err(Error::Full(text));
        };
        let most = self.limits.watch_max;
        let wait = wait.map_or(most, |wait| wait.min(most));
        match tokio::time::timeout(wait, self.store.changed(seen)).await {
            Ok(changed) => {
                changed?;
                if seen > 0 {
                    tokio::time::sleep(GATHER).await;
                }
                Ok(())
            }
            Err(_) => Ok(()),
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

/// A list is only true when it is sent.
fn not_stored(response: &mut Response<Full<Bytes>>) {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
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
