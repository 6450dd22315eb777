//! Services and their methods: typed where they are written, erased where they are called.

mod work;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc_gob::{Gob, Schema};

pub(crate) use work::{Spare, Started, Work, drop_work, poll_work, try_work};

use crate::codec::{Bodies, Body};
use crate::error::Fault;
use crate::header::Meta;
use crate::transport::Peer;
use work::{Alone, Async, Handler, Plain, contain, spare_work};

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
            Started::Work(mut work) => match try_work(work.as_mut(), &bodies.encoding, out) {
                Poll::Pending => Started::Work(work),
                Poll::Ready(result) => {
                    *spare = spare_work(work);
                    Started::Done(result)
                }
            },
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
