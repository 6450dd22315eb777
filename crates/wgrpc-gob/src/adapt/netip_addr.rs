//! `IpAddr` as Go's `netip.Addr`: in gob it marshals itself, in text formats as usually written.
//!
//! Go's zero `Addr` is no address, and left out: use an option where that can happen. An address
//! with a zone is refused.

use core::net::IpAddr;

use serde::{Deserializer, Serializer};

use super::netip::{put_addr, read_plain_addr};
use super::visit::{read_bytes, read_text};
use super::{Adapter, DeserializeBy, SerializeBy};
use crate::schema::{Builder, Ref};
use crate::types::Marshaler;

/// The adapter for `netip.Addr`.
#[derive(Debug)]
pub enum NetipAddr {}

super::with!(NetipAddr);

impl Adapter for NetipAddr {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("Addr", Marshaler::Binary)
    }
}

impl SerializeBy<NetipAddr> for IpAddr {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let mut bytes = Vec::with_capacity(16);
        put_addr(&mut bytes, *self);
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> DeserializeBy<'de, NetipAddr> for IpAddr {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read_text(deserializer, "an IP address", str::parse);
        }
        read_bytes(deserializer, "a netip.Addr", |bytes| {
            read_plain_addr(&bytes)
        })
    }
}
