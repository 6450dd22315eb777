//! Beginning to handle a request: directly, or through the server's middleware.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;

use super::Shared;
use super::link::Link;
use super::services::{Entry, Route};
use crate::codec::{Body, Encoding, Types};
use crate::error::{Code, Error, Fault, Result};
use crate::header::{Header, Meta};
use crate::middleware::{BoxFuture, CallInfo, Last, Next};
use crate::service::{Context, Origin, Started, Work};

/// Begins to handle a request to `entry`. The reply of one that is done at once is appended to
/// `out`.
pub(super) fn begin(
    server: &Arc<Shared>,
    link: &Arc<Link>,
    route: &mut Route,
    header: &Header<'_>,
    body: Body<'_>,
    block: &Bytes,
    out: &mut Vec<u8>,
) -> Started {
    let entry = &route.entry;
    if server.middleware.is_empty() {
        let context = Context::new(&route.origin, &header.meta);
        let (body, spare) = (body.share(block), route.spare.take());
        return entry
            .method
            .start(context, &body, spare, entry.is_slow(), &link.bodies, out);
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
        origin: route.origin.clone(),
        body: body.keep(block),
        reply: None,
        outcome: None,
    };
    let future = Box::pin(through_middleware(server.clone(), call, last));
    Started::Work(Box::pin(Guarded {
        future,
        meta: Meta::new(),
    }))
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
    origin: Arc<Origin>,
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
                origin,
                body,
                reply,
                outcome,
            } = self;
            let context = Context::new(origin, &call.meta);
            let mut out = Vec::new();
            let (is_slow, bodies) = (entry.is_slow(), &link.bodies);
            let method = &entry.method;
            let result = match method.start(context, body, None, is_slow, bodies, &mut out) {
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
