//! A service, a server and a typed client: all that it takes.

#![allow(clippy::print_stdout, reason = "examples show what they do")]

use wgrpc::{Client, Server, message, service};

#[message]
struct Args {
    a: i64,
    b: i64,
}

struct Arith;

#[service]
impl Arith {
    async fn multiply(&self, args: Args) -> i64 {
        args.a * args.b
    }
}

#[tokio::main]
async fn main() -> wgrpc::Result<()> {
    let builder = Server::builder().register(Arith);
    let server = builder.listen("tcp@127.0.0.1:0").await?;
    let arith = ArithClient::new(Client::connect(server.address()).await?);
    println!("6 x 7 = {}", arith.multiply(&Args { a: 6, b: 7 }).await?);
    server.shutdown().await
}
