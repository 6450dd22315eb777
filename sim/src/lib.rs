//! Whole clusters in one thread: servers, clients and a network between them in which everything
//! goes wrong, all decided by one seed.
//!
//! The clock is tokio's, paused: it jumps to the next thing that happens, so a minute takes
//! milliseconds, and the same seed gives the same minute. Nothing of the product is replaced but
//! the network.
//!
//! * `scenario`: one run, and what has to be true of it.
//! * `load`: the clients and their calls. `ledger`: what was asked for and what was executed.
//! * `faults`: what goes wrong, and when it is over.
//! * `servers`: the servers, how they start and how they end. `registry_node`: the same of the
//!   registry.
//! * `network`: hosts, links and streams.
//! * `trace`: what happened, as a hash or as text.
//!
//! Apart from these stands `registry`: one registry, all its servers and clients, and what that
//! costs.

mod faults;
mod ledger;
mod load;
mod network;
pub mod registry;
mod registry_node;
mod scenario;
mod servers;
mod trace;

pub use scenario::{Outcome, WallClocks, run, run_with};
pub use trace::Telling;
