//! WgRPC, as any program would use it: a service, a server and typed clients.
//!
//! Modes: none for gob, `json`, and `cluster` for clients of many servers. A server of the mode
//! `cluster3` is three of them in one process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use peer_load::{Command, Delay, Listen, Load, NAME, Rpc, announce, drive, options};
use wgrpc::gob::Limits;
use wgrpc::{
    Caller, Client, ClientBuilder, ClientLimits, Server, ServerLimits, ServerList, XClient,
    message, service,
};

/// Of messages, and of what waits to be written.
const LONGEST: usize = 64 << 20;

#[message]
struct Args {
    a: i32,
    b: i32,
}

#[message]
struct Record {
    id: u64,
    name: String,
    payload: Bytes,
}

struct Bench {
    delay: Delay,
}

#[service]
impl Bench {
    async fn multiply(&self, args: Args) -> i32 {
        self.delay.pass().await;
        args.a.wrapping_mul(args.b)
    }

    async fn echo(&self, record: Record) -> Record {
        record
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options();
    let mode = options.mode.as_str();
    match options.command {
        Command::Server(listen) => serve(listen, if mode == "cluster3" { 3 } else { 1 }).await,
        Command::Client(load) => match mode {
            "" => run(load, async |load| connect(load, "application/gob").await).await,
            "json" => run(load, async |load| connect(load, "application/json").await).await,
            "cluster" | "cluster3" => run(load, start).await,
            other => bail!("no such mode: {other}"),
        },
    }
}

async fn serve(listen: Listen, servers: usize) -> Result<()> {
    // What a benchmark does, all of it from one address.
    let limits = ServerLimits {
        connections: 1 << 17,
        connections_per_address: 1 << 17,
        in_flight: 1 << 17,
        in_flight_total: 1 << 17,
        unwritten_hard: LONGEST,
        message: long_messages(),
        ..Default::default()
    };
    let mut running = Vec::new();
    for _ in 0..servers {
        let delay = listen.delay();
        let server = Server::builder().register(Bench { delay });
        let server = server.limits(limits.clone());
        let server = server.listen(format!("tcp@{}", listen.addr)).await?;
        running.push(server);
    }
    let addrs = running
        .iter()
        .map(|server| server.address().target().parse());
    announce(&addrs.collect::<Result<Vec<_>, _>>()?)?;
    std::future::pending().await
}

fn builder() -> ClientBuilder {
    Client::builder().limits(ClientLimits {
        unwritten: LONGEST,
        message: long_messages(),
        ..Default::default()
    })
}

fn long_messages() -> Limits {
    Limits {
        message: LONGEST,
        decoded: 4 * LONGEST,
        ..Default::default()
    }
}

async fn connect(load: &Load, codec: &str) -> Result<Client> {
    let client = builder().codec(codec);
    Ok(client.connect(format!("tcp@{}", load.addr()?)).await?)
}

async fn start(load: &Load) -> Result<XClient> {
    let servers = load.addrs.iter().map(|addr| format!("tcp@{addr}"));
    let servers: Vec<_> = servers.collect();
    let servers = ServerList::parse(servers.iter().map(String::as_str))?;
    let client = XClient::builder().client(builder()).start(servers)?;
    client.ready().await;
    while client.servers().iter().any(|server| !server.is_connected) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(client)
}

async fn run<C: Caller + 'static>(
    load: Load,
    connect: impl AsyncFn(&Load) -> Result<C>,
) -> Result<()> {
    let connect = async |load: &_| Ok(Bound(Arc::new(BenchClient::new(connect(load).await?))));
    drive(load, connect, |work| drop(tokio::spawn(work.run()))).await
}

struct Bound<C>(Arc<BenchClient<C>>);

impl<C> Clone for Bound<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Caller + 'static> Rpc for Bound<C> {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        Ok(self.0.multiply(&Args { a, b }).await?)
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let record = Record {
            id,
            name: NAME.to_owned(),
            payload: payload.clone(),
        };
        let record = self.0.echo(&record).await?;
        Ok((record.id, record.payload.len()))
    }
}
