//! A client of many servers in memory, in simulated time: what takes a minute takes milliseconds,
//! and nothing but the order of events decides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod dropped;
mod fleet;
mod proxy;
mod relisted;
mod schedules;
mod storm;
mod toxics;
mod unnoticed;
