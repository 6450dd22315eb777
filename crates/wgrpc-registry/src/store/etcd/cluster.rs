//! The members of an etcd cluster: each question goes to one that answers.
//!
//! Every question here can be asked twice: getting, keeping alive, putting and deleting end the
//! same, and a lease that was granted to nobody ends by itself.

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

use super::EtcdConfig;
use crate::error::{Error, Result};

/// How long a question may take, over all members. Less than a heartbeat waits for its answer, so
/// that it learns why there is none.
const ANSWER_MAX: Duration = Duration::from_millis(1500);

/// The pause before a member is asked again; it doubles.
const PAUSE: Duration = Duration::from_millis(25);

/// A connection on which nothing comes for so long is probed, and given up after as long again.
/// More than one probe in 5 s is an attack to etcd, and so are probes while nothing is asked.
const PROBE: Duration = Duration::from_secs(6);

/// What the URL of a member begins with that is asked through TLS.
const TLS: &str = "https://";

/// All members that we know of.
pub(super) struct Cluster {
    members: Vec<Member>,
    /// The one that answered last.
    preferred: AtomicUsize,
}

struct Member {
    url: String,
    options: ConnectOptions,
    /// Made when it is first needed, since it may ask for a token at once.
    client: OnceCell<Client>,
}

impl Cluster {
    /// # Errors
    /// If there is no URL, or if certificates are none, or would not be used.
    pub(super) fn new(urls: Vec<String>, config: &EtcdConfig) -> Result<Self> {
        if urls.is_empty() {
            let text = "etcd needs the URL of at least one member, such as http://127.0.0.1:2379";
            return Err(Error::Setup(text.to_owned()));
        }
        let mut options = ConnectOptions::new()
            .with_require_leader(true)
            .with_auto_token_refresh(true)
            .with_connect_timeout(ANSWER_MAX)
            .with_keep_alive(PROBE, PROBE)
            .with_keep_alive_while_idle(false);
        if let Some((name, password)) = &config.user {
            options = options.with_user(name, password);
        }
        let tls = tls(config)?;
        let has_certificates = config.authorities.is_some() || config.identity.is_some();
        let member = |url: String| {
            let mut options = options.clone();
            if url.starts_with(TLS) {
                options = options.with_tls(tls.clone());
            } else if has_certificates {
                return Err(Error::Setup(format!(
                    "certificates are for etcd at https://, not at {url}"
                )));
            }
            Ok(Member {
                url,
                options,
                client: OnceCell::new(),
            })
        };
        Ok(Self {
            members: urls.into_iter().map(member).collect::<Result<_>>()?,
            preferred: AtomicUsize::new(0),
        })
    }

    /// Puts a question to one member after the other until one answers, beginning with the one
    /// that answered last.
    ///
    /// # Errors
    /// If etcd says no, or if no member answers within [`ANSWER_MAX`].
    pub(super) async fn ask<T, F>(&self, question: impl Fn(Client) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let deadline = Instant::now() + ANSWER_MAX;
        let count = self.members.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut pause = PAUSE;
        let mut turn = 0;
        loop {
            let index = (first + turn) % count;
            let member = &self.members[index];
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = async { question(member.client().await?).await };
            let share = left / u32::try_from(count - turn % count).unwrap_or(u32::MAX);
            let reason = match timeout(share, answer).await {
                Ok(Ok(answer)) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(error)) if is_final(&error) => return Err(member.failed(&reason(&error))),
                Ok(Err(error)) => member.reason(&error),
                Err(_elapsed) => "no answer in time".to_owned(),
            };
            turn += 1;
            if turn.is_multiple_of(count) {
                if Instant::now() + pause >= deadline {
                    return Err(member.failed(&reason));
                }
                sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

impl Member {
    async fn client(&self) -> Result<Client, etcd_client::Error> {
        let connect = || Client::connect([&self.url], Some(self.options.clone()));
        self.client.get_or_try_init(connect).await.cloned()
    }

    /// What a peer of TLS has against us it says when the connection stands already, and then
    /// nobody is told.
    fn reason(&self, error: &etcd_client::Error) -> String {
        let reason = reason(error);
        if self.url.starts_with(TLS) && code(error) == Some(CANCELLED) {
            return format!("{reason} (it may want a certificate of ours, or another one)");
        }
        reason
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Store(format!("etcd at {}: {reason}", self.url))
    }
}

/// Whom we take for etcd, and as whom we come.
fn tls(config: &EtcdConfig) -> Result<TlsOptions> {
    let wrong = |what: &str| Error::Setup(format!("{what} for etcd: there is none in PEM"));
    let mut tls = TlsOptions::new();
    tls = match &config.authorities {
        Some(pem) if !has_certificate(pem) => return Err(wrong("certificate of an authority")),
        Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
        None => tls.with_native_roots(),
    };
    if let Some((certificate, key)) = &config.identity {
        if !has_certificate(certificate) {
            return Err(wrong("our certificate"));
        }
        if PrivateKeyDer::from_pem_slice(key).is_err() {
            return Err(wrong("the key of our certificate"));
        }
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    Ok(tls)
}

fn has_certificate(pem: &[u8]) -> bool {
    let mut certificates = CertificateDer::pem_slice_iter(pem);
    certificates.next().is_some_and(|it| it.is_ok())
}

/// Whether etcd knows no such lease.
pub(super) fn is_not_found(error: &etcd_client::Error) -> bool {
    code(error) == Some(NOT_FOUND)
}

/// What went wrong, down to the cause.
pub(super) fn reason(error: &etcd_client::Error) -> String {
    let (mut text, mut source) = match error {
        etcd_client::Error::GRpcStatus(status) => (status.message().to_owned(), status.source()),
        etcd_client::Error::TransportError(error) => (error.to_string(), error.source()),
        _ => return error.to_string(),
    };
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if cause.source().is_none() && !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

const CANCELLED: i32 = 1;
const INVALID_ARGUMENT: i32 = 3;
const NOT_FOUND: i32 = 5;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const FAILED_PRECONDITION: i32 = 9;
const OUT_OF_RANGE: i32 = 11;
const UNAUTHENTICATED: i32 = 16;

/// Whether every member would answer the same.
fn is_final(error: &etcd_client::Error) -> bool {
    use etcd_client::Error::{InvalidArgs, InvalidMetadataValue, InvalidUri};
    match code(error) {
        Some(code) => matches!(
            code,
            INVALID_ARGUMENT
                | NOT_FOUND
                | PERMISSION_DENIED
                | RESOURCE_EXHAUSTED
                | FAILED_PRECONDITION
                | OUT_OF_RANGE
                | UNAUTHENTICATED
        ),
        None => matches!(
            error,
            InvalidArgs(_) | InvalidUri(_) | InvalidMetadataValue(_)
        ),
    }
}

/// The gRPC code of a refusal.
fn code(error: &etcd_client::Error) -> Option<i32> {
    match error {
        etcd_client::Error::GRpcStatus(status) => Some(status.code() as i32),
        _ => None,
    }
}
