//! The limit: frames of bytes, with nothing of what makes an RPC framework.
//!
//! One task for each connection does all there is to do on its side. What one read brings is
//! answered with one write. A frame is its length, an id and the body: two numbers and their
//! product, or bytes that come back as they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::args::{Load, Workload};
use crate::load::{Window, hold, payload, say};

/// How much a read may bring.
const READ: usize = 256 << 10;

/// How much may wait to be written before nothing more is read.
const UNWRITTEN: usize = 4 << 20;

/// The length of the two numbers that are multiplied; echoes are longer.
const FACTORS: usize = 8;

/// What an echo carries besides its payload: as much as the records of the others.
const NAME: &[u8] = b"benchmark-name16";

pub(crate) async fn serve(addr: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(addr).await?;
    say(&format!("LISTENING {}", listener.local_addr()?))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let mut frames = Frames::new(stream)?;
        // A connection that fails is the client's to complain about.
        tokio::spawn(async move {
            while frames.exchange(UNWRITTEN).await? > 0 {
                while let Some((id, body)) = frames.next() {
                    frames.answer(id, body);
                }
            }
            anyhow::Ok(())
        });
    }
}

pub(crate) async fn run(load: Load) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..load.conns {
        let mut frames = Frames::new(TcpStream::connect(load.addr).await?)?;
        if load.workload == Workload::Idle {
            frames.ask(0, &factors(6));
            while frames.exchange(usize::MAX).await? > 0 {
                if frames.next().is_some() {
                    break;
                }
            }
        }
        connections.push(frames);
    }
    if load.workload == Workload::Idle {
        hold().await?;
        drop(connections);
        return Ok(());
    }
    let body = [NAME, &payload(load.payload)].concat();
    let window = Window::new(load);
    let mut callers = JoinSet::new();
    for frames in connections {
        let caller = Caller {
            frames,
            window: window.clone(),
            body: body.clone(),
            begun: Vec::new(),
            outstanding: 0,
        };
        let window = window.clone();
        callers.spawn(async move {
            if let Err(error) = caller.run().await {
                window.tally.fail(error);
            }
        });
    }
    window.run(callers).await
}

/// One connection's calls.
struct Caller {
    frames: Frames,
    window: Arc<Window>,
    body: Vec<u8>,
    /// When the call of each id began.
    begun: Vec<Instant>,
    outstanding: usize,
}

impl Caller {
    async fn run(mut self) -> Result<()> {
        let now = Instant::now();
        self.begun = vec![now; self.window.load().outstanding];
        for id in 0..self.begun.len() {
            self.call(id, now);
        }
        while self.outstanding > 0 {
            ensure!(
                self.frames.exchange(usize::MAX).await? > 0,
                "the server has gone"
            );
            // All that one read brought was there at that time.
            let now = Instant::now();
            while let Some((id, body)) = self.frames.next() {
                let id = id as usize;
                ensure!(self.is_right(id, &body), "a wrong reply");
                self.outstanding -= 1;
                self.window.ended(now - self.begun[id]);
                self.call(id, now);
            }
        }
        Ok(())
    }

    fn call(&mut self, id: usize, now: Instant) {
        if !self.window.admits() {
            return;
        }
        self.outstanding += 1;
        self.begun[id] = now;
        match self.window.load().workload {
            Workload::Echo => self.frames.ask(id as u64, &self.body),
            Workload::Multiply | Workload::Idle => self.frames.ask(id as u64, &factors(id)),
        }
    }

    fn is_right(&self, id: usize, reply: &[u8]) -> bool {
        match self.window.load().workload {
            Workload::Echo => reply.len() == self.body.len(),
            Workload::Multiply | Workload::Idle => reply == (7 * id as i32).to_le_bytes(),
        }
    }
}

fn factors(id: usize) -> [u8; FACTORS] {
    (id as u64 | 7 << 32).to_le_bytes()
}

/// A connection, with what has been read and what is to be written.
struct Frames {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
}

impl Frames {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
        })
    }

    /// Writes what is to be written and waits for something to read, at the same time. Returns how
    /// much was read, 0 at the end.
    async fn exchange(&mut self, unwritten: usize) -> Result<usize> {
        let (mut reader, mut writer) = self.stream.split();
        loop {
            self.input.reserve(READ);
            tokio::select! {
                biased;
                written = writer.write_buf(&mut self.output), if !self.output.is_empty() => {
                    written?;
                }
                read = reader.read_buf(&mut self.input), if self.output.len() < unwritten => {
                    return Ok(read?);
                }
            }
        }
    }

    /// The next whole frame that has been read.
    fn next(&mut self) -> Option<(u64, BytesMut)> {
        let len = self
            .input
            .first_chunk()
            .map(|len| u32::from_le_bytes(*len))? as usize;
        if self.input.len() < 4 + len {
            return None;
        }
        self.input.advance(4);
        let mut frame = self.input.split_to(len);
        Some((frame.get_u64_le(), frame))
    }

    fn ask(&mut self, id: u64, body: &[u8]) {
        self.output.put_u32_le(8 + body.len() as u32);
        self.output.put_u64_le(id);
        self.output.put_slice(body);
    }

    fn answer(&mut self, id: u64, mut body: BytesMut) {
        if body.len() == FACTORS {
            let product = body.get_i32_le().wrapping_mul(body.get_i32_le());
            self.ask(id, &product.to_le_bytes());
        } else {
            self.ask(id, &body);
        }
    }
}
