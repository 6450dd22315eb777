//! The one seam through which calls are made.

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc_gob::Gob;

use crate::error::Result;

/// Something that can be called: a [`Client`](crate::Client), whatever wraps one, or a mock.
///
/// Typed clients are generic over it. In a test a service of the test's own can stand in for the
/// real one, called through [`Server::connect`](crate::Server::connect) without a socket.
pub trait Caller: Send + Sync {
    /// A call that is on its way. Dropped, it is given up.
    type Call<R: DeserializeOwned + Send + 'static>: Future<Output = Result<R>> + Send;

    /// Calls `method` (`Service.Method`) with `args`. The request is on its way when this
    /// returns; errors too come through the call.
    fn call<A, R>(&self, method: &str, args: &A) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static;
}

impl<C: Caller + ?Sized> Caller for &C {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call<A, R>(&self, method: &str, args: &A) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        (**self).call(method, args)
    }
}

impl<C: Caller + ?Sized> Caller for Arc<C> {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call<A, R>(&self, method: &str, args: &A) -> Self::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        (**self).call(method, args)
    }
}
