//! volo-thrift with the codec that it comes with: TTHeader, frames, the binary protocol.
//!
//! No mode: one connection for many calls at a time. `pool`, as volo does it unless told
//! otherwise: a connection for each call that is outstanding, out of a pool.

use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use peer_load::{Command, Delay, Listen, Load, NAME, Rpc, drive, options};
use volo_thrift::ServerError;

use generated::volo_gen::bench::{Bench, BenchClient, BenchClientBuilder, BenchServer, Rec};

mod generated {
    #![allow(warnings, unsafe_code, clippy::all, reason = "it is generated")]
    include!(concat!(env!("OUT_DIR"), "/volo_gen.rs"));
}

struct Service {
    delay: Delay,
}

impl Bench for Service {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32, ServerError> {
        self.delay.pass().await;
        Ok(a.wrapping_mul(b))
    }

    async fn echo(&self, record: Rec) -> Result<Rec, ServerError> {
        Ok(record)
    }
}

#[derive(Clone)]
struct Caller(BenchClient);

impl Rpc for Caller {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        Ok(self.0.multiply(a, b).await?)
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let record = Rec {
            id: id as i64,
            name: NAME.into(),
            payload: payload.clone(),
        };
        let record = self.0.echo(record).await?;
        Ok((record.id as u64, record.payload.len()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options();
    let is_multiplexed = options.mode != "pool";
    match options.command {
        Command::Server(listen) => serve(listen, is_multiplexed).await,
        Command::Client(load) => {
            let connect = async |load: &_| connect(load, is_multiplexed);
            drive(load, connect, |work| drop(tokio::spawn(work.run()))).await
        }
    }
}

fn connect(load: &Load, is_multiplexed: bool) -> Result<Caller> {
    let timeout = Some(Duration::from_secs(60));
    let client = BenchClientBuilder::new("bench")
        .address(load.addr()?)
        .rpc_timeout(timeout)
        .read_write_timeout(timeout)
        .connect_timeout(timeout)
        .multiplex(is_multiplexed)
        .build();
    Ok(Caller(client))
}

async fn serve(listen: Listen, is_multiplexed: bool) -> Result<()> {
    let listener = listen.bind().await?;
    let delay = listen.delay();
    let server = BenchServer::new(Service { delay }).multiplex(is_multiplexed);
    let incoming = volo::net::incoming::DefaultIncoming::from(listener);
    server
        .run(incoming)
        .await
        .map_err(|error| anyhow!("{error}"))
}
