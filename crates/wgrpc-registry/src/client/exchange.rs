//! One HTTP request and its answer, within bounds of time and size.

use std::fmt::{self, Display};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Uri;
use hyper::client::conn::http1;
use hyper::http::request::Builder;
use hyper::http::response::Parts;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use wgrpc_core::BoxFuture;

use crate::api;
use crate::error::{Error, Result};
use crate::policy;

/// The most bytes of an answer's head: ten thousand of the longest addresses.
const HEAD_MAX: usize = 3 << 20;

/// The most bytes of an answer's body.
const BODY_MAX: usize = 16 << 20;

/// The most characters of a refusal that are shown.
const TEXT_MAX: usize = 256;

/// What a request travels on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How connections are made, if not by TCP.
pub(super) type Dial =
    Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn Stream>>> + Send + Sync>;

/// Where the registry is, taken apart.
#[derive(Clone)]
pub(super) struct Target {
    dial: Option<Dial>,
    url: String,
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let wrong = |reason: &str| {
            let example = format_args!("http://host:port{}", api::PATH);
            Error::Setup(format!(
                "wrong URL of a registry '{url}': {reason}, expect {example}"
            ))
        };
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("it does not begin with http://"));
        }
        let Some(authority) = uri.authority() else {
            return Err(wrong("the host is missing"));
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong("it has more than host, port and path"));
        }
        let host = authority.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            dial: None,
            url: url.to_owned(),
            authority: authority.to_string(),
            host: bare.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: uri.path().to_owned(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_this_machine(&self) -> bool {
        match self.host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
            Err(_) => policy::is_local_name(&self.host),
        }
    }

    pub(super) fn dial(&mut self, dial: Dial) {
        self.dial = Some(dial);
    }

    /// Connects in the way that requests are to travel.
    async fn connect(&self) -> Result<Box<dyn Stream>> {
        match &self.dial {
            Some(dial) => dial().await.map_err(|error| self.unreachable(error)),
            None => Ok(Box::new(self.connect_by_tcp().await?)),
        }
    }

    pub(super) async fn connect_by_tcp(&self) -> Result<TcpStream> {
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        connected.map_err(|error| self.unreachable(error))
    }

    pub(super) fn unreachable(&self, reason: impl Display) -> Error {
        Error::Unreachable {
            url: self.url.clone(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn too_late(&self, limit: Duration) -> Error {
        self.unreachable(format_args!("nothing within {limit:?}"))
    }

    pub(super) fn nonsense(&self, reason: impl Display) -> Error {
        Error::Answer {
            url: self.url.clone(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.url).finish()
    }
}

/// What was answered.
pub(super) struct Answer {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body's beginning as text that can be shown.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let shown = text.trim().chars().take(TEXT_MAX);
        shown
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    }
}

/// Makes the request on a connection of its own.
pub(super) async fn exchange(target: &Target, request: Builder, limit: Duration) -> Result<Answer> {
    let cannot = |error| Error::Invalid(format!("the request cannot be sent: {error}"));
    let request = request.body(Empty::<Bytes>::new()).map_err(cannot)?;
    let exchange = async {
        let stream = target.connect().await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| target.unreachable(error))?;
        let answer = async {
            let failed = |error: hyper::Error| {
                if error.is_parse() || error.is_parse_too_large() {
                    target.nonsense(error)
                } else {
                    target.unreachable(error)
                }
            };
            let (head, body) = sender
                .send_request(request)
                .await
                .map_err(failed)?
                .into_parts();
            let body = Limited::new(body, BODY_MAX).collect().await;
            let body = body.map_err(|error| target.nonsense(error))?;
            Ok(Answer {
                head,
                body: body.to_bytes(),
            })
        };
        // The connection works for the answer. It may be done before the answer is; if it fails,
        // the answer does so too.
        let work = async {
            let _ = connection.await;
            std::future::pending().await
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            never = work => never,
        }
    };
    let answer = tokio::time::timeout(limit, exchange).await;
    answer.map_err(|_| target.too_late(limit))?
}
