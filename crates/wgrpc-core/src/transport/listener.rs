//! Listening sockets.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::{Io, tcp};
use crate::address::{Address, Protocol};

/// A socket on which clients arrive.
#[derive(Debug)]
pub(crate) struct Listener {
    address: Address,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Dropped after the listener: a socket is removed when nobody listens on it any more.
        _file: SocketFile,
    },
}

impl Listener {
    /// Starts to listen: from here on clients are not turned away.
    ///
    /// The file of a Unix socket on which nobody listens any more is replaced, and the file is
    /// removed with the listener.
    pub(crate) async fn bind(address: &Address) -> io::Result<Self> {
        match address.protocol() {
            Protocol::Unix => {
                let (listener, file) = bind_unix(Path::new(address.target())).await?;
                Ok(Self {
                    address: address.clone(),
                    socket: Socket::Unix {
                        listener,
                        _file: file,
                    },
                })
            }
            protocol => {
                let listener = tcp::bind(address).await?;
                Ok(Self {
                    address: Address::from_socket(protocol, listener.local_addr()?),
                    socket: Socket::Tcp(listener),
                })
            }
        }
    }

    /// Where clients find it, with the port that the system chose.
    pub(crate) fn address(&self) -> Address {
        self.address.clone()
    }

    /// The next client. Dropping the future loses none.
    ///
    /// An error is about the system's resources, not about a client: it is worth trying again,
    /// after a pause.
    pub(crate) async fn accept(&self) -> io::Result<Io> {
        loop {
            let client = match &self.socket {
                Socket::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                    tcp::tune(&stream);
                    Io::from_tcp(stream, peer)
                }),
                Socket::Unix { listener, .. } => listener
                    .accept()
                    .await
                    .map(|(stream, peer)| Io::from_unix(stream, &peer)),
            };
            match client {
                Ok(Ok(io)) => return Ok(io),
                // A client that was gone before its turn came.
                Ok(Err(_)) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

async fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path).await => {
            fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        outcome => outcome?,
    };
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path)?,
    };
    Ok((listener, file))
}

/// Whether a server has left its socket behind: only then is a connection refused.
async fn is_abandoned(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).await.is_err_and(refused)
}

/// The file of a Unix socket, removed on drop if it is still the same one.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // It is of no more use, and nobody is left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The device and the number of a file.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
