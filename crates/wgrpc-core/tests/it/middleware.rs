//! Middleware on both sides: what it sees, what it can change, and what it can refuse.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use wgrpc_core::{
    BoxFuture, CallInfo, Client, Code, Context, Error, Executed, Fault, Method, Middleware, Next,
    Result, Server, Service,
};

use crate::raw::{Codec, Raw, serve};
use crate::support::{Args, demo, soon};

/// Writes down every call and how it ended.
#[derive(Clone)]
struct Logging {
    name: &'static str,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Middleware for Logging {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let name = self.name;
            self.lines.lock().push(format!("{name}: {}", call.method));
            let result = next.run(call).await;
            let end = match &result {
                Ok(()) => format!("ok {:?}", call.reply_meta.get("served-by")),
                Err(error) => error.to_string(),
            };
            self.lines.lock().push(format!("{name}: {end}"));
            result
        })
    }
}

/// Lets only callers in that know the token.
struct TokenCheck;

impl Middleware for TokenCheck {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match call.meta.get("token") {
                None => Err(Error::Refused(Fault::unauthenticated("a token is needed"))),
                Some("letmein") => {
                    call.meta.insert("user", "ada");
                    call.reply_meta.insert("served-by", "us");
                    next.run(call).await
                }
                Some(_) => Err(Error::Refused(Fault::forbidden("not with this token"))),
            }
        })
    }
}

/// Adds the token to every call.
struct TokenSource(&'static str);

impl Middleware for TokenSource {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // Where a token is fetched first, this waits.
            tokio::task::yield_now().await;
            call.meta.insert("token", self.0);
            next.run(call).await
        })
    }
}

/// Who is calling, as far as the middleware has found out.
fn whoami() -> Service {
    let user =
        |(): (), context: Context| Ok(context.meta().get("user").unwrap_or("nobody").to_owned());
    Service::new("Who").method("Am", Method::function(user))
}

fn client(server: &Server, codec: Codec, token: &'static str, log: Logging) -> Client {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    serve(server, theirs);
    Client::builder()
        .codec(codec.name())
        .middleware(log)
        .middleware(TokenSource(token))
        .from_stream(ours)
        .unwrap()
}

#[tokio::test]
async fn calls_go_through_the_middleware_of_both_sides() {
    for codec in Codec::BOTH {
        let lines = Arc::default();
        let log = |name| Logging {
            name,
            lines: Arc::clone(&lines),
        };
        let server = demo()
            .register(whoami())
            .middleware(log("outer"))
            .middleware(TokenCheck)
            .middleware(log("inner"))
            .start()
            .unwrap();
        let good = client(&server, codec, "letmein", log("client"));
        let user = soon(good.call::<_, String>("Who.Am", &())).await;
        assert_eq!(user.unwrap(), "ada");
        let expected = [
            "client: Who.Am",
            "outer: Who.Am",
            "inner: Who.Am",
            "inner: ok Some(\"us\")",
            "outer: ok Some(\"us\")",
            "client: ok Some(\"us\")",
        ];
        assert_eq!(std::mem::take(&mut *lines.lock()), expected);

        let bad = client(&server, codec, "guess", log("client"));
        let error = soon(bad.call::<_, String>("Who.Am", &()))
            .await
            .unwrap_err();
        assert_eq!(
            error.fault().unwrap().code(),
            Some(Code::Forbidden),
            "{error:?}"
        );
        assert_eq!(error.is_executed(), Executed::No);
        let expected = [
            "client: Who.Am",
            "outer: Who.Am",
            "outer: not with this token",
            "client: not with this token",
        ];
        assert_eq!(std::mem::take(&mut *lines.lock()), expected);

        // A client without middleware, or one that knows no metadata, is refused like any other.
        let error = soon(server.connect().unwrap().call::<_, String>("Who.Am", &())).await;
        let error = error.unwrap_err();
        assert_eq!(
            error.fault().unwrap().code(),
            Some(Code::Unauthenticated),
            "{error:?}"
        );
        let mut raw = Raw::greeted(&server, codec).await;
        raw.request("Who.Am", 1, &()).await;
        let response = raw.response::<String>().await.unwrap();
        assert_eq!(response.result, Err("a token is needed".to_owned()));
        assert_eq!(response.header.code, 0);
        lines.lock().clear();

        // Errors pass through unchanged, and concurrent calls keep to themselves.
        let error = soon(good.call::<_, i64>("Arith.Divide", &Args { a: 1, b: 0 })).await;
        assert!(matches!(&error, Err(Error::Remote(f)) if f.text() == "divide by zero"));
        let calls: Vec<_> = (0..500)
            .map(|i| good.call::<_, i64>("Arith.Multiply", &Args { a: i, b: 2 }))
            .collect();
        for (i, call) in calls.into_iter().enumerate() {
            assert_eq!(soon(call).await.unwrap(), 2 * i as i64);
        }
        let slept = soon(good.call::<_, i64>("Arith.Sleep", &5)).await;
        assert_eq!(slept.unwrap(), 5);
    }
}

/// A middleware made of a function.
struct Act<F>(F);

impl<F> Middleware for Act<F>
where
    F: for<'a> Fn(&'a mut CallInfo, Next<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        (self.0)(call, next)
    }
}

/// Calls a server with this middleware, and then shows that the connection still works.
async fn call_through(middleware: impl Middleware) -> Result<i64> {
    let server = demo().middleware(middleware).start().unwrap();
    let client = server.connect().unwrap();
    let result = soon(client.call("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    let error = soon(client.call::<_, i64>("No.Such", &()))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "can't find service: No");
    result
}

#[tokio::test]
async fn a_middleware_that_misbehaves_harms_its_own_call_only() {
    fn forgetful<'a>(_: &'a mut CallInfo, _: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
    let error = call_through(Act(forgetful)).await.unwrap_err();
    assert_eq!(error.to_string(), "a middleware answered without a reply");

    crate::panics::keep_quiet();
    fn panicking<'a>(_: &'a mut CallInfo, _: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { std::panic::panic_any(crate::panics::TEXT) })
    }
    let error = call_through(Act(panicking)).await.unwrap_err();
    assert_eq!(
        error.fault().unwrap().code(),
        Some(Code::Panicked),
        "{error:?}"
    );

    fn talkative<'a>(call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            call.reply_meta
                .extend((0..65).map(|i| (i.to_string(), "x")));
            next.run(call).await
        })
    }
    let error = call_through(Act(talkative)).await.unwrap_err();
    assert_eq!(
        error.fault().unwrap().code(),
        Some(Code::Limit),
        "{error:?}"
    );

    // What a middleware does to the outcome is what the caller gets.
    fn denying<'a>(call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            next.run(call).await?;
            Err(Error::Remote(Fault::new("thought better of it")))
        })
    }
    let error = call_through(Act(denying)).await.unwrap_err();
    assert_eq!(error.to_string(), "thought better of it");
    assert_eq!(error.is_executed(), Executed::Yes);
}

/// The deadline of a call covers what its middleware does.
#[tokio::test]
async fn a_middleware_cannot_take_longer_than_the_call_has() {
    fn dawdling<'a>(_: &'a mut CallInfo, _: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::pending())
    }
    let server = demo().start().unwrap();
    let (ours, theirs) = tokio::io::duplex(4096);
    serve(&server, theirs);
    let client = Client::builder()
        .middleware(Act(dawdling))
        .from_stream(ours)
        .unwrap();
    let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
    let error = soon(call.timeout(Duration::from_millis(50)))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

/// Waits before a call and after it.
struct Slow(Duration);

impl Middleware for Slow {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            tokio::time::sleep(self.0).await;
            next.run(call).await?;
            tokio::time::sleep(self.0).await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_call_tells_its_middlewares_time_from_its_servers() {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    let wait = Duration::from_millis(100);
    let client = Client::builder().middleware(Slow(wait));
    let client = client.connect(server.address()).await.unwrap();
    let begun = Instant::now();
    let mut call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
    assert_eq!((call.stay().held, call.stay().answered), (None, None));
    assert_eq!(soon(&mut call).await.unwrap(), 42);
    let stay = call.stay();
    assert!(stay.held.unwrap() >= wait);
    assert!(stay.answered.unwrap() - begun <= begun.elapsed() - wait);

    let client = Client::connect(server.address()).await.unwrap();
    let mut call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
    soon(&mut call).await.unwrap();
    assert_eq!(call.stay().held, Some(Duration::ZERO));
    assert!(call.stay().answered.is_some());
}
