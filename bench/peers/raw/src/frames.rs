//! A connection that carries frames: `[length u32] [id u64] [method u8] [body]`, where the length
//! is that of all that follows it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How much one read may bring.
const READ: usize = 256 << 10;

/// How much may have been written before it makes room for more.
const WRITTEN: usize = 1 << 20;

/// How much may wait to be written before a server reads nothing more.
pub(crate) const UNWRITTEN: usize = 4 << 20;

const LENGTH: usize = 4;
const HEAD: usize = 9;

/// Two numbers are multiplied.
pub(crate) const MULTIPLY: u8 = 1;
/// A record comes back.
pub(crate) const ECHO: u8 = 2;

/// A frame, as it has been read.
pub(crate) struct Frame<'a> {
    pub(crate) id: u64,
    pub(crate) method: u8,
    pub(crate) body: &'a [u8],
}

/// The connection, with what has been read and what is to be written.
pub(crate) struct Frames {
    stream: TcpStream,
    pub(crate) input: Input,
    pub(crate) output: Output,
}

impl Frames {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Input::new(),
            output: Output::default(),
        })
    }

    /// Writes what is to be written and waits for something to read, at the same time. Returns how
    /// much was read, 0 at the end. Reads nothing while more than `unwritten` is to be written:
    /// if both sides did that, both could wait for each other.
    pub(crate) async fn exchange(&mut self, unwritten: usize) -> io::Result<usize> {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                return Poll::Ready(Err(error));
            }
            if self.output.waiting() > unwritten {
                return Poll::Pending;
            }
            self.poll_read(cx)
        })
        .await
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(self.input.room());
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        let read = room.filled().len();
        self.input.end += read;
        Poll::Ready(Ok(read))
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let output = &mut self.output;
        while output.written < output.bytes.len() {
            let rest = &output.bytes[output.written..];
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(written) => output.written += written?,
                Poll::Pending => {
                    output.make_room();
                    return Poll::Pending;
                }
            }
        }
        output.bytes.clear();
        output.written = 0;
        Poll::Ready(Ok(()))
    }
}

/// What has been read. Its bytes move only if there is no more room behind them.
pub(crate) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn new() -> Self {
        Self {
            bytes: vec![0; READ],
            start: 0,
            end: 0,
        }
    }

    /// The next whole frame that has been read.
    pub(crate) fn next(&mut self) -> Option<Frame<'_>> {
        let len = self.frame_len()?;
        let frame = self.bytes[self.start..self.end].get(LENGTH..len)?;
        self.start += len;
        let (id, rest) = frame.split_first_chunk()?;
        let (&method, body) = rest.split_first()?;
        Some(Frame {
            id: u64::from_le_bytes(*id),
            method,
            body,
        })
    }

    fn frame_len(&self) -> Option<usize> {
        let len = self.bytes[self.start..self.end].first_chunk()?;
        Some(LENGTH + u32::from_le_bytes(*len) as usize)
    }

    fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let frame = self.frame_len().unwrap_or(LENGTH);
        if self.start + frame > self.bytes.len() || self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if frame > self.bytes.len() || self.end == self.bytes.len() {
                let len = 2 * frame.max(self.bytes.len());
                self.bytes.resize(len, 0);
            }
        }
        &mut self.bytes[self.end..]
    }
}

/// What is to be written.
#[derive(Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    pub(crate) fn put(&mut self, id: u64, method: u8, body: &[&[u8]]) {
        let len = HEAD + body.iter().map(|part| part.len()).sum::<usize>();
        self.bytes.extend_from_slice(&(len as u32).to_le_bytes());
        self.bytes.extend_from_slice(&id.to_le_bytes());
        self.bytes.push(method);
        for part in body {
            self.bytes.extend_from_slice(part);
        }
    }

    /// Puts the answer to a request.
    pub(crate) fn answer(&mut self, Frame { id, method, body }: Frame<'_>) {
        match factors(body).filter(|_| method == MULTIPLY) {
            Some([a, b]) => self.put(id, method, &[&a.wrapping_mul(b).to_le_bytes()]),
            None => self.put(id, method, &[body]),
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.written
    }

    fn make_room(&mut self) {
        if self.written > WRITTEN {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

fn factors(body: &[u8]) -> Option<[i32; 2]> {
    let (a, rest) = body.split_first_chunk()?;
    let b = rest.first_chunk()?;
    Some([i32::from_le_bytes(*a), i32::from_le_bytes(*b)])
}
