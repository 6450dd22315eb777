//! Without the attributes: a service made of functions, and calls by name.
//!
//! Useful where names are known only at run time, and to see what the attributes write. A type
//! needs serde's traits and `Gob`, which says what the type is called and made of in Go.

#![allow(clippy::print_stdout, reason = "examples show what they do")]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wgrpc::{Client, Context, Fault, Gob, Method, Server, Service};

#[derive(Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

fn divide(args: Args, _: Context) -> Result<i64, Fault> {
    args.a
        .checked_div(args.b)
        .ok_or_else(|| Fault::new("divide by zero"))
}

async fn sleep(milliseconds: u64, _: Context) -> Result<(), Fault> {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> wgrpc::Result<()> {
    let arith = Service::new("Arith")
        .method("Divide", Method::function(divide))
        .method("Sleep", Method::future(sleep));
    let server = Server::builder()
        .register(arith)
        .listen("tcp@127.0.0.1:0")
        .await?;

    let client = Client::connect(server.address()).await?;
    // Calls are on their way when `call` returns. They can be awaited in any order.
    let quotient = client.call("Arith.Divide", &Args { a: 42, b: 6 });
    let error = client.call::<_, i64>("Arith.Divide", &Args { a: 42, b: 0 });
    let late = client
        .call::<_, ()>("Arith.Sleep", &5_000u64)
        .timeout(Duration::from_millis(50));

    let quotient: i64 = quotient.await?;
    println!("42 / 6 = {quotient}");
    if let Err(error) = error.await {
        println!("42 / 0: {error}");
    }
    if let Err(error) = late.await {
        println!("Sleep: {error}");
    }
    client.close()?;
    server.shutdown().await
}
