//! Byte streams to and from a peer, whatever carries them.
//!
//! Above this module a connection is an [`Io`]: two halves and who is at their ends. TCP and Unix
//! sockets are opened and accepted here; any other stream (TLS, a pipe in memory) becomes an `Io`
//! just as well.

mod dial;
mod listener;
mod lookup;
mod source;
mod tcp;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, unix};

pub(crate) use dial::dial;
pub(crate) use listener::Listener;
pub(crate) use lookup::Lookup;
pub(crate) use source::Source;

/// A connection: the way in, the way out, and the ends.
pub(crate) struct Io {
    /// What has been read already and is still to be looked at, before anything from `read`.
    pub(crate) prefix: BytesMut,
    pub(crate) read: Box<dyn Source>,
    pub(crate) write: Box<dyn AsyncWrite + Send + Unpin>,
    /// The other end.
    pub(crate) peer: Peer,
    /// This end.
    pub(crate) local: Peer,
}

impl Io {
    /// A connection over a stream of any kind.
    pub(crate) fn from_stream<S: AsyncRead + AsyncWrite + Send + 'static>(stream: S) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self::new(read, write, Peer::Other, Peer::Other)
    }

    fn from_tcp(stream: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let local = Peer::tcp(stream.local_addr()?);
        let (read, write) = stream.into_split();
        Ok(Self::new(read, write, Peer::tcp(peer), local))
    }

    fn from_unix(stream: UnixStream, peer: &unix::SocketAddr) -> io::Result<Self> {
        let local = Peer::unix(&stream.local_addr()?);
        let (read, write) = stream.into_split();
        Ok(Self::new(read, write, Peer::unix(peer), local))
    }

    fn new(
        read: impl Source + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        peer: Peer,
        local: Peer,
    ) -> Self {
        Self {
            prefix: BytesMut::new(),
            read: Box::new(read),
            write: Box::new(write),
            peer,
            local,
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("peer", &self.peer)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// A TCP socket; an IPv4 address is never shown as an IPv6 one.
    Tcp(SocketAddr),
    /// A Unix-domain socket; the path of a listening one, nothing for a connecting one.
    Unix(Option<PathBuf>),
    /// A stream that the program brought along, of which nothing is known.
    Other,
}

impl Peer {
    /// Whether only programs on this machine can have this address.
    ///
    /// Nothing is known of a stream that the program brought along: it counts as remote.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(socket) => socket.ip().is_loopback(),
            Self::Unix(_) => true,
            Self::Other => false,
        }
    }

    /// The IP address of a TCP socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(socket) => Some(socket.ip()),
            Self::Unix(_) | Self::Other => None,
        }
    }

    fn tcp(mut socket: SocketAddr) -> Self {
        socket.set_ip(socket.ip().to_canonical());
        Self::Tcp(socket)
    }

    fn unix(socket: &unix::SocketAddr) -> Self {
        Self::Unix(socket.as_pathname().map(Path::to_owned))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(socket) => write!(f, "tcp@{socket}"),
            Self::Unix(Some(path)) => write!(f, "unix@{}", path.display()),
            Self::Unix(None) => f.write_str("unix"),
            Self::Other => f.write_str("stream"),
        }
    }
}

#[cfg(test)]
mod tests;
