//! What waits to be written, and who writes it.
//!
//! Callers and handlers append encoded messages under a short lock. Exactly one party at a time
//! is *responsible* for writing: whoever finds nobody responsible becomes it, and either writes
//! in place or wakes the connection's task to do it. The responsible party writes everything
//! that is there until nothing is left. So a thousand calls that are made before the task runs
//! go out in one system call, and a lone call goes out without having to wait for a task.

use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::io::AsyncWrite;
use wgrpc_gob::Segment;

use super::queue::Queue;
use crate::codec::{Sender, Types};
use crate::error::{Cause, Error};
use crate::header::Header;

/// A connection that is idle keeps at most this much of its write buffers.
const IDLE_CAPACITY: usize = 1 << 10;

/// The outgoing side of a connection.
///
/// `T` is what else changes with every message that is appended: it is kept under the same lock,
/// so that one lock a message is enough.
pub(crate) struct Outbox<T = ()> {
    state: Mutex<State<T>>,
    writer: Mutex<Writer>,
}

/// An outbox that nobody else can append to.
pub(crate) struct Locked<'a, T>(MutexGuard<'a, State<T>>);

struct State<T> {
    with: T,
    sender: Sender,
    queue: Queue,
    /// Whether somebody is responsible for writing.
    is_taken: bool,
    /// Bytes that the responsible party has taken and not written yet.
    writing: usize,
    /// Why nothing can be sent any more.
    closed: Option<Cause>,
    /// Wakes the connection's task.
    waker: Option<Waker>,
}

struct Writer {
    io: Box<dyn AsyncWrite + Send + Unpin>,
    current: Queue,
}

/// What [`Outbox::append`] leaves to its caller.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Append {
    /// Somebody is responsible for writing already.
    Queued,
    /// The caller is responsible now: it writes by [`Outbox::write_here`] or
    /// leaves it to the connection's task by [`Outbox::wake`].
    Responsible,
}

/// How a flush ended.
#[derive(Debug)]
pub(crate) enum Flush {
    /// Nothing is left to write, or somebody else is at it.
    Done,
    /// The peer takes no more at the moment. `progress` says whether it took anything.
    Blocked { progress: bool },
    /// The connection is broken.
    Failed(io::Error),
}

impl<T> Outbox<T> {
    /// An outbox that writes to `io` what `sender` composes.
    pub(crate) fn new(io: Box<dyn AsyncWrite + Send + Unpin>, sender: Sender, with: T) -> Self {
        Self {
            state: Mutex::new(State {
                with,
                sender,
                queue: Queue::default(),
                is_taken: false,
                writing: 0,
                closed: None,
                waker: None,
            }),
            writer: Mutex::new(Writer {
                io,
                current: Queue::default(),
            }),
        }
    }

    /// Keeps everybody else out for a moment.
    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        Locked(self.state.lock())
    }

    /// [Appends](Locked::append) a message.
    #[inline]
    pub(crate) fn append(
        &self,
        header: &Header<'_>,
        types: &Types,
        body: &mut Content<'_>,
        limit: usize,
    ) -> Result<Append, AppendError> {
        self.lock().append(header, types, body, limit)
    }

    /// Appends bytes that stand before all messages: the handshake.
    pub(crate) fn append_handshake(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        state.queue.push_slice(bytes);
        state.is_taken = true;
    }

    /// What `of` says, and how many bytes wait that nobody has begun to write.
    pub(crate) fn look<R>(&self, of: impl FnOnce(&T) -> R) -> (R, usize) {
        let state = self.state.lock();
        (of(&state.with), state.queue.len())
    }

    /// How many bytes wait to be written.
    pub(crate) fn unwritten(&self) -> usize {
        let state = self.state.lock();
        state.queue.len() + state.writing
    }

    /// Whether somebody is responsible for writing: something is not written yet.
    pub(crate) fn is_taken(&self) -> bool {
        self.lock().is_taken()
    }

    /// Why nothing can be sent any more, if that is so.
    pub(crate) fn closed(&self) -> Option<Cause> {
        self.state.lock().closed.clone()
    }

    /// Makes the caller responsible, if nobody is.
    pub(crate) fn claim(&self) {
        self.lock().claim();
    }

    /// Wakes the connection's task: it writes what is there to be written, among other things.
    pub(crate) fn wake(&self) {
        let waker = self.state.lock().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Writes in the responsible caller's own task, as far as the socket takes it; the rest, and
    /// any failure, is left to the connection's task.
    pub(crate) fn write_here(&self) {
        let mut nobody = Context::from_waker(Waker::noop());
        if !matches!(self.flush(&mut nobody), Flush::Done) {
            self.wake();
        }
    }

    /// Tells whom to wake, and whether the connection's task is to write.
    pub(crate) fn register(&self, waker: &Waker) -> bool {
        let mut state = self.state.lock();
        match &mut state.waker {
            Some(known) if known.will_wake(waker) => {}
            known => *known = Some(waker.clone()),
        }
        state.is_taken
    }

    /// Writes everything there is, as the responsible party.
    pub(crate) fn flush(&self, cx: &mut Context<'_>) -> Flush {
        // Whoever holds the writer is writing, or hands over when it lets go.
        let Some(mut writer) = self.writer.try_lock() else {
            return Flush::Done;
        };
        let Writer { io, current } = &mut *writer;
        let mut progress = false;
        loop {
            if current.is_empty() {
                current.shrink(IDLE_CAPACITY);
                // Matters to transports with a buffer of their own, like TLS.
                match Pin::new(&mut *io).poll_flush(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Flush::Failed(error),
                    Poll::Pending => return Flush::Blocked { progress },
                }
                let mut state = self.state.lock();
                if state.queue.is_empty() {
                    // In this order: whoever becomes responsible next finds the writer free.
                    drop(writer);
                    state.writing = 0;
                    state.is_taken = false;
                    return Flush::Done;
                }
                std::mem::swap(&mut state.queue, current);
                state.writing = current.len();
            }
            let written = {
                let mut slices = Queue::no_slices();
                match current.slices(&mut slices) {
                    1 => Pin::new(&mut *io).poll_write(cx, &slices[0]),
                    count => Pin::new(&mut *io).poll_write_vectored(cx, &slices[..count]),
                }
            };
            match written {
                Poll::Ready(Ok(0)) => return Flush::Failed(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    progress = true;
                    current.advance(count);
                }
                Poll::Ready(Err(error)) => return Flush::Failed(error),
                Poll::Pending => {
                    self.state.lock().writing = current.len();
                    return Flush::Blocked { progress };
                }
            }
        }
    }

    /// Refuses everything from now on, with this cause. What has been appended can still be
    /// written.
    pub(crate) fn close(&self, cause: Cause) {
        self.state.lock().closed.get_or_insert(cause);
    }

    /// Lets go of the connection: what the peer takes at once is still written, then it is
    /// closed.
    pub(crate) fn hang_up(&self, cx: &mut Context<'_>) {
        let _ = self.flush(cx);
        // Whoever has asked for the end does not wait to hear how it went.
        let _ = self.poll_shutdown(cx);
        self.drop_io();
    }

    /// Drops the socket and what was not written, however long somebody keeps the outbox.
    pub(crate) fn drop_io(&self) {
        let mut writer = self.writer.lock();
        writer.io = Box::new(tokio::io::sink());
        writer.current = Queue::default();
        let mut state = self.state.lock();
        state.queue = Queue::default();
        state.writing = 0;
        state.is_taken = false;
    }

    /// Ends the stream: the peer reads to its end.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer.lock().io).poll_shutdown(cx)
    }
}

impl<T> Locked<'_, T> {
    /// Appends a message: its header and its encoded body.
    ///
    /// Fails, leaving no trace, if more than `limit` bytes wait already, if the header cannot be
    /// encoded or if the outbox is closed.
    #[inline]
    pub(crate) fn append(
        &mut self,
        header: &Header<'_>,
        types: &Types,
        body: &mut Content<'_>,
        limit: usize,
    ) -> Result<Append, AppendError> {
        let State {
            sender,
            queue,
            closed,
            writing,
            is_taken,
            ..
        } = &mut *self.0;
        if let Some(cause) = closed {
            return Err(AppendError::Closed(cause.clone()));
        }
        if queue.len() + *writing > limit {
            return Err(AppendError::Full);
        }
        queue
            .append(|out| sender.begin(header, types, out))
            .map_err(AppendError::Header)?;
        body.append_to(queue, types.segments());
        Ok(if std::mem::replace(is_taken, true) {
            Append::Queued
        } else {
            Append::Responsible
        })
    }

    /// Whether somebody is responsible for writing: something is not written yet.
    pub(crate) fn is_taken(&self) -> bool {
        self.0.is_taken
    }

    /// Makes the caller responsible, if nobody is.
    #[inline]
    pub(crate) fn claim(&mut self) {
        self.0.is_taken = true;
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.with
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.with
    }
}

/// A body of this size or more is handed over instead of copied.
const LARGE: usize = 16 << 10;

/// An encoded body that is to be sent.
pub(crate) enum Content<'a> {
    /// Of one message alone, whose buffer may be taken.
    Own(&'a mut Vec<u8>),
    /// Of any number of messages.
    Shared(&'a Bytes),
    /// Of any number of messages, and small.
    Copied(&'a [u8]),
}

impl Content<'_> {
    /// The bytes, to be kept.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        self.take()
    }

    fn take(&mut self) -> Bytes {
        match self {
            Self::Own(bytes) => std::mem::take(*bytes).into(),
            Self::Shared(bytes) => bytes.clone(),
            Self::Copied(bytes) => Bytes::copy_from_slice(bytes),
        }
    }

    /// The bytes, but those that were left out.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }

    /// Appends the body, with what was left out of it in its places.
    #[inline]
    fn append_to(&mut self, queue: &mut Queue, segments: &[Segment]) {
        let bytes = self.bytes();
        match bytes.len() {
            0..LARGE if segments.is_empty() => queue.push_slice(bytes),
            _ => self.append_large(queue, segments),
        }
    }

    #[cold]
    fn append_large(&mut self, queue: &mut Queue, segments: &[Segment]) {
        let len = self.bytes().len();
        if segments.is_empty() {
            return queue.push_piece(self.take());
        }
        // A small buffer stays with its owner.
        let whole = (len >= LARGE).then(|| self.take());
        let bytes = whole.as_deref().unwrap_or_else(|| self.bytes());
        let push = |queue: &mut Queue, range: Range<usize>| match &whole {
            Some(whole) if range.len() >= LARGE => queue.push_piece(whole.slice(range)),
            _ => queue.push_slice(&bytes[range]),
        };
        let mut done = 0;
        for segment in segments {
            push(queue, done..segment.at);
            queue.push_piece(segment.bytes.clone());
            done = segment.at;
        }
        push(queue, done..len);
    }
}

/// Why a message could not be appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// Too much waits to be written already.
    Full,
    /// The outbox is closed.
    Closed(Cause),
    /// The header has no form in this codec, or one that is too long.
    Header(Error),
}

#[cfg(test)]
mod tests;
