//! What is measured: calls of a kind, on one thread, in memory.

use anyhow::{Result, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use wgrpc::{Caller, Client, Server, ServerList, XClient, message, service};

/// Calls of a kind.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Exchange {
    /// Client and server, one call at a time.
    Single,
    /// The same, 64 calls at a time.
    Batch,
    /// The same as JSON.
    Json,
    /// 64 calls at a time, through a client of many servers.
    Cluster,
    /// Four records with 16 KiB of bytes at a time, there and back.
    Bytes,
    /// The server alone: it gets what a client has written, 64 calls at a time.
    Server,
}

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

impl Exchange {
    pub(crate) const ALL: [Self; 6] = [
        Self::Single,
        Self::Batch,
        Self::Json,
        Self::Cluster,
        Self::Bytes,
        Self::Server,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batch => "batch",
            Self::Json => "json",
            Self::Cluster => "cluster",
            Self::Bytes => "bytes",
            Self::Server => "server",
        }
    }

    pub(crate) fn calls_a_round(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Batch | Self::Json | Self::Cluster | Self::Server => 64,
            Self::Bytes => 4,
        }
    }

    /// Makes `rounds` times as many calls.
    pub(crate) fn run(self, rounds: usize) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        runtime.block_on(self.exchange(rounds))
    }

    async fn exchange(self, rounds: usize) -> Result<()> {
        let server = Server::builder().register(Bench).start()?;
        match self {
            Self::Single | Self::Batch | Self::Bytes => {
                self.call(&BenchClient::new(server.connect()?), rounds)
                    .await
            }
            Self::Json => {
                let (ours, theirs) = pipe();
                let serving = tokio::spawn(async move { server.serve_connection(theirs).await });
                let client = Client::builder()
                    .codec("application/json")
                    .from_stream(ours)?;
                self.call(&BenchClient::new(client), rounds).await?;
                serving.abort();
                Ok(())
            }
            Self::Cluster => {
                let client = XClient::builder()
                    .dial(move |_, _| std::future::ready(server.connect()))
                    .start(ServerList::parse(["tcp@127.0.0.1:1"])?)?;
                client.ready().await;
                self.call(&BenchClient::new(client), rounds).await
            }
            Self::Server => replay(&server, rounds).await,
        }
    }

    async fn call(self, bench: &BenchClient<impl Caller>, rounds: usize) -> Result<()> {
        for round in 0..rounds {
            if matches!(self, Self::Bytes) {
                echo(bench, self.calls_a_round()).await?;
            } else {
                multiply(bench, self.calls_a_round(), round).await?;
            }
        }
        Ok(())
    }
}

async fn multiply(bench: &BenchClient<impl Caller>, count: usize, round: usize) -> Result<()> {
    let a = round as i32 % 100 + 1;
    let calls: Vec<_> = (0..count)
        .map(|b| bench.multiply(&Args { a, b: b as i32 }))
        .collect();
    for (b, call) in calls.into_iter().enumerate() {
        ensure!(call.await? == a * b as i32, "a wrong product");
    }
    Ok(())
}

async fn echo(bench: &BenchClient<impl Caller>, count: usize) -> Result<()> {
    let record = Record {
        id: 7,
        name: "a name of some length".to_owned(),
        payload: vec![7; 16 << 10].into(),
    };
    let calls: Vec<_> = (0..count).map(|_| bench.echo(&record)).collect();
    for call in calls {
        ensure!(call.await?.payload == record.payload, "a wrong echo");
    }
    Ok(())
}

/// Large enough for everything that is on its way at a time.
fn pipe() -> (DuplexStream, DuplexStream) {
    duplex(1 << 20)
}

/// Writes to a server what a client has written, again and again.
async fn replay(server: &Server, rounds: usize) -> Result<()> {
    let (first, again, replies) = record(server).await?;
    let (mut ours, theirs) = pipe();
    let serving = async {
        server.serve_connection(theirs).await;
        anyhow::Ok(())
    };
    let driving = async move {
        let mut answer = vec![0; replies.0];
        ours.write_all(&first).await?;
        ours.read_exact(&mut answer).await?;
        let mut answer = vec![0; replies.1];
        for _ in 0..rounds {
            ours.write_all(&again).await?;
            ours.read_exact(&mut answer).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(serving, driving)?;
    Ok(())
}

/// What a client writes for the first 64 calls and for the next, and how long the replies are.
async fn record(server: &Server) -> Result<(Vec<u8>, Vec<u8>, (usize, usize))> {
    let (client, mut from_client) = pipe();
    let (mut to_server, served) = pipe();
    let bench = BenchClient::new(Client::builder().from_stream(client)?);
    let mut batches = Vec::new();
    let recording = async {
        for round in 0..2 {
            let calls = multiply(&bench, 64, round);
            let (mut requests, mut replies) = (Vec::new(), 0);
            let mut buffers = (vec![0; 1 << 16], vec![0; 1 << 16]);
            tokio::pin!(calls);
            loop {
                tokio::select! {
                    ended = &mut calls => break ended?,
                    count = from_client.read(&mut buffers.0) => {
                        let bytes = &buffers.0[..count?];
                        requests.extend_from_slice(bytes);
                        to_server.write_all(bytes).await?;
                    }
                    count = to_server.read(&mut buffers.1) => {
                        let bytes = &buffers.1[..count?];
                        replies += bytes.len();
                        from_client.write_all(bytes).await?;
                    }
                }
            }
            batches.push((requests, replies));
        }
        drop(to_server);
        anyhow::Ok(())
    };
    let serving = async {
        server.serve_connection(served).await;
        anyhow::Ok(())
    };
    tokio::try_join!(recording, serving)?;
    let mut batches = batches.into_iter();
    let (Some(first), Some(again)) = (batches.next(), batches.next()) else {
        anyhow::bail!("nothing was recorded");
    };
    Ok((first.0, again.0, (first.1, again.1)))
}
