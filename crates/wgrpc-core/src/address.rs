//! Where a server is: `protocol@address`, as users write it and the registry passes it on.
//!
//! An [`Address`] that exists is well formed; whether anybody answers there is for `transport` to
//! find out.

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// How the bytes of a connection travel: the part of an [`Address`] before the `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// TCP over IPv4 or IPv6.
    Tcp,
    /// TCP over IPv4 only.
    Tcp4,
    /// TCP over IPv6 only.
    Tcp6,
    /// A Unix-domain stream socket.
    Unix,
    /// TCP, where the client first asks by HTTP `CONNECT` for what it wants.
    Http,
}

impl Protocol {
    const ALL: [Self; 5] = [Self::Tcp, Self::Tcp4, Self::Tcp6, Self::Unix, Self::Http];

    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Unix => "unix",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a server listens, or is to be reached: `protocol@address`.
///
/// | protocol | address |
/// | --- | --- |
/// | `tcp`, `tcp4`, `tcp6`, `http` | `host:port` or `[ipv6]:port` |
/// | `unix` | the path of the socket |
///
/// An empty host means every interface to a server, and this machine to a client. Port 0 lets the
/// system choose one for a server.
///
/// Whatever takes an address takes text as well, and tells what is wrong with it:
///
/// ```
/// use wgrpc_core::{Address, Protocol};
///
/// let address: Address = "tcp@127.0.0.1:9000".parse()?;
/// assert_eq!(address.protocol(), Protocol::Tcp);
/// assert_eq!(address.target(), "127.0.0.1:9000");
/// assert_eq!(address.to_string(), "tcp@127.0.0.1:9000");
/// # Ok::<(), wgrpc_core::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    protocol: Protocol,
    target: String,
}

impl Address {
    /// A TCP address of either protocol that was met on a socket, so that it needs no check.
    pub(crate) fn from_socket(protocol: Protocol, socket: SocketAddr) -> Self {
        Self {
            protocol,
            target: socket.to_string(),
        }
    }

    /// The part before the `@`.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The part after the `@`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The host, without the brackets of an IPv6 address, and the port; `None` for a path.
    pub(crate) fn host_and_port(&self) -> Option<(&str, u16)> {
        if self.protocol == Protocol::Unix {
            return None;
        }
        let (host, port) = self.target.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        Some((bare.unwrap_or(host), port.parse().ok()?))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        let parts = given.split_once('@');
        let Some((protocol, target)) = parts.filter(|(_, target)| !target.contains('@')) else {
            return Err(AddressError::Format {
                given: given.to_owned(),
            });
        };
        let known = Protocol::ALL.into_iter().find(|it| it.name() == protocol);
        let Some(protocol) = known else {
            return Err(AddressError::Protocol {
                given: given.to_owned(),
            });
        };
        let check = match protocol {
            Protocol::Unix => check_path(target),
            Protocol::Tcp | Protocol::Tcp4 | Protocol::Tcp6 | Protocol::Http => {
                check_host_and_port(target)
            }
        };
        match check {
            Ok(()) => Ok(Self {
                protocol,
                target: target.to_owned(),
            }),
            Err(reason) => Err(AddressError::Target {
                given: given.to_owned(),
                reason,
            }),
        }
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        Err("the path is empty")
    } else if path.contains(char::is_control) {
        Err("the path contains a control character")
    } else {
        Ok(())
    }
}

fn check_host_and_port(target: &str) -> Result<(), &'static str> {
    if target.is_empty() {
        return Err("the address is empty, expect host:port");
    }
    if target.ends_with(']') {
        return Err("the port is missing, expect [ipv6]:port");
    }
    let Some((host, port)) = target.rsplit_once(':') else {
        return Err("the port is missing, expect host:port");
    };
    if !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err() {
        return Err("the port must be a number from 0 to 65535");
    }
    if let Some(bracketed) = host.strip_prefix('[') {
        // What follows a `%` names a network interface.
        let ip = bracketed.strip_suffix(']').unwrap_or_default();
        let (ip, zone) = ip.split_once('%').unwrap_or((ip, "0"));
        return match ip.parse::<Ipv6Addr>() {
            Ok(_) if is_name(zone) && !zone.is_empty() => Ok(()),
            _ => Err("an IPv6 address must stand between the brackets"),
        };
    }
    if host.contains(':') {
        return Err("an IPv6 address needs brackets, expect [ipv6]:port");
    }
    if !is_name(host) {
        return Err("a host consists of letters, digits, points, hyphens and underscores");
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.protocol, self.target)
    }
}

impl TryFrom<&str> for Address {
    type Error = AddressError;

    fn try_from(given: &str) -> Result<Self, AddressError> {
        given.parse()
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(given: String) -> Result<Self, AddressError> {
        given.parse()
    }
}

impl TryFrom<&String> for Address {
    type Error = AddressError;

    fn try_from(given: &String) -> Result<Self, AddressError> {
        given.parse()
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Self {
        Self::from_socket(Protocol::Tcp, socket)
    }
}

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not have the form `protocol@address`, with exactly one `@`.
    #[error("wrong format '{given}', expect protocol@addr")]
    Format {
        /// The whole text.
        given: String,
    },
    /// Nobody knows the protocol.
    #[error("unknown protocol in '{given}', expect one of {}", known_protocols())]
    Protocol {
        /// The whole text.
        given: String,
    },
    /// What follows the `@` is not what the protocol needs.
    #[error("wrong address '{given}': {reason}")]
    Target {
        /// The whole text.
        given: String,
        /// What is wrong with it, and what to write instead.
        reason: &'static str,
    },
}

impl From<Infallible> for AddressError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn known_protocols() -> String {
    Protocol::ALL.map(Protocol::name).join(", ")
}

#[cfg(test)]
mod tests;
