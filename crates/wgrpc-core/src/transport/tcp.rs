//! TCP sockets: names and addresses, and what is set on every socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::Lookup;
use crate::address::{Address, Protocol};

/// An idle connection is probed after this time, ...
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// ... this often, ...
const KEEPALIVE_PROBES: u32 = 3;
/// ... at this distance, before it counts as dead.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unacknowledged. The system's own limit is a quarter of an hour.
/// It has to exceed every pause that a peer makes in reading, for a peer that does not read looks
/// the same.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Connects to the first of the host's addresses that may be dialled and answers.
pub(super) async fn connect(address: &Address, lookup: &Lookup) -> io::Result<TcpStream> {
    let this_machine = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let candidates = resolve(address, this_machine, lookup).await?;
    let stream = TcpStream::connect(&candidates[..]).await?;
    tune(&stream);
    Ok(stream)
}

/// Listens on the first of the host's addresses that is ours and free.
pub(super) async fn bind(address: &Address) -> io::Result<TcpListener> {
    let every_interface = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    let is_v6_only = address.protocol() == Protocol::Tcp6;
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for candidate in resolve(address, every_interface, &Lookup::default()).await? {
        outcome = bind_socket(candidate, is_v6_only);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn bind_socket(candidate: SocketAddr, is_v6_only: bool) -> io::Result<TcpListener> {
    let socket = if candidate.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        let socket = TcpSocket::new_v6()?;
        SockRef::from(&socket).set_only_v6(is_v6_only)?;
        socket
    };
    // A server that starts again must not wait for what its last connections left behind.
    socket.set_reuseaddr(true)?;
    socket.bind(candidate)?;
    socket.listen(BACKLOG)
}

/// The socket addresses that `address` may mean, at least one; an empty host means `unnamed`.
async fn resolve(
    address: &Address,
    unnamed: [IpAddr; 2],
    lookup: &Lookup,
) -> io::Result<Vec<SocketAddr>> {
    let Some((host, port)) = address.host_and_port() else {
        let message = format!("`{address}` is no TCP address");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    let mut found: Vec<SocketAddr> = if host.is_empty() {
        unnamed.map(|ip| SocketAddr::new(ip, port)).to_vec()
    } else {
        lookup.find(host, port).await?
    };
    found.retain(|socket| match address.protocol() {
        Protocol::Tcp4 => socket.is_ipv4(),
        Protocol::Tcp6 => socket.is_ipv6(),
        _ => true,
    });
    if found.is_empty() {
        let message = format!("`{host}` has no address for {}", address.protocol());
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    lookup.admit(host, &mut found)?;
    Ok(found)
}

/// Small messages leave at once, and a peer that is gone is noticed.
///
/// A system that refuses one of these still has a connection that works.
pub(super) fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    let socket = SockRef::from(stream);
    let outcome = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive));
    #[cfg(target_os = "linux")]
    let outcome = outcome.and_then(|()| socket.set_tcp_user_timeout(Some(USER_TIMEOUT)));
    if let Err(error) = outcome {
        tracing::debug!(%error, "cannot set the options of a TCP socket");
    }
}
