//! One connection's worth of WgRPC: client, server, codecs and transports.
//!
//! The crate `wgrpc` re-exports all of it, with the attributes that write services and clients;
//! most programs want that one.
//!
//! # Layout
//!
//! In reading order:
//!
//! * `address`, `transport`: where a server is, and how bytes get there.
//! * `protocol`: the wire's vocabulary and the handshake, from the first byte on.
//! * `codec`, `header`: how messages become bytes, in gob, JSON or a codec of the user's own.
//! * `connection`: the two ends of a connection's bytes, where many calls become one system call.
//! * `client`, `caller`: many calls over one connection, and the seam that typed clients use.
//! * `service`, `server`: what is served, and how; `http` is the same port for browsers, and
//!   `announcer` the seam by which others learn of a server.
//! * `middleware`: what stands around calls on both sides.
//! * `error`, `limits`: what can go wrong, and how much is too much.
//!
//! # Limits
//!
//! Every queue, table and buffer has a bound: [`ServerLimits`] and [`ClientLimits`] name them.
//! Nothing that a peer sends makes the other side panic, hang or grow without bound.

mod address;
mod announcer;
mod caller;
mod client;
mod codec;
mod connection;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod http;
mod limits;
mod middleware;
mod protocol;
mod server;
mod service;
mod transport;

pub use address::{Address, AddressError, Protocol};
pub use announcer::Announcer;
pub use caller::{CallOptions, Caller, With};
pub use client::{Arguments, Call, Client, ClientBuilder, Connector, Stay};
pub use codec::{Codec, CodecError, Target};
/// What a [`Codec`] of the user's own is written with.
pub use erased_serde;
pub use error::{Attempt, Attempts, Cause, Code, Error, Executed, Fault, Result};
pub use header::Meta;
pub use http::DebugPage;
pub use limits::{ClientLimits, ServerLimits};
pub use middleware::{BoxFuture, CallInfo, Middleware, Next};
pub use protocol::{DEBUG_PATH, Ext, GOB, JSON};
pub use server::{Server, ServerBuilder};
pub use service::{Context, IntoService, Method, Serve, Service};
pub use transport::Peer;
