//! The client's one task: it writes what the callers queued, reads the replies and wakes those
//! who wait for them.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::time::Instant;

use super::{Reply, SHUTTING_DOWN, Shared};
use crate::codec::{Body, Message, Next, Place, Receiver};
use crate::connection::{BusyPoll, Fill, Flush, Inbox, Stall, Timer, take_turns};
use crate::error::{Cause, Code, Error};
use crate::header::Meta;
use crate::protocol::Ext;

/// A server that sends this many replies in a row that nobody waits for is broken.
const STRANGE_REPLIES: u32 = 1000;

/// What waits to be written is not left to grow beyond this: the server should have something to
/// do meanwhile.
const FULL: usize = 8 << 10;

/// How many replies are handed over under one lock, which keeps callers on other threads from
/// making calls.
const TOGETHER: usize = 64;

/// So often others get another turn although nobody has added to a write since the last.
const PATIENCE: u32 = 2;

/// Runs until the connection or the client ends.
pub(super) struct Driver {
    shared: Arc<Shared>,
    inbox: Inbox,
    receiver: Receiver,
    timer: Timer,
    stall: Stall,
    busy_poll: BusyPoll,
    /// What waited to be written when others were last given a turn to add to it.
    seen: Option<(usize, u32)>,
    /// The number of the next call once all who were woken last have made theirs.
    expected: u64,
    strange_replies: u32,
    /// The calls whose replies were found and not handed over. A place in what was read stands for
    /// a success in so few bytes that these are better copied when they are handed over than moved
    /// until then.
    found: Vec<(u64, Option<Place>)>,
    /// What the others come to, in the same order.
    others: VecDeque<Result<Reply, Error>>,
    wakers: Vec<Waker>,
}

/// What was found in what was read.
enum Found {
    /// As many replies as are handed over together, and there may be more.
    Some,
    /// All that are complete.
    All { missing: usize },
    /// Something that is no reply.
    Broken(Cause),
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, inbox: Inbox, receiver: Receiver) -> Self {
        let limits = &shared.options.limits;
        Self {
            stall: Stall::new(limits.stall),
            busy_poll: BusyPoll::new(limits.busy_poll),
            shared,
            inbox,
            receiver,
            timer: Timer::default(),
            seen: None,
            expected: 0,
            strange_replies: 0,
            found: Vec::new(),
            others: VecDeque::new(),
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
                Poll::Ready(Ok(Fill::Ready | Fill::More)) => {
                    self.stall.read(Some(true));
                    self.busy_poll.arrived();
                }
                Poll::Ready(Err(error)) => return Err(Cause::new(error)),
            }
        }
    }

    /// Hands every complete reply to its call, and wakes the callers.
    fn deliver(&mut self) -> Result<(), Cause> {
        let mut block = self.inbox.take();
        // Once for all of them: a look at the clock costs as much as finding a reply.
        let now = Instant::now();
        let mut at = 0;
        let ended = loop {
            let found = self.find_some(&block, &mut at);
            if let Err(cause) = self.hand_over(&block, now) {
                break Err(cause);
            }
            match found {
                Found::Some => {}
                Found::All { missing } => break Ok(missing),
                Found::Broken(cause) => break Err(cause),
            }
        };
        self.wake_all();
        block.advance(at);
        self.inbox.give_back(block, ended?);
        Ok(())
    }

    /// Finds the next replies in `block`, from `at` on.
    fn find_some(&mut self, block: &Bytes, at: &mut usize) -> Found {
        let mut message = Message::default();
        while self.found.len() < TOGETHER {
            if *at == block.len() {
                return Found::All { missing: 1 };
            }
            match self.receiver.next(&block[*at..], &mut message) {
                Ok(Next::Whole { consumed }) => {
                    *at += consumed;
                    let Message { header, body } = &mut message;
                    if header.ext != 0 {
                        self.shared.server_ext.store(header.ext, Ordering::Relaxed);
                    }
                    let is_plain = header.error.is_empty() && header.meta.is_empty();
                    let place = body.short(block).filter(|_| is_plain);
                    self.found.push((header.seq, place));
                    if place.is_none() {
                        self.others.push_back(match header.fault() {
                            Some(fault) => Err(Error::from_reply(fault)),
                            None => Ok(Reply {
                                body: body.keep(block),
                                meta: std::mem::take(&mut header.meta).into_owned(),
                            }),
                        });
                    }
                }
                Ok(Next::Partial { consumed, missing }) => {
                    *at += consumed;
                    return Found::All { missing };
                }
                Err(error) => return Found::Broken(Cause::new(error)),
            }
        }
        Found::Some
    }

    /// Wakes all whose replies were handed over. Not one by one as these are found: whoever is
    /// woken alone is done so soon that the runtime sends its threads to sleep in between.
    fn wake_all(&mut self) {
        {
            let mut state = self.shared.outbox.lock();
            if state.pending.in_flight() < self.shared.options.limits.in_flight {
                self.wakers.extend(state.pending.wake_first());
            }
            let woken = self.wakers.len();
            self.expected = self.expected.max(state.pending.next_seq()) + woken as u64;
            // Several callers will make their next calls now: they need not wake this task to
            // write.
            if woken > 1 || (state.pending.in_flight() > 0 && woken > 0) {
                state.claim();
            }
        }
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// Hands the replies that were found to their calls, under one lock.
    fn hand_over(&mut self, block: &Bytes, now: Instant) -> Result<(), Cause> {
        let mut drains = false;
        {
            let mut state = self.shared.outbox.lock();
            state.delivered = now;
            state.is_looking = self.busy_poll.is_on(&self.inbox);
            let ext = Ext(self.shared.server_ext.load(Ordering::Relaxed));
            if ext.contains(Ext::METHOD_NUMBERS) {
                state.numbers.get_or_insert_default();
            }
            for (seq, place) in self.found.drain(..) {
                let completed = match place {
                    Some(place) => state.pending.complete(seq, || {
                        Ok(Reply {
                            body: Body::at(place, block),
                            meta: Meta::new(),
                        })
                    }),
                    None => {
                        let outcome = self.others.pop_front();
                        let outcome = outcome.expect("one for each call without a place");
                        if let Err(Error::Refused(fault)) = &outcome {
                            drains |= fault.code() == Some(Code::ShuttingDown);
                        }
                        state.pending.complete(seq, || outcome)
                    }
                };
                match completed {
                    Some(waker) => {
                        self.strange_replies = 0;
                        self.wakers.extend(waker);
                    }
                    None if state.pending.expects_late_reply() => {}
                    None => self.strange_replies += 1,
                }
            }
            if state.pending.in_flight() == 0 {
                self.busy_poll.rest();
            }
            if drains {
                state.is_draining = true;
                self.shared.is_over.store(true, Ordering::Release);
            }
        }
        if drains {
            self.shared.ended.notify_waiters();
        }
        if self.strange_replies > STRANGE_REPLIES {
            let what = "the server sends replies that nobody asked for";
            return Err(Cause::new(what));
        }
        Ok(())
    }

    /// Whether others get a turn before what is queued is written: once in any case, and then
    /// while those who were woken add to it.
    fn yields(&mut self) -> bool {
        let (next, queued) = self.shared.outbox.look(|state| state.pending.next_seq());
        let is_complete = queued >= FULL || next >= self.expected;
        let yields = match self.seen {
            None => true,
            Some(_) if is_complete => false,
            Some((seen, _)) if queued > seen => true,
            Some((_, looks)) => looks < PATIENCE,
        };
        let looks = match self.seen {
            Some((seen, looks)) if queued == seen => looks + 1,
            _ => 0,
        };
        self.seen = yields.then_some((queued, looks));
        if !yields && !is_complete {
            // Whoever was woken and has made no call does something else.
            self.expected = next;
        }
        yields
    }

    /// Writes what is queued, after everybody who is runnable has had a turn to add to it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        if !self.shared.outbox.register(cx.waker()) {
            return Ok(());
        }
        if self.yields() {
            take_turns(cx);
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

    /// Looks for replies before it sleeps, if some are to come. Says whether there is news.
    fn busy_poll(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.busy_poll.is_on(&self.inbox) {
            return false;
        }
        let outbox = &self.shared.outbox;
        let calls = {
            let state = outbox.lock();
            if state.is_taken() {
                return false;
            }
            state.pending.in_flight()
        };
        if calls == 0 {
            self.busy_poll.rest();
            return false;
        }
        // Another thread may be busy with those whose replies came with the last read.
        let others_first = calls > 1;
        let is_news = self
            .busy_poll
            .poll(cx, &mut self.inbox, calls, others_first, || {
                outbox.is_taken()
            });
        if !self.busy_poll.is_on(&self.inbox) {
            outbox.lock().is_looking = false;
        }
        is_news
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.busy_poll.enter();
        loop {
            if let Poll::Ready(error) = self.poll_once(cx) {
                return Poll::Ready(error);
            }
            if !self.busy_poll(cx) {
                return Poll::Pending;
            }
        }
    }

    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
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
