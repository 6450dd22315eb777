//! tarpc over TCP: frames with a length, bincode through tokio-serde.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures::StreamExt;
use peer_load::{Command, Delay, Listen, Load, NAME, Rpc, drive, options};
use serde::{Deserialize, Serialize};
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_util::codec::{Framed, LengthDelimitedCodec};
use tarpc::{client, context, server};
use tokio::net::TcpStream;
use tokio_serde::formats::Bincode;

/// How many calls and replies may wait within tarpc; its own default is 100.
const QUEUE: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    id: u64,
    name: String,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

#[tarpc::service]
trait Bench {
    async fn multiply(a: i32, b: i32) -> i32;
    async fn echo(record: Record) -> Record;
}

#[derive(Clone)]
struct Service {
    delay: Delay,
}

impl Bench for Service {
    async fn multiply(self, _: context::Context, a: i32, b: i32) -> i32 {
        self.delay.pass().await;
        a.wrapping_mul(b)
    }

    async fn echo(self, _: context::Context, record: Record) -> Record {
        record
    }
}

#[derive(Clone)]
struct Caller(BenchClient);

impl Rpc for Caller {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        Ok(self.0.multiply(patient(), a, b).await?)
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let record = Record {
            id,
            name: NAME.to_owned(),
            payload: payload.to_vec(),
        };
        let record = self.0.echo(patient(), record).await?;
        Ok((record.id, record.payload.len()))
    }
}

/// A call that may take long.
fn patient() -> context::Context {
    let mut context = context::current();
    context.deadline = Instant::now() + Duration::from_secs(60);
    context
}

#[tokio::main]
async fn main() -> Result<()> {
    match options().command {
        Command::Server(listen) => serve(listen).await,
        Command::Client(load) => drive(load, connect, |work| drop(tokio::spawn(work.run()))).await,
    }
}

fn frames(stream: TcpStream) -> Result<Framed<TcpStream, LengthDelimitedCodec>> {
    stream.set_nodelay(true)?;
    let codec = LengthDelimitedCodec::builder()
        .max_frame_length(64 << 20)
        .new_codec();
    Ok(Framed::new(stream, codec))
}

async fn connect(load: &Load) -> Result<Caller> {
    let frames = frames(TcpStream::connect(load.addr()?).await?)?;
    let transport = tarpc::serde_transport::new(frames, Bincode::default());
    let mut config = client::Config::default();
    config.max_in_flight_requests = 1 << 17;
    config.pending_request_buffer = QUEUE;
    Ok(Caller(BenchClient::new(config, transport).spawn()))
}

async fn serve(listen: Listen) -> Result<()> {
    let listener = listen.bind().await?;
    let service = Service {
        delay: listen.delay(),
    };
    let config = server::Config {
        pending_response_buffer: QUEUE,
    };
    loop {
        let (stream, _) = listener.accept().await?;
        let transport = tarpc::serde_transport::new(frames(stream)?, Bincode::default());
        let channel = BaseChannel::new(config.clone(), transport);
        let calls = channel.execute(service.clone().serve());
        tokio::spawn(calls.for_each(async |call| drop(tokio::spawn(call))));
    }
}
