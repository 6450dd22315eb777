//! One client for many servers.
//!
//! The crate `wgrpc` re-exports all of it; most programs want that one.
//!
//! # Layout
//!
//! In reading order:
//!
//! * `discovery`: where the servers are.

mod discovery;

pub use discovery::{Discovery, Endpoint, ServerList, Servers};
