//! RPC without an IDL, wire compatible with Go: register a struct, call Arith.Multiply.

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

/// What the attributes' code refers to. No part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use {serde, wgrpc_core, wgrpc_gob};
}
