//! A registry's client: registers servers, lists and watches them.
//!
//! `client/exchange.rs` makes one request, `client/answer.rs` reads a listing, of whichever
//! registry.

mod answer;
mod exchange;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use wgrpc_core::Address;

use self::exchange::{Answer, Stream, Target, exchange};
use crate::api;
use crate::error::{Error, Result};
use crate::lease::{Listing, Registration, check_group};
use crate::policy;
use crate::rhythm::BEAT_MAX;

/// For how long a watch asks the registry to wait.
const WATCH: Duration = Duration::from_secs(30);

/// Talks to a registry, ours or the Go original's.
///
/// Every request has a connection of its own and 2 s, and is made once. What the registry lists is
/// advice: addresses that nobody should connect to because a registry says so are left out (Unix
/// sockets, link-local addresses, and this machine itself, unless the registry is on it too).
///
/// ```no_run
/// # async fn list() -> wgrpc_registry::Result<()> {
/// use wgrpc_registry::RegistryClient;
///
/// let registry = RegistryClient::new("http://registry.internal:9999/wgrpc/registry")?;
/// let mut listing = registry.list(Some("Arith")).await?;
/// loop {
///     for server in &listing.servers {
///         println!("{}", server.address);
///     }
///     if let Some(news) = registry.watch(Some("Arith"), &listing).await? {
///         listing = news;
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RegistryClient {
    target: Target,
    token: Option<HeaderValue>,
    timeout: Duration,
    is_local: bool,
}

impl RegistryClient {
    /// The registry at this URL: `http://host:port/wgrpc/registry`. Nothing is sent yet.
    ///
    /// # Errors
    /// If it is no such URL.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        let target = Target::parse(url.as_ref())?;
        Ok(Self {
            is_local: target.is_this_machine(),
            target,
            token: None,
            timeout: BEAT_MAX,
        })
    }

    /// Shows this token to the registry.
    ///
    /// # Errors
    /// If it has characters that cannot be sent.
    pub fn token(mut self, token: &str) -> Result<Self> {
        let mut token = HeaderValue::from_str(&format!("{}{token}", api::BEARER))
            .map_err(|_| Error::Setup("the token cannot be sent in a header".to_owned()))?;
        token.set_sensitive(true);
        self.token = Some(token);
        Ok(self)
    }

    /// How long a request may take; 2 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Believes a registry elsewhere that servers are on this very machine.
    #[must_use]
    pub fn believe_local(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// Makes connections in another way than by TCP to the URL's host: through TLS or a proxy, say.
    #[must_use]
    pub fn dial<F, C, S>(mut self, dial: F) -> Self
    where
        F: Fn() -> C + Send + Sync + 'static,
        C: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.target.dial(Arc::new(move || {
            let connecting = dial();
            Box::pin(async move { Ok(Box::new(connecting.await?) as Box<dyn Stream>) })
        }));
        self
    }

    /// Whether a server that the registry lists may be at this IP address.
    ///
    /// Names in a listing can stand for anything, so whoever connects to one of its servers has to
    /// ask this of the IP address that it is about to dial; the same rules hold that addresses in
    /// a listing have to keep.
    pub fn admits(&self, ip: IpAddr) -> bool {
        policy::admits(ip, self.is_local)
    }

    /// Where the registry is.
    pub fn url(&self) -> &str {
        self.target.url()
    }

    /// Registers a server, or renews it, and says for how long: `None` if the registry does not
    /// say, as a Go registry, or if it is for ever.
    ///
    /// # Errors
    /// If the registry cannot be reached or refuses it.
    pub async fn register(&self, registration: &Registration) -> Result<Option<Duration>> {
        registration.check()?;
        let address = registration.address.to_string();
        let mut request = self.request(Method::POST).header(api::SERVER, address);
        if !registration.group.is_empty() {
            request = request.header(api::SERVER_NAME, registration.group.as_bytes());
        }
        if let Some(ttl) = registration.ttl {
            request = request.header(api::TTL, api::millis(ttl).max(1));
        }
        if registration.meta != Default::default() {
            let meta = serde_json::to_vec(&registration.meta);
            let failed = |error| Error::Invalid(format!("the metadata cannot be sent: {error}"));
            request = request.header(api::META, meta.map_err(failed)?);
        }
        let answer = self.ask(request, self.timeout).await?;
        self.expect_success(&answer)?;
        let ttl = answer
            .head
            .headers
            .get(api::TTL)
            .and_then(|ttl| ttl.to_str().ok());
        let ttl = ttl.and_then(|ttl| ttl.parse().ok()).filter(|ttl| *ttl > 0);
        Ok(ttl.map(Duration::from_millis))
    }

    /// Takes a server off the list, and says whether it was there. A Go registry cannot do that: it
    /// answers with an error, and forgets the server when its time is over.
    ///
    /// # Errors
    /// If the registry cannot be reached or refuses it.
    pub async fn deregister(&self, group: &str, address: &Address) -> Result<bool> {
        check_group(group)?;
        let mut request = self
            .request(Method::DELETE)
            .header(api::SERVER, address.to_string());
        if !group.is_empty() {
            request = request.header(api::SERVER_NAME, group.as_bytes());
        }
        let answer = self.ask(request, self.timeout).await?;
        if answer.head.status == StatusCode::NOT_FOUND && answer.body.is_empty() {
            return Ok(false);
        }
        self.expect_success(&answer)?;
        Ok(true)
    }

    /// The servers of a group, or all of them. A Go registry knows no groups: it lists all.
    ///
    /// # Errors
    /// If the registry cannot be reached, or what it says makes no sense. Then nothing is known,
    /// and an earlier list is better than none.
    pub async fn list(&self, group: Option<&str>) -> Result<Listing> {
        let answer = self.get(group, "", self.timeout).await?;
        self.listing(&answer, None)
    }

    /// Asks whether the list is another one than `known`, and returns it: `None` if it is not. Only
    /// what has changed is sent.
    ///
    /// A Go registry sends everything; its listings have the revision 0.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn poll(&self, group: Option<&str>, known: &Listing) -> Result<Option<Listing>> {
        self.news(group, known, Duration::ZERO).await
    }

    /// As [`poll`](Self::poll), but waits for news: at most 30 s, and then there is none. Call it
    /// again with the new list, or the old one, to go on.
    ///
    /// A Go registry answers at once. Ask it again now and then. So does one that has as many
    /// watchers as it may have, with [`Error::Full`]: [poll](Self::poll) it.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn watch(&self, group: Option<&str>, known: &Listing) -> Result<Option<Listing>> {
        self.news(group, known, WATCH).await
    }

    async fn news(
        &self,
        group: Option<&str>,
        known: &Listing,
        wait: Duration,
    ) -> Result<Option<Listing>> {
        let (watch, revision) = (api::QUERY_WATCH, known.revision);
        let (wait_for, millis) = (api::QUERY_WAIT, wait.as_millis());
        let changes = api::QUERY_CHANGES;
        let query = format!("?{watch}={revision}&{wait_for}={millis}&{changes}");
        let answer = self.get(group, &query, wait + self.timeout).await?;
        if answer.head.status == StatusCode::NOT_MODIFIED && revision > 0 {
            return Ok(None);
        }
        self.listing(&answer, Some(known)).map(Some)
    }

    /// The address of this machine as the registry sees it, or would without the routers between.
    pub(crate) async fn local_ip(&self) -> Result<IpAddr> {
        let connected = tokio::time::timeout(self.timeout, self.target.connect_by_tcp()).await;
        let stream = connected.map_err(|_| self.target.too_late(self.timeout))??;
        let local = stream
            .local_addr()
            .map_err(|error| self.target.unreachable(error))?;
        Ok(local.ip())
    }

    async fn get(&self, group: Option<&str>, query: &str, timeout: Duration) -> Result<Answer> {
        let path = self.target.path();
        let mut request = self
            .request(Method::GET)
            .uri(format!("{path}{query}"))
            .header(header::ACCEPT, api::JSON);
        if let Some(group) = group {
            check_group(group)?;
            request = request.header(api::SERVER_NAME, group.as_bytes());
        }
        self.ask(request, timeout).await
    }

    fn request(&self, method: Method) -> hyper::http::request::Builder {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(self.target.path())
            .header(header::HOST, self.target.authority())
            .header(header::CONNECTION, "close");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        request
    }

    async fn ask(
        &self,
        request: hyper::http::request::Builder,
        timeout: Duration,
    ) -> Result<Answer> {
        let answer = exchange(&self.target, request, timeout).await?;
        if answer.head.status == StatusCode::UNAUTHORIZED {
            return Err(Error::Unauthorized);
        }
        Ok(answer)
    }

    fn expect_success(&self, answer: &Answer) -> Result<()> {
        let status = answer.head.status;
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text();
        Err(match status {
            StatusCode::BAD_REQUEST if !text.is_empty() => Error::Invalid(text),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS if !text.is_empty() => {
                Error::Full(text)
            }
            _ => self.target.nonsense(format!("status {status}")),
        })
    }

    fn listing(&self, answer: &Answer, known: Option<&Listing>) -> Result<Listing> {
        self.expect_success(answer)?;
        let listing = answer::listing(answer, known, self.is_local);
        listing.map_err(|reason| self.target.nonsense(reason))
    }
}

#[cfg(test)]
mod tests;
