//! From a host to the IP addresses that are dialled: who finds them, and which of them may be.
//!
//! What is checked is what is dialled. A check of the name, or of what it meant a moment ago, would
//! leave it to whoever owns the name where a connection goes.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::middleware::BoxFuture;

/// Finds the addresses of a host with a name.
type Resolve = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// Finds the addresses of hosts.
#[derive(Clone, Default)]
pub(crate) struct Lookup {
    /// `None` is the system's.
    resolver: Option<Arc<Resolve>>,
    /// `None` is everybody.
    admits: Option<Arc<dyn Fn(IpAddr) -> bool + Send + Sync>>,
}

impl Lookup {
    pub(crate) fn set_resolver<F, L>(&mut self, resolver: F)
    where
        F: Fn(String) -> L + Send + Sync + 'static,
        L: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        self.resolver = Some(Arc::new(move |host| Box::pin(resolver(host))));
    }

    pub(crate) fn set_admits(&mut self, admits: impl Fn(IpAddr) -> bool + Send + Sync + 'static) {
        self.admits = Some(Arc::new(admits));
    }

    /// Every address of the host.
    pub(super) async fn find(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.resolver {
            Some(resolver) if host.parse::<IpAddr>().is_err() => {
                let found = resolver(host.to_owned()).await?;
                Ok(found
                    .into_iter()
                    .map(|ip| SocketAddr::new(ip, port))
                    .collect())
            }
            _ => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
        }
    }

    /// Leaves out what must not be dialled.
    ///
    /// # Errors
    /// If nothing is left.
    pub(super) fn admit(&self, host: &str, found: &mut Vec<SocketAddr>) -> io::Result<()> {
        let Some(admits) = &self.admits else {
            return Ok(());
        };
        let first = found.first().copied();
        found.retain(|candidate| admits(candidate.ip().to_canonical()));
        match first {
            Some(first) if found.is_empty() => {
                let message = format!(
                    "`{host}` is at {}, where servers of this list must not be",
                    first.ip()
                );
                Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup")
            .field("is_systems", &self.resolver.is_none())
            .field("is_limited", &self.admits.is_some())
            .finish()
    }
}
