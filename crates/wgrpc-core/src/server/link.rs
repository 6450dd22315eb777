//! What a server connection shares with the handlers that it has given tasks of their own: the
//! way to answer, and the table of requests in flight.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::services::Entry;
use crate::codec::{Bodies, Types};
use crate::connection::{Append, AppendError, Content, Outbox, Share};
use crate::error::{Cause, Code, Fault};
use crate::header::{Header, Meta};
use crate::limits::ServerLimits;
use crate::protocol::{self, Ext};
use crate::service::{Work, drop_work, poll_work};
use crate::transport::Peer;

/// A server's side of one connection, as handlers see it.
pub(crate) struct Link {
    pub(crate) outbox: Outbox,
    pub(crate) bodies: Bodies,
    pub(crate) peer: Arc<Peer>,
    /// What the client understands.
    ext: Ext,
    /// Whether the client has still to be told what we understand.
    announces: AtomicBool,
    requests: Mutex<Requests>,
    /// How many of them there are.
    in_flight: AtomicUsize,
    /// Requests in flight on all connections of the server.
    total: Arc<AtomicUsize>,
    /// Above this handlers wait with their replies until some of what is queued is written.
    unwritten_soft: usize,
    unwritten_hard: usize,
    /// Tells them that something was.
    room: Notify,
}

/// The requests whose handlers have tasks of their own.
struct Requests {
    slab: Slab<Request>,
    /// No request's time is up before this.
    earliest: Option<Instant>,
}

struct Request {
    reply: ReplyTo,
    deadline: Option<Instant>,
    /// Whether the timeout error was sent; then the handler's own answer is dropped.
    is_answered: bool,
    task: Option<AbortHandle>,
    /// What a long request takes of the budget.
    _share: Option<Share>,
}

/// Whom a response is for.
#[derive(Clone, Debug)]
pub(crate) struct ReplyTo {
    pub(crate) seq: u64,
    /// The request's `ServiceMethod`, which is echoed; empty to a client that does not need it.
    pub(crate) method: Box<str>,
}

impl Link {
    pub(crate) fn new(
        outbox: Outbox,
        bodies: Bodies,
        peer: Peer,
        ext: Ext,
        total: Arc<AtomicUsize>,
        limits: &ServerLimits,
    ) -> Self {
        Self {
            outbox,
            bodies,
            peer: Arc::new(peer),
            ext,
            announces: AtomicBool::new(ext != Ext::default()),
            requests: Mutex::new(Requests {
                slab: Slab::new(),
                earliest: None,
            }),
            in_flight: AtomicUsize::new(0),
            total,
            unwritten_soft: limits.unwritten_soft,
            unwritten_hard: limits.unwritten_hard,
            room: Notify::new(),
        }
    }

    /// Whether the client reads codes and metadata.
    pub(crate) fn knows_codes(&self) -> bool {
        self.ext.contains(Ext::CODES_AND_META)
    }

    /// What has to be kept of a request in order to answer it.
    pub(crate) fn reply_to(&self, seq: u64, method: &str) -> ReplyTo {
        let is_brief = self.ext.contains(Ext::BRIEF_REPLIES);
        ReplyTo {
            seq,
            method: if is_brief { "" } else { method }.into(),
        }
    }

    /// Answers: the reply stands encoded in `body`, or there is a fault. Says whether the caller
    /// has to see to it that it is written.
    #[inline]
    pub(crate) fn respond(
        &self,
        seq: u64,
        method: &str,
        result: Result<Types, Fault>,
        meta: &Meta,
        body: &mut Vec<u8>,
    ) -> Append {
        let knows = self.knows_codes();
        let is_brief = self.ext.contains(Ext::BRIEF_REPLIES);
        let mut header = Header {
            service_method: if is_brief { "".into() } else { method.into() },
            seq,
            meta: Cow::Borrowed(if knows { meta } else { Meta::NONE }),
            ..Header::default()
        };
        if self.announces.load(Ordering::Relaxed) && self.announces.swap(false, Ordering::Relaxed) {
            header.ext = Ext::OURS.0;
        }
        let result = match header.meta.excess() {
            None => result,
            Some(excess) => {
                header.meta = Cow::Borrowed(Meta::NONE);
                Err(Fault::new(excess).with_code(Code::Limit))
            }
        };
        let fault;
        let types = match result {
            Ok(types) => types,
            Err(failed) => {
                fault = failed;
                header.error = cut(fault.text()).into();
                header.code = fault.code().filter(|_| knows).map_or(0, Code::number);
                body.clear();
                match self.bodies.encoding.encode(&(), body) {
                    Ok(types) => types,
                    Err(error) => return self.give_up(Cause::new(error)),
                }
            }
        };
        match self.outbox.append(
            &header,
            &types,
            &mut Content::Own(body),
            self.unwritten_hard,
        ) {
            Ok(append) => append,
            Err(AppendError::Closed(_)) => Append::Queued,
            Err(AppendError::Header(error)) => self.give_up(Cause::new(error)),
            Err(AppendError::Full) => {
                let what = "the client does not read its replies (`unwritten_hard`)";
                self.give_up(Cause::new(what))
            }
        }
    }

    /// A response that cannot be sent ends the connection: its caller would wait for ever.
    fn give_up(&self, cause: Cause) -> Append {
        self.close(cause);
        self.outbox.wake();
        Append::Queued
    }

    /// Sends nothing any more.
    pub(crate) fn close(&self, cause: Cause) {
        self.outbox.close(cause);
        self.room.notify_waiters();
    }

    /// Something was written: handlers that wait with their replies look again.
    pub(crate) fn has_written(&self) {
        self.room.notify_waiters();
    }

    /// Waits until the client has read enough for one more reply, or is gone. So what is queued
    /// stays bounded however many handlers are done at once.
    async fn room(&self) {
        while self.outbox.unwritten() > self.unwritten_soft && self.outbox.closed().is_none() {
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            if self.outbox.unwritten() > self.unwritten_soft && self.outbox.closed().is_none() {
                room.await;
            }
        }
    }

    /// How many requests wait for their handlers.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Gives a handler that is not done a task of its own.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        reply: ReplyTo,
        timeout: Option<Duration>,
        entry: &Arc<Entry>,
        work: std::pin::Pin<Box<dyn Work>>,
        share: Option<Share>,
    ) {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.total.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let ticket = {
            let mut requests = self.requests.lock();
            if let Some(deadline) = deadline {
                requests.note(deadline);
            }
            requests.slab.insert(Request {
                reply,
                deadline,
                is_answered: false,
                task: None,
                _share: share,
            })
        };
        let place = Ticket {
            link: self.clone(),
            number: ticket,
            is_finished: false,
        };
        let task = tokio::spawn(run(place, entry.clone(), work));
        if let Some(request) = self.requests.lock().slab.get_mut(ticket) {
            request.task = Some(task.abort_handle());
        }
    }

    /// A handler is done: answers, unless its time was up before.
    fn finish(&self, ticket: usize, result: Result<Types, Fault>, meta: Meta, body: &mut Vec<u8>) {
        let Some(request) = self.requests.lock().slab.try_remove(ticket) else {
            return;
        };
        let ReplyTo { seq, method } = request.reply;
        let append = if request.is_answered {
            Append::Queued
        } else {
            self.respond(seq, &method, result, &meta, body)
        };
        // Only now: a connection that sees no request in flight may close.
        self.total.fetch_sub(1, Ordering::Relaxed);
        let is_last = self.in_flight.fetch_sub(1, Ordering::AcqRel) == 1;
        match append {
            // Nothing else is going on that could join this reply.
            Append::Responsible if is_last => self.outbox.write_here(),
            Append::Responsible => self.outbox.wake(),
            Append::Queued => {}
        }
        if is_last || request.is_answered {
            // The connection may wait for this in order to close, or to read on.
            self.outbox.wake();
        }
    }

    /// When to look for requests whose time is up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.requests.lock().earliest
    }

    /// Answers every request whose time is up. Its handler goes on, as in Go; what it returns is
    /// dropped.
    pub(crate) fn expire(&self, now: Instant, timeout: Duration) {
        let mut late = Vec::new();
        let mut requests = self.requests.lock();
        requests.earliest = None;
        let mut earliest: Option<Instant> = None;
        for (_, request) in &mut requests.slab {
            match request.deadline {
                Some(deadline) if deadline <= now => {
                    request.deadline = None;
                    request.is_answered = true;
                    late.push(request.reply.clone());
                }
                Some(deadline) => {
                    earliest = Some(earliest.map_or(deadline, |e| e.min(deadline)));
                }
                None => {}
            }
        }
        requests.earliest = earliest;
        drop(requests);
        let mut body = Vec::new();
        for ReplyTo { seq, method } in late {
            let text = format!(
                "request handle timeout: expect within {}",
                go_duration(timeout)
            );
            let fault = Fault::new(text).with_code(Code::HandleTimeout);
            // The connection's own task calls this, and writes afterwards.
            let _ = self.respond(seq, &method, Err(fault), Meta::NONE, &mut body);
        }
    }

    /// Stops every handler.
    pub(crate) fn abort(&self) {
        for (_, request) in &self.requests.lock().slab {
            if let Some(task) = &request.task {
                task.abort();
            }
        }
    }
}

impl Requests {
    fn note(&mut self, deadline: Instant) {
        if self.earliest.is_none_or(|earliest| deadline < earliest) {
            self.earliest = Some(deadline);
        }
    }
}

/// Counts a handler as ended even if its task is stopped.
struct Ticket {
    link: Arc<Link>,
    number: usize,
    is_finished: bool,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_finished {
            let fault = Fault::new("the server is shutting down").with_code(Code::Cancelled);
            self.link
                .finish(self.number, Err(fault), Meta::new(), &mut Vec::new());
        }
    }
}

/// Runs a handler to its end, in a task of its own.
async fn run(mut ticket: Ticket, entry: Arc<Entry>, work: std::pin::Pin<Box<dyn Work>>) {
    let mut work = Some(work);
    let mut body = Vec::new();
    let result = std::future::poll_fn(|cx| {
        let Some(running) = work.as_mut() else {
            return Poll::Pending;
        };
        let start = std::time::Instant::now();
        let polled = poll_work(
            running.as_mut(),
            cx,
            &ticket.link.bodies.encoding,
            &mut body,
        );
        if !entry.method.is_plain() {
            entry.polled(start.elapsed());
        }
        polled
    })
    .await;
    let mut meta = Meta::new();
    if let Some(mut work) = work.take() {
        meta = work.as_mut().take_meta();
        drop_work(work);
    }
    ticket.link.room().await;
    ticket.is_finished = true;
    ticket.link.finish(ticket.number, result, meta, &mut body);
}

/// An error text as long as a client must be able to read it.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(protocol::ERROR_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A duration as Go prints it: `50ms`, `1.5s`, `1m0s`.
fn go_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let fraction = |unit: u128, name: &str| {
        let (whole, rest) = (nanos / unit, nanos % unit);
        if rest == 0 {
            return format!("{whole}{name}");
        }
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        format!("{whole}.{}{name}", digits.trim_end_matches('0'))
    };
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => fraction(1_000, "µs"),
        1_000_000..1_000_000_000 => fraction(1_000_000, "ms"),
        1_000_000_000..60_000_000_000 => fraction(1_000_000_000, "s"),
        _ => {
            let minutes = nanos / 60_000_000_000;
            let rest = Duration::from_nanos((nanos % 60_000_000_000) as u64);
            let seconds = if rest.is_zero() {
                "0s".to_owned()
            } else {
                go_seconds(rest)
            };
            match (minutes / 60, minutes % 60) {
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

/// The seconds of a longer duration, however small they are.
fn go_seconds(rest: Duration) -> String {
    let digits = format!("{}.{:09}", rest.as_secs(), rest.subsec_nanos());
    format!("{}s", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (duration, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_nanos(7), "7ns"),
            (Duration::from_nanos(1_500), "1.5µs"),
            (Duration::from_millis(50), "50ms"),
            (Duration::from_micros(1_050), "1.05ms"),
            (Duration::from_secs(2), "2s"),
            (Duration::from_millis(1_500), "1.5s"),
            (Duration::from_secs(60), "1m0s"),
            (Duration::from_millis(61_250), "1m1.25s"),
            (Duration::from_millis(60_100), "1m0.1s"),
            (Duration::from_secs(3_661), "1h1m1s"),
            (Duration::from_secs(7_200), "2h0m0s"),
        ] {
            assert_eq!(go_duration(duration), text);
        }
    }
}
