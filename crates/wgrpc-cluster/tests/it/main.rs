//! A client of many servers, with real servers on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod balance;
mod discovery;
mod failover;
mod registry;
mod support;
mod verbs;
