//! How a server is set up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listener::Guests;
use super::services::Services;
use super::{Owner, Phase, Server, Shared};
use crate::address::{Address, AddressError};
use crate::announcer::Announcer;
use crate::codec::{Codec, Formats};
use crate::connection::Budget;
use crate::error::{Error, Result};
use crate::http::DebugPage;
use crate::limits::ServerLimits;
use crate::middleware::Middleware;
use crate::service::IntoService;

/// Options and services of a server.
#[derive(Default)]
#[must_use]
pub struct ServerBuilder {
    services: Services,
    formats: Formats,
    limits: ServerLimits,
    middleware: Vec<Arc<dyn Middleware>>,
    debug_page: DebugPage,
    announcers: Vec<Arc<dyn Announcer>>,
    error: Option<Error>,
}

impl ServerBuilder {
    /// Registers a service. What is wrong with it is reported when the server starts.
    pub fn register(self, service: impl IntoService) -> Self {
        let added = self.services.add(service.into_service());
        self.note(added)
    }

    /// Adds a codec of your own, which clients ask for by its name.
    pub fn add_codec(mut self, codec: impl Codec) -> Self {
        let added = self.formats.add(Arc::new(codec));
        self.note(added)
    }

    /// Puts `middleware` around every request, inside of what was added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Says who may see the page `/debug/wgrpc`, which lists services, methods and their calls.
    pub fn debug_page(mut self, page: DebugPage) -> Self {
        self.debug_page = page;
        self
    }

    /// Tells others, through `announcer`, where the server listens and when it goes away: a
    /// registry's heartbeat, for one.
    pub fn announcer(mut self, announcer: impl Announcer) -> Self {
        self.announcers.push(Arc::new(announcer));
        self
    }

    fn note(mut self, result: Result<()>) -> Self {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
        self
    }

    /// Starts the server, listening on `address`. [`Server::listen`] adds more.
    ///
    /// # Errors
    /// [`Error::Setup`] if a service or codec could not be registered, [`Error::Address`] and
    /// [`Error::Listen`].
    pub async fn listen(
        self,
        address: impl TryInto<Address, Error: Into<AddressError>>,
    ) -> Result<Server> {
        let server = self.start()?;
        server.listen(address).await?;
        Ok(server)
    }

    /// Starts the server without a listener: it serves the connections that it is
    /// [handed](Server::serve_connection) or [makes itself](Server::connect).
    ///
    /// # Errors
    /// [`Error::Setup`] if a service or codec could not be registered.
    pub fn start(self) -> Result<Server> {
        if let Some(error) = self.error {
            return Err(error);
        }
        Ok(Server(Arc::new(Owner(Arc::new(Shared {
            services: self.services,
            formats: self.formats,
            budget: Arc::new(Budget::new(self.limits.long_requests)),
            limits: self.limits,
            middleware: self.middleware,
            debug_page: self.debug_page,
            announcers: self.announcers,
            phase: AtomicU8::new(Phase::Running as u8),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
            tasks: TaskTracker::new(),
            addresses: Mutex::default(),
            links: Mutex::default(),
            guests: Mutex::new(Guests::default()),
            in_flight: Arc::new(AtomicUsize::new(0)),
        })))))
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("services", &self.services)
            .field("limits", &self.limits)
            .field("debug_page", &self.debug_page)
            .finish_non_exhaustive()
    }
}
