//! One connection's worth of WgRPC: client, server, codecs and transports.

#[allow(dead_code, reason = "the transports will use all of it")]
mod address;

pub use address::{Address, AddressError, Protocol};
