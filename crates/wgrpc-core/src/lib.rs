//! One connection's worth of WgRPC: client, server, codecs and transports.

mod address;
mod caller;
mod client;
mod codec;
mod connection;
mod error;
mod header;
mod http;
mod limits;
mod middleware;
mod protocol;
mod server;
mod service;
mod transport;

pub use address::{Address, AddressError, Protocol};
pub use caller::Caller;
pub use client::{Call, Client, ClientBuilder};
pub use codec::{Codec, CodecError, Target};
pub use error::{Cause, Code, Error, Executed, Fault, Result};
pub use header::Meta;
pub use http::DebugPage;
pub use limits::{ClientLimits, ServerLimits};
pub use middleware::{BoxFuture, CallInfo, Middleware, Next};
pub use protocol::Ext;
pub use server::{Server, ServerBuilder};
pub use service::{Context, IntoService, Method, Serve, Service};
pub use transport::Peer;
