//! One client for many servers.
//!
//! The crate `wgrpc` re-exports all of it; most programs want that one.
//!
//! # Layout
//!
//! In reading order:
//!
//! * `xclient`: the client, and a call with everything that may have to be done for it.
//! * `pool`, `member`: the servers of a client, and the connection to each.
//! * `discovery`: where the servers are.
//! * `outcome`: what the end of a call says about its server.
//! * `balance`: which server gets the next call.
//! * `health`: which servers may be used at all.
//! * `retry`: what is sent again after a failure, and how much of that.
//! * `backoff`: how long to wait before connecting again.
//! * `window`: counts over the last seconds, for health and retries.
//!
//! All from `outcome` on are pure: time and randomness are arguments.

mod backoff;
mod balance;
mod discovery;
mod health;
mod member;
mod outcome;
mod pool;
mod retry;
mod window;
mod xclient;

pub use backoff::Backoff;
pub use balance::{Balancer, Begun, Candidates, Choice, Load, Node, SelectMode};
pub use discovery::{Discovery, Endpoint, RegistryDiscovery, ServerList, Servers};
pub use health::{Condition, Health, HealthPolicy, Survey};
pub use outcome::Outcome;
pub use retry::{FailMode, RetryBudget, RetryPolicy, may_send_again};
pub use xclient::{ServerState, XCall, XClient, XClientBuilder};
