//! One call as its caller has it: typed, with a time limit, around all middleware.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep, sleep_until};
use wgrpc_gob::Gob;

use super::connector::Arguments;
use super::exchange::{Exchange, Request};
use super::{Reply, Shared};
use crate::caller::CallOptions;
use crate::codec::Types;
use crate::connection::Content;
use crate::error::{Cause, Error, Result};
use crate::header::Meta;
use crate::middleware::{BoxFuture, CallInfo, Last, Next};

thread_local! {
    /// Where arguments are encoded; what is in it is copied or handed over at once.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The room in a new scratch buffer. Were it as small as most arguments, it would share a line of
/// the cache with what other threads read.
const SCRATCH_FIRST: usize = 4 << 10;

/// A scratch buffer that grew beyond this is given back.
const SCRATCH_KEPT: usize = 64 << 10;

/// Lends out an empty buffer to encode into.
#[inline]
pub(super) fn with_scratch<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    SCRATCH.with(|scratch| {
        let Ok(mut scratch) = scratch.try_borrow_mut() else {
            // A value that makes a call while it is serialized.
            return work(&mut Vec::new());
        };
        scratch.clear();
        if scratch.capacity() == 0 {
            scratch.reserve(SCRATCH_FIRST);
        }
        let done = work(&mut scratch);
        if scratch.capacity() > SCRATCH_KEPT {
            *scratch = Vec::new();
        }
        done
    })
}

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

/// What of a call's time was its connection's and its server's, and not its middleware's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stay {
    /// How long the request was held back before; `None` if it was not let through.
    pub held: Option<Duration>,
    /// When the server's answer was there; `None` if there was none.
    pub answered: Option<Instant>,
}

enum Way {
    Direct(Exchange),
    /// Through the client's middleware, which may do anything at all first.
    Middleware {
        shared: Arc<Shared>,
        future: BoxFuture<'static, Result<Reply>>,
        deadline: Option<Instant>,
        /// Made by the first poll: a call may be made outside of a runtime.
        timer: Option<Pin<Box<Sleep>>>,
        /// That of the request behind the middleware.
        stay: Arc<Mutex<Stay>>,
    },
}

impl<R> Call<R> {
    pub(super) fn start<A>(
        shared: &Arc<Shared>,
        method: &str,
        args: &A,
        options: CallOptions,
    ) -> Self
    where
        A: Serialize + Gob + ?Sized,
    {
        with_scratch(|body| match shared.options.encoding.encode(args, body) {
            Err(error) => Self::failed(shared, Error::Encode(Cause::new(error))),
            Ok(types) => {
                let (body, now) = (Content::Own(body), Instant::now());
                Self::send(shared, method, types, body, options, now)
            }
        })
    }

    /// A call with arguments that have been encoded before.
    pub(super) fn start_encoded(
        shared: &Arc<Shared>,
        method: &str,
        args: &Arguments,
        options: CallOptions,
        now: Instant,
    ) -> Self {
        if !args.are_of(&shared.options) {
            let what = "the arguments were encoded for the connections of another connector";
            return Self::failed(shared, Error::Setup(what.to_owned()));
        }
        let types = args.types.clone();
        Self::send(shared, method, types, args.body.content(), options, now)
    }

    #[cold]
    fn failed(shared: &Arc<Shared>, error: Error) -> Self {
        Self {
            way: Way::Direct(Exchange::failed(shared, error)),
            timeout: None,
            reply: PhantomData,
        }
    }

    #[inline]
    fn send(
        shared: &Arc<Shared>,
        method: &str,
        types: Types,
        body: Content<'_>,
        options: CallOptions,
        now: Instant,
    ) -> Self {
        let timeout = options.time_limit().or(shared.options.timeout);
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        let meta = merge(&shared.options.meta, options.into_meta());
        if shared.options.middleware.is_empty() {
            let request = Request {
                method,
                meta: &meta,
                types,
                body,
            };
            return Self {
                way: Way::Direct(Exchange::start(shared, request, deadline)),
                timeout,
                reply: PhantomData,
            };
        }
        let (method, body) = (method.to_owned(), body.into_bytes());
        let stay = Arc::new(Mutex::new(Stay::default()));
        let send = Send {
            shared: shared.clone(),
            types,
            body,
            begun: now,
            stay: stay.clone(),
            reply: None,
        };
        let future = through_middleware(send, method, meta);
        Self {
            way: Self::middleware(shared, Box::pin(future), deadline, stay),
            timeout,
            reply: PhantomData,
        }
    }

    /// Begins a call that goes through middleware. Polled once, it has been sent when this
    /// returns, unless the middleware waits for something first.
    fn middleware(
        shared: &Arc<Shared>,
        mut future: BoxFuture<'static, Result<Reply>>,
        mut deadline: Option<Instant>,
        stay: Arc<Mutex<Stay>>,
    ) -> Way {
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        if let Poll::Ready(result) = future.as_mut().poll(&mut nobody) {
            future = Box::pin(std::future::ready(result));
            deadline = None;
        }
        Way::Middleware {
            shared: shared.clone(),
            future,
            deadline,
            timer: None,
            stay,
        }
    }

    /// What of its time, so far, was its connection's and its server's.
    #[inline]
    pub fn stay(&self) -> Stay {
        match &self.way {
            Way::Direct(exchange) => Stay {
                held: Some(Duration::ZERO),
                answered: exchange.answered(),
            },
            Way::Middleware { stay, .. } => *stay.lock(),
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
                exchange.change_deadline(from_now(timeout));
            }
            Way::Middleware {
                deadline, timer, ..
            } => {
                *deadline = from_now(timeout);
                *timer = None;
            }
        }
    }
}

fn from_now(timeout: Option<Duration>) -> Option<Instant> {
    Instant::now().checked_add(timeout?)
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
        let timeout = this.timeout;
        let (result, shared) = match &mut this.way {
            Way::Direct(exchange) => {
                return exchange.poll(cx, |shared, result| finish(shared, result, timeout));
            }
            Way::Middleware {
                shared,
                future,
                deadline,
                timer,
                ..
            } => match future.as_mut().poll(cx) {
                Poll::Ready(result) => (result, shared),
                Poll::Pending => {
                    let Some(deadline) = *deadline else {
                        return Poll::Pending;
                    };
                    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                    std::task::ready!(timer.as_mut().poll(cx));
                    // Dropping it gives the call up.
                    *future = Box::pin(std::future::pending());
                    let error = Error::Timeout {
                        after: Duration::ZERO,
                        sent: true,
                    };
                    (Err(error), shared)
                }
            },
        };
        Poll::Ready(finish(shared, result, timeout))
    }
}

/// What the caller gets.
#[inline]
fn finish<R: DeserializeOwned>(
    shared: &Shared,
    result: Result<Reply>,
    timeout: Option<Duration>,
) -> Result<R> {
    match result {
        Ok(reply) => shared.decoding.decode(&reply.body).map_err(Error::Decode),
        Err(Error::Timeout { sent, .. }) => Err(Error::Timeout {
            after: timeout.unwrap_or_default(),
            sent,
        }),
        Err(error) => Err(error),
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The whole of a call that goes through middleware.
async fn through_middleware(mut last: Send, method: String, meta: Meta) -> Result<Reply> {
    let shared = last.shared.clone();
    let peer = shared.peer.clone();
    let mut call = CallInfo {
        method,
        meta,
        reply_meta: Meta::new(),
        peer,
    };
    Next {
        rest: &shared.options.middleware,
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
    body: Bytes,
    begun: Instant,
    stay: Arc<Mutex<Stay>>,
    reply: Option<Reply>,
}

impl Last for Send {
    fn run<'a>(&'a mut self, call: &'a mut CallInfo) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let request = Request {
                method: &call.method,
                meta: &call.meta,
                types: std::mem::take(&mut self.types),
                body: Content::Shared(&self.body),
            };
            self.stay.lock().held = Some(self.begun.elapsed());
            let mut exchange = Exchange::start(&self.shared, request, None);
            let reply = std::future::poll_fn(|cx| exchange.poll(cx, |_, result| result)).await;
            self.stay.lock().answered = exchange.answered();
            let reply = reply?;
            call.reply_meta.clone_from(&reply.meta);
            self.reply = Some(reply);
            Ok(())
        })
    }
}
