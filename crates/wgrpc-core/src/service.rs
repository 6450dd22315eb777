//! Services and their methods: typed where they are written, erased where they are called.

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
use wgrpc_gob::{Gob, Schema};

use crate::codec::{Bodies, Body, Encoding, Types};
use crate::error::{Code, Fault};
use crate::header::Meta;
use crate::transport::Peer;

/// A name and the methods under it: what a server registers.
///
/// `#[service]` on an `impl` block makes one of a struct's methods. By hand:
///
/// ```
/// use wgrpc_core::{Method, Service};
///
/// let text = Service::new("Text")
///     .method("Upper", Method::function(|text: String, _| Ok(text.to_uppercase())))
///     .method("Slow", Method::future(|text: String, _| async move {
///         tokio::task::yield_now().await;
///         Ok(text)
///     }));
/// # let _ = text;
/// ```
#[derive(Debug)]
#[must_use]
pub struct Service {
    pub(crate) name: String,
    pub(crate) methods: Vec<(String, Method)>,
}

impl Service {
    /// A service of this name, without methods.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            methods: Vec::new(),
        }
    }

    /// Adds a method. That its name is new is checked when the service is registered.
    pub fn method(mut self, name: impl Into<String>, method: Method) -> Self {
        self.methods.push((name.into(), method));
        self
    }
}

/// What can be registered as a service: a [`Service`], and what has the attribute `#[service]`,
/// as it is or in an [`Arc`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    note = "put #[service] on the `impl` block with its methods"
)]
pub trait IntoService {
    /// The service.
    fn into_service(self) -> Service;
}

impl IntoService for Service {
    fn into_service(self) -> Service {
        self
    }
}

impl<T: Serve> IntoService for T {
    fn into_service(self) -> Service {
        Arc::new(self).service()
    }
}

impl<T: Serve> IntoService for Arc<T> {
    fn into_service(self) -> Service {
        self.service()
    }
}

/// A type whose methods are a service. `#[service]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    note = "put #[service] on the `impl` block with its methods"
)]
pub trait Serve: Send + Sync + Sized + 'static {
    /// The service, whose handlers share the value.
    fn service(self: Arc<Self>) -> Service;
}

/// One method: a handler, and the types of its argument and reply.
pub struct Method {
    handler: Box<dyn Handler>,
    argument: &'static Schema,
    reply: &'static Schema,
    is_plain: bool,
    is_blocking: bool,
}

impl Method {
    /// A method from an async handler.
    ///
    /// The connection's task polls it once in place, so a handler that is ready at once costs no
    /// task switch; one that waits becomes a task of its own.
    pub fn future<A, R, F, Fut>(handler: F) -> Self
    where
        A: DeserializeOwned + Gob + Send + 'static,
        R: Serialize + Gob + Send + 'static,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Fault>> + Send + 'static,
    {
        Self::future_of((), move |(), argument, context| Alone {
            reply: handler(argument, context.clone()),
        })
    }

    /// A method from an async handler that gives back what it has in common with others. Calls
    /// that come one after the other over a connection pass that on, instead of counting, with
    /// those on other processors, how many have it.
    #[doc(hidden)]
    pub fn future_of<A, R, C, F, Fut>(common: C, handler: F) -> Self
    where
        A: DeserializeOwned + Gob + Send + 'static,
        R: Serialize + Gob + Send + 'static,
        C: Clone + Send + Sync + 'static,
        F: Fn(C, A, &Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = (C, Result<R, Fault>)> + Send + 'static,
    {
        let async_handler = Async {
            handler,
            common,
            argument: std::marker::PhantomData::<fn(A)>,
        };
        Self::new::<A, R>(Box::new(Arc::new(async_handler)), false)
    }

    /// A method from a plain function. It runs in the connection's task and should be quick;
    /// otherwise make it [`blocking`](Self::blocking).
    pub fn function<A, R, F>(handler: F) -> Self
    where
        A: DeserializeOwned + Gob + Send + 'static,
        R: Serialize + Gob + Send + 'static,
        F: Fn(A, Context) -> Result<R, Fault> + Send + Sync + 'static,
    {
        Self::function_of(move |argument, context| handler(argument, context.clone()))
    }

    /// A method from a plain function that may do without the context.
    #[doc(hidden)]
    pub fn function_of<A, R, F>(handler: F) -> Self
    where
        A: DeserializeOwned + Gob + Send + 'static,
        R: Serialize + Gob + Send + 'static,
        F: Fn(A, &Context) -> Result<R, Fault> + Send + Sync + 'static,
    {
        let types = std::marker::PhantomData::<fn(A) -> R>;
        Self::new::<A, R>(
            Box::new(Plain {
                handler: Arc::new(handler),
                types,
            }),
            true,
        )
    }

    fn new<A: Gob, R: Gob>(handler: Box<dyn Handler>, is_plain: bool) -> Self {
        Self {
            handler,
            is_plain,
            argument: Schema::of::<A>(),
            reply: Schema::of::<R>(),
            is_blocking: false,
        }
    }

    /// Says that the handler computes for long or blocks: an async one gets a task of its own
    /// from the start, a plain function runs on the pool for blocking work.
    #[must_use]
    pub fn blocking(mut self) -> Self {
        self.is_blocking = true;
        self
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.is_blocking
    }

    /// Whether the handler is a plain function: away from the connection's task its polls say
    /// nothing about how long it takes.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Why the method cannot be served, if its types have no form in gob.
    pub(crate) fn check(&self) -> wgrpc_gob::Result<()> {
        self.argument.check()?;
        self.reply.check()
    }

    /// The types in Go's notation: `(Args{A int, B int}) int`.
    pub(crate) fn signature(&self) -> String {
        format!("({}) {}", self.argument, self.reply)
    }

    /// Decodes the argument and begins to handle it; a plain function that `is_slow` runs on the
    /// pool for blocking work. An argument that does not decode, and a handler that panics, are
    /// faults.
    pub(crate) fn start(
        &self,
        context: &Context,
        body: &Body<'_>,
        is_slow: bool,
        bodies: &Bodies,
        out: &mut Vec<u8>,
    ) -> Started {
        contain(|| self.handler.start(context, body, is_slow, bodies, out))
            .unwrap_or_else(|fault| Started::Done(Err(fault)))
    }

    /// As [`start`](Self::start) of what is not slow, and polls it once. What is done then leaves
    /// its memory as `spare`, for the next handler of the same method.
    #[inline]
    pub(crate) fn handle(
        &self,
        context: &Context,
        body: &Body<'_>,
        spare: &mut Option<Spare>,
        bodies: &Bodies,
        out: &mut Vec<u8>,
    ) -> Started {
        if let Some(Spare(mut work)) = spare.take() {
            return match contain(|| work.as_mut().handle(context, body, bodies, out)) {
                Ok(Poll::Ready(result)) => {
                    *spare = Some(Spare(work));
                    Started::Done(result)
                }
                Ok(Poll::Pending) => Started::Work(work),
                Err(fault) => {
                    drop_work(work);
                    Started::Done(Err(fault))
                }
            };
        }
        match self.start(context, body, false, bodies, out) {
            Started::Work(mut work) => {
                let mut nobody = TaskContext::from_waker(Waker::noop());
                match poll_work(work.as_mut(), &mut nobody, &bodies.encoding, out) {
                    Poll::Pending => Started::Work(work),
                    Poll::Ready(result) => {
                        *spare = spare_work(work);
                        Started::Done(result)
                    }
                }
            }
            done @ Started::Done(_) => done,
        }
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Method{}", self.signature())
    }
}

/// What a handler may ask of the call that it handles. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    origin: Arc<Origin>,
    meta: Option<Arc<Meta>>,
}

/// What the calls of one method over one connection have in common.
#[derive(Debug)]
struct Origin {
    method: Arc<str>,
    peer: Arc<Peer>,
}

impl Context {
    /// That of calls without metadata.
    pub(crate) fn new(method: &Arc<str>, peer: &Arc<Peer>) -> Self {
        Self {
            origin: Arc::new(Origin {
                method: method.clone(),
                peer: peer.clone(),
            }),
            meta: None,
        }
    }

    /// That of a call with this metadata.
    pub(crate) fn with(&self, meta: &Meta) -> Self {
        Self {
            origin: self.origin.clone(),
            meta: (!meta.is_empty()).then(|| Arc::new(meta.clone())),
        }
    }

    /// `Service.Method`, as it was called.
    pub fn method(&self) -> &str {
        &self.origin.method
    }

    /// The caller's end of the connection.
    pub fn peer(&self) -> &Peer {
        &self.origin.peer
    }

    /// The metadata that the caller sent.
    pub fn meta(&self) -> &Meta {
        self.meta.as_deref().unwrap_or(Meta::NONE)
    }
}

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
pub(crate) struct Spare(Pin<Box<dyn Work>>);

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
fn spare_work(mut work: Pin<Box<dyn Work>>) -> Option<Spare> {
    match contain(|| work.as_mut().clear()) {
        Ok(true) if size_of_val(&*work) <= SPARE_MAX => Some(Spare(work)),
        _ => {
            drop_work(work);
            None
        }
    }
}

/// Runs code of the user's. What a panic says goes to the log by the panic hook, not to peers.
fn contain<T>(run: impl FnOnce() -> T) -> Result<T, Fault> {
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
trait Handler: Send + Sync {
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
    struct Alone<Fut> {
        #[pin]
        reply: Fut,
    }
}

impl<Fut: Future> Future for Alone<Fut> {
    type Output = ((), Fut::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().reply.poll(cx).map(|reply| ((), reply))
    }
}

struct Async<F, C, A> {
    handler: F,
    /// What its calls have in common.
    common: C,
    argument: std::marker::PhantomData<A>,
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

struct Plain<F, T> {
    handler: Arc<F>,
    types: std::marker::PhantomData<T>,
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
