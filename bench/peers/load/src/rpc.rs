//! What a contender in Rust implements for its client.

use anyhow::Result;
use bytes::Bytes;

/// What the record of an echo carries as its name.
pub const NAME: &str = "benchmark-name16";

/// A connected client, whose clones share the connection.
///
/// Nothing here asks for `Send`: whether calls may move between threads is decided where they are
/// spawned, by the contender.
pub trait Rpc: Clone + 'static {
    /// The product.
    fn multiply(&self, a: i32, b: i32) -> impl Future<Output = Result<i32>>;

    /// Sends the record `{id, NAME, payload}`; returns the id and the length of the payload of the
    /// record that came back.
    fn echo(&self, id: u64, payload: &Bytes) -> impl Future<Output = Result<(u64, usize)>>;
}
