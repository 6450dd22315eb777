//! A contract that a server and its clients share, and a mock of it in a test.
//!
//! The trait would stand in a crate of its own. What only calls depends on that crate and is
//! generic over the caller, so a test can hand it a server of its own, connected in memory.

#![allow(clippy::print_stdout, reason = "examples show what they do")]

use std::collections::HashMap;

use wgrpc::{Caller, Client, Fault, Result, Server, message, service};

#[message]
struct Order {
    item: String,
    count: u32,
}

/// The contract: the service is called `Shop`, its client is `ShopClient`.
#[service]
trait Shop {
    /// What an order costs, in cents.
    async fn price(&self, order: Order) -> Result<u64, Fault>;
}

/// A program that calls.
async fn quote<C: Caller>(shop: &ShopClient<C>, item: &str) -> Result<String> {
    let order = Order {
        item: item.to_owned(),
        count: 3,
    };
    let cents = shop.price(&order).await?;
    Ok(format!("3 x {item} for {}.{:02}", cents / 100, cents % 100))
}

/// The service itself.
struct Catalogue(HashMap<&'static str, u64>);

impl Shop for Catalogue {
    async fn price(&self, order: Order) -> Result<u64, Fault> {
        let price = self.0.get(&*order.item);
        let price = price.ok_or_else(|| Fault::new(format!("no {} for sale", order.item)))?;
        Ok(price * u64::from(order.count))
    }
}

/// What stands in for it where the calling program is tested.
struct Mock;

impl Shop for Mock {
    async fn price(&self, _order: Order) -> Result<u64, Fault> {
        Ok(100)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let catalogue = Catalogue(HashMap::from([("apple", 25), ("pear", 40)]));
    let builder = Server::builder().register(ShopService(catalogue));
    let server = builder.listen("tcp@127.0.0.1:0").await?;
    let shop = ShopClient::new(Client::connect(server.address()).await?);
    println!("{}", quote(&shop, "pear").await?);
    if let Err(error) = quote(&shop, "plum").await {
        println!("{error}");
    }
    server.shutdown().await?;

    let server = Server::builder().register(ShopService(Mock)).start()?;
    let shop = ShopClient::new(server.connect()?);
    println!("{}", quote(&shop, "plum").await?);
    server.shutdown().await
}
