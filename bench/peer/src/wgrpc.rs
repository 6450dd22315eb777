//! WgRPC, as any program would use it: a service, a server and typed clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use wgrpc::{Client, Server, ServerLimits, ServerList, XClient, message, service};

use crate::args::{Load, Mode, Workload};
use crate::load::{PATIENCE, Window, hold, payload, say};

#[message]
pub(crate) struct Args {
    pub(crate) a: i32,
    pub(crate) b: i32,
}

#[message]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) payload: Vec<u8>,
}

struct Bench;

#[service]
impl Bench {
    async fn multiply(&self, args: Args) -> i32 {
        args.a.wrapping_mul(args.b)
    }

    async fn echo(&self, record: Record) -> Record {
        record
    }
}

pub(crate) async fn serve(addr: SocketAddr) -> Result<()> {
    let limits = ServerLimits {
        // All connections of a benchmark come from the same address.
        connections_per_address: 100_000,
        ..Default::default()
    };
    let server = Server::builder().register(Bench).limits(limits);
    let server = server.listen(format!("tcp@{addr}")).await?;
    say(&format!("LISTENING {}", server.address().target()))?;
    std::future::pending().await
}

pub(crate) async fn run(load: Load, mode: Mode) -> Result<()> {
    let codec = match mode {
        Mode::Json => "application/json",
        Mode::Gob | Mode::Cluster | Mode::Raw => "application/gob",
    };
    let address = format!("tcp@{}", load.addr);
    let mut clients = Vec::new();
    if mode == Mode::Cluster {
        let mut clients = Vec::new();
        for _ in 0..load.conns {
            let servers = ServerList::parse([address.as_str()])?;
            let client = XClient::builder().start(servers)?;
            client.ready().await;
            clients.push(client);
        }
        return call(load, clients).await;
    }
    for _ in 0..load.conns {
        let client = Client::builder().codec(codec);
        clients.push(client.connect(address.as_str()).await?);
    }
    call(load, clients).await
}

/// Keeps all clients busy.
async fn call<C: wgrpc::Caller + 'static>(load: Load, callers: Vec<C>) -> Result<()> {
    let mut clients = Vec::new();
    for caller in callers {
        let bench = BenchClient::new(caller);
        if load.workload == Workload::Idle {
            ensure!(bench.multiply(&Args { a: 6, b: 7 }).await? == 42);
        }
        clients.push(Arc::new(bench));
    }
    if load.workload == Workload::Idle {
        return hold().await;
    }
    let outstanding = load.outstanding;
    let payload = Arc::new(payload(load.payload));
    let window = Window::new(load);
    let mut callers = JoinSet::new();
    for bench in &clients {
        for _ in 0..outstanding {
            let number = callers.len() as u64;
            let caller = Caller {
                bench: bench.clone(),
                window: window.clone(),
                payload: payload.clone(),
                // Far apart, so that no two callers expect the same replies.
                next: number << 32,
            };
            callers.spawn(caller.run());
        }
    }
    window.run(callers).await
}

/// One of those who keep a call outstanding each.
struct Caller<C> {
    bench: Arc<BenchClient<C>>,
    window: Arc<Window>,
    payload: Arc<Vec<u8>>,
    next: u64,
}

impl<C: wgrpc::Caller> Caller<C> {
    async fn run(mut self) {
        let mut patience = PATIENCE;
        while patience > 0 && self.window.admits() {
            self.next += 1;
            let start = Instant::now();
            let result = match self.window.load().workload {
                Workload::Echo => self.echo().await,
                Workload::Multiply | Workload::Idle => self.multiply().await,
            };
            match result {
                Ok(()) => self.window.ended(start.elapsed()),
                Err(error) => {
                    self.window.tally.fail(error);
                    patience -= 1;
                }
            }
        }
    }

    async fn multiply(&self) -> Result<()> {
        let (a, b) = ((self.next & 0x3fff) as i32 + 1, 7);
        let product = self.bench.multiply(&Args { a, b }).await?;
        ensure!(product == a * b, "a wrong product");
        Ok(())
    }

    async fn echo(&self) -> Result<()> {
        let record = Record {
            id: self.next,
            name: "benchmark-name16".to_owned(),
            payload: self.payload.to_vec(),
        };
        let echo = self.bench.echo(&record).await?;
        let same = echo.id == record.id && echo.payload.len() == record.payload.len();
        ensure!(same, "a wrong echo");
        Ok(())
    }
}
