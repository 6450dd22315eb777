//! Who is alive: the registry, its client, and the heartbeat that keeps a server in it.
//!
//! The crate `wgrpc` re-exports all of it as its module `registry`; most programs want that one.
//!
//! * [`Registry`] is one: on a port of its own, or in an HTTP server that is there already. It
//!   speaks the language of the Go original, so that Go and Rust programs share one, and more with
//!   those who know more. It keeps its list in memory ([`MemoryStore`]), or wherever a [`Store`]
//!   keeps it.
//! * [`Heartbeat`] registers a server for as long as it lives.
//! * [`RegistryClient`] lists and watches, in our registries and in Go's.
//! * [`Membership`] is the heart of it, a function of time, for who wants leases without HTTP.
//!
//! ```
//! use wgrpc_registry::{Registration, Registry, RegistryClient};
//!
//! # #[tokio::main]
//! # async fn main() -> wgrpc_registry::Result<()> {
//! let registry = Registry::builder().build().listen("127.0.0.1:0").await?;
//! let client = RegistryClient::new(registry.url())?;
//! let before = client.list(None).await?;
//!
//! let mut server = Registration::new("tcp@10.0.0.1:9001".parse()?);
//! server.group = "Arith".to_owned();
//! server.meta.zone = Some("b".to_owned());
//! client.register(&server).await?;
//!
//! // There is news, so a watch has it at once.
//! let after = client.watch(Some("Arith"), &before).await?.expect("there is news");
//! assert_eq!(after.servers[0].address, server.address);
//! assert!(client.deregister("Arith", &server.address).await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! Nothing that a client or a registry sends makes the other side panic, hang or grow without
//! bound: [`RegistryLimits`] and [`MembershipConfig`] name the bounds of a registry, and a client
//! gives every request 2 s and a bounded answer. What a registry says is advice: answers that make
//! no sense are errors, never empty lists, and addresses that nobody should be led to are left out.
//!
//! # Layout
//!
//! In reading order:
//!
//! * `api`: the words of the wire. Everything travels over HTTP, most of it in headers.
//! * `lease`: what is registered, and what is listed.
//! * `policy`: which addresses a registry may name, and a client believes.
//! * `membership`: who is alive, as a function of time. `history`: what has changed lately.
//! * `store`: the seam behind which registrations are kept, and the memory that they are kept in;
//!   with the feature `etcd` also an etcd cluster, which any number of registries share.
//! * `server`: HTTP over a store. `client` is its other end.
//! * `rhythm`, `heartbeat`: what keeps a server registered.
//! * `error`: what can go wrong. `fuzzing`: what is tried with anything that a peer may send.

pub mod api;
mod client;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod heartbeat;
mod history;
mod lease;
mod membership;
mod policy;
mod rhythm;
mod server;
mod store;

pub use client::RegistryClient;
pub use error::{Error, Result};
pub use heartbeat::{Heartbeat, HeartbeatState};
pub use lease::{Changes, Listing, Registration, Server, ServerMeta};
pub use membership::{Membership, MembershipConfig};
pub use server::{Registry, RegistryBuilder, RegistryLimits, RegistryServer};
#[cfg(feature = "etcd")]
pub use store::{EtcdConfig, EtcdStore};
pub use store::{MemoryStore, Store};
