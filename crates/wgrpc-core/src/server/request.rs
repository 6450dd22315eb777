//! Beginning to handle a request: directly, or through the server's middleware.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;

use super::Shared;
use super::link::Link;
use super::services::{Entry, Route};
use crate::codec::{Body, Encoding, Message, Types};
use crate::error::{Code, Error, Fault, Result};
use crate::header::Meta;
use crate::middleware::{BoxFuture, CallInfo, Last, Next};
use crate::service::{Context, Started, Work, drop_work, try_work};

/// Begins to handle a request of `route`, and goes as far as that is quick. The reply of one that
/// is done at once is appended to `out`, and to `meta`.
#[inline]
pub(super) fn begin(
    server: &Arc<Shared>,
    link: &Arc<Link>,
    route: &mut Route,
    message: &mut Message<'_>,
    block: &Bytes,
    out: &mut Vec<u8>,
    meta: &mut Meta,
) -> Started {
    let Message { header, body } = message;
    let entry = &route.entry;
    if server.middleware.is_empty() {
        let own;
        let context = if header.meta.is_empty() {
            &route.context
        } else {
            own = route.context.with(&header.meta);
            &own
        };
        body.share(block);
        let (method, bodies) = (&entry.method, &link.bodies);
        return match entry.is_slow() {
            true => method.start(context, body, true, bodies, out),
            false => method.handle(context, body, &mut route.spare, bodies, out),
        };
    }
    let call = CallInfo {
        method: entry.name.to_string(),
        meta: Meta::clone(&header.meta),
        reply_meta: Meta::new(),
        peer: (*link.peer).clone(),
    };
    let last = Handle {
        link: link.clone(),
        entry: entry.clone(),
        context: route.context.clone(),
        body: body.keep(block),
        reply: None,
        outcome: None,
    };
    let future = Box::pin(through_middleware(server.clone(), call, last));
    let mut work: Pin<Box<dyn Work>> = Box::pin(Guarded {
        future,
        meta: Meta::new(),
    });
    if entry.is_slow() {
        return Started::Work(work);
    }
    match try_work(work.as_mut(), &link.bodies.encoding, out) {
        Poll::Pending => Started::Work(work),
        Poll::Ready(result) => {
            *meta = work.as_mut().take_meta();
            drop_work(work);
            Started::Done(result)
        }
    }
}

/// What a handler behind middleware comes to.
type Outcome = (Result<Reply, Fault>, Meta);

/// An encoded reply.
struct Reply {
    types: Types,
    body: Vec<u8>,
}

async fn through_middleware(server: Arc<Shared>, mut call: CallInfo, mut last: Handle) -> Outcome {
    let next = Next {
        rest: &server.middleware,
        last: &mut last,
    };
    let result = match next.run(&mut call).await {
        Ok(()) => last
            .reply
            .ok_or_else(|| Fault::new("a middleware answered without a reply")),
        Err(Error::Remote(fault) | Error::Refused(fault)) => {
            let code = last.allowed(fault.code().unwrap_or(Code::Application));
            Err(fault.with_code(code))
        }
        Err(error) => Err(Fault::new(error.to_string())),
    };
    (result, call.reply_meta)
}

/// What stands behind a server's middleware: the handler.
struct Handle {
    link: Arc<Link>,
    entry: Arc<Entry>,
    context: Context,
    body: Body<'static>,
    reply: Option<Reply>,
    /// What the handler came to, once it has run: the code of its fault, if it failed.
    outcome: Option<Option<Code>>,
}

impl Handle {
    /// The code that callers see if the middleware ends the call with `code`. What the handler
    /// came to passes through; a middleware of its own cannot say that a handler did not run.
    fn allowed(&self, code: Code) -> Code {
        match self.outcome {
            None => code.of_middleware(),
            Some(known) if known == Some(code) => code,
            Some(_) => Code::Application,
        }
    }
}

impl Last for Handle {
    fn run<'a>(&'a mut self, call: &'a mut CallInfo) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Self {
                link,
                entry,
                context,
                body,
                reply,
                outcome,
            } = self;
            let context = context.with(&call.meta);
            let mut out = Vec::new();
            let (is_slow, bodies) = (entry.is_slow(), &link.bodies);
            let method = &entry.method;
            let result = match method.start(&context, body, is_slow, bodies, &mut out) {
                Started::Done(result) => result,
                Started::Work(mut work) => {
                    std::future::poll_fn(|cx| {
                        work.as_mut().poll(cx, &link.bodies.encoding, &mut out)
                    })
                    .await
                }
            };
            *outcome = Some(result.as_ref().err().and_then(Fault::code));
            let types = result.map_err(Error::from_reply)?;
            *reply = Some(Reply { types, body: out });
            Ok(())
        })
    }
}

/// A handler with middleware around it.
struct Guarded {
    future: BoxFuture<'static, Outcome>,
    meta: Meta,
}

impl Work for Guarded {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        _encoding: &Encoding,
        out: &mut Vec<u8>,
    ) -> Poll<Result<Types, Fault>> {
        let (result, meta) = std::task::ready!(self.future.as_mut().poll(cx));
        self.meta = meta;
        Poll::Ready(result.map(|reply| {
            *out = reply.body;
            reply.types
        }))
    }

    fn take_meta(mut self: Pin<&mut Self>) -> Meta {
        std::mem::take(&mut self.meta)
    }
}
