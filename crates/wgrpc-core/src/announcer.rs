//! How others learn where a server can be reached: the seam behind which a registry stands.

use crate::address::Address;
use crate::middleware::BoxFuture;

/// Tells others where a server can be reached, and that it goes away.
///
/// [`ServerBuilder::announcer`](crate::ServerBuilder::announcer) gives a server one. The server
/// knows nothing of how it is done: the announcer of a registry keeps a lease there.
pub trait Announcer: Send + Sync + 'static {
    /// The server listens on `address`, as from now on. Called inside of the server's runtime, for
    /// each of its listeners.
    fn up(&self, address: &Address);

    /// The server is about to stop. It goes on as before until this is done, which should be when
    /// clients have had the time to turn to other servers; so it has to be done in bounded time.
    fn down(&self) -> BoxFuture<'_, ()>;
}
