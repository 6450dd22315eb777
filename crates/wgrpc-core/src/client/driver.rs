//! The client's one task: it writes what the callers queued, reads the replies and wakes those
//! who wait for them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Buf;
use tokio::time::Instant;

use super::{Reply, SHUTTING_DOWN, Shared};
use crate::codec::{Next, Receiver};
use crate::connection::{Fill, Flush, Inbox, Stall, Timer};
use crate::error::{Cause, Code, Error};
use crate::protocol::Ext;

/// A server that sends this many replies in a row that nobody waits for is broken.
const STRANGE_REPLIES: u32 = 1000;

/// What waits to be written is not left to grow beyond this: the server should have something to
/// do meanwhile.
const FULL: usize = 8 << 10;

/// Runs until the connection or the client ends.
pub(super) struct Driver {
    shared: Arc<Shared>,
    inbox: Inbox,
    receiver: Receiver,
    timer: Timer,
    stall: Stall,
    /// What waited to be written when others were last given a turn to add to it.
    seen: Option<usize>,
    /// The number of the next call once all who were woken last have made theirs.
    expected: u64,
    strange_replies: u32,
    wakers: Vec<Waker>,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, inbox: Inbox, receiver: Receiver) -> Self {
        let stall = Stall::new(shared.options.limits.stall);
        Self {
            shared,
            inbox,
            receiver,
            timer: Timer::default(),
            stall,
            seen: None,
            expected: 0,
            strange_replies: 0,
            wakers: Vec::new(),
        }
    }

    /// Reads and delivers everything that has arrived.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        loop {
            if self.inbox.is_ready() {
                self.deliver()?;
            }
            match self.inbox.poll_fill(cx) {
                Poll::Pending => {
                    let is_idle = self.inbox.is_empty() && self.receiver.is_between_messages();
                    if is_idle {
                        self.stall.read(None);
                    } else {
                        self.stall.read(Some(false));
                    }
                    return Ok(());
                }
                Poll::Ready(Ok(Fill::End)) if self.inbox.is_empty() => {
                    return Err(Cause::new("the server closed the connection"));
                }
                Poll::Ready(Ok(Fill::End)) => {
                    let what = "the server closed the connection in the middle of a message";
                    return Err(Cause::new(what));
                }
                Poll::Ready(Ok(Fill::Ready | Fill::More)) => self.stall.read(Some(true)),
                Poll::Ready(Err(error)) => return Err(Cause::new(error)),
            }
        }
    }

    /// Hands every complete reply to its call, all under one lock, and then wakes the callers.
    fn deliver(&mut self) -> Result<(), Cause> {
        let mut block = self.inbox.take();
        let mut at = 0;
        let mut result = Ok(());
        let mut missing = 1;
        let mut drains = false;
        {
            let mut state = self.shared.outbox.lock();
            // Once for all of them: a look at the clock costs as much as finding a reply.
            state.delivered = Instant::now();
            loop {
                match self.receiver.next(&block[at..]) {
                    Ok(Next::Message {
                        consumed,
                        header,
                        body,
                    }) => {
                        at += consumed;
                        if header.ext != 0 {
                            self.shared.server_ext.store(header.ext, Ordering::Relaxed);
                            if Ext(header.ext).contains(Ext::METHOD_NUMBERS) {
                                state.numbers.get_or_insert_default();
                            }
                        }
                        let seq = header.seq;
                        let outcome = match header.fault() {
                            Some(fault) => {
                                drains |= fault.code() == Some(Code::ShuttingDown);
                                Err(Error::from_reply(fault))
                            }
                            None => Ok(Reply {
                                body: body.keep(&block),
                                meta: header.meta.into_owned(),
                            }),
                        };
                        match state.pending.complete(seq, outcome) {
                            Some(waker) => {
                                self.strange_replies = 0;
                                self.wakers.extend(waker);
                            }
                            None if state.pending.expects_late_reply() => {}
                            None => self.strange_replies += 1,
                        }
                        if self.strange_replies > STRANGE_REPLIES {
                            let what = "the server sends replies that nobody asked for";
                            result = Err(Cause::new(what));
                            break;
                        }
                        if at == block.len() {
                            break;
                        }
                    }
                    Ok(Next::Partial {
                        consumed,
                        missing: more,
                    }) => {
                        at += consumed;
                        missing = more;
                        break;
                    }
                    Err(error) => {
                        result = Err(Cause::new(error));
                        break;
                    }
                }
            }
            if drains {
                state.is_draining = true;
                self.shared.is_over.store(true, Ordering::Release);
            }
            if state.pending.in_flight() < self.shared.options.limits.in_flight {
                self.wakers.extend(state.pending.wake_first());
            }
            self.expected = state.pending.next_seq() + self.wakers.len() as u64;
            // Several callers will make their next calls now: they need not wake this task to write.
            if self.wakers.len() > 1 || (state.pending.in_flight() > 0 && !self.wakers.is_empty()) {
                state.claim();
            }
        }
        if drains {
            self.shared.ended.notify_waiters();
        }
        block.advance(at);
        self.inbox.give_back(block, missing);
        self.wakers.drain(..).for_each(Waker::wake);
        result
    }

    /// Whether others get a turn before what is queued is written: once in any case, and then
    /// while those who were woken add to it.
    fn yields(&mut self) -> bool {
        let (next, queued) = self.shared.outbox.look(|state| state.pending.next_seq());
        let grows = |seen| queued > seen && queued < FULL && next < self.expected;
        let yields = self.seen.is_none_or(grows);
        self.seen = yields.then_some(queued);
        yields
    }

    /// Writes what is queued, after everybody who is runnable has had a turn to add to it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        if !self.shared.outbox.register(cx.waker()) {
            return Ok(());
        }
        if self.yields() {
            // Waking itself would wake another worker too, to take over what there is to do.
            let turn = std::pin::pin!(tokio::task::yield_now());
            let _: Poll<()> = turn.poll(cx);
            return Ok(());
        }
        match self.shared.outbox.flush(cx) {
            Flush::Done => {
                self.stall.wrote(None);
                self.wake_first();
            }
            Flush::Blocked { progress } => {
                self.stall.wrote(Some(progress));
                if progress {
                    self.wake_first();
                }
            }
            Flush::Failed(error) => return Err(Cause::new(error)),
        }
        Ok(())
    }

    /// Wakes the first call that waits for room.
    fn wake_first(&self) {
        let next = self.shared.outbox.lock().pending.wake_first();
        next.into_iter().for_each(Waker::wake);
    }

    /// Ends the calls whose time is up, and the connection if it makes no progress.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        loop {
            let earliest = {
                let mut state = self.shared.outbox.lock();
                let earliest = state.pending.earliest();
                state.armed = earliest;
                earliest
            };
            if self
                .timer
                .poll(cx, [earliest, self.stall.deadline()])
                .is_pending()
            {
                return Ok(());
            }
            let now = Instant::now();
            if let Some(what) = self.stall.check(now) {
                return Err(Cause::new(io::Error::new(io::ErrorKind::TimedOut, what)));
            }
            let late = || Error::Timeout {
                after: Duration::ZERO,
                sent: true,
            };
            let wakers = &mut self.wakers;
            self.shared
                .outbox
                .lock()
                .pending
                .expire(now, late, |waker| wakers.push(waker));
            self.wakers.drain(..).for_each(Waker::wake);
        }
    }

    /// Whether the server shuts down and has answered everything.
    fn is_drained(&self) -> bool {
        let state = self.shared.outbox.lock();
        state.is_draining && state.pending.in_flight() == 0
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let was_read = self.poll_read(cx);
        if let Some(error) = &self.shared.outbox.lock().closed {
            return Poll::Ready(error.clone());
        }
        if let Err(cause) = was_read {
            return Poll::Ready(Error::Lost(cause));
        }
        if self.is_drained() {
            return Poll::Ready(Error::Lost(Cause::new(SHUTTING_DOWN)));
        }
        if let Err(cause) = self.poll_write(cx) {
            // A server that goes away may have said more before; what has arrived counts.
            let _ = self.poll_read(cx);
            return Poll::Ready(Error::Lost(cause));
        }
        match self.poll_time(cx) {
            Ok(()) => Poll::Pending,
            Err(cause) => Poll::Ready(Error::Lost(cause)),
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let error = std::task::ready!(self.poll_all(cx));
        self.shared.end(error);
        // Handles of the client may live on; the connection does not wait for them.
        self.shared.outbox.hang_up(cx);
        Poll::Ready(())
    }
}

impl Drop for Driver {
    /// The runtime may stop, or a codec panic, while calls are in flight: they end too.
    fn drop(&mut self) {
        self.shared
            .end(Error::Lost(Cause::new("the connection's task has ended")));
    }
}
