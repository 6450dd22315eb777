//! Connections to a server.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Io, Lookup, tcp};
use crate::address::{Address, Protocol};
use crate::protocol::{Parse, connect_request, parse_connect_response};

/// Connects to `address`, up to where the Option is to be sent.
///
/// It takes as long as it takes: the caller limits it, together with what follows.
pub(crate) async fn dial(address: &Address, lookup: &Lookup) -> io::Result<Io> {
    match address.protocol() {
        Protocol::Tcp | Protocol::Tcp4 | Protocol::Tcp6 => dial_tcp(address, lookup).await,
        Protocol::Unix => {
            let stream = UnixStream::connect(address.target()).await?;
            let peer = stream.peer_addr()?;
            Io::from_unix(stream, &peer)
        }
        Protocol::Http => {
            let mut io = dial_tcp(address, lookup).await?;
            io.write.write_all(connect_request()).await?;
            io.prefix = connected(&mut io.read).await?;
            Ok(io)
        }
    }
}

async fn dial_tcp(address: &Address, lookup: &Lookup) -> io::Result<Io> {
    let stream = tcp::connect(address, lookup).await?;
    let peer = stream.peer_addr()?;
    Io::from_tcp(stream, peer)
}

/// Reads the answer to `CONNECT`, and returns the bytes that came behind it.
async fn connected(read: &mut (impl AsyncRead + Unpin)) -> io::Result<BytesMut> {
    let mut bytes = BytesMut::new();
    loop {
        if read.read_buf(&mut bytes).await? == 0 {
            let message = "the server closed the connection before it had answered CONNECT";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        match parse_connect_response(&bytes) {
            Ok(Parse::Partial) => {}
            Ok(Parse::Done { consumed, .. }) => return Ok(bytes.split_off(consumed)),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}
