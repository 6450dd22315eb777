//! What stands around every call: a log on the client, a check of a token on the server.
//!
//! A middleware sees a call's name and metadata. It runs the rest of the way by `next`, or refuses
//! the call by not doing so.

#![allow(clippy::print_stdout, reason = "examples show what they do")]

use std::time::Instant;

use wgrpc::{
    BoxFuture, CallInfo, Client, Context, Error, Fault, Middleware, Next, Result, Server, service,
};

/// Logs each call with how it went and how long it took.
struct Log;

impl Middleware for Log {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (method, start) = (call.method.clone(), Instant::now());
            let result = next.run(call).await;
            match &result {
                Ok(()) => println!("{method}: ok"),
                Err(error) => println!("{method}: {error}"),
            }
            tracing::debug!(method, elapsed = ?start.elapsed());
            result
        })
    }
}

/// Lets only callers in that send the token.
struct CheckToken(&'static str);

impl Middleware for CheckToken {
    fn handle<'a>(&'a self, call: &'a mut CallInfo, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match call.meta.get("token") {
                Some(token) if token == self.0 => next.run(call).await,
                Some(_) => Err(Error::Refused(Fault::forbidden("the token is wrong"))),
                None => Err(Error::Refused(Fault::unauthenticated("a token is needed"))),
            }
        })
    }
}

struct Greeter;

#[service]
impl Greeter {
    /// Handlers see the metadata too.
    fn hello(&self, context: &Context) -> String {
        format!("hello {}", context.meta().get("user").unwrap_or("stranger"))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let builder = Server::builder()
        .register(Greeter)
        .middleware(CheckToken("letmein"));
    let server = builder.listen("tcp@127.0.0.1:0").await?;

    // What is sent with every call of this client; a middleware of its own could add to it.
    let builder = Client::builder()
        .middleware(Log)
        .meta("token", "letmein")
        .meta("user", "Ada");
    let greeter = GreeterClient::new(builder.connect(server.address()).await?);
    println!("{}", greeter.hello().await?);

    let builder = Client::builder().middleware(Log);
    let greeter = GreeterClient::new(builder.connect(server.address()).await?);
    if let Err(error) = greeter.hello().await {
        println!("refused, not executed: {:?}", error.is_executed());
    }
    server.shutdown().await
}
