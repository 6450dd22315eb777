//! A registry on a port of its own, within bounds.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::{Registry, empty, plain};
use crate::api;
use crate::error::{Error, Result};

/// How long a request's head may take, and its body; and how long a connection may be idle.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may go on, whatever is asked on it, beside one last watch.
const AGE_MAX: Duration = Duration::from_secs(120);

/// The most bytes of a request's head.
const HEAD_MAX: usize = 16 << 10;

/// The most headers of a request.
const HEADERS_MAX: usize = 64;

/// The most bytes of a request's body, which nobody needs.
const BODY_MAX: usize = 64 << 10;

/// Longer lists of addresses count: they are copied for every connection that they are sent on.
const LONG_LIST: usize = 64 << 10;

/// How many KiB of such copies there may be at a time.
const LONG_LISTS_MAX: usize = 64 << 10;

/// The first pause after a connection could not be accepted; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A registry on a port. It ends when this is dropped.
#[derive(Debug)]
pub struct RegistryServer {
    url: String,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl RegistryServer {
    /// Where it is, for clients and servers on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; then the port is free. Watches that are under way end without an answer.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // It was aborted, or it had ended already.
        let _ = (&mut self.task).await;
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Registry {
    /// Serves the registry on this `host:port`; port 0 lets the system choose one.
    ///
    /// # Errors
    /// If it cannot listen there, or must not: beyond its own machine a registry needs a
    /// [token](super::RegistryBuilder::token), or has to be
    /// [open](super::RegistryBuilder::open) on purpose.
    pub async fn listen(&self, address: impl ToSocketAddrs) -> Result<RegistryServer> {
        let cannot = |error: io::Error| Error::Setup(format!("cannot listen: {error}"));
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        self.serve(listener)
    }

    /// Serves the registry on a listener that is there already. Has to be called inside of a tokio
    /// runtime.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn serve(&self, listener: TcpListener) -> Result<RegistryServer> {
        let cannot = |error: io::Error| Error::Setup(format!("cannot listen: {error}"));
        let address = listener.local_addr().map_err(cannot)?;
        let is_guarded = self.shared.token.is_some() || self.shared.is_open;
        if !is_guarded && !address.ip().to_canonical().is_loopback() {
            return Err(Error::Setup(format!(
                "anybody could register servers at {address}: \
                 set a token, say that it is open, or listen on 127.0.0.1"
            )));
        }
        let url = format!("http://{address}{}", self.shared.path);
        let task = tokio::spawn(accept(self.clone(), listener));
        Ok(RegistryServer { url, address, task })
    }
}

/// Takes connections until it is dropped, and all of them with it.
async fn accept(registry: Registry, listener: TcpListener) {
    let most = registry
        .shared
        .limits
        .connections
        .min(Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(most));
    let long_lists = Arc::new(Semaphore::new(LONG_LISTS_MAX));
    let peers = Arc::new(Peers::default());
    let mut connections = JoinSet::new();
    let mut pause = PAUSE_MIN;
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause = PAUSE_MIN;
                let most = registry.shared.limits.connections_per_address;
                let Some(counted) = Peers::count(&peers, peer.ip(), most) else {
                    tracing::debug!(%peer, "a connection too many from one address");
                    continue;
                };
                let connection = Connection {
                    registry: registry.clone(),
                    peer,
                    long_lists: Arc::clone(&long_lists),
                    copies: Mutex::default(),
                };
                connections.spawn(async move {
                    connection.serve(stream).await;
                    drop((counted, place));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// How many connections there are from each address.
#[derive(Default)]
struct Peers(Mutex<HashMap<IpAddr, usize>>);

/// One of them; no more when this is dropped.
struct Counted {
    peers: Arc<Peers>,
    ip: IpAddr,
}

impl Peers {
    /// Counts one more, unless there are so many already.
    fn count(peers: &Arc<Self>, ip: IpAddr, most: usize) -> Option<Counted> {
        let mut counts = peers.0.lock();
        let count = counts.entry(ip).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted {
            peers: Arc::clone(peers),
            ip,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.peers.0.lock();
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}

struct Connection {
    registry: Registry,
    peer: SocketAddr,
    long_lists: Arc<Semaphore>,
    /// Held until the connection's end.
    copies: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl Connection {
    async fn serve(&self, stream: TcpStream) {
        let service =
            service_fn(|request| async { Ok::<_, Infallible>(self.answer(request).await) });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_TIMEOUT)
                .max_buf_size(HEAD_MAX)
                .max_headers(HEADERS_MAX)
                .title_case_headers(true)
                .serve_connection(TokioIo::new(stream), service)
        );
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = tokio::time::sleep(AGE_MAX) => {
                connection.as_mut().graceful_shutdown();
                let last = self.registry.shared.limits.watch_max + REQUEST_TIMEOUT;
                tokio::time::timeout(last, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(peer = %self.peer, %error, "a connection failed");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (mut head, body) = request.into_parts();
        // Closing a connection with something left to read in it would take the answer along.
        let body = Limited::new(body, BODY_MAX).collect();
        if !matches!(tokio::time::timeout(REQUEST_TIMEOUT, body).await, Ok(Ok(_))) {
            return plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a request has no body here\n",
            );
        }
        if head.uri.path() != self.registry.shared.path {
            return empty(StatusCode::NOT_FOUND);
        }
        head.extensions.insert(self.peer);
        let mut response = self.registry.handle(Request::from_parts(head, ())).await;
        let list = response
            .headers()
            .get(api::SERVERS)
            .map_or(0, HeaderValue::len);
        if list > LONG_LIST {
            // At most as many as there are servers, with addresses of bounded length.
            let size = u32::try_from(list >> 10).unwrap_or(u32::MAX);
            let Ok(copy) = Arc::clone(&self.long_lists).try_acquire_many_owned(size) else {
                let text = "too many clients read the list just now, ask again\n";
                return plain(StatusCode::SERVICE_UNAVAILABLE, text);
            };
            self.copies.lock().push(copy);
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}
