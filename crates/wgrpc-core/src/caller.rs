//! The one seam through which calls are made, and what a call can be made with.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc_gob::Gob;

use crate::error::Result;
use crate::header::Meta;

/// Something that can be called: a [`Client`](crate::Client), a balancer over many of them,
/// whatever wraps one, or a mock.
///
/// Typed clients are generic over it. In a test a service of the test's own can stand in for the
/// real one, called through [`Server::connect`](crate::Server::connect) without a socket.
pub trait Caller: Send + Sync {
    /// A call that is on its way. Dropped, it is given up.
    type Call<R: DeserializeOwned + Send + 'static>: Future<Output = Result<R>> + Send;

    /// Calls `method` (`Service.Method`) with `args`. The request is on its way when this
    /// returns; errors too come through the call.
    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static;

    /// [Calls](Self::call_with) without options.
    fn call<A, R>(&self, method: &str, args: &A) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.call_with(method, args, CallOptions::new())
    }
}

impl<C: Caller + ?Sized> Caller for &C {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        (**self).call_with(method, args, options)
    }
}

impl<C: Caller + ?Sized> Caller for Arc<C> {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        (**self).call_with(method, args, options)
    }
}

/// What one call is made with, beside its method and its argument.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_core::CallOptions;
///
/// let options = CallOptions::new()
///     .meta("trace", "4bf92f35")
///     .timeout(Duration::from_millis(200))
///     .idempotent();
/// assert!(options.is_idempotent());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CallOptions {
    meta: Meta,
    timeout: Option<Duration>,
    is_idempotent: bool,
    key: Option<Box<[u8]>>,
}

impl CallOptions {
    /// No options: the client's own defaults hold.
    pub const fn new() -> Self {
        Self {
            meta: Meta::new(),
            timeout: None,
            is_idempotent: false,
            key: None,
        }
    }

    /// Sends this metadata with the call, beside what the client sends with every call.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.meta.insert(key, value);
        self
    }

    /// How long the call may take; [`Duration::MAX`] is for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Says that the call does no harm if it is executed more than once: it may be made again
    /// even if it is not known whether it was executed.
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// What the call is about, as a user's name. Where servers are chosen by a consistent hash,
    /// calls with equal keys go to the same one.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(key.as_ref().into());
        self
    }

    /// These options, with those of `other` where it has any.
    pub fn merge(mut self, other: Self) -> Self {
        self.meta.extend(other.meta.iter());
        self.timeout = other.timeout.or(self.timeout);
        self.is_idempotent |= other.is_idempotent;
        self.key = other.key.or(self.key);
        self
    }

    /// The metadata.
    pub fn metadata(&self) -> &Meta {
        &self.meta
    }

    /// How long the call may take, if that was said.
    pub fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether the call does no harm if it is executed more than once.
    pub fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    /// What the call is about, if that was said.
    pub fn hash_key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    pub(crate) fn into_meta(self) -> Meta {
        self.meta
    }
}

impl From<Meta> for CallOptions {
    fn from(meta: Meta) -> Self {
        Self {
            meta,
            ..Self::new()
        }
    }
}

/// A caller whose every call has the same options; calls can have more of their own.
///
/// ```no_run
/// # async fn example(client: wgrpc_core::Client) -> wgrpc_core::Result<()> {
/// use wgrpc_core::{CallOptions, Caller, With};
///
/// let client = With::new(client, CallOptions::new().meta("token", "letmein"));
/// let upper: String = client.call("Text.Upper", "hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct With<C> {
    caller: C,
    options: CallOptions,
}

impl<C: Caller> With<C> {
    /// Calls through `caller` with these options.
    pub fn new(caller: C, options: CallOptions) -> Self {
        Self { caller, options }
    }
}

impl<C: Caller> Caller for With<C> {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        let options = self.options.clone().merge(options);
        self.caller.call_with(method, args, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_call_stand_above_those_of_its_caller() {
        let every = CallOptions::new()
            .meta("a", "1")
            .meta("b", "1")
            .timeout(Duration::from_secs(1))
            .key("x");
        let own = CallOptions::new().meta("b", "2").idempotent().key("y");
        let merged = every.merge(own);
        assert_eq!(
            merged.metadata(),
            &Meta::from_iter([("a", "1"), ("b", "2")])
        );
        assert_eq!(merged.time_limit(), Some(Duration::from_secs(1)));
        assert!(merged.is_idempotent());
        assert_eq!(merged.hash_key(), Some(&b"y"[..]));
    }
}
