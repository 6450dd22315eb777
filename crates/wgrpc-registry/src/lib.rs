//! Who is alive: the registry, its client, and the heartbeat that keeps a server in it.
//!
//! The crate `wgrpc` re-exports all of it as its module `registry`; most programs want that one.
//!
//! # Layout
//!
//! In reading order:
//!
//! * `api`: the words of the wire. Everything travels over HTTP, most of it in headers.
//! * `lease`: what is registered, and what is listed.
//! * `policy`: which addresses a registry may name, and a client believes.
//! * `membership`: who is alive, as a function of time.
//! * `store`: the seam behind which registrations are kept, and the memory that they are kept in.
//! * `error`: what can go wrong.

pub mod api;
mod error;
mod lease;
mod membership;
#[allow(dead_code, reason = "the client, which comes next, asks more of it")]
mod policy;
#[allow(dead_code, reason = "the heartbeat, which comes next, beats to it")]
mod rhythm;
mod store;

pub use error::{Error, Result};
pub use lease::{Listing, Registration, Server, ServerMeta};
pub use membership::{Membership, MembershipConfig};
pub use store::{MemoryStore, Store};
