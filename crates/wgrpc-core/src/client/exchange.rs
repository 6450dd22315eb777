//! One request and the wait for its answer, below all middleware.
//!
//! The request is sent at once if there is room; otherwise it queues up, first come, first
//! served, and is sent when there is room and somebody polls it.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::pending::{Fetched, Pending};
use super::{Reply, SHUTTING_DOWN, Shared, State, not_sent};
use crate::codec::Types;
use crate::connection::{Append, AppendError, Content};
use crate::error::{Cause, Error, Result};
use crate::header::{Header, Meta};
use crate::protocol;

/// An encoded request.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) meta: &'a Meta,
    pub(super) types: Types,
    pub(super) body: Content<'a>,
}

/// One request and the wait for its answer, below all middleware.
pub(super) struct Exchange {
    shared: Arc<Shared>,
    stage: Stage,
    /// When the server's answer was there.
    answered: Option<Instant>,
}

enum Stage {
    /// It is in the outbox, or further, under this number.
    Sent(u64),
    /// There was no room for it.
    Waiting(Box<Waiting>),
    /// It failed before it was sent.
    Failed(Box<Error>),
    Over,
}

/// A request that waits for room, encoded.
struct Waiting {
    ticket: Option<u64>,
    deadline: Option<Instant>,
    method: String,
    meta: Meta,
    types: Types,
    body: Bytes,
}

impl Exchange {
    pub(super) fn failed(shared: &Arc<Shared>, error: Error) -> Self {
        Self::at(shared, Stage::Failed(Box::new(error)))
    }

    #[inline]
    fn at(shared: &Arc<Shared>, stage: Stage) -> Self {
        Self {
            shared: shared.clone(),
            stage,
            answered: None,
        }
    }

    /// When the server's answer was there; `None` if there was none.
    pub(super) fn answered(&self) -> Option<Instant> {
        self.answered
    }

    /// Sends the request if there is room for it.
    #[inline]
    pub(super) fn start(
        shared: &Arc<Shared>,
        mut request: Request<'_>,
        deadline: Option<Instant>,
    ) -> Self {
        let stage = match send(shared, &mut request, deadline, None) {
            Ok(seq) => Stage::Sent(seq),
            Err(Unsent::Failed(error)) => Stage::Failed(error),
            Err(Unsent::NoRoom) => Stage::Waiting(Box::new(Waiting {
                ticket: None,
                deadline,
                method: request.method.to_owned(),
                meta: request.meta.clone(),
                types: request.types,
                body: request.body.into_bytes(),
            })),
        };
        Self::at(shared, stage)
    }

    pub(super) fn change_deadline(&mut self, deadline: Option<Instant>) {
        match &mut self.stage {
            Stage::Sent(seq) => {
                let mut state = self.shared.outbox.lock();
                state.pending.change_deadline(*seq, deadline);
                let wake = state.arm(deadline);
                drop(state);
                if wake {
                    self.shared.outbox.wake();
                }
            }
            Stage::Waiting(waiting) => waiting.deadline = deadline,
            Stage::Failed(_) | Stage::Over => {}
        }
    }

    /// Sends what has not been sent, and hands the result over once it is there: it is moved no
    /// more than that.
    #[inline]
    pub(super) fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        take: impl FnOnce(&Shared, Result<Reply>) -> T,
    ) -> Poll<T> {
        loop {
            if let Stage::Sent(seq) = self.stage {
                let mut state = self.shared.outbox.lock();
                let result = match state.pending.fetch(seq, cx.waker()) {
                    Fetched::InFlight => return Poll::Pending,
                    Fetched::Done(result) => result,
                    Fetched::Unknown => Err(Error::Closed { sent: true }),
                };
                let delivered = state.delivered;
                drop(state);
                self.stage = Stage::Over;
                if matches!(result, Ok(_) | Err(Error::Remote(_) | Error::Refused(_))) {
                    self.answered = Some(delivered);
                }
                return Poll::Ready(take(&self.shared, result));
            }
            match self.poll_unsent(cx) {
                Some(Ok(seq)) => self.stage = Stage::Sent(seq),
                Some(Err(error)) => {
                    self.stage = Stage::Over;
                    return Poll::Ready(take(&self.shared, Err(error)));
                }
                None => return Poll::Pending,
            }
        }
    }

    /// Tries to send what has not been sent: the call's number, why it has failed, or nothing.
    #[cold]
    fn poll_unsent(&mut self, cx: &Context<'_>) -> Option<Result<u64>> {
        match &mut self.stage {
            Stage::Waiting(waiting) => match waiting.poll(&self.shared, cx) {
                Poll::Ready(sent) => Some(sent),
                Poll::Pending => None,
            },
            stage => match std::mem::replace(stage, Stage::Over) {
                Stage::Failed(error) => Some(Err(*error)),
                // A future that has ended may do anything but harm.
                _ => None,
            },
        }
    }
}

impl Drop for Exchange {
    #[inline]
    fn drop(&mut self) {
        match &mut self.stage {
            Stage::Sent(seq) => self.shared.make_room(|pending| pending.remove(*seq)),
            Stage::Waiting(waiting) => waiting.leave(&self.shared),
            Stage::Failed(_) | Stage::Over => {}
        }
    }
}

impl Waiting {
    /// Tries to send; ready with the number of the call once it is sent.
    fn poll(&mut self, shared: &Shared, cx: &Context<'_>) -> Poll<Result<u64>> {
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            self.leave(shared);
            return Poll::Ready(Err(Error::Timeout {
                after: Duration::ZERO,
                sent: false,
            }));
        }
        // In the queue before looking for room: whoever makes room then sees it.
        let mut state = shared.outbox.lock();
        if state.closed.is_none() {
            state
                .pending
                .wait(&mut self.ticket, self.deadline, cx.waker());
        }
        let wake = state.arm(self.deadline);
        drop(state);
        if wake {
            shared.outbox.wake();
        }
        let mut request = Request {
            method: &self.method,
            meta: &self.meta,
            types: std::mem::take(&mut self.types),
            body: Content::Shared(&self.body),
        };
        let sent = match send(shared, &mut request, self.deadline, self.ticket) {
            Err(Unsent::NoRoom) => {
                self.types = request.types;
                return Poll::Pending;
            }
            Ok(seq) => Ok(seq),
            Err(Unsent::Failed(error)) => Err(*error),
        };
        // There may be room for the next one too.
        self.leave(shared);
        Poll::Ready(sent)
    }

    /// Leaves the queue, if it is in it.
    fn leave(&mut self, shared: &Shared) {
        if let Some(ticket) = self.ticket.take() {
            shared.make_room(|pending| pending.leave(ticket));
        }
    }
}

/// Why a request was not sent.
enum Unsent {
    /// The client is at a limit, or others wait already.
    NoRoom,
    Failed(Box<Error>),
}

impl Unsent {
    #[cold]
    fn failed(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Registers the call and puts the request into the outbox.
#[inline]
fn send(
    shared: &Shared,
    request: &mut Request<'_>,
    deadline: Option<Instant>,
    ticket: Option<u64>,
) -> Result<u64, Unsent> {
    if let Some(excess) = request.meta.excess() {
        return Err(Unsent::failed(Error::Limit(excess)));
    }
    let (name, most) = (request.method.len(), protocol::METHOD_MAX);
    if name > most {
        let excess = format!("a method name of {name} bytes exceeds the limit of {most}");
        return Err(Unsent::failed(Error::Limit(excess)));
    }
    let limits = &shared.options.limits;
    let mut outbox = shared.outbox.lock();
    if let Some(error) = &outbox.closed {
        return Err(Unsent::failed(not_sent(error)));
    }
    if outbox.is_draining {
        let cause = Cause::new(SHUTTING_DOWN);
        return Err(Unsent::failed(Error::NotSent(cause)));
    }
    let is_full = outbox.pending.in_flight() >= limits.in_flight;
    if is_full || !outbox.pending.is_next(ticket) {
        return Err(Unsent::NoRoom);
    }
    let seq = outbox.pending.insert(deadline);
    let is_alone = outbox.pending.in_flight() == 1;
    let numbers = outbox.numbers.as_mut();
    let (name, method, is_new) = match numbers.map(|it| (it.find(request.method), it.next())) {
        Some((Some(known), _)) => ("", known, false),
        Some((None, Some(next))) => (request.method, next, true),
        Some((None, None)) | None => (request.method, 0, false),
    };
    let header = Header {
        service_method: name.into(),
        seq,
        method,
        meta: Cow::Borrowed(request.meta),
        ..Header::default()
    };
    let appended = outbox.append(&header, &request.types, &mut request.body, limits.unwritten);
    let append = match appended {
        Ok(append) => append,
        Err(error) => {
            outbox.pending.take_back(seq);
            drop(outbox);
            let error = match error {
                // Nobody is woken: the first who waits may be this call itself, and there is no
                // room before something was written.
                AppendError::Full => return Err(Unsent::NoRoom),
                AppendError::Closed(cause) => Error::NotSent(cause),
                AppendError::Header(error) => error,
            };
            shared.make_room(|_| ());
            return Err(Unsent::failed(error));
        }
    };
    if is_new && let Some(numbers) = &mut outbox.numbers {
        numbers.tell(request.method);
    }
    let is_earliest = outbox.arm(deadline);
    let is_looking = outbox.is_looking;
    drop(outbox);
    let is_for_task = match append {
        Append::Queued => false,
        Append::Responsible if is_alone => {
            shared.outbox.write_here();
            // Others may have found too much unwritten meanwhile.
            shared.make_room(|_| ());
            is_looking
        }
        Append::Responsible => true,
    };
    if is_for_task || is_earliest {
        shared.outbox.wake();
    }
    Ok(seq)
}

impl Shared {
    /// Changes the table of calls so that there may be room, and wakes whoever waits for that.
    fn make_room(&self, change: impl FnOnce(&mut Pending<Reply>)) {
        let mut state = self.outbox.lock();
        change(&mut state.pending);
        let next = state.pending.wake_first();
        let deadline = state.pending.earliest().filter(|_| next.is_some());
        let wake = state.arm(deadline);
        drop(state);
        next.into_iter().for_each(Waker::wake);
        if wake {
            self.outbox.wake();
        }
    }
}

impl State {
    /// Notes a deadline; says whether the connection's task has to be woken to set its timer.
    fn arm(&mut self, deadline: Option<Instant>) -> bool {
        let Some(deadline) = deadline else {
            return false;
        };
        let is_earlier = self.armed.is_none_or(|armed| deadline < armed);
        if is_earlier {
            self.armed = Some(deadline);
        }
        is_earlier
    }
}
