//! One call to one of many servers, and what may have to be done for it.
//!
//! Nearly every call is one attempt that succeeds, which is why that is all that is kept, in place:
//! the future of the attempt, and what it takes to make another. Such a call allocates nothing and
//! looks at the clock once. Everything else, waiting for a server and trying again, is one boxed
//! future, made when it is needed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use wgrpc_core::{Arguments, Attempt, BoxFuture, Call, CallOptions, Error, Executed, Result};
use wgrpc_gob::Gob;

use crate::balance::Begun;
use crate::member::{Core, Link, Member};
use crate::outcome::Outcome;
use crate::pool::Pool;
use crate::retry::{FailMode, RetryPolicy, may_send_again};

/// How long a server that was sick waits for a probe that costs nobody a call, before one is made
/// that may.
const RELUCTANCE: Duration = Duration::from_secs(5);

/// A call to one of many servers on its way: a future of the reply.
///
/// Dropping it gives it up: an answer that still comes is dropped too.
#[must_use = "a call that is dropped is given up"]
pub struct XCall<R>(State<R>);

#[expect(
    clippy::large_enum_variant,
    reason = "nearly every call is the large one"
)]
enum State<R> {
    /// The first attempt is on its way; and what it takes, beside a pool, to make another. The pool
    /// is there as long as the attempt is, without its being owned.
    First(Way<R>, Request),
    /// There is more to it.
    Later(BoxFuture<'static, Result<R>>),
    Over,
}

/// What is asked for.
struct Request {
    /// The method and its arguments.
    args: Arguments,
    terms: Terms,
}

/// How a request is made.
struct Terms {
    /// How long it may take in all.
    limit: Option<Duration>,
    is_idempotent: bool,
    /// Its options, if there are others than these, as there hardly are.
    others: Option<Box<CallOptions>>,
}

/// A request that is made as often as that takes.
pub(super) struct Task {
    pool: Arc<Pool>,
    request: Request,
    /// When its time is up.
    deadline: Option<Instant>,
}

/// One attempt on its way. However it ends, its server's load and health learn of it.
pub(super) struct Way<R> {
    call: Call<R>,
    link: Arc<Link>,
    /// `None` once it has ended.
    begun: Option<Begun>,
}

impl<R: DeserializeOwned + Send + 'static> XCall<R> {
    pub(super) fn start<A>(pool: &Arc<Pool>, method: &str, args: &A, options: CallOptions) -> Self
    where
        A: Serialize + Gob + ?Sized,
    {
        let now = Instant::now();
        let mut encoded = Arguments::default();
        if let Err(error) = pool.connector.encode_for(method, args, &mut encoded) {
            return Self(State::Later(Box::pin(std::future::ready(Err(error)))));
        }
        let (at, retry) = (pool.signals.since(now), &pool.signals.options.retry);
        let terms = Terms::new(pool, options);
        let link = pool.pick_first(terms.hash_key(), || terms.reluctance(retry), at);
        let task = |args, terms| Task::new(pool.clone(), Request { args, terms }, now);
        let Some(link) = link else {
            let task = task(encoded, terms);
            return Self(State::Later(Box::pin(task.run(Vec::new()))));
        };
        if terms.is_idempotent
            && let Some(doubt) = link.doubt(at)
            && retry.has_more(1)
        {
            let task = task(encoded, terms);
            let way = task.attempt(link, 0);
            return Self(State::Later(Box::pin(task.race(way, doubt))));
        }
        let args = (method, &encoded);
        Self(State::First(
            Way {
                begun: Some(link.begin_first(at)),
                call: terms.send(retry, &link, args, 0, terms.limit, now),
                link,
            },
            Request {
                args: encoded,
                terms,
            },
        ))
    }
}

impl<R: DeserializeOwned + Send + 'static> Future for XCall<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        match &mut self.0 {
            // It is left where it is until all is dropped.
            State::First(way, _) => match ready!(Pin::new(&mut way.call).poll(cx)) {
                Ok(reply) => {
                    way.end(None);
                    Poll::Ready(Ok(reply))
                }
                Err(error) => self.go_on(error, cx),
            },
            State::Later(future) => {
                let result = ready!(future.as_mut().poll(cx));
                self.0 = State::Over;
                Poll::Ready(result)
            }
            // A future that has ended may do anything but harm.
            State::Over => Poll::Pending,
        }
    }
}

impl<R: DeserializeOwned + Send + 'static> XCall<R> {
    /// What there is to do after the first attempt has failed.
    #[cold]
    fn go_on(&mut self, error: Error, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let State::First(mut way, request) = std::mem::replace(&mut self.0, State::Over) else {
            return Poll::Pending;
        };
        let member = way.link.member.clone();
        let begun = way.begun.as_ref().map_or(Duration::ZERO, Begun::at);
        let begun = member.signals.moment(begun);
        // Before the attempt has ended: until then the pool is there.
        let pool = member.signals.pool();
        way.end(Some(&error));
        let Some(pool) = pool else {
            return Poll::Ready(Err(error));
        };
        let task = Task::new(pool, request, begun);
        let mut later: BoxFuture<'static, _> = match task.judge(vec![Failed { member, error }]) {
            Ok(failed) => Box::pin(task.run(failed)),
            Err(error) => return Poll::Ready(Err(error)),
        };
        let result = later.as_mut().poll(cx);
        if result.is_pending() {
            self.0 = State::Later(later);
        }
        result
    }
}

impl<R> fmt::Debug for XCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            State::First(..) => "XCall(first attempt)",
            State::Later(_) => "XCall(later attempts)",
            State::Over => "XCall(over)",
        })
    }
}

/// An attempt that has failed.
struct Failed {
    member: Arc<Core>,
    error: Error,
}

impl Terms {
    #[inline]
    fn new(pool: &Pool, options: CallOptions) -> Self {
        let timeout = || pool.connector.timeout();
        let is_plain = options.metadata().is_empty() && options.hash_key().is_none();
        Self {
            limit: options.time_limit().or_else(timeout),
            is_idempotent: options.is_idempotent(),
            others: (!is_plain).then(|| Box::new(options)),
        }
    }

    #[inline]
    fn hash_key(&self) -> Option<&[u8]> {
        self.others.as_ref()?.hash_key()
    }

    /// How long it leaves it to others to see whether a server that has failed is well again:
    /// not at all if another server can be tried after it. But somebody has to, at last.
    fn reluctance(&self, retry: &RetryPolicy) -> Duration {
        if self.is_idempotent && retry.fail_mode == FailMode::FailOver {
            Duration::ZERO
        } else {
            RELUCTANCE
        }
    }

    /// Makes an attempt, after `made` others, in the time that is `left`.
    #[inline]
    fn send<R: DeserializeOwned>(
        &self,
        retry: &RetryPolicy,
        link: &Link,
        (method, args): (&str, &Arguments),
        made: u32,
        left: Option<Duration>,
        now: Instant,
    ) -> Call<R> {
        let timeout = retry.timeout(made, left.unwrap_or(Duration::MAX), self.is_idempotent);
        let options = match &self.others {
            Some(others) => CallOptions::from(others.metadata().clone()),
            None => CallOptions::new(),
        };
        (link.client).call_encoded_at(method, args, options.timeout(timeout), now)
    }
}

impl Task {
    /// What is to be done for a request that was made at the moment `begun`.
    fn new(pool: Arc<Pool>, request: Request, begun: Instant) -> Self {
        let deadline = request
            .terms
            .limit
            .and_then(|limit| begun.checked_add(limit));
        Self {
            pool,
            request,
            deadline,
        }
    }

    /// The task of a call to all servers.
    pub(super) fn for_all<A>(
        pool: &Arc<Pool>,
        method: &str,
        args: &A,
        options: CallOptions,
    ) -> Result<Self>
    where
        A: Serialize + Gob + ?Sized,
    {
        let mut request = Request {
            args: Arguments::default(),
            terms: Terms::new(pool, options),
        };
        (pool.connector).encode_for(method, args, &mut request.args)?;
        Ok(Self::new(pool.clone(), request, Instant::now()))
    }

    fn retry(&self) -> &RetryPolicy {
        &self.pool.signals.options.retry
    }

    /// Whether its time is up.
    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Makes an attempt, after `made` others.
    fn attempt<R: DeserializeOwned>(&self, link: Arc<Link>, made: u32) -> Way<R> {
        let begin = match made {
            0 => Link::begin_first,
            _ => Link::begin,
        };
        self.attempt_as(link, made, begin)
    }

    /// Makes an attempt that has as much time as after `made` others, and is counted in this way.
    fn attempt_as<R: DeserializeOwned>(
        &self,
        link: Arc<Link>,
        made: u32,
        begin: fn(&Link, Duration) -> Begun,
    ) -> Way<R> {
        let now = Instant::now();
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(now));
        let Request { args, terms } = &self.request;
        let args = (args.method(), args);
        Way {
            begun: Some(begin(&link, self.pool.signals.since(now))),
            call: terms.send(self.retry(), &link, args, made, left, now),
            link,
        }
    }

    /// Makes an attempt that has all the time that is left.
    pub(super) fn last_attempt<R: DeserializeOwned>(&self, link: Arc<Link>) -> Way<R> {
        self.attempt(link, u32::MAX)
    }

    /// Waits for a connection to this server.
    pub(super) async fn wait_for(&self, member: &Core) -> Option<Arc<Link>> {
        self.pool.wait_for(member, self.deadline).await
    }

    /// Every server of the list, once there is one.
    pub(super) async fn wait_for_members(&self) -> Vec<Arc<Member>> {
        self.pool.wait_for_members(self.deadline).await
    }

    /// Whether there is to be another attempt after these, or the error that ends the call.
    fn judge(&self, mut failed: Vec<Failed>) -> Result<Vec<Failed>, Error> {
        let Some(Failed { error, .. }) = failed.last() else {
            return Ok(failed);
        };
        let made = failed.len() as u32;
        let is_idempotent = self.request.terms.is_idempotent;
        let signals = &self.pool.signals;
        let may_go_on = self.retry().allows(made, error, is_idempotent)
            && !self.is_over()
            && (matches!(error, Error::NotSent(_))
                || signals.options.budget.try_retry(signals.now()));
        if may_go_on {
            return Ok(failed);
        }
        // What a server or the codec has said is the caller's business as it is.
        let is_said = match error {
            Error::Remote(_) | Error::Refused(_) => !error.is_retryable(),
            Error::Encode(_) | Error::Decode(_) | Error::Limit(_) | Error::Setup(_) => true,
            _ => false,
        };
        Err(match failed.pop() {
            Some(last) if is_said => last.error,
            last => self.all_failed(failed.into_iter().chain(last)),
        })
    }

    /// The error that tells of these attempts.
    fn all_failed(&self, failed: impl IntoIterator<Item = Failed>) -> Error {
        let attempts = failed
            .into_iter()
            .map(|failed| Attempt::new(failed.member.address.clone(), failed.error));
        self.pool.all_failed(attempts)
    }

    /// Does everything that is left, after these attempts.
    async fn run<R>(self, mut failed: Vec<Failed>) -> Result<R>
    where
        R: DeserializeOwned + Send + 'static,
    {
        loop {
            let link = self.next(&failed).await;
            // It may have been polled again only after its time was up.
            let Some(link) = link.filter(|_| !self.is_over()) else {
                return Err(self.nobody(failed));
            };
            let made = failed.len() as u32;
            let member = link.member.clone();
            let way = self.attempt(link, made);
            match way.await {
                Ok(reply) => return Ok(reply),
                Err(error) => {
                    failed.push(Failed { member, error });
                    failed = self.judge(failed)?;
                }
            }
        }
    }

    /// Waits for an attempt whose connection may have been forgotten by the network. If there is
    /// no answer for so long, a new connection to the same server is made, and the attempt made
    /// over that as well: the first answer counts, and it is one attempt still.
    async fn race<R>(self, mut way: Way<R>, doubt: Duration) -> Result<R>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let member = way.link.member.clone();
        let signals = &self.pool.signals;
        let result = match timeout(doubt, &mut way).await {
            Ok(result) => result,
            Err(_) if !signals.options.budget.try_retry(signals.now()) => way.await,
            Err(_) => {
                way.link.give_up();
                let other = std::pin::pin!(async {
                    match self.wait_for(&member).await {
                        Some(link) => self.attempt_as(link, 0, Link::begin).await,
                        None => Err(member.why_no_call()),
                    }
                });
                match select(way, other).await {
                    Either::Left((result, _)) if is_answer(&result) => result,
                    Either::Left((result, other)) => either(result, other.await),
                    Either::Right((result, way)) if is_answer(&result) => {
                        way.forget();
                        result
                    }
                    Either::Right((result, way)) => either(result, way.await),
                }
            }
        };
        match result {
            Ok(reply) => Ok(reply),
            Err(error) => {
                let failed = self.judge(vec![Failed { member, error }])?;
                self.run(failed).await
            }
        }
    }

    /// The server for the next attempt, once it can be called.
    async fn next(&self, failed: &[Failed]) -> Option<Arc<Link>> {
        match failed.last() {
            Some(last) if self.retry().fail_mode == FailMode::FailTry => {
                self.wait_for(&last.member).await
            }
            _ => {
                let tried: Vec<Arc<Core>> =
                    failed.iter().map(|failed| failed.member.clone()).collect();
                let key = self.request.terms.hash_key();
                self.pool.wait(key, &tried, self.deadline).await
            }
        }
    }

    /// The error of a call for which there is no server in time.
    fn nobody(&self, failed: Vec<Failed>) -> Error {
        if failed.is_empty() && self.is_over() {
            return Error::Timeout {
                after: self.request.terms.limit.unwrap_or_default(),
                sent: false,
            };
        }
        self.all_failed(failed)
    }
}

/// Whether it makes no sense to wait for another answer.
fn is_answer<R>(result: &Result<R>) -> bool {
    result
        .as_ref()
        .err()
        .is_none_or(|error| !may_send_again(error, true))
}

/// What an attempt over two connections has come to, neither of which was answered first: the
/// answer, or the error of the one that may have been executed.
fn either<R>(one: Result<R>, two: Result<R>) -> Result<R> {
    match &one {
        Err(error) if error.is_executed() != Executed::No && !is_answer(&two) => one,
        _ => two,
    }
}

impl<R: DeserializeOwned> Future for Way<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let result = ready!(Pin::new(&mut self.call).poll(cx));
        self.end(result.as_ref().err());
        Poll::Ready(result)
    }
}

impl<R> Way<R> {
    /// Tells the server's load and health that the attempt has ended, and with which error.
    #[inline]
    fn end(&mut self, error: Option<&Error>) {
        let Some(begun) = self.begun.take() else {
            return;
        };
        let outcome = error.map_or(Outcome::Answered, Outcome::of_error);
        if self.link.end(begun, outcome, self.call.stay()) == Outcome::Failed
            && matches!(error, Some(Error::Timeout { sent: true, .. }))
        {
            self.link.missed();
        }
    }

    /// Gives the attempt up. That it took long was its connection's fault, and not its server's.
    fn forget(mut self) {
        if let Some(begun) = self.begun.take() {
            let begun = begun.from(self.link.member.signals.now());
            self.link.end(begun, Outcome::Unknown, self.call.stay());
        }
    }
}

impl<R> Drop for Way<R> {
    /// The call was given up, unless it has ended.
    #[inline]
    fn drop(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.link.end(begun, Outcome::Unknown, self.call.stay());
        }
    }
}
