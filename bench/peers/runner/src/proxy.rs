//! A proxy that counts bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use anyhow::Result;

/// Passes connections on to a server, until it is dropped.
pub(crate) struct Proxy {
    addr: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    replies: AtomicU64,
    is_over: AtomicBool,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.is_over.load(Relaxed) {
                    break;
                }
                pass_on(client?, server, &shared)?;
            }
            anyhow::Ok(())
        });
        Ok(Self { addr, counts })
    }

    pub(crate) fn addr(&self) -> String {
        self.addr.to_string()
    }

    /// The bytes of requests and of replies until now.
    pub(crate) fn counts(&self) -> [f64; 2] {
        let Counts {
            requests, replies, ..
        } = &*self.counts;
        [requests, replies].map(|count| count.load(Relaxed) as f64)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.counts.is_over.store(true, Relaxed);
        // Wakes the thread that accepts. If it cannot be reached it has ended.
        let _ = TcpStream::connect(self.addr);
    }
}

fn pass_on(client: TcpStream, server: SocketAddr, counts: &Arc<Counts>) -> Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (requests, replies) = (counts.clone(), counts.clone());
    let back = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || pump(client, server, &requests.requests));
    std::thread::spawn(move || pump(back.0, back.1, &replies.replies));
    Ok(())
}

fn pump(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    // A connection that breaks is an end of it, and its ends will notice.
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        count.fetch_add(len as u64, Relaxed);
        if to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
