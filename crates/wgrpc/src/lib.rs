//! RPC without an IDL, wire compatible with Go: register a struct, call Arith.Multiply.
//!
//! ```
//! use wgrpc::{Client, Fault, Server, message, service};
//!
//! #[message]
//! pub struct Args {
//!     pub a: i64,
//!     pub b: i64,
//! }
//!
//! pub struct Arith;
//!
//! #[service]
//! impl Arith {
//!     async fn multiply(&self, args: Args) -> Result<i64, Fault> {
//!         Ok(args.a * args.b)
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> wgrpc::Result<()> {
//!     let server = Server::builder().register(Arith).listen("tcp@127.0.0.1:0").await?;
//!     let arith = ArithClient::new(Client::connect(server.address()).await?);
//!     assert_eq!(arith.multiply(&Args { a: 6, b: 7 }).await?, 42);
//!     server.shutdown().await
//! }
//! ```

pub use wgrpc_core::*;
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

/// What the attributes' code refers to. No part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use {serde, wgrpc_core, wgrpc_gob};
}
