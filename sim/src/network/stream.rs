//! One end of a stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::pipe::{Arrived, Segment};
use super::{Network, State};

/// One end of a stream.
pub(crate) struct Stream {
    network: Network,
    /// The pipes that this end reads and writes.
    read: u64,
    write: u64,
    /// Wakes the reader when something arrives.
    arrival: Pin<Box<Sleep>>,
}

impl Stream {
    pub(super) fn new(network: Network, read: u64, write: u64) -> Self {
        Self {
            network,
            read,
            write,
            arrival: Box::pin(sleep_until(State::now())),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut state = this.network.0.state.lock();
        let Some(pipe) = state.pipes.get(&this.read) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let is_frozen = state.is_frozen(pipe.to);
        let Some(pipe) = state.pipes.get_mut(&this.read) else {
            return Poll::Pending;
        };
        if pipe.is_abandoned {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if is_frozen {
            pipe.wait_to_read(cx.waker());
            return Poll::Pending;
        }
        match pipe.arrived() {
            Arrived::Data => {
                buffer.put_slice(&pipe.take(buffer.remaining()));
                Poll::Ready(Ok(()))
            }
            Arrived::End => Poll::Ready(Ok(())),
            Arrived::Reset => {
                if let Some(pipe) = state.pipes.get_mut(&this.write) {
                    pipe.is_broken = true;
                    pipe.wake();
                }
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Arrived::At(at) => {
                pipe.wait_to_read(cx.waker());
                drop(state);
                this.arrival.as_mut().reset(at);
                if this.arrival.as_mut().poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Arrived::Nothing => {
                pipe.wait_to_read(cx.waker());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.network.0.state.lock();
        let is_frozen = match state.pipes.get(&self.write) {
            Some(pipe) => state.is_frozen(pipe.from),
            None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        let Some(pipe) = state.pipes.get_mut(&self.write) else {
            return Poll::Pending;
        };
        if pipe.is_broken || pipe.is_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = pipe.room().min(bytes.len());
        if is_frozen || room == 0 {
            pipe.wait_to_write(cx.waker());
            return Poll::Pending;
        }
        state.send(self.write, Segment::Data(bytes[..room].to_vec()));
        Poll::Ready(Ok(room))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.0.state.lock().end(self.write);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.network.0.state.lock();
        let unread = state.pipes.get(&self.read).map(|pipe| pipe.arrived());
        if matches!(unread, Some(Arrived::Data)) {
            state.send(self.write, Segment::Reset);
        } else {
            state.end(self.write);
        }
        if let Some(pipe) = state.pipes.get_mut(&self.write) {
            pipe.is_broken = true;
        }
        if let Some(pipe) = state.pipes.get_mut(&self.read) {
            pipe.abandon();
        }
        state.forget(self.read);
    }
}

impl State {
    /// Says that nothing more comes, once.
    fn end(&mut self, number: u64) {
        let Some(pipe) = self.pipes.get_mut(&number) else {
            return;
        };
        if pipe.is_ended || pipe.is_broken {
            return;
        }
        pipe.is_ended = true;
        self.send(number, Segment::End);
    }
}
