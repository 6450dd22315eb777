//! An address and a number of bits as Go's `netip.Prefix`: in gob it marshals itself, in text
//! formats `192.0.2.0/24`.
//!
//! Go's zero `Prefix` is left out: use an option where that can happen.

use core::net::IpAddr;

use serde::ser::Error as _;
use serde::{Deserializer, Serializer};

use super::netip::{put_addr, read_plain_addr, split_tail};
use super::visit::{read_bytes, read_text};
use super::{Adapt, Adapter, DeserializeBy, SerializeBy};
use crate::schema::{Builder, Ref};
use crate::types::Marshaler;

/// The adapter for `netip.Prefix`.
#[derive(Debug)]
pub enum NetipPrefix {}

super::with!(NetipPrefix);

impl Adapter for NetipPrefix {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("Prefix", Marshaler::Binary)
    }
}

impl Adapt for (IpAddr, u8) {
    type By = NetipPrefix;
}

impl SerializeBy<NetipPrefix> for (IpAddr, u8) {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (addr, bits) = checked(self.0, self.1).map_err(S::Error::custom)?;
        if serializer.is_human_readable() {
            return serializer.collect_str(&format_args!("{addr}/{bits}"));
        }
        let mut bytes = Vec::with_capacity(17);
        put_addr(&mut bytes, addr);
        bytes.push(bits);
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> DeserializeBy<'de, NetipPrefix> for (IpAddr, u8) {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read_text(deserializer, "an address and its bits", |text| {
                let prefix = text
                    .split_once('/')
                    .and_then(|(addr, bits)| Some((addr.parse().ok()?, bits.parse().ok()?)));
                let (addr, bits) = prefix.ok_or_else(|| format!("`{text}` is no prefix"))?;
                checked(addr, bits)
            });
        }
        read_bytes(deserializer, "a netip.Prefix", |bytes| {
            let (addr, [bits]) = split_tail(&bytes)?;
            checked(read_plain_addr(addr)?, bits)
        })
    }
}

fn checked(addr: IpAddr, bits: u8) -> Result<(IpAddr, u8), String> {
    let most = if addr.is_ipv4() { 32 } else { 128 };
    match bits <= most {
        true => Ok((addr, bits)),
        false => Err(format!("{addr} has no {bits} bits")),
    }
}
