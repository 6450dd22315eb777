//! The HTTP side of the port: what is answered to whoever comes by HTTP and does not want calls.
//!
//! A `CONNECT` for calls never gets here: the connection's owner takes it from its own buffer, and
//! hands everything else over together with the bytes that it has read.

mod debug_page;
mod guard;

use std::convert::Infallible;
use std::future::Future;
use std::io::Cursor;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;

use crate::protocol::{
    DEBUG_PATH, HEAD_FIELDS_MAX, HEAD_MAX, MUST_CONNECT, RPC_PATH, RPC_PATH_ALIAS,
};
use crate::transport::{Io, Peer};

/// How long a request's head may take, from the connection's beginning or the previous response.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may go on, whatever is asked on it.
const AGE_MAX: Duration = Duration::from_secs(30);

/// How long the response that is under way at its end may still take.
const LAST_RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a request's body.
const BODY_MAX: usize = 64 << 10;

/// Who may see the debug page, with the names of all services and methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DebugPage {
    /// Whoever connects from this machine: over a Unix socket, or to a loopback address under one
    /// of its usual names. A proxy on this machine speaks for all its clients.
    #[default]
    Auto,
    /// Everybody who reaches the server.
    On,
    /// Nobody.
    Off,
}

/// What the HTTP side shows of a server.
pub(crate) trait Site: Send + Sync {
    /// The server's setting.
    fn debug_page(&self) -> DebugPage;

    /// All services as they are now, in any order.
    fn services(&self) -> Vec<ServiceInfo>;
}

/// A service, as people want to see it.
#[derive(Clone, Debug)]
pub(crate) struct ServiceInfo {
    pub(crate) name: String,
    pub(crate) methods: Vec<MethodInfo>,
}

/// A method, as people want to see it.
#[derive(Clone, Debug)]
pub(crate) struct MethodInfo {
    pub(crate) name: String,
    /// As Go would write it: `Multiply(Args{A int, B int}) int`.
    pub(crate) signature: String,
    /// How often it has been called.
    pub(crate) calls: u64,
}

/// Answers HTTP requests until the client leaves, misbehaves or has had its time, or until
/// `shutdown` completes; then the response that is under way is the last one.
///
/// `prefix` is what has been read from `io` already, all of it.
pub(crate) async fn serve(
    io: Io,
    prefix: BytesMut,
    site: Arc<dyn Site>,
    shutdown: impl Future<Output = ()>,
) {
    let peer = io.peer;
    let local = io.local;
    let read = Cursor::new(prefix).chain(io.read);
    let stream = TokioIo::new(tokio::io::join(read, io.write));
    let service = service_fn(|request| {
        let site = Arc::clone(&site);
        let local = &local;
        async move { Ok::<_, Infallible>(answer(request, &*site, local).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_MAX)
            .max_headers(HEAD_FIELDS_MAX)
            // Whoever has nothing more to ask may still want the answer.
            .half_close(true)
            .serve_connection(stream, service)
    );
    let outcome = tokio::select! {
        outcome = connection.as_mut() => Ok(outcome),
        () = first(shutdown, tokio::time::sleep(AGE_MAX)) => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST_RESPONSE_TIMEOUT, connection).await
        }
    };
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "an HTTP connection failed"),
        Err(_) => tracing::debug!(%peer, "an HTTP client took too long to read its response"),
    }
}

/// Ends with the first of the two.
async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::select! {
        () = one => {}
        () = other => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    site: &dyn Site,
    local: &Peer,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    // Closing a connection with something left to read in it would take the answer along.
    if Limited::new(body, BODY_MAX).collect().await.is_err() {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "413 the body is too large\n");
    }
    match head.uri.path() {
        DEBUG_PATH => debug_page(&head, site, local),
        RPC_PATH | RPC_PATH_ALIAS if head.method == Method::CONNECT => text(
            StatusCode::BAD_REQUEST,
            "400 CONNECT must be the first request of its connection\n",
        ),
        RPC_PATH | RPC_PATH_ALIAS => {
            let response = text(StatusCode::METHOD_NOT_ALLOWED, MUST_CONNECT);
            with(response, header::ALLOW, "CONNECT")
        }
        _ => not_found(),
    }
}

fn debug_page(head: &Parts, site: &dyn Site, local: &Peer) -> Response<Full<Bytes>> {
    let setting = site.debug_page();
    if setting == DebugPage::Off {
        return not_found();
    }
    if ![Method::GET, Method::HEAD].contains(&head.method) {
        let response = text(StatusCode::METHOD_NOT_ALLOWED, "405 must GET\n");
        return with(response, header::ALLOW, "GET, HEAD");
    }
    if let Err(reason) = guard::check(head, setting, local) {
        return text(StatusCode::FORBIDDEN, format!("403 {reason}\n"));
    }
    let page = response(
        StatusCode::OK,
        "text/html; charset=utf-8",
        debug_page::render(site.services()),
    );
    let page = with(page, header::X_FRAME_OPTIONS, "DENY");
    with(
        page,
        header::CONTENT_SECURITY_POLICY,
        debug_page::CONTENT_SECURITY_POLICY,
    )
}

fn not_found() -> Response<Full<Bytes>> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", body)
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let response = with(response, header::CONTENT_TYPE, content_type);
    let response = with(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    with(response, header::CACHE_CONTROL, "no-store")
}

fn with(
    mut response: Response<Full<Bytes>>,
    name: header::HeaderName,
    value: &'static str,
) -> Response<Full<Bytes>> {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

#[cfg(test)]
mod tests;
