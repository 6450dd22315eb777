//! One call: sending it, waiting for its answer, giving it up.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep, sleep_until};
use wgrpc_gob::Gob;

use super::pending::Fetched;
use super::{Reply, Shared, not_sent};
use crate::codec::Types;
use crate::connection::{Append, AppendError};
use crate::error::{Cause, Error, Result};
use crate::header::{Header, Meta};
use crate::middleware::{BoxFuture, CallInfo, Last, Next};

thread_local! {
    /// Where arguments are encoded; what is in it is copied or handed over at once.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A scratch buffer that grew beyond this is given back.
const SCRATCH_KEPT: usize = 64 << 10;

/// A call on its way: a future of the reply.
///
/// The request was sent when the call was made, unless the client is at a limit; then it is sent
/// as soon as there is room and the call is polled. Dropping the call gives it up: an answer that
/// still comes is dropped too.
#[must_use = "a call that is dropped is given up"]
pub struct Call<R> {
    way: Way,
    /// The time that the call was given, for the error that says that it is up.
    timeout: Option<Duration>,
    reply: PhantomData<fn() -> R>,
}

enum Way {
    Direct(Exchange),
    /// Through the client's middleware, which may do anything at all first.
    Middleware {
        future: BoxFuture<'static, Result<Reply>>,
        deadline: Option<Pin<Box<Sleep>>>,
    },
}

impl<R> Call<R> {
    pub(super) fn start<A>(shared: &Arc<Shared>, method: &str, args: &A, meta: Meta) -> Self
    where
        A: Serialize + Gob + ?Sized,
    {
        let timeout = shared.timeout;
        let meta = merge(&shared.meta, meta);
        let mut body = SCRATCH.take();
        body.clear();
        let way = match shared.encoding.encode(args, &mut body) {
            Err(error) => Way::Direct(Exchange::failed(Error::Encode(Cause::new(error)))),
            Ok(types) if shared.middleware.is_empty() => {
                let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                let request = Request {
                    method,
                    meta: &meta,
                    types,
                    body: &mut body,
                };
                Way::Direct(Exchange::start(shared, request, deadline))
            }
            Ok(types) => {
                let body = std::mem::take(&mut body);
                let future =
                    through_middleware(shared.clone(), method.to_owned(), meta, types, body);
                Self::middleware(Box::pin(future), timeout)
            }
        };
        if body.capacity() <= SCRATCH_KEPT {
            SCRATCH.set(body);
        }
        Self {
            way,
            timeout,
            reply: PhantomData,
        }
    }

    /// Begins a call that goes through middleware. Polled once, it has been sent when this
    /// returns, unless the middleware waits for something first.
    fn middleware(mut future: BoxFuture<'static, Result<Reply>>, timeout: Option<Duration>) -> Way {
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        if let Poll::Ready(result) = future.as_mut().poll(&mut nobody) {
            return Way::Middleware {
                future: Box::pin(std::future::ready(result)),
                deadline: None,
            };
        }
        Way::Middleware {
            future,
            deadline: sleep_for(timeout),
        }
    }

    /// Gives the call this much time from now on, instead of the client's default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limit(Some(timeout));
        self
    }

    /// Lets the call take for ever.
    pub fn no_timeout(mut self) -> Self {
        self.limit(None);
        self
    }

    fn limit(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
        match &mut self.way {
            Way::Direct(exchange) => {
                exchange.change_deadline(timeout.and_then(|t| Instant::now().checked_add(t)));
            }
            Way::Middleware { deadline, .. } => *deadline = sleep_for(timeout),
        }
    }
}

fn sleep_for(timeout: Option<Duration>) -> Option<Pin<Box<Sleep>>> {
    let deadline = Instant::now().checked_add(timeout?)?;
    Some(Box::pin(sleep_until(deadline)))
}

fn merge(every: &Meta, own: Meta) -> Meta {
    if every.is_empty() {
        return own;
    }
    let mut meta = every.clone();
    meta.extend(own.iter());
    meta
}

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let this = &mut *self;
        let result = match &mut this.way {
            Way::Direct(exchange) => std::task::ready!(exchange.poll(cx)),
            Way::Middleware { future, deadline } => match future.as_mut().poll(cx) {
                Poll::Ready(result) => result,
                Poll::Pending => {
                    let Some(deadline) = deadline else {
                        return Poll::Pending;
                    };
                    std::task::ready!(deadline.as_mut().poll(cx));
                    // Dropping it gives the call up.
                    *future = Box::pin(std::future::pending());
                    Err(Error::Timeout {
                        after: Duration::ZERO,
                        sent: true,
                    })
                }
            },
        };
        Poll::Ready(match result {
            Ok(reply) => reply.body.decode().map_err(Error::Decode),
            Err(Error::Timeout { sent, .. }) => Err(Error::Timeout {
                after: this.timeout.unwrap_or_default(),
                sent,
            }),
            Err(error) => Err(error),
        })
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// An encoded request.
struct Request<'a> {
    method: &'a str,
    meta: &'a Meta,
    types: Types,
    body: &'a mut Vec<u8>,
}

/// One request and the wait for its answer, below all middleware.
struct Exchange(Stage);

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
    body: Vec<u8>,
}

impl Exchange {
    fn failed(error: Error) -> Self {
        Self(Stage::Failed(error))
    }

    /// Sends the request if there is room for it.
    fn start(shared: &Arc<Shared>, mut request: Request<'_>, deadline: Option<Instant>) -> Self {
        Self(match send(shared, &mut request, deadline, None) {
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
                body: std::mem::take(request.body),
            })),
        })
    }

    fn change_deadline(&mut self, deadline: Option<Instant>) {
        match &mut self.0 {
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

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<Reply>> {
        loop {
            match &mut self.0 {
                Stage::Sent { shared, seq } => {
                    let fetched = shared.state.lock().pending.fetch(*seq, cx.waker());
                    let result = match fetched {
                        Fetched::InFlight => return Poll::Pending,
                        Fetched::Done(result) => result,
                        Fetched::Unknown => Err(Error::Closed { sent: true }),
                    };
                    self.0 = Stage::Over;
                    return Poll::Ready(result);
                }
                Stage::Waiting(waiting) => {
                    self.0 = match std::task::ready!(waiting.poll(cx)) {
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
        match &self.0 {
            Stage::Sent { shared, seq } => {
                let mut state = shared.state.lock();
                state.pending.remove(*seq);
                let next = state.pending.first_waiting().cloned();
                drop(state);
                next.into_iter().for_each(std::task::Waker::wake);
            }
            Stage::Waiting(waiting) => {
                let Some(ticket) = waiting.ticket else { return };
                let mut state = waiting.shared.state.lock();
                state.pending.leave(ticket);
                let next = state.pending.first_waiting().cloned();
                drop(state);
                next.into_iter().for_each(std::task::Waker::wake);
            }
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
            body: &mut self.body,
        };
        match send(&self.shared, &mut request, self.deadline, self.ticket) {
            Err(Unsent::NoRoom) => {
                self.types = request.types;
                Poll::Pending
            }
            sent => {
                let mut state = self.shared.state.lock();
                if let Some(ticket) = self.ticket.take() {
                    state.pending.leave(ticket);
                }
                // There may be room for the next one too.
                let next = state.pending.first_waiting().cloned();
                drop(state);
                next.into_iter().for_each(std::task::Waker::wake);
                Poll::Ready(match sent {
                    Ok(seq) => Ok(seq),
                    Err(Unsent::Failed(error)) => Err(error),
                    Err(Unsent::NoRoom) => Err(Error::Closed { sent: false }),
                })
            }
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
    let (seq, is_alone, wake) = {
        let mut state = shared.state.lock();
        if let Some(error) = &state.closed {
            return Err(Unsent::Failed(not_sent(error)));
        }
        let is_full = state.pending.in_flight() >= shared.limits.in_flight;
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
    let limit = shared.limits.unwritten;
    let failed = match shared
        .outbox
        .append(&header, &request.types, request.body, limit)
    {
        Ok(Append::Queued) => return Ok(seq),
        Ok(Append::Responsible) => {
            if is_alone {
                shared.outbox.write_here();
            } else {
                shared.outbox.wake();
            }
            return Ok(seq);
        }
        Err(AppendError::Full) => Unsent::NoRoom,
        Err(AppendError::Closed(cause)) => Unsent::Failed(Error::NotSent(cause)),
        Err(AppendError::Header(error)) => Unsent::Failed(Error::Encode(Cause::new(error))),
    };
    shared.state.lock().pending.remove(seq);
    Err(failed)
}

impl super::State {
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

/// The whole of a call that goes through middleware.
async fn through_middleware(
    shared: Arc<Shared>,
    method: String,
    meta: Meta,
    types: Types,
    body: Vec<u8>,
) -> Result<Reply> {
    let peer = shared.peer.clone();
    let mut call = CallInfo {
        method,
        meta,
        reply_meta: Meta::new(),
        peer,
    };
    let mut last = Send {
        shared: shared.clone(),
        types,
        body,
        reply: None,
    };
    Next {
        rest: &shared.middleware,
        last: &mut last,
    }
    .run(&mut call)
    .await?;
    last.reply
        .ok_or_else(|| Error::Setup("a middleware answered without a reply".to_owned()))
}

/// What stands behind a client's middleware: the call itself.
struct Send {
    shared: Arc<Shared>,
    types: Types,
    body: Vec<u8>,
    reply: Option<Reply>,
}

impl Last for Send {
    fn run<'a>(&'a mut self, call: &'a mut CallInfo) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let request = Request {
                method: &call.method,
                meta: &call.meta,
                types: std::mem::take(&mut self.types),
                body: &mut self.body,
            };
            let mut exchange = Exchange::start(&self.shared, request, None);
            let reply = std::future::poll_fn(|cx| exchange.poll(cx)).await?;
            call.reply_meta.clone_from(&reply.meta);
            self.reply = Some(reply);
            Ok(())
        })
    }
}
