//! `SocketAddr` as Go's `netip.AddrPort`: in gob it marshals itself, in text formats
//! `192.0.2.1:80` or `[2001:db8::1]:80`.
//!
//! A numeric zone is the scope of an IPv6 address; a zone with a name is refused. Go's zero
//! `AddrPort` is left out: use an option where that can happen.

use core::net::{IpAddr, SocketAddr, SocketAddrV6};

use serde::{Deserializer, Serializer};

use super::netip::{put_addr, read_addr, read_plain_addr, split_tail};
use super::visit::{read_bytes, read_text};
use super::{Adapt, Adapter, DeserializeBy, SerializeBy};
use crate::schema::{Builder, Ref};
use crate::types::Marshaler;

/// The adapter for `netip.AddrPort`.
#[derive(Debug)]
pub enum NetipAddrPort {}

super::with!(NetipAddrPort);

impl Adapter for NetipAddrPort {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("AddrPort", Marshaler::Binary)
    }
}

impl Adapt for SocketAddr {
    type By = NetipAddrPort;
}

impl SerializeBy<NetipAddrPort> for SocketAddr {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let mut bytes = Vec::with_capacity(18);
        put_addr(&mut bytes, self.ip());
        match self {
            Self::V6(v6) if v6.scope_id() != 0 => {
                bytes.extend_from_slice(v6.scope_id().to_string().as_bytes());
            }
            _ => {}
        }
        bytes.extend_from_slice(&self.port().to_le_bytes());
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> DeserializeBy<'de, NetipAddrPort> for SocketAddr {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read_text(deserializer, "an address with a port", str::parse);
        }
        read_bytes(deserializer, "a netip.AddrPort", |bytes| {
            let (addr, port) = split_tail(&bytes)?;
            let port = u16::from_le_bytes(port);
            let zone = |zone| std::str::from_utf8(zone).ok()?.parse().ok();
            match read_addr(addr)? {
                (IpAddr::V6(v6), scope) if zone(scope).is_some() => {
                    let scope = zone(scope).unwrap_or_default();
                    Ok(Self::V6(SocketAddrV6::new(v6, port, 0, scope)))
                }
                _ => read_plain_addr(addr).map(|addr| Self::new(addr, port)),
            }
        })
    }
}
