//! A discovery of one's own: the servers behind a name in the DNS.

#![allow(clippy::print_stdout, reason = "examples show what they do")]

use std::sync::Arc;
use std::time::Duration;

use wgrpc::{
    Address, BoxFuture, Cause, Discovery, Endpoint, Error, Result, Server, ServerList, Servers,
    XClient, service,
};

/// The addresses that a host name has, all with the same port.
struct Dns {
    host: &'static str,
    port: u16,
    /// What is known, and tells who waits for changes.
    list: ServerList,
}

impl Dns {
    /// Asks now, and then every 30 s for as long as somebody uses it.
    async fn follow(host: &'static str, port: u16) -> Result<Arc<Self>> {
        let list = ServerList::new([]);
        let dns = Arc::new(Self { host, port, list });
        dns.refresh().await?;
        let followed = Arc::downgrade(&dns);
        tokio::spawn(async move {
            while let Some(dns) = followed.upgrade() {
                // Without an answer the last one stays.
                let _ = dns.refresh().await;
                drop(dns);
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
        });
        Ok(dns)
    }
}

impl Discovery for Dns {
    fn servers(&self) -> Arc<Servers> {
        self.list.servers()
    }

    fn refresh(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((self.host, self.port)).await;
            let found = found.map_err(|error| Error::NotSent(Cause::new(error)))?;
            let endpoints: Result<Vec<Endpoint>> = found
                .map(|socket| Ok(Endpoint::from(Address::try_from(format!("tcp@{socket}"))?)))
                .collect();
            self.update(endpoints?);
            Ok(())
        })
    }

    fn update(&self, endpoints: Vec<Endpoint>) {
        self.list.update(endpoints);
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        self.list.changed(seen)
    }
}

struct Greeter;

#[service]
impl Greeter {
    async fn greet(&self, name: String) -> String {
        format!("Hello, {name}!")
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = Server::builder().register(Greeter);
    let server = server.listen("tcp@127.0.0.1:0").await?;
    let port = server.address().target().rsplit(':').next().map(str::parse);
    let port = port.and_then(std::result::Result::ok).unwrap_or_default();

    let dns = Dns::follow("localhost", port).await?;
    let greeter = GreeterClient::new(XClient::builder().start(dns)?);
    println!("{}", greeter.greet("DNS").await?);
    server.shutdown().await
}
