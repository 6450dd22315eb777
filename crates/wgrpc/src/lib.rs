//! RPC without an IDL, wire compatible with Go: register a struct, call `Arith.Multiply`.
//!
//! ```
//! use wgrpc::{Client, Server, message, service};
//!
//! #[message]
//! struct Args {
//!     a: i64,
//!     b: i64,
//! }
//!
//! struct Arith;
//!
//! #[service]
//! impl Arith {
//!     async fn multiply(&self, args: Args) -> i64 {
//!         args.a * args.b
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> wgrpc::Result<()> {
//!     let builder = Server::builder().register(Arith);
//!     let server = builder.listen("tcp@127.0.0.1:0").await?;
//!     let arith = ArithClient::new(Client::connect(server.address()).await?);
//!     println!("6 x 7 = {}", arith.multiply(&Args { a: 6, b: 7 }).await?);
//!     server.shutdown().await
//! }
//! ```
//!
//! The attribute [`service`] makes a service of an `impl` block, or of a trait that clients and
//! servers share, and writes a typed client beside it. [`message`] makes a type an argument or a
//! reply. Neither is needed: a [`Service`] can be put together from functions, and
//! [`Client::call`] calls any method by its name.
//!
//! | to | there is |
//! | --- | --- |
//! | serve | [`Server`], its [`ServerBuilder`] and [`ServerLimits`]; a handler's [`Context`] |
//! | call | [`Client`], its [`ClientBuilder`] and [`ClientLimits`]; a [`Call`] on its way |
//! | tell what went wrong | [`Error`], for callers; [`Fault`] and [`Code`], for handlers |
//! | stand around calls | [`Middleware`], which sees [`CallInfo`] and [`Meta`] |
//! | stand in for a client | [`Caller`], over which typed clients are generic |
//! | speak another format | [`Codec`] |
//! | keep servers in a registry, or be one | [`registry`] |
//! | read and write gob itself | [`gob`] |
//!
//! # On the wire
//!
//! Names are Go's: the method `multiply` of the type `Arith` is called as `Arith.Multiply`, and
//! the field `user_name` is `UserName`. A Go program with `type Args struct{ A, B int }` calls the
//! service above as it stands. Where the server is is written `protocol@address`: `tcp@host:port`,
//! `http@host:port` or `unix@path` (see [`Address`]). One port takes TCP and HTTP clients, and
//! shows browsers the page `/debug/wgrpc`.
//!
//! # More examples
//!
//! The folder `examples` of this crate has a codec of one's own (`msgpack.rs`), logging and a
//! token check (`middleware.rs`), a contract and a mock (`contract.rs`), a service without macros
//! (`manual.rs`), and a discovery of one's own (`dns.rs`).

pub use wgrpc_cluster::{
    Balancer, Choice, Discovery, Endpoint, FailMode, HealthPolicy, RegistryDiscovery, RetryBudget,
    SelectMode, ServerList, ServerState, Servers, XCall, XClient, XClientBuilder,
};
pub use wgrpc_core::{
    Address, AddressError, Announcer, Arguments, Attempt, Attempts, BoxFuture, Call, CallInfo,
    CallOptions, Caller, Cause, Client, ClientBuilder, ClientLimits, Code, Codec, CodecError,
    Connector, Context, DEBUG_PATH, DebugPage, Error, Executed, Ext, Fault, GOB, IntoService, JSON,
    Meta, Method, Middleware, Next, Peer, Protocol, Result, Serve, Server, ServerBuilder,
    ServerLimits, Service, Target, With, erased_serde,
};
#[doc(inline)]
pub use wgrpc_gob as gob;
pub use wgrpc_gob::Gob;
/// ```
/// use wgrpc::gob::Schema;
/// use wgrpc::message;
///
/// #[message]
/// #[derive(Clone, Debug)]
/// pub struct Args {
///     pub a: i64,
///     #[serde(rename = "UserID")]
///     pub user_id: i64,
/// }
///
/// assert_eq!(Schema::of::<Args>().to_string(), "Args{A int, UserID int}");
/// ```
pub use wgrpc_macros::message;
/// ```
/// use wgrpc::{Context, service};
///
/// struct Clock;
///
/// #[service]
/// impl Clock {
///     /// Seconds since some time.
///     async fn now(&self) -> u64 {
///         self.read(0)
///     }
///
///     #[method(name = "UTCOffset")]
///     fn offset(&self, city: String, _context: Context) -> Result<i64, String> {
///         match city.as_str() {
///             "London" => Ok(0),
///             other => Err(format!("no clock in {other}")),
///         }
///     }
///
///     #[method(skip)]
///     fn read(&self, _register: u8) -> u64 {
///         7
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> wgrpc::Result<()> {
/// let server = wgrpc::Server::builder().register(Clock).start()?;
/// let clock = ClockClient::new(server.connect()?);
/// assert_eq!(clock.now().await?, 7);
/// assert_eq!(clock.offset("London").await?, 0);
/// assert_eq!(clock.offset("Atlantis").await.unwrap_err().to_string(), "no clock in Atlantis");
/// # Ok(())
/// # }
/// ```
pub use wgrpc_macros::service;

#[doc(inline)]
pub use wgrpc_registry as registry;

/// What the attributes' code refers to. No part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use {serde, wgrpc_core, wgrpc_gob};
}

/// The examples of the README, which have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
