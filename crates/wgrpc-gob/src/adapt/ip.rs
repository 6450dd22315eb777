//! `IpAddr` as Go's `net.IP`: in gob 4 or 16 bytes, in text formats as it is usually written.
//!
//! Go keeps an IPv4 address in 16 bytes as often as in 4; both are read as IPv4.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserializer, Serializer};

use super::visit::{read_bytes, read_text};
use super::{Adapt, Adapter, DeserializeBy, SerializeBy};
use crate::schema::{Builder, Ref};

/// The adapter for `net.IP`.
#[derive(Debug)]
pub enum NetIp {}

super::with!(NetIp);

impl Adapter for NetIp {
    fn describe(types: &mut Builder) -> Ref {
        types.bytes()
    }
}

impl Adapt for IpAddr {
    type By = NetIp;
}

impl SerializeBy<NetIp> for IpAddr {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        match self {
            Self::V4(v4) => serializer.serialize_bytes(&v4.octets()),
            Self::V6(v6) => serializer.serialize_bytes(&v6.octets()),
        }
    }
}

impl<'de> DeserializeBy<'de, NetIp> for IpAddr {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read_text(deserializer, "an IP address", str::parse);
        }
        read_bytes(deserializer, "the bytes of an IP address", |bytes| {
            if let Ok(v4) = <[u8; 4]>::try_from(&*bytes) {
                Ok(Self::V4(Ipv4Addr::from(v4)))
            } else if let Ok(v6) = <[u8; 16]>::try_from(&*bytes) {
                let v6 = Ipv6Addr::from(v6);
                Ok(v6.to_ipv4_mapped().map_or(Self::V6(v6), Self::V4))
            } else {
                Err(format!("{} bytes are no IP address", bytes.len()))
            }
        })
    }
}
