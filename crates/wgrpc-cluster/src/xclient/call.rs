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

use serde::Serialize;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;
use tokio::time::Instant;
use wgrpc_core::{Arguments, Attempt, BoxFuture, Call, CallOptions, Error, Result};
use wgrpc_gob::Gob;

use super::Shared;
use crate::balance::Begun;
use crate::member::{Core, Link, Member};
use crate::outcome::Outcome;
use crate::retry::FailMode;

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
    /// The first attempt is on its way.
    First(First<R>),
    /// There is more to it.
    Later(BoxFuture<'static, Result<R>>),
    Over,
}

/// The first attempt, and what it takes to make another.
struct First<R> {
    way: Way<R>,
    task: Task,
}

/// What is to be done, as often as that takes.
pub(super) struct Task {
    shared: Arc<Shared>,
    method: SmolStr,
    args: Arguments,
    options: CallOptions,
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
    pub(super) fn start<A>(
        shared: &Arc<Shared>,
        method: &str,
        args: &A,
        options: CallOptions,
    ) -> Self
    where
        A: Serialize + Gob + ?Sized,
    {
        let now = Instant::now();
        let args = match shared.pool.pool.connector.encode(args) {
            Ok(args) => args,
            Err(error) => return Self(State::Later(Box::pin(std::future::ready(Err(error))))),
        };
        let task = Task::new(shared, method, args, options, now);
        let pool = &shared.pool.pool;
        let at = pool.signals.since(now);
        shared.budget.count_call(at);
        let link = pool.pick(task.options.hash_key(), &[], Some(task.reluctance()), at);
        Self(match link {
            Some(link) => State::First(First {
                way: task.attempt(link, 0, task.time_limit(), (now, at)),
                task,
            }),
            None => State::Later(Box::pin(task.run(Vec::new()))),
        })
    }
}

impl<R: DeserializeOwned + Send + 'static> Future for XCall<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        loop {
            match &mut self.0 {
                State::First(first) => {
                    let error = match ready!(Pin::new(&mut first.way).poll(cx)) {
                        Ok(reply) => {
                            self.0 = State::Over;
                            return Poll::Ready(Ok(reply));
                        }
                        Err(error) => error,
                    };
                    let State::First(first) = std::mem::replace(&mut self.0, State::Over) else {
                        return Poll::Pending;
                    };
                    let First { way, task } = first;
                    let failed = Failed {
                        member: way.link.member.clone(),
                        error,
                    };
                    match task.judge(vec![failed]) {
                        Ok(failed) => self.0 = State::Later(Box::pin(task.run(failed))),
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                State::Later(future) => {
                    let result = ready!(future.as_mut().poll(cx));
                    self.0 = State::Over;
                    return Poll::Ready(result);
                }
                // A future that has ended may do anything but harm.
                State::Over => return Poll::Pending,
            }
        }
    }
}

impl<R> fmt::Debug for XCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            State::First(_) => "XCall(first attempt)",
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

impl Task {
    #[inline]
    pub(super) fn new(
        shared: &Arc<Shared>,
        method: &str,
        args: Arguments,
        options: CallOptions,
        now: Instant,
    ) -> Self {
        let mut task = Self {
            shared: shared.clone(),
            method: method.into(),
            args,
            options,
            deadline: None,
        };
        task.deadline = task.time_limit().and_then(|limit| now.checked_add(limit));
        task
    }

    /// How long it leaves it to others to see whether a server that has failed is well again:
    /// not at all if another server can be tried after it. But somebody has to, at last.
    fn reluctance(&self) -> Duration {
        if self.options.is_idempotent() && self.shared.retry.fail_mode == FailMode::FailOver {
            Duration::ZERO
        } else {
            RELUCTANCE
        }
    }

    /// Whether its time is up.
    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// How long it may take in all.
    #[inline]
    fn time_limit(&self) -> Option<Duration> {
        let connector = &self.shared.pool.pool.connector;
        self.options.time_limit().or_else(|| connector.timeout())
    }

    /// Makes another attempt, after `made` others.
    fn again<R: DeserializeOwned>(&self, link: Arc<Link>, made: u32) -> Way<R> {
        let now = Instant::now();
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(now));
        let at = self.shared.pool.pool.signals.since(now);
        self.attempt(link, made, left, (now, at))
    }

    /// Makes an attempt, after `made` others, in the time that is `left`. The time now is given
    /// in both ways that it is needed.
    #[inline]
    fn attempt<R: DeserializeOwned>(
        &self,
        link: Arc<Link>,
        made: u32,
        left: Option<Duration>,
        (now, at): (Instant, Duration),
    ) -> Way<R> {
        let left = left.unwrap_or(Duration::MAX);
        let is_idempotent = self.options.is_idempotent();
        let timeout = self.shared.retry.timeout(made, left, is_idempotent);
        let options = CallOptions::from(self.options.metadata().clone()).timeout(timeout);
        let begun = link.begin(at);
        let call = (link.client).call_encoded_at(&self.method, &self.args, options, now);
        Way {
            call,
            link,
            begun: Some(begun),
        }
    }

    /// Makes an attempt that has all the time that is left.
    pub(super) fn last_attempt<R: DeserializeOwned>(&self, link: Arc<Link>) -> Way<R> {
        self.again(link, u32::MAX)
    }

    /// Waits for a connection to this server.
    pub(super) async fn wait_for(&self, member: &Core) -> Option<Arc<Link>> {
        self.shared.pool.pool.wait_for(member, self.deadline).await
    }

    /// Every server of the list, once there is one.
    pub(super) async fn wait_for_members(&self) -> Vec<Arc<Member>> {
        self.shared.pool.pool.wait_for_members(self.deadline).await
    }

    /// Whether there is to be another attempt after these, or the error that ends the call.
    fn judge(&self, mut failed: Vec<Failed>) -> Result<Vec<Failed>, Error> {
        let Some(Failed { error, .. }) = failed.last() else {
            return Ok(failed);
        };
        let made = failed.len() as u32;
        let is_idempotent = self.options.is_idempotent();
        let may_go_on = self.shared.retry.allows(made, error, is_idempotent)
            && !self.is_over()
            && (matches!(error, Error::NotSent(_))
                || self
                    .shared
                    .budget
                    .try_retry(self.shared.pool.pool.signals.now()));
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
        self.shared.pool.pool.all_failed(attempts)
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
            let way = self.again(link, made);
            match way.await {
                Ok(reply) => return Ok(reply),
                Err(error) => {
                    failed.push(Failed { member, error });
                    failed = self.judge(failed)?;
                }
            }
        }
    }

    /// The server for the next attempt, once it can be called.
    async fn next(&self, failed: &[Failed]) -> Option<Arc<Link>> {
        let pool = &self.shared.pool.pool;
        match failed.last() {
            Some(last) if self.shared.retry.fail_mode == FailMode::FailTry => {
                self.wait_for(&last.member).await
            }
            _ => {
                let tried: Vec<Arc<Core>> =
                    failed.iter().map(|failed| failed.member.clone()).collect();
                let key = self.options.hash_key();
                pool.wait(key, &tried, self.deadline).await
            }
        }
    }

    /// The error of a call for which there is no server in time.
    fn nobody(&self, failed: Vec<Failed>) -> Error {
        if failed.is_empty() && self.is_over() {
            return Error::Timeout {
                after: self.time_limit().unwrap_or_default(),
                sent: false,
            };
        }
        self.all_failed(failed)
    }
}

impl<R: DeserializeOwned> Future for Way<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let result = ready!(Pin::new(&mut self.call).poll(cx));
        self.end(&result);
        Poll::Ready(result)
    }
}

impl<R> Way<R> {
    /// Tells the server's load and health how the attempt has ended.
    fn end(&mut self, result: &Result<R>) {
        let outcome = Outcome::of(result);
        if let Some(begun) = self.begun.take()
            && self.link.end(begun, outcome, self.call.stay()) == Outcome::Failed
            && matches!(result, Err(Error::Timeout { sent: true, .. }))
        {
            self.link.missed();
        }
    }
}

impl<R> Drop for Way<R> {
    /// The call was given up, unless it has ended.
    fn drop(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.link.end(begun, Outcome::Unknown, self.call.stay());
        }
    }
}
