//! Handlers at work, without their types: how they begin, go on, end, and leave their memory to the
//! next one.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use wgrpc_gob::Gob;

use super::Context;
use crate::codec::{Bodies, Body, Encoding, Types};
use crate::error::{Code, Fault};
use crate::header::Meta;

/// A handler that has begun.
pub(crate) enum Started {
    /// It is done; the reply stands in the buffer.
    Done(Result<Types, Fault>),
    /// It has to be polled.
    Work(Pin<Box<dyn Work>>),
}

/// A handler under way.
pub(crate) trait Work: Send {
    /// Goes on; when the handler is done, appends the encoded reply to `out`.
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        encoding: &Encoding,
        out: &mut Vec<u8>,
    ) -> Poll<Result<Types, Fault>>;

    /// The metadata of the reply, once the handler is done.
    fn take_meta(self: Pin<&mut Self>) -> Meta {
        Meta::new()
    }

    /// Drops what is left of a handler that is done. Returns whether it can
    /// [handle another request](Self::handle).
    fn clear(self: Pin<&mut Self>) -> bool {
        false
    }

    /// Begins to handle another request to the same method, after it was cleared, and polls it
    /// once. If it is done then it is cleared again.
    fn handle(
        self: Pin<&mut Self>,
        _context: &Context,
        _body: &Body<'_>,
        _bodies: &Bodies,
        _out: &mut Vec<u8>,
    ) -> Poll<Result<Types, Fault>> {
        Poll::Ready(Err(panicked()))
    }
}

/// The memory of a handler that is done, for the next one of the same method.
pub(crate) struct Spare(pub(super) Pin<Box<dyn Work>>);

impl fmt::Debug for Spare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spare")
    }
}

/// Polls `work`; a panic in it is a fault.
#[inline]
pub(crate) fn poll_work(
    work: Pin<&mut (dyn Work + 'static)>,
    cx: &mut TaskContext<'_>,
    encoding: &Encoding,
    out: &mut Vec<u8>,
) -> Poll<Result<Types, Fault>> {
    contain(|| work.poll(cx, encoding, out)).unwrap_or_else(|fault| Poll::Ready(Err(fault)))
}

/// Polls `work` for the first time, to see whether it is done at once.
pub(crate) fn try_work(
    work: Pin<&mut (dyn Work + 'static)>,
    encoding: &Encoding,
    out: &mut Vec<u8>,
) -> Poll<Result<Types, Fault>> {
    poll_work(
        work,
        &mut TaskContext::from_waker(Waker::noop()),
        encoding,
        out,
    )
}

/// Drops `work`, whose destructors may panic.
pub(crate) fn drop_work(work: Pin<Box<dyn Work>>) {
    // The call has been answered; there is nobody left to tell.
    let _ = contain(|| drop(work));
}

/// The most bytes of a handler whose memory is kept: a client says how many methods it has, and an
/// idle connection should take little.
const SPARE_MAX: usize = 512;

/// Drops what `work` has in it, as [`drop_work`] does, and keeps its memory if that is little and
/// can be used again.
pub(super) fn spare_work(mut work: Pin<Box<dyn Work>>) -> Option<Spare> {
    match contain(|| work.as_mut().clear()) {
        Ok(true) if size_of_val(&*work) <= SPARE_MAX => Some(Spare(work)),
        _ => {
            drop_work(work);
            None
        }
    }
}

/// Runs code of the user's. What a panic says goes to the log by the panic hook, not to peers.
pub(super) fn contain<T>(run: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        // Dropping what was thrown may panic as well.
        let forget = AssertUnwindSafe(|| drop::<Box<dyn Any + Send>>(payload));
        let _ = catch_unwind(forget);
        panicked()
    })
}

fn panicked() -> Fault {
    Fault::new("internal error: the handler panicked").with_code(Code::Panicked)
}

/// A method's handler, without its types.
pub(super) trait Handler: Send + Sync {
    fn start(
        &self,
        context: &Context,
        body: &Body<'_>,
        is_blocking: bool,
        bodies: &Bodies,
        out: &mut Vec<u8>,
    ) -> Started;
}

#[inline]
fn argument<A: DeserializeOwned>(bodies: &Bodies, body: &Body<'_>) -> Result<A, Fault> {
    bodies.decoding.decode(body).map_err(|cause| {
        Fault::new(format!("cannot decode the argument: {cause}")).with_code(Code::BadArguments)
    })
}

/// Appends the reply to `out`.
fn finish<R: Serialize + Gob>(
    result: Result<R, Fault>,
    encoding: &Encoding,
    out: &mut Vec<u8>,
) -> Result<Types, Fault> {
    let reply = result.map_err(|fault| {
        let code = fault.code().map_or(Code::Application, Code::of_handler);
        fault.with_code(code)
    })?;
    encoding.encode(&reply, out).map_err(|error| {
        Fault::new(format!("cannot encode the reply: {error}")).with_code(Code::Limit)
    })
}

pin_project_lite::pin_project! {
    /// The future of a handler that has nothing in common with others.
    pub(super) struct Alone<Fut> {
        #[pin]
        pub(super) reply: Fut,
    }
}

impl<Fut: Future> Future for Alone<Fut> {
    type Output = ((), Fut::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().reply.poll(cx).map(|reply| ((), reply))
    }
}

/// An async handler.
pub(super) struct Async<F, C, A> {
    pub(super) handler: F,
    /// What its calls have in common.
    pub(super) common: C,
    pub(super) argument: std::marker::PhantomData<A>,
}

impl<F, Fut, C, A, R> Handler for Arc<Async<F, C, fn(A)>>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Gob + Send + 'static,
    C: Clone + Send + Sync + 'static,
    F: Fn(C, A, &Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = (C, Result<R, Fault>)> + Send + 'static,
{
    fn start(
        &self,
        context: &Context,
        body: &Body<'_>,
        _is_blocking: bool,
        bodies: &Bodies,
        _out: &mut Vec<u8>,
    ) -> Started {
        match argument(bodies, body) {
            Ok(argument) => Started::Work(Box::pin(Running {
                future: Some((self.handler)(self.common.clone(), argument, context)),
                common: None,
                handler: self.clone(),
            })),
            Err(fault) => Started::Done(Err(fault)),
        }
    }
}

pin_project_lite::pin_project! {
    /// An async handler's future, and what makes the next one.
    struct Running<F, Fut, C, A> {
        #[pin]
        future: Option<Fut>,
        // What the last future has given back.
        common: Option<C>,
        handler: Arc<Async<F, C, A>>,
    }
}

impl<F, Fut, C, A, R> Work for Running<F, Fut, C, fn(A)>
where
    A: DeserializeOwned,
    R: Serialize + Gob + Send,
    C: Clone + Send + Sync,
    F: Fn(C, A, &Context) -> Fut + Send + Sync,
    Fut: Future<Output = (C, Result<R, Fault>)> + Send,
{
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        encoding: &Encoding,
        out: &mut Vec<u8>,
    ) -> Poll<Result<Types, Fault>> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            // It was done before.
            return Poll::Pending;
        };
        let (common, result) = std::task::ready!(future.poll(cx));
        *this.common = Some(common);
        Poll::Ready(finish(result, encoding, out))
    }

    fn clear(self: Pin<&mut Self>) -> bool {
        self.project().future.set(None);
        true
    }

    fn handle(
        mut self: Pin<&mut Self>,
        context: &Context,
        body: &Body<'_>,
        bodies: &Bodies,
        out: &mut Vec<u8>,
    ) -> Poll<Result<Types, Fault>> {
        let mut this = self.as_mut().project();
        let argument = match argument(bodies, body) {
            Ok(argument) => argument,
            Err(fault) => return Poll::Ready(Err(fault)),
        };
        // There is none if the last handler has panicked.
        let common = this.common.take();
        let common = common.unwrap_or_else(|| this.handler.common.clone());
        let future = (this.handler.handler)(common, argument, context);
        this.future.set(Some(future));
        let mut nobody = TaskContext::from_waker(Waker::noop());
        let polled = self.as_mut().poll(&mut nobody, &bodies.encoding, out);
        if polled.is_ready() {
            // Its destructors may panic; the call is answered in any case.
            let _ = contain(|| self.clear());
        }
        polled
    }
}

/// A plain function.
pub(super) struct Plain<F, T> {
    pub(super) handler: Arc<F>,
    pub(super) types: std::marker::PhantomData<T>,
}

impl<F, A, R> Handler for Plain<F, fn(A) -> R>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Gob + Send + 'static,
    F: Fn(A, &Context) -> Result<R, Fault> + Send + Sync + 'static,
{
    fn start(
        &self,
        context: &Context,
        body: &Body<'_>,
        is_blocking: bool,
        bodies: &Bodies,
        out: &mut Vec<u8>,
    ) -> Started {
        let argument = match argument::<A>(bodies, body) {
            Ok(argument) => argument,
            Err(fault) => return Started::Done(Err(fault)),
        };
        if !is_blocking {
            return Started::Done(finish(
                (self.handler)(argument, context),
                &bodies.encoding,
                out,
            ));
        }
        let (handler, context) = (self.handler.clone(), context.clone());
        let task = tokio::task::spawn_blocking(move || handler(argument, &context));
        Started::Work(Box::pin(OnPool { task }))
    }
}

/// A plain handler on the pool for blocking work.
struct OnPool<R> {
    task: JoinHandle<Result<R, Fault>>,
}

impl<R: Serialize + Gob + Send> Work for OnPool<R> {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        encoding: &Encoding,
        out: &mut Vec<u8>,
    ) -> Poll<Result<Types, Fault>> {
        Poll::Ready(match std::task::ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(result) => finish(result, encoding, out),
            Err(_) => Err(panicked()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A handler that is done and has held `N` bytes.
    fn done<const N: usize>() -> Pin<Box<dyn Work>> {
        let handle = |(), (), _: &Context| async move {
            let held = std::hint::black_box([0u8; N]);
            std::future::ready(()).await;
            ((), Ok(usize::from(held[0])))
        };
        fn work<Fut>(
            handler: impl Fn((), (), &Context) -> Fut + Send + Sync + 'static,
        ) -> Pin<Box<dyn Work>>
        where
            Fut: Future<Output = ((), Result<usize, Fault>)> + Send + 'static,
        {
            let handler = Async {
                handler,
                common: (),
                argument: std::marker::PhantomData::<fn(())>,
            };
            Box::pin(Running {
                future: None::<Fut>,
                common: None,
                handler: Arc::new(handler),
            })
        }
        work(handle)
    }

    #[test]
    fn the_memory_of_a_handler_is_kept_only_if_it_is_little() {
        assert!(size_of_val(&*done::<1024>()) > SPARE_MAX);
        assert!(spare_work(done::<1024>()).is_none());
        assert!(spare_work(done::<64>()).is_some());
    }
}
