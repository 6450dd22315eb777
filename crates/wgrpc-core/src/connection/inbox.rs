//! Reading: as much as there is at once, and no memory while nothing arrives.
//!
//! The one owner of what was read, from the first byte on: the handshake and the codec both take
//! from it, so that no byte is lost between them. Bytes are read into a scratch buffer of the
//! thread, so that a connection on which nothing has arrived keeps no buffer; a long message is
//! read straight into the block in which it will be used, from its beginning if it follows another
//! that arrived in several reads.

use std::cell::Cell;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::ReadBuf;
use tokio_util::io::poll_read_buf;

use super::budget::{Budget, Share};
use crate::transport::Source;

/// The most that one read brings.
const SCRATCH: usize = 256 << 10;

/// A message that is known to be at least so long is read into place.
const LONG: usize = 64 << 10;

/// How much room is made for a long message at a time: memory grows with what has arrived, not
/// with what was announced.
const STEP: usize = 1 << 20;

/// Messages that are alike, like those of one method, differ in length by less than this.
const SLACK: usize = 1 << 10;

/// In more than so many times the room that it needs nothing stays, for values may keep the block.
const ROOMY: usize = 8;

thread_local! {
    static SCRATCHES: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// The incoming side of a connection.
pub(crate) struct Inbox {
    io: Box<dyn Source>,
    buffer: BytesMut,
    /// How a read went of which nobody has been told.
    found: Option<io::Result<usize>>,
    /// It makes no sense to look at the buffer before it is this long.
    need: usize,
    /// How much room the next message takes if it is like the last one; 0 if that was not long, or
    /// was there with one read.
    expected: usize,
    /// What the buffer may take of what all connections may take; none where nothing bounds it.
    share: Option<Share>,
}

/// What a read brought.
#[derive(Debug)]
pub(crate) enum Fill {
    /// Something, and there may be a message now: [`Inbox::take`] it.
    Ready,
    /// Something, but a message is known to be longer.
    More,
    /// The end of the stream.
    End,
}

impl Inbox {
    /// Reads from `io`; `prefix` has been read before.
    pub(crate) fn new(io: Box<dyn Source>, prefix: BytesMut) -> Self {
        Self {
            io,
            buffer: prefix,
            found: None,
            need: 1,
            expected: 0,
            share: None,
        }
    }

    /// Bounds what long messages may take by `budget`.
    pub(crate) fn set_budget(&mut self, budget: &Arc<Budget>) {
        self.share = Some(budget.share());
    }

    /// What the block that was taken last takes of the budget. It is given back when dropped.
    pub(crate) fn take_share(&mut self) -> Option<Share> {
        self.share.as_mut().map(Share::take)
    }

    /// Whether there is room for more of a long message; if not, `cx` is woken when there is.
    ///
    /// The share follows what has arrived: whoever only announces a long message gets little.
    fn has_room(&mut self, cx: &Context<'_>) -> bool {
        let len = self.buffer.len();
        let Some(share) = &mut self.share else {
            return true;
        };
        if self.need.max(len + 1) <= LONG || len < share.bytes() {
            return true;
        }
        let more = (2 * len).max(2 * LONG);
        // How long the message will be is not always known.
        let is_known = self.need > len + 1;
        let bytes = if is_known { more.min(self.need) } else { more };
        share.grow(bytes, cx.waker())
    }

    /// Whether there are bytes that have not been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether enough has been read to look at.
    pub(crate) fn is_ready(&self) -> bool {
        self.found.is_none() && self.buffer.len() >= self.need
    }

    /// Reads once.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Fill>> {
        let found = self.found.take();
        if found.is_none() && !self.has_room(cx) {
            return Poll::Pending;
        }
        let count = if let Some(found) = found {
            found?
        } else if self.is_inside_long() {
            std::task::ready!(self.poll_into_place(cx))?
        } else if self.expected > 0 && self.buffer.is_empty() {
            std::task::ready!(self.poll_ahead(cx))?
        } else {
            std::task::ready!(self.poll_by_scratch(cx))?
        };
        Poll::Ready(Ok(match count {
            0 => Fill::End,
            _ if self.is_ready() => Fill::Ready,
            _ => Fill::More,
        }))
    }

    /// Whether the rest of a long message comes next. It is read to its end and no further: the
    /// beginning of the next message does not belong into its block.
    fn is_inside_long(&self) -> bool {
        // Where only one byte is known to be missing, nobody knows how long the message is.
        self.need >= LONG && self.need > self.buffer.len() + 1
    }

    fn poll_by_scratch(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.by_scratch(|io, scratch| {
            let mut read = ReadBuf::new(scratch);
            let polled = Pin::new(io).poll_read(cx, &mut read);
            polled.map_ok(|()| read.filled().len())
        })
    }

    /// Lets `read` read into the scratch buffer.
    fn by_scratch(
        &mut self,
        read: impl FnOnce(&mut dyn Source, &mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        // Taken out while it is in use: whatever runs inside the read finds none and makes one.
        let mut scratch = SCRATCHES
            .take()
            .unwrap_or_else(|| vec![0; SCRATCH].into_boxed_slice());
        let polled = read(&mut *self.io, &mut scratch);
        if let Poll::Ready(Ok(count)) = polled {
            self.buffer.extend_from_slice(&scratch[..count]);
        }
        SCRATCHES.set(Some(scratch));
        polled
    }

    /// Whether [`fill_now`](Self::fill_now) may find something: not on every stream, and not where
    /// long messages are read.
    pub(crate) fn can_fill_now(&self) -> bool {
        self.need < LONG && self.expected == 0 && self.socket().is_some()
    }

    /// The socket that it reads from, if it is one.
    pub(crate) fn socket(&self) -> Option<SockRef<'_>> {
        self.io.socket()
    }

    /// Reads what is there, also if the runtime has not heard of it. Says whether there is
    /// something to learn from [`poll_fill`](Self::poll_fill).
    pub(crate) fn fill_now(&mut self) -> bool {
        debug_assert!(self.found.is_none(), "what was found is learned first");
        let read = self.by_scratch(|io, scratch| {
            let read = io.socket().map(|socket| (&*socket).read(scratch));
            match read {
                None => Poll::Pending,
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
                Some(read) => Poll::Ready(read),
            }
        });
        if let Poll::Ready(read) = read {
            self.found = Some(read);
        }
        self.found.is_some()
    }

    fn poll_into_place(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let missing = self.need - self.buffer.len();
        let granted = match &self.share {
            Some(share) => missing.min(share.bytes().saturating_sub(self.buffer.len()).max(1)),
            None => missing,
        };
        // Room that nothing is read into costs no memory; to make it in many steps costs copies.
        self.buffer.reserve(missing.min(STEP));
        let mut room = (&mut self.buffer).limit(granted);
        poll_read_buf(Pin::new(&mut self.io), cx, &mut room)
    }

    /// Reads the beginning of what may be one more long message into its place. Where nothing
    /// arrives, no room is kept: it is made for each attempt, and not touched.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut block = BytesMut::with_capacity(self.expected);
        let mut room = (&mut block).limit(SCRATCH);
        let polled = poll_read_buf(Pin::new(&mut self.io), cx, &mut room);
        if !block.is_empty() {
            self.buffer = block;
        }
        polled
    }

    /// Takes out what was read. What turns out to be the beginning of the next message is
    /// [given back](Self::give_back).
    pub(crate) fn take(&mut self) -> Bytes {
        let need = std::mem::replace(&mut self.need, 1);
        let block = std::mem::take(&mut self.buffer);
        if need < LONG && self.expected == 0 {
            return block.freeze();
        }
        self.expected = if need < LONG {
            0
        } else {
            need.min(STEP) + SLACK
        };
        if block.capacity() / ROOMY > block.len() {
            return Bytes::copy_from_slice(&block);
        }
        block.freeze()
    }

    /// Gives back what is left of a block, and says how many bytes are missing at least before
    /// it makes sense to look again.
    pub(crate) fn give_back(&mut self, rest: Bytes, missing: usize) {
        // There is nothing to look at in an empty inbox.
        self.need = (rest.len() + missing).max(1);
        if rest.is_empty() {
            return;
        }
        debug_assert!(
            self.buffer.is_empty(),
            "a block is given back before the next read"
        );
        // Usually the rest is the only user of its block; then this copies nothing.
        self.buffer = rest
            .try_into_mut()
            .unwrap_or_else(|rest| BytesMut::from(&rest[..]));
    }

    /// The reader and what it has read and nobody has taken, for whoever takes the connection
    /// over.
    pub(crate) fn into_parts(self) -> (Box<dyn Source>, BytesMut) {
        debug_assert!(self.found.is_none(), "nobody looks during the handshake");
        (self.io, self.buffer)
    }
}

#[cfg(test)]
mod tests;
