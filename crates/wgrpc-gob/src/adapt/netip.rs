//! What the types of Go's net/netip make of themselves: an address, alone or with more behind it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of an address.
pub(super) fn put_addr(out: &mut Vec<u8>, addr: IpAddr) {
    match addr {
        IpAddr::V4(v4) => out.extend(v4.octets()),
        IpAddr::V6(v6) => out.extend(v6.octets()),
    }
}

/// Reads an address and what Go calls its zone: the network interface that it belongs to.
pub(super) fn read_addr(bytes: &[u8]) -> Result<(IpAddr, &[u8]), String> {
    if bytes.is_empty() {
        return Err("Go's zero address is no address: use an option".to_owned());
    }
    if let Some((v6, zone)) = bytes.split_first_chunk::<16>() {
        return Ok((IpAddr::V6(Ipv6Addr::from(*v6)), zone));
    }
    match <[u8; 4]>::try_from(bytes) {
        Ok(v4) => Ok((IpAddr::V4(Ipv4Addr::from(v4)), &[])),
        Err(_) => Err(format!("{} bytes are no IP address", bytes.len())),
    }
}

/// Reads an address that has no zone.
pub(super) fn read_plain_addr(bytes: &[u8]) -> Result<IpAddr, String> {
    match read_addr(bytes)? {
        (addr, []) => Ok(addr),
        (addr, zone) => Err(format!(
            "the address {addr} has a zone, `{}`, for which an `IpAddr` has no place",
            zone.escape_ascii()
        )),
    }
}

/// Splits what stands behind the address from it.
pub(super) fn split_tail<const N: usize>(bytes: &[u8]) -> Result<(&[u8], [u8; N]), String> {
    match bytes.split_last_chunk() {
        Some((addr, tail)) => Ok((addr, *tail)),
        None => Err(format!("{} bytes are too few", bytes.len())),
    }
}
