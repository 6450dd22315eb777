//! What stands around every call, on either side: logging, tokens, counting.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Result;
use crate::header::Meta;
use crate::transport::Peer;

/// A boxed future, as a middleware returns it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that stands around every call of a client, or of a server.
///
/// A server's stands around the calls of methods that it has; what it refuses by itself (no such
/// method, too much to do, shutting down) does not get that far.
///
/// It sees the call's name and metadata, not its bodies. It can refuse the call by returning an
/// error instead of running `next`, change the metadata before, and look at the outcome after.
/// A [`Fault`](crate::Fault) becomes an error by [`Error::Refused`](crate::Error::Refused).
///
/// ```
/// use wgrpc_core::{BoxFuture, CallInfo, Error, Fault, Middleware, Next, Result};
///
/// /// Lets only callers in that know the token.
/// struct Token(String);
///
/// impl Middleware for Token {
///     fn handle<'a>(
///         &'a self,
///         call: &'a mut CallInfo,
///         next: Next<'a>,
///     ) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             if call.meta.get("token") != Some(&self.0) {
///                 return Err(Error::Refused(Fault::unauthenticated("a token is needed")));
///             }
///             next.run(call).await
///         })
///     }
/// }
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// Handles one call, as a rule by running `next` at some point.
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>>;
}

/// What a middleware knows of a call.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallInfo {
    /// `Service.Method`.
    pub method: String,
    /// The metadata of the request. A client's middleware may add to it.
    pub meta: Meta,
    /// The metadata of the reply, once `next` has run. A server's middleware may add to it.
    pub reply_meta: Meta,
    /// The other end of the connection.
    pub peer: Peer,
}

/// The rest of the way: the further middleware, and at its end the call itself.
pub struct Next<'a> {
    pub(crate) rest: &'a [Arc<dyn Middleware>],
    pub(crate) last: &'a mut dyn Last,
}

/// What stands behind all middleware.
pub(crate) trait Last: Send {
    fn run<'a>(&'a mut self, call: &'a mut CallInfo) -> BoxFuture<'a, Result<()>>;
}

impl Next<'_> {
    /// Goes on with the call.
    ///
    /// # Errors
    /// Those of the call, and those of the middleware further on.
    pub async fn run(self, call: &mut CallInfo) -> Result<()> {
        match self.rest.split_first() {
            Some((first, rest)) => {
                first
                    .handle(
                        call,
                        Next {
                            rest,
                            last: self.last,
                        },
                    )
                    .await
            }
            None => self.last.run(call).await,
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next")
            .field("middleware", &self.rest.len())
            .finish_non_exhaustive()
    }
}
