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
//! * `store`: the seam behind which registrations are kept, and the memory that they are kept in;
//!   with the feature `etcd` also an etcd cluster, which any number of registries share.
//! * `server`: HTTP over a store. `client` is its other end.
//! * `rhythm`, `heartbeat`: what keeps a server registered.
//! * `error`: what can go wrong.

pub mod api;
mod client;
mod error;
mod heartbeat;
mod lease;
mod membership;
mod policy;
mod rhythm;
mod server;
mod store;

pub use client::RegistryClient;
pub use error::{Error, Result};
pub use heartbeat::{Heartbeat, HeartbeatState};
pub use lease::{Listing, Registration, Server, ServerMeta};
pub use membership::{Membership, MembershipConfig};
pub use server::{Registry, RegistryBuilder, RegistryLimits, RegistryServer};
#[cfg(feature = "etcd")]
pub use store::{EtcdConfig, EtcdStore};
pub use store::{MemoryStore, Store};
