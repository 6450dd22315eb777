//! One connection's worth of WgRPC: client, server, codecs and transports.

#[allow(dead_code, reason = "the transports will use all of it")]
mod address;
#[allow(dead_code, unused_imports, reason = "client and server will use all of it")]
pub mod protocol;

pub use address::{Address, AddressError, Protocol};
