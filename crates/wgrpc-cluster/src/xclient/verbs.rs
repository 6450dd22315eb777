//! Calls to all servers at once: the same bytes for each.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc_core::{Address, CallOptions, Result};
use wgrpc_gob::Gob;

use super::XClient;
use super::many::Many;

impl XClient {
    /// Calls `method` with `args` at every server. The first error ends it and gives the calls to
    /// the others up; without one the reply is that of the last server to answer, as in Go.
    ///
    /// # Errors
    /// That of the first server that failed, or that no servers are known.
    pub async fn broadcast<A, R>(&self, method: &str, args: &A) -> Result<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.broadcast_with(method, args, CallOptions::new()).await
    }

    /// [Broadcasts](Self::broadcast) with options of the call's own: they hold at every server.
    ///
    /// # Errors
    /// Those of [`broadcast`](Self::broadcast).
    pub async fn broadcast_with<A, R>(
        &self,
        method: &str,
        args: &A,
        options: CallOptions,
    ) -> Result<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        let mut many = Many::start(&self.0.pool, method, args, options).await?;
        let mut reply = Err(self.0.pool.why_nobody());
        while let Some((server, result)) = many.next().await {
            reply = Ok(result.map_err(|error| many.failed(server, error))?);
        }
        reply
    }

    /// Calls `method` with `args` at every server. The first reply ends it and gives the calls to
    /// the others up.
    ///
    /// # Errors
    /// Those of all servers, if none has replied, or that no servers are known.
    pub async fn fork<A, R>(&self, method: &str, args: &A) -> Result<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.fork_with(method, args, CallOptions::new()).await
    }

    /// [Forks](Self::fork) with options of the call's own: they hold at every server.
    ///
    /// # Errors
    /// Those of [`fork`](Self::fork).
    pub async fn fork_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Result<R>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        let mut many = Many::start(&self.0.pool, method, args, options).await?;
        let mut failed = Vec::new();
        while let Some((server, result)) = many.next().await {
            match result {
                Ok(reply) => return Ok(reply),
                Err(error) => failed.push((server, error)),
            }
        }
        Err(many.all_failed(failed))
    }

    /// Calls `method` with `args` at every server: what came of it, by server, in the order of the
    /// addresses.
    ///
    /// # Errors
    /// If the arguments cannot be encoded, or no servers are known: that nobody was asked is not a
    /// success. What each server says is in the result.
    pub async fn call_all<A, R>(&self, method: &str, args: &A) -> Result<Vec<(Address, Result<R>)>>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.call_all_with(method, args, CallOptions::new()).await
    }

    /// [Calls all](Self::call_all) with options of the call's own: they hold at every server.
    ///
    /// # Errors
    /// Those of [`call_all`](Self::call_all).
    pub async fn call_all_with<A, R>(
        &self,
        method: &str,
        args: &A,
        options: CallOptions,
    ) -> Result<Vec<(Address, Result<R>)>>
    where
        A: Serialize + Gob + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        let mut many = Many::start(&self.0.pool, method, args, options).await?;
        let mut results = Vec::new();
        while let Some(result) = many.next().await {
            results.push(result);
        }
        if results.is_empty() {
            return Err(self.0.pool.why_nobody());
        }
        results.sort_by_cached_key(|(server, _)| server.to_string());
        Ok(results)
    }
}
