//! One connection of a server: reading requests, handling them in place where that is quick,
//! writing the answers together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::time::Instant;

use super::link::Link;
use super::listener::Place;
use super::request::begin;
use super::services::{Routes, View};
use super::{Phase, Shared};
use crate::codec::{Message, Next, Receiver, Types};
use crate::connection::{Append, BusyPoll, Fill, Flush, Inbox, Share, Stall, Timer, take_turns};
use crate::error::{Cause, Code, Fault};
use crate::header::Meta;
use crate::protocol;
use crate::service::Started;

/// The most that a closing connection reads and drops, so that its last replies arrive.
const LINGER_BYTES: usize = 64 << 10;

/// How long a connection must have been quiet before a server that shuts down closes it. A client
/// that is about to make its next call shall hear that this is refused, and not just an end.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// How many messages are handled between two looks at the clock, and at how much waits to be
/// written; a large reply is looked at at once.
const LOOK_EVERY: u32 = 4;

/// A batch that has taken this long is looked at more closely: its handlers are timed.
const LONG: Duration = Duration::from_millis(1);

/// A batch that has taken this long is left: what it has answered is written, and others have a
/// turn, before it goes on.
const TOO_LONG: Duration = Duration::from_millis(5);

/// A reply of this size or more makes a difference to what waits to be written.
const LARGE: usize = 16 << 10;

/// Serves one connection, from the first request until everything that was accepted is answered.
pub(super) struct Connection {
    server: Arc<Shared>,
    link: Arc<Link>,
    inbox: Inbox,
    receiver: Receiver,
    view: View,
    routes: Routes,
    /// The limit for each request.
    timeout: Option<Duration>,
    /// Read, and not looked at because the connection is at a limit.
    rest: Bytes,
    /// What the block that is being handled takes of the budget for long requests.
    share: Option<Share>,
    reading: Reading,
    /// Since when the connection is at a limit.
    paused: Option<Instant>,
    /// Whether the line end that may follow the handshake can still come.
    expects_newline: bool,
    has_yielded: bool,
    /// Whether handlers are timed: in a batch that takes long.
    is_timing: bool,
    /// Whether a large reply was queued since the last look.
    was_large: bool,
    timer: Timer,
    stall: Stall,
    busy_poll: BusyPoll,
    /// How many requests come with a read: the most, of the last few.
    batch: usize,
    scratch: Vec<u8>,
    /// The place among the server's connections, if it takes one.
    place: Option<Place>,
    /// Since when nothing is left to do, while the server shuts down.
    quiet: Option<Instant>,
    /// Whether the client has been told that the server shuts down.
    has_said_goodbye: bool,
    closing: Option<Closing>,
}

/// What can still be read.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// More requests.
    Open,
    /// No request any more: the client has ended its side, or cannot be followed.
    Ended,
    /// Nothing, and nothing can be written: the connection is lost.
    Lost,
}

/// The end: our side is closed, and the client's is read to its end, within bounds.
#[derive(Debug)]
struct Closing {
    until: Option<Instant>,
    bytes_left: usize,
}

/// Why a batch of messages was left.
enum Left {
    /// All that is complete was handled.
    Done,
    /// The connection is at a limit.
    Paused,
    /// It has taken long enough; the rest has to wait for its turn.
    TooLong,
    /// The stream cannot be followed any further.
    Broken(Cause),
}

impl Connection {
    pub(super) fn new(
        server: Arc<Shared>,
        link: Arc<Link>,
        inbox: Inbox,
        receiver: Receiver,
        timeout: Option<Duration>,
        place: Option<Place>,
    ) -> Self {
        Self {
            view: server.services.view(),
            routes: Routes::default(),
            stall: Stall::new(server.limits.stall),
            busy_poll: BusyPoll::new(server.limits.busy_poll),
            batch: 0,
            server,
            link,
            inbox,
            receiver,
            timeout,
            rest: Bytes::new(),
            share: None,
            reading: Reading::Open,
            paused: None,
            expects_newline: true,
            has_yielded: false,
            is_timing: false,
            was_large: false,
            timer: Timer::default(),
            scratch: Vec::new(),
            place,
            quiet: None,
            has_said_goodbye: false,
            closing: None,
        }
    }

    fn is_at_limit(&self) -> bool {
        self.link.in_flight() >= self.server.limits.in_flight || self.is_unread()
    }

    /// Whether the client does not read its replies.
    fn is_unread(&self) -> bool {
        self.link.outbox.unwritten() > self.server.limits.unwritten_soft
    }

    /// Whether requests are refused rather than left unread: the pause has lasted long enough.
    /// A client that does not read would not read a refusal either.
    fn refuses(&self) -> bool {
        let pause = self.server.limits.read_pause;
        self.paused.is_some_and(|since| since.elapsed() >= pause) && !self.is_unread()
    }

    /// Reads and handles everything that there is, up to the limits.
    fn poll_read(&mut self, cx: &mut Context<'_>) {
        while self.reading == Reading::Open {
            if self.is_at_limit() && !self.refuses() {
                self.paused.get_or_insert_with(Instant::now);
                // It is not the client that makes no progress with a message that is not read.
                self.stall.read(None);
                return;
            }
            if !self.is_at_limit() {
                self.paused = None;
            }
            if !self.rest.is_empty() || self.inbox.is_ready() {
                match self.handle_batch() {
                    Left::Done => {}
                    Left::Paused => continue,
                    Left::TooLong => {
                        cx.waker().wake_by_ref();
                        return;
                    }
                    Left::Broken(cause) => {
                        tracing::debug!(peer = %self.link.peer, %cause, "cannot follow a client");
                        self.reading = Reading::Ended;
                        return;
                    }
                }
            }
            match self.inbox.poll_fill(cx) {
                Poll::Pending => {
                    let is_idle = self.inbox.is_empty() && self.receiver.is_between_messages();
                    self.stall.read((!is_idle).then_some(false));
                    return;
                }
                Poll::Ready(Ok(Fill::Ready | Fill::More)) => {
                    self.stall.read(Some(true));
                    self.busy_poll.arrived();
                    self.quiet = None;
                }
                Poll::Ready(Ok(Fill::End)) => {
                    self.stall.read(None);
                    self.reading = Reading::Ended;
                }
                Poll::Ready(Err(error)) => {
                    self.lose(Cause::new(error));
                }
            }
        }
    }

    /// The client is gone: what its handlers still answer has nowhere to go. They go on, as in
    /// Go, but the socket and the place among the server's connections are given back.
    fn lose(&mut self, cause: Cause) {
        self.reading = Reading::Lost;
        self.rest = Bytes::new();
        self.share = None;
        self.link.close(cause);
        self.link.outbox.drop_io();
        self.busy_poll.leave();
        self.inbox = Inbox::new(Box::new(tokio::io::empty()), BytesMut::new());
        self.place = None;
    }

    /// Handles the requests that have been read; their answers are written together.
    fn handle_batch(&mut self) -> Left {
        let mut block = match std::mem::take(&mut self.rest) {
            rest if rest.is_empty() => self.inbox.take(),
            rest => rest,
        };
        // Given back at the end of the batch, unless a handler has the long request by then.
        self.share = self.share.take().or_else(|| self.inbox.take_share());
        let mut at = 0;
        if std::mem::take(&mut self.expects_newline)
            && block.first().is_some_and(|&b| protocol::skip_newline(b))
        {
            at = 1;
        }
        self.server.services.refresh(&mut self.view);
        // This task writes what the batch brings, so nobody has to wake it for that.
        self.link.outbox.claim();
        let start = std::time::Instant::now();
        let mut count = 0u32;
        let mut missing = 1;
        let mut message = Message::default();
        let left = loop {
            if at == block.len() {
                break Left::Done;
            }
            let is_due = count % LOOK_EVERY == LOOK_EVERY - 1 || self.is_timing;
            let is_large = std::mem::take(&mut self.was_large);
            let is_full = self.link.in_flight() >= self.server.limits.in_flight;
            if (is_full || ((is_due || is_large) && self.is_unread())) && !self.refuses() {
                break Left::Paused;
            }
            if is_due {
                // Timing every handler costs more than many handlers, so it begins where it pays.
                let took = start.elapsed();
                self.is_timing = took >= LONG;
                if took >= TOO_LONG {
                    break Left::TooLong;
                }
            }
            match self.receiver.next(&block[at..], &mut message) {
                Ok(Next::Whole { consumed }) => {
                    at += consumed;
                    self.handle(&mut message, &block);
                    count += 1;
                }
                Ok(Next::Partial {
                    consumed,
                    missing: more,
                }) => {
                    at += consumed;
                    missing = more;
                    break Left::Done;
                }
                Err(error) => break Left::Broken(Cause::new(error)),
            }
        };
        // It may keep a part of the block.
        drop(message);
        self.routes.count();
        self.batch = (count as usize).max(self.batch - self.batch.div_ceil(8));
        block.advance(at);
        match left {
            Left::Paused | Left::TooLong => self.rest = block,
            _ => {
                self.share = None;
                self.inbox.give_back(block, missing);
            }
        }
        left
    }

    /// Handles one request, in place if it is done at once.
    #[inline]
    fn handle(&mut self, message: &mut Message<'_>, block: &Bytes) {
        let Self {
            server,
            link,
            view,
            routes,
            scratch,
            ..
        } = self;
        let header = &message.header;
        scratch.clear();
        // A number is learned from a request that is refused as well.
        let found = routes.find(view, header, &link.peer);
        let route = match admit(server, link).and(found) {
            Ok(route) => route,
            Err(fault) => {
                self.has_said_goodbye |= fault.code() == Some(Code::ShuttingDown);
                let name = routes.name(header);
                let _: Append = link.respond(header.seq, name, Err(fault), Meta::NONE, scratch);
                return;
            }
        };
        route.calls += 1;
        let (seq, is_long) = (header.seq, message.body.is_long());
        let is_timed = self.is_timing && !route.entry.is_slow();
        let start = is_timed.then(std::time::Instant::now);
        let mut meta = Meta::new();
        let begun = begin(server, link, route, message, block, scratch, &mut meta);
        let entry = &route.entry;
        if let Some(start) = start {
            entry.polled(start.elapsed());
        }
        let result = match begun {
            Started::Done(result) => result,
            Started::Work(work) => {
                let share = if is_long { self.share.take() } else { None };
                let reply = link.reply_to(seq, &entry.name);
                link.spawn(reply, self.timeout, entry, work, share);
                return;
            }
        };
        let leaves_out = |types: &Types| !types.segments().is_empty();
        self.was_large |= scratch.len() >= LARGE || result.as_ref().is_ok_and(leaves_out);
        // This task writes at the end of the batch, whoever is responsible by then.
        let _: Append = link.respond(seq, &entry.name, result, &meta, scratch);
    }

    /// Writes what is queued. While handlers are at work, everybody who is runnable has a turn
    /// first, so that their answers go out together.
    fn poll_write(&mut self, cx: &mut Context<'_>) {
        if self.reading == Reading::Lost {
            return;
        }
        if !self.link.outbox.register(cx.waker()) {
            self.stall.wrote(None);
            return;
        }
        if self.link.in_flight() > 0 && !self.has_yielded {
            self.has_yielded = true;
            take_turns(cx);
            return;
        }
        self.has_yielded = false;
        match self.link.outbox.flush(cx) {
            Flush::Done => {
                self.stall.wrote(None);
                self.link.has_written();
            }
            Flush::Blocked { progress } => {
                self.stall.wrote(Some(progress));
                if progress {
                    self.link.has_written();
                }
            }
            Flush::Failed(error) => self.lose(Cause::new(error)),
        }
    }

    /// Whether everything that was accepted is answered and written, and no more will come.
    fn is_finished(&mut self) -> bool {
        let is_written = self.reading == Reading::Lost || !self.link.outbox.is_taken();
        let is_idle = self.rest.is_empty() && self.link.in_flight() == 0 && is_written;
        match self.reading {
            Reading::Ended | Reading::Lost => is_idle,
            Reading::Open if self.server.phase() == Phase::Running => false,
            Reading::Open => {
                let is_between = self.inbox.is_empty() && self.receiver.is_between_messages();
                if !is_idle || !is_between {
                    self.quiet = None;
                    return false;
                }
                let quiet = *self.quiet.get_or_insert_with(Instant::now);
                quiet.elapsed() >= self.patience()
            }
        }
    }

    /// How long to wait for more while the server shuts down. A client that knows why it was
    /// refused makes no more calls, and closes when those that it has made are answered.
    fn patience(&self) -> Duration {
        let linger = self.server.limits.linger;
        if self.has_said_goodbye && self.link.knows_codes() {
            linger
        } else {
            QUIET.min(linger)
        }
    }

    /// Closes our side, and reads the client's to its end: closed with something unread, the
    /// system would take back what we wrote last.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reading == Reading::Lost {
            return Poll::Ready(());
        }
        let linger = self.server.limits.linger;
        let closing = self.closing.get_or_insert_with(|| Closing {
            until: Instant::now().checked_add(linger),
            bytes_left: LINGER_BYTES,
        });
        if std::task::ready!(self.link.outbox.poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        loop {
            let count = self.inbox.take().len();
            closing.bytes_left = closing.bytes_left.saturating_sub(count);
            let is_over = closing.until.is_some_and(|until| Instant::now() >= until);
            if closing.bytes_left == 0 || is_over {
                return Poll::Ready(());
            }
            match std::task::ready!(self.inbox.poll_fill(cx)) {
                Ok(Fill::End) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    }

    /// Looks at the clock. Ready if the connection makes no progress.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let read_pause = self.server.limits.read_pause;
        let deadlines = [
            self.link.deadline(),
            self.stall.deadline(),
            self.paused
                .filter(|_| !self.refuses())
                .and_then(|since| since.checked_add(read_pause)),
            self.quiet
                .and_then(|since| since.checked_add(self.patience())),
            self.closing.as_ref().and_then(|closing| closing.until),
        ];
        std::task::ready!(self.timer.poll(cx, deadlines));
        let now = Instant::now();
        if let Some(what) = self.stall.check(now) {
            tracing::debug!(peer = %self.link.peer, what, "closing a connection");
            return Poll::Ready(());
        }
        if let Some(timeout) = self.timeout
            && self.link.deadline().is_some_and(|deadline| deadline <= now)
        {
            self.link.expire(now, timeout);
        }
        // Whatever it was, the connection looks at everything again.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Looks for requests before it sleeps, if it has done all there is. Says whether there is
    /// news.
    fn busy_poll(&mut self, cx: &mut Context<'_>) -> bool {
        let is_idle = self.reading == Reading::Open
            && self.closing.is_none()
            && self.paused.is_none()
            && self.rest.is_empty()
            && self.link.in_flight() == 0;
        if !is_idle {
            self.busy_poll.pause();
            return false;
        }
        self.busy_poll.is_on(&self.inbox)
            && !self.link.outbox.is_taken()
            && self
                .busy_poll
                .poll(cx, &mut self.inbox, self.batch, false, || false)
    }

    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Registered before anything is looked at, so that no news is missed.
        self.link.outbox.register(cx.waker());
        if self.server.phase() == Phase::Killed {
            return Poll::Ready(());
        }
        if self.closing.is_none() {
            self.poll_read(cx);
            self.poll_write(cx);
            if self.paused.is_some() && !self.is_at_limit() {
                // What was written made room.
                cx.waker().wake_by_ref();
            }
            if let Some(cause) = self.link.outbox.closed()
                && self.reading != Reading::Lost
            {
                self.lose(cause);
            }
        }
        let is_closing = self.closing.is_some() || self.is_finished();
        if is_closing {
            self.quiet = None;
        }
        if is_closing && self.poll_close(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.poll_time(cx).is_ready() {
            if is_closing {
                return Poll::Ready(());
            }
            self.lose(Cause::new("the client makes no progress"));
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Whether one more request is taken on.
fn admit(server: &Shared, link: &Link) -> Result<(), Fault> {
    if server.phase() != Phase::Running {
        return Err(Fault::new("the server is shutting down").with_code(Code::ShuttingDown));
    }
    let limits = &server.limits;
    let busy =
        |what: &str| Err(Fault::new(format!("overloaded: {what}")).with_code(Code::Overloaded));
    if link.in_flight() >= limits.in_flight {
        return busy("too many requests in flight on the connection (`in_flight`)");
    }
    if server.in_flight() >= limits.in_flight_total {
        return busy("too many requests in flight on the server (`in_flight_total`)");
    }
    Ok(())
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.busy_poll.enter();
        loop {
            let polled = self.poll_once(cx);
            if polled.is_ready() || !self.busy_poll(cx) {
                return polled;
            }
        }
    }
}

impl Drop for Connection {
    /// Handlers do not outlive their connection.
    fn drop(&mut self) {
        self.link.close(Cause::new("the connection has ended"));
        self.link.abort();
    }
}
