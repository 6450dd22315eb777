//! What once went wrong between a client and its server, kept from coming back.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wgrpc_core::{
    BoxFuture, CallInfo, Client, ClientBuilder, ClientLimits, Code, Error, Executed, Fault, Meta,
    Middleware, Next, Result,
};

use crate::hostile_server::{client_and_raw, client_and_raw_with};
use crate::raw::Codec;
use crate::support::{Args, demo, demo_in_memory, soon};

const ARGS: Args = Args { a: 6, b: 7 };

#[tokio::test]
async fn a_reply_with_very_many_entries_of_metadata_costs_nothing_but_the_connection() {
    let (client, mut raw) = client_and_raw(Codec::Json).await;
    let call = client.call::<_, i64>("Arith.Multiply", &ARGS);
    let entries: Vec<_> = (0..90_000).map(|i| format!("\"{i}\":\"\"")).collect();
    let header = format!(
        "{{\"Seq\":1,\"Error\":\"\",\"Meta\":{{{}}}}}\n",
        entries.join(",")
    );
    let start = Instant::now();
    raw.send_meanwhile(header.into_bytes());
    let error = soon(call).await.unwrap_err();
    assert!(error.to_string().contains("metadata of over 64"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn metadata_keeps_its_order_in_text() {
    let (client, mut raw) = client_and_raw(Codec::Json).await;
    let meta = Meta::from_iter([("z", "1"), ("a", "2"), ("m", "3")]);
    let _call = client.call_with::<_, i64>("Arith.Multiply", &ARGS, meta.into());
    raw.expect(
        b"{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1,\"Error\":\"\",\
          \"Meta\":{\"z\":\"1\",\"a\":\"2\",\"m\":\"3\"}}\n",
    )
    .await;
}

struct Through;

impl Middleware for Through {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(next.run(call))
    }
}

#[tokio::test]
async fn a_call_through_middleware_can_be_made_outside_of_a_runtime() {
    let builder = Client::builder().middleware(Through);
    let (client, mut raw) = client_and_raw_with(Codec::Gob, builder).await;
    let handle = client.clone();
    let making = std::thread::spawn(move || {
        handle
            .call::<_, i64>("Arith.Multiply", &ARGS)
            .timeout(Duration::from_secs(10))
    });
    let call = making.join().unwrap();
    raw.asked::<Args>().await.unwrap();
    let reply = raw.speech.reply(1, &42);
    raw.send(&reply).await;
    assert_eq!(soon(call).await.unwrap(), 42);
}

/// Runs the handler or not, and then ends the call with this code.
struct Ending {
    runs_handler: bool,
    code: Code,
}

impl Middleware for Ending {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.runs_handler {
                next.run(call).await?;
            }
            let fault = Fault::new("enough").with_code(self.code);
            Err(Error::Refused(fault))
        })
    }
}

#[tokio::test]
async fn a_middleware_says_that_nothing_was_executed_only_if_so() {
    for (runs_handler, code, seen, executed) in [
        (false, Code::Overloaded, Code::Overloaded, Executed::No),
        (false, Code::Forbidden, Code::Forbidden, Executed::No),
        (false, Code::ShuttingDown, Code::Application, Executed::Yes),
        (true, Code::Overloaded, Code::Application, Executed::Yes),
        (true, Code::Forbidden, Code::Application, Executed::Yes),
    ] {
        let server = demo().middleware(Ending { runs_handler, code });
        let server = server.start().unwrap();
        let client = server.connect().unwrap();
        let error = soon(client.call::<_, i64>("Arith.Multiply", &ARGS)).await;
        let error = error.unwrap_err();
        assert_eq!(error.fault().unwrap().code(), Some(seen), "{error:?}");
        assert_eq!(error.is_executed(), executed, "{error:?}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_closed_once() {
    let (client, raw) = client_and_raw(Codec::Gob).await;
    drop(raw);
    crate::support::until(|| !client.is_available()).await;
    client.close().unwrap();
    assert!(matches!(client.close(), Err(Error::Closed { .. })));
}

#[tokio::test]
async fn a_server_that_shuts_down_does_not_listen_any_more() {
    let server = demo_in_memory();
    soon(server.shutdown()).await.unwrap();
    let error = server.listen("tcp@127.0.0.1:0").await.unwrap_err();
    assert!(matches!(error, Error::Setup(_)), "{error:?}");
    assert!(server.addresses().is_empty());
}

/// A connection that breaks at the second attempt to write a request, when its last reply has
/// just arrived.
struct Breaking {
    writes: usize,
    reply: &'static [u8],
    reader: Option<Waker>,
}

impl AsyncRead for Breaking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.writes < 3 || self.reply.is_empty() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buf.put_slice(std::mem::take(&mut self.reply));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Breaking {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes += 1;
        match self.writes {
            1 => Poll::Ready(Ok(buf.len())),
            2 => Poll::Pending,
            _ => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_has_arrived_counts_when_the_connection_breaks() {
    let breaking = Breaking {
        writes: 0,
        reply: b"{\"ServiceMethod\":\"\",\"Seq\":1,\"Error\":\"\"}\n42\n",
        reader: None,
    };
    let client = Client::builder().codec("application/json");
    let client = client.from_stream(breaking).unwrap();
    let call = client.call::<_, i64>("Arith.Multiply", &ARGS);
    assert_eq!(soon(call).await.unwrap(), 42);
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn one_at_a_time() -> ClientBuilder {
    Client::builder().limits(ClientLimits {
        in_flight: 1,
        ..ClientLimits::default()
    })
}

#[tokio::test]
async fn a_waiting_call_that_nobody_polls_holds_up_nobody() {
    let (client, mut raw) = client_and_raw_with(Codec::Gob, one_at_a_time()).await;
    let first = client.call::<_, i64>("Arith.Multiply", &ARGS);
    let mut idle = Box::pin(client.call::<_, i64>("Arith.Multiply", &ARGS));
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(idle.as_mut().poll(&mut nobody).is_pending());
    let last = tokio::spawn(client.call::<_, i64>("Arith.Multiply", &ARGS));
    for _ in 0..2 {
        let (header, _) = soon(raw.asked::<Args>()).await.unwrap();
        let reply = raw.speech.reply(header.seq, &42);
        raw.send(&reply).await;
    }
    assert_eq!(soon(first).await.unwrap(), 42);
    assert_eq!(soon(last).await.unwrap().unwrap(), 42);
    // It has lost its turn, not its life.
    let idle = tokio::spawn(idle);
    let (header, _) = soon(raw.asked::<Args>()).await.unwrap();
    let reply = raw.speech.reply(header.seq, &43);
    raw.send(&reply).await;
    assert_eq!(soon(idle).await.unwrap().unwrap(), 43);
}

#[tokio::test]
async fn a_call_that_finds_too_much_unwritten_does_not_wake_itself() {
    let limits = ClientLimits {
        unwritten: 100,
        ..ClientLimits::default()
    };
    let (ours, _theirs) = tokio::io::duplex(16);
    let client = Client::builder().limits(limits).from_stream(ours).unwrap();
    let _large = client.call::<_, String>("Echo.String", &"x".repeat(1000));
    let mut call = Box::pin(client.call::<_, i64>("Arith.Multiply", &ARGS));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    for _ in 0..10 {
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
}
