//! The way in of a connection, which can be asked for what the runtime has not heard of yet.

use socket2::SockRef;
use tokio::io::{AsyncRead, Empty, ReadHalf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

/// The way in of a connection.
pub(crate) trait Source: AsyncRead + Send + Unpin {
    /// The socket that everything comes from, if it is one: it has what the runtime has not heard
    /// of yet.
    fn socket(&self) -> Option<SockRef<'_>> {
        None
    }
}

impl<S: AsyncRead + Send> Source for ReadHalf<S> {}

impl Source for Empty {}

impl Source for tcp::OwnedReadHalf {
    fn socket(&self) -> Option<SockRef<'_>> {
        let stream: &TcpStream = self.as_ref();
        Some(SockRef::from(stream))
    }
}

impl Source for unix::OwnedReadHalf {
    fn socket(&self) -> Option<SockRef<'_>> {
        let stream: &UnixStream = self.as_ref();
        Some(SockRef::from(stream))
    }
}
