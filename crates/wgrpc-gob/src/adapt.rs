//! Adapters for types that serde's own form would make something else in Go.
//!
//! serde makes a struct of a `Duration`, Go's is a number of nanoseconds; serde makes an enum of an
//! `IpAddr`, Go's `net.IP` is bytes. Each module here writes and reads one such type as Go does,
//! in gob and, so that all codecs agree, in the text formats too: there it is what Go's
//! encoding/json makes of it.
//!
//! | Rust | module | Go | gob | JSON |
//! | --- | --- | --- | --- | --- |
//! | `Vec<u8>`, `Box<[u8]>`, `&[u8]`, `[u8; N]`, `Bytes` | [`bytes`] | `[]byte` | bytes | base64 |
//! | `Duration` | [`duration`] | `time.Duration` | int, nanoseconds | the same number |
//! | `SystemTime`, [`Time`](crate::Time) | [`time`] | `time.Time` | opaque | RFC 3339 |
//! | `i128`, `u128` | [`big_int`] | `*big.Int` | opaque | a number |
//! | `IpAddr` | [`ip`] | `net.IP` | bytes | text |
//! | `IpAddr` | [`netip_addr`] | `netip.Addr` | opaque | text |
//! | `SocketAddr` | [`netip_addr_port`] | `netip.AddrPort` | opaque | text |
//! | `(IpAddr, u8)` | [`netip_prefix`] | `netip.Prefix` | opaque | text |
//!
//! A field, or an option, of such a type names the module:
//!
//! ```
//! use std::time::Duration;
//! use wgrpc_gob::Schema;
//!
//! # #[cfg(feature = "derive")] {
//! #[derive(serde::Serialize, serde::Deserialize, wgrpc_gob::Gob)]
//! struct Job {
//!     #[serde(with = "wgrpc_gob::adapt::duration")]
//!     timeout: Duration,
//!     #[serde(with = "wgrpc_gob::adapt::bytes", default)]
//!     input: Option<Vec<u8>>,
//! }
//!
//! assert_eq!(Schema::of::<Job>().to_string(), "Job{Timeout int, Input []byte}");
//! # }
//! ```
//!
//! Everywhere else, in lists and maps or as a whole argument or reply, [`Go`] around the type does
//! the same: `HashMap<String, Go<Duration>>`.

pub mod big_int;
pub mod bytes;
pub mod duration;
pub mod ip;
mod netip;
pub mod netip_addr;
pub mod netip_addr_port;
pub mod netip_prefix;
pub(crate) mod rfc3339;
pub mod time;
#[cfg(feature = "url")]
mod url;
#[cfg(feature = "uuid")]
mod uuid;
mod visit;

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::{Builder, Gob, Ref};

/// What the adapter for one Go type is, as a type.
pub trait Adapter {
    /// Describes the Go type.
    fn describe(types: &mut Builder) -> Ref;
}

/// A type that is written by the adapter `A`.
pub trait SerializeBy<A> {
    /// Writes the value.
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// A type that is read by the adapter `A`.
pub trait DeserializeBy<'de, A>: Sized {
    /// Reads a value.
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A type that has an adapter of its own, which [`Go`] uses.
pub trait Adapt {
    /// The adapter.
    type By: Adapter;
}

/// Makes of a type what its adapter makes of it, wherever a `with` cannot be written.
///
/// ```
/// use std::time::Duration;
/// use wgrpc_gob::{adapt::Go, to_vec};
///
/// let timeouts = vec![Go(Duration::from_nanos(5)), Go(Duration::ZERO)];
/// assert_eq!(to_vec(&timeouts)?, to_vec(&vec![5i64, 0])?);
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Go<T>(pub T);

impl<T> From<T> for Go<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Adapt + SerializeBy<T::By>> Serialize for Go<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_by(serializer)
    }
}

impl<'de, T: Adapt + DeserializeBy<'de, T::By>> Deserialize<'de> for Go<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize_by(deserializer).map(Self)
    }
}

impl<T: Adapt> Gob for Go<T> {
    fn describe(types: &mut Builder) -> Ref {
        T::By::describe(types)
    }
}

impl<A, T: SerializeBy<A> + ?Sized> SerializeBy<A> for &T {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize_by(self, serializer)
    }
}

impl<A, T: SerializeBy<A>> SerializeBy<A> for Option<T> {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => serializer.serialize_some(&By(value, PhantomData)),
            None => serializer.serialize_none(),
        }
    }
}

impl<'de, A, T: DeserializeBy<'de, A>> DeserializeBy<'de, A> for Option<T> {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<By<A, T>>::deserialize(deserializer)?;
        Ok(value.map(|By(value, _)| value))
    }
}

/// What is inside an option, on its way through serde.
struct By<A, T>(T, PhantomData<A>);

impl<A, T: SerializeBy<A>> Serialize for By<A, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_by(serializer)
    }
}

impl<'de, A, T: DeserializeBy<'de, A>> Deserialize<'de> for By<A, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize_by(deserializer).map(|value| Self(value, PhantomData))
    }
}

/// The functions that serde's `with` and the derive of `Gob` look for in a module.
macro_rules! with {
    ($adapter:ty) => {
        /// Writes a value or an option of one.
        pub fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
        where
            T: $crate::adapt::SerializeBy<$adapter> + ?Sized,
            S: serde::Serializer,
        {
            value.serialize_by(serializer)
        }

        /// Reads a value or an option of one.
        pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
        where
            T: $crate::adapt::DeserializeBy<'de, $adapter>,
            D: serde::Deserializer<'de>,
        {
            T::deserialize_by(deserializer)
        }

        /// Describes the Go type.
        pub fn describe(types: &mut $crate::Builder) -> $crate::Ref {
            <$adapter as $crate::adapt::Adapter>::describe(types)
        }
    };
}
use with;

#[cfg(test)]
mod tests;
