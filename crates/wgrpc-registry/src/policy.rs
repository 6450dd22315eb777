//! Which addresses a registry takes, and which of those that it lists a client believes.
//!
//! Whoever can write to a registry must not be able to point its clients at what only they can
//! reach: sockets in their file system, the metadata service of their cloud, their own machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wgrpc_core::{Address, Protocol};

use crate::error::{Error, Result};
use crate::lease::ADDRESS_MAX;

/// Where clouds have services with the secrets of a machine, other than at link-local addresses:
/// Amazon's over IPv6, and Alibaba's.
const METADATA: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
];

/// Whether a registry may list this address.
pub(crate) fn check(address: &Address) -> Result<()> {
    let refuse = |reason: &str| {
        let shown: String = address.to_string().chars().take(ADDRESS_MAX).collect();
        Err(Error::Invalid(format!("cannot list '{shown}': {reason}")))
    };
    if address.to_string().len() > ADDRESS_MAX {
        return refuse("it is longer than 256 bytes");
    }
    if address.protocol() == Protocol::Unix {
        return refuse("a Unix socket cannot be reached from other machines");
    }
    match Host::of(address) {
        Host::Ip(ip) => forbidden(ip).map_or(Ok(()), refuse),
        Host::Number => refuse("write the IP address with four numbers"),
        _ => Ok(()),
    }
}

/// Why no registry may name this IP address, if none may.
fn forbidden(ip: IpAddr) -> Option<&'static str> {
    if is_link_local(ip) {
        return Some("it is link-local");
    }
    if METADATA.contains(&ip) {
        return Some("a cloud tells machines their secrets there");
    }
    let is_single = !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST);
    (!is_single).then_some("it is no single machine")
}

/// Whether a server that a registry lists may be at this IP address, which its name stands for. A
/// registry that `is_local` may say that it is on this machine.
pub(crate) fn admits(ip: IpAddr, is_local: bool) -> bool {
    let ip = ip.to_canonical();
    forbidden(ip).is_none() && (is_local || !is_own(ip))
}

fn is_own(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// Whether whoever connects to this address gets to itself.
pub(crate) fn is_this_machine(address: &Address) -> bool {
    match Host::of(address) {
        Host::Ip(ip) => is_own(ip),
        Host::Name(name) => is_local_name(name),
        Host::Number => false,
    }
}

/// The port of a server that listens on every interface of its machine.
pub(crate) fn port_on_every_interface(address: &Address) -> Option<u16> {
    let is_every = match Host::of(address) {
        Host::Ip(ip) => ip.is_unspecified(),
        Host::Name(name) => name.is_empty(),
        Host::Number => false,
    };
    let (_, port) = address.target().rsplit_once(':').filter(|_| is_every)?;
    port.parse().ok()
}

/// Whether the name stands for the machine itself by convention.
pub(crate) fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.is_empty() || name == "localhost" || name.ends_with(".localhost")
}

/// The host of an address, as a resolver would see it.
enum Host<'a> {
    Ip(IpAddr),
    /// No IP address as we write them, but resolvers read `127.1` and `0x7f000001` as one.
    Number,
    Name(&'a str),
}

impl<'a> Host<'a> {
    fn of(address: &'a Address) -> Self {
        let target = address.target();
        if address.protocol() == Protocol::Unix {
            return Self::Name(target);
        }
        let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let bare = bare.split_once('%').map_or(bare, |(ip, _zone)| ip);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Self::Ip(ip.to_canonical());
        }
        let last = bare.trim_end_matches('.').rsplit('.').next();
        let last = last.unwrap_or_default().to_ascii_lowercase();
        let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && !last.is_empty() {
            return Self::Number;
        }
        Self::Name(bare)
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn only_addresses_that_others_can_reach_are_listed() {
        for good in [
            "tcp@10.0.0.1:9001",
            "http@arith.internal:80",
            "tcp@[2001:db8::1]:9001",
            // Where Go programs that listen on every interface say they are.
            "tcp@[::]:9001",
            "tcp@:9001",
            "tcp@localhost:9001",
            "tcp@3com.com:9001",
        ] {
            assert!(check(&address(good)).is_ok(), "{good}");
        }
        for bad in [
            "unix@/run/docker.sock",
            "tcp@169.254.169.254:80",
            "tcp@[::ffff:169.254.169.254]:80",
            "http@[fe80::1%eth0]:80",
            "tcp@224.0.0.1:80",
            "tcp@255.255.255.255:80",
            "tcp@[fd00:ec2::254]:80",
            "tcp@100.100.100.200:80",
            "tcp@[ff02::1]:80",
            "tcp@2852039166:80",
            "tcp@0xa9fea9fe:80",
            "tcp@0xa9.0xfe.0xa9.0xfe:80",
            "tcp@169.254.43518:80",
            "tcp@0251.0376.0251.0376:80",
        ] {
            assert!(check(&address(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_may_stand_only_for_addresses_that_could_be_listed() {
        for (ip, elsewhere, local) in [
            ("10.0.0.1", true, true),
            ("2001:db8::1", true, true),
            ("127.0.0.1", false, true),
            ("::ffff:127.8.8.8", false, true),
            ("::1", false, true),
            ("0.0.0.0", false, true),
            ("::", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("fd00:ec2::254", false, false),
            ("224.0.0.1", false, false),
            ("ff02::1", false, false),
            ("255.255.255.255", false, false),
        ] {
            let address = ip.parse().unwrap();
            assert_eq!(admits(address, false), elsewhere, "{ip}");
            assert_eq!(admits(address, true), local, "{ip}, of a registry here");
        }
    }

    #[test]
    fn who_listens_everywhere_has_no_address_yet() {
        for every in ["tcp@0.0.0.0:7", "tcp@[::]:7", "http@:7"] {
            assert_eq!(port_on_every_interface(&address(every)), Some(7), "{every}");
        }
        for one in ["tcp@127.0.0.1:7", "tcp@host:7", "unix@:7"] {
            assert_eq!(port_on_every_interface(&address(one)), None, "{one}");
        }
    }

    #[test]
    fn one_s_own_machine_is_known_by_all_its_names() {
        for own in [
            "tcp@127.0.0.1:1",
            "tcp@127.8.8.8:1",
            "tcp@[::1]:1",
            "tcp@[::ffff:127.0.0.1]:1",
            "tcp@0.0.0.0:1",
            "tcp@[::]:1",
            "tcp@:1",
            "tcp@LOCALHOST:1",
            "tcp@a.localhost.:1",
        ] {
            assert!(is_this_machine(&address(own)), "{own}");
        }
        for other in [
            "tcp@10.0.0.1:1",
            "tcp@localhost.example.com:1",
            "tcp@[2001:db8::1]:1",
        ] {
            assert!(!is_this_machine(&address(other)), "{other}");
        }
    }
}
