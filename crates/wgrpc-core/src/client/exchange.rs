//! One request and the wait for its answer, below all middleware.
//!
//! The request is sent at once if there is room; otherwise it queues up, first come, first
//! served, and is sent when there is room and somebody polls it.

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
    stage: Stage,
    /// When the server's answer was there.
    answered: Option<Instant>,
}

enum Stage {
    /// It is in the outbox, or further.
    Sent {
        shared: Arc<Shared>,
        seq: u64,
    },
    /// There was no room for it.
    Waiting(Box<Waiting>),
    /// It failed before it was sent.
    Failed(Error),
    Over,
}

/// A request that waits for room, encoded.
struct Waiting {
    shared: Arc<Shared>,
    ticket: Option<u64>,
    deadline: Option<Instant>,
    method: String,
    meta: Meta,
    types: Types,
    body: Bytes,
}

impl Exchange {
    pub(super) fn failed(error: Error) -> Self {
        Self {
            stage: Stage::Failed(error),
            answered: None,
        }
    }

    /// When the server's answer was there; `None` if there was none.
    pub(super) fn answered(&self) -> Option<Instant> {
        self.answered
    }

    /// Sends the request if there is room for it.
    pub(super) fn start(
        shared: &Arc<Shared>,
        mut request: Request<'_>,
        deadline: Option<Instant>,
    ) -> Self {
        let stage = match send(shared, &mut request, deadline, None) {
            Ok(seq) => Stage::Sent {
                shared: shared.clone(),
                seq,
            },
            Err(Unsent::Failed(error)) => Stage::Failed(error),
            Err(Unsent::NoRoom) => Stage::Waiting(Box::new(Waiting {
                shared: shared.clone(),
                ticket: None,
                deadline,
                method: request.method.to_owned(),
                meta: request.meta.clone(),
                types: request.types,
                body: request.body.into_bytes(),
            })),
        };
        Self {
            stage,
            answered: None,
        }
    }

    pub(super) fn change_deadline(&mut self, deadline: Option<Instant>) {
        match &mut self.stage {
            Stage::Sent { shared, seq } => {
                let mut state = shared.state.lock();
                state.pending.change_deadline(*seq, deadline);
                let wake = state.arm(deadline);
                drop(state);
                if wake {
                    shared.outbox.wake();
                }
            }
            Stage::Waiting(waiting) => waiting.deadline = deadline,
            Stage::Failed(_) | Stage::Over => {}
        }
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<Reply>> {
        loop {
            match &mut self.stage {
                Stage::Sent { shared, seq } => {
                    let mut state = shared.state.lock();
                    let fetched = state.pending.fetch(*seq, cx.waker());
                    let delivered = state.delivered;
                    drop(state);
                    let result = match fetched {
                        Fetched::InFlight => return Poll::Pending,
                        Fetched::Done(result) => {
                            let is_answer =
                                matches!(result, Ok(_) | Err(Error::Remote(_) | Error::Refused(_)));
                            self.answered = is_answer.then_some(delivered);
                            result
                        }
                        Fetched::Unknown => Err(Error::Closed { sent: true }),
                    };
                    self.stage = Stage::Over;
                    return Poll::Ready(result);
                }
                Stage::Waiting(waiting) => {
                    self.stage = match std::task::ready!(waiting.poll(cx)) {
                        Ok(seq) => Stage::Sent {
                            shared: waiting.shared.clone(),
                            seq,
                        },
                        Err(error) => Stage::Failed(error),
                    };
                }
                stage => {
                    return match std::mem::replace(stage, Stage::Over) {
                        Stage::Failed(error) => Poll::Ready(Err(error)),
                        // A future that has ended may do anything but harm.
                        _ => Poll::Pending,
                    };
                }
            }
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        match &mut self.stage {
            Stage::Sent { shared, seq } => shared.make_room(|pending| pending.remove(*seq)),
            Stage::Waiting(waiting) => waiting.leave(),
            Stage::Failed(_) | Stage::Over => {}
        }
    }
}

impl Waiting {
    /// Tries to send; ready with the number of the call once it is sent.
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<u64>> {
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            self.leave();
            return Poll::Ready(Err(Error::Timeout {
                after: Duration::ZERO,
                sent: false,
            }));
        }
        // In the queue before looking for room: whoever makes room then sees it.
        let mut state = self.shared.state.lock();
        if state.closed.is_none() {
            state
                .pending
                .wait(&mut self.ticket, self.deadline, cx.waker());
        }
        let wake = state.arm(self.deadline);
        drop(state);
        if wake {
            self.shared.outbox.wake();
        }
        let mut request = Request {
            method: &self.method,
            meta: &self.meta,
            types: std::mem::take(&mut self.types),
            body: Content::Shared(&self.body),
        };
        let sent = match send(&self.shared, &mut request, self.deadline, self.ticket) {
            Err(Unsent::NoRoom) => {
                self.types = request.types;
                return Poll::Pending;
            }
            Ok(seq) => Ok(seq),
            Err(Unsent::Failed(error)) => Err(error),
        };
        // There may be room for the next one too.
        self.leave();
        Poll::Ready(sent)
    }

    /// Leaves the queue, if it is in it.
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.make_room(|pending| pending.leave(ticket));
        }
    }
}

/// Why a request was not sent.
enum Unsent {
    /// The client is at a limit, or others wait already.
    NoRoom,
    Failed(Error),
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
        return Err(Unsent::Failed(Error::Limit(excess)));
    }
    let (name, most) = (request.method.len(), protocol::METHOD_MAX);
    if name > most {
        let excess = format!("a method name of {name} bytes exceeds the limit of {most}");
        return Err(Unsent::Failed(Error::Limit(excess)));
    }
    let (seq, is_alone, wake) = {
        let mut state = shared.state.lock();
        if let Some(error) = &state.closed {
            return Err(Unsent::Failed(not_sent(error)));
        }
        if state.is_draining {
            let cause = Cause::new(SHUTTING_DOWN);
            return Err(Unsent::Failed(Error::NotSent(cause)));
        }
        let is_full = state.pending.in_flight() >= shared.options.limits.in_flight;
        if is_full || !state.pending.is_next(ticket) {
            return Err(Unsent::NoRoom);
        }
        let seq = state.pending.insert(deadline);
        (seq, state.pending.in_flight() == 1, state.arm(deadline))
    };
    if wake {
        shared.outbox.wake();
    }
    let header = Header {
        service_method: request.method.into(),
        seq,
        meta: request.meta.clone(),
        ..Header::default()
    };
    let limit = shared.options.limits.unwritten;
    let body = &mut request.body;
    let failed = match shared.outbox.append(&header, &request.types, body, limit) {
        Ok(Append::Queued) => return Ok(seq),
        Ok(Append::Responsible) => {
            if is_alone {
                shared.outbox.write_here();
                // Others may have found too much unwritten meanwhile.
                shared.make_room(|_| ());
            } else {
                shared.outbox.wake();
            }
            return Ok(seq);
        }
        Err(AppendError::Full) => {
            // Nobody is woken: the first who waits may be this call itself, and there is no room
            // before something was written.
            shared.state.lock().pending.take_back(seq);
            return Err(Unsent::NoRoom);
        }
        Err(AppendError::Closed(cause)) => Unsent::Failed(Error::NotSent(cause)),
        Err(AppendError::Header(error)) => Unsent::Failed(error),
    };
    shared.make_room(|pending| pending.remove(seq));
    Err(failed)
}

impl Shared {
    /// Changes the table of calls so that there may be room, and wakes whoever waits for that.
    fn make_room(&self, change: impl FnOnce(&mut Pending<Reply>)) {
        let mut state = self.state.lock();
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
