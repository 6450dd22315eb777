//! tonic: gRPC over HTTP/2, with prost.

use anyhow::Result;
use bytes::Bytes;
use peer_load::{Command, Delay, Listen, Load, NAME, Rpc, drive, options};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use proto::bench_client::BenchClient;
use proto::bench_server::{Bench, BenchServer};
use proto::{Args, Product, Rec};

mod proto {
    #![allow(warnings, clippy::all, reason = "it is generated")]
    tonic::include_proto!("bench");
}

const LONGEST: usize = 64 << 20;

/// Calls of one connection at a time; unless set, hyper allows 200.
const STREAMS: u32 = 1 << 17;

struct Service {
    delay: Delay,
}

#[tonic::async_trait]
impl Bench for Service {
    async fn multiply(&self, args: Request<Args>) -> Result<Response<Product>, Status> {
        self.delay.pass().await;
        let Args { a, b } = args.into_inner();
        let value = a.wrapping_mul(b);
        Ok(Response::new(Product { value }))
    }

    async fn echo(&self, record: Request<Rec>) -> Result<Response<Rec>, Status> {
        Ok(Response::new(record.into_inner()))
    }
}

#[derive(Clone)]
struct Caller(BenchClient<Channel>);

impl Rpc for Caller {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        let product = self.0.clone().multiply(Args { a, b }).await?;
        Ok(product.into_inner().value)
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let record = Rec {
            id,
            name: NAME.to_owned(),
            payload: payload.clone(),
        };
        let record = self.0.clone().echo(record).await?.into_inner();
        Ok((record.id, record.payload.len()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match options().command {
        Command::Server(listen) => serve(listen).await,
        Command::Client(load) => drive(load, connect, |work| drop(tokio::spawn(work.run()))).await,
    }
}

async fn connect(load: &Load) -> Result<Caller> {
    let endpoint = Endpoint::from_shared(format!("http://{}", load.addr()?))?;
    let channel = endpoint.tcp_nodelay(true).connect().await?;
    let client = BenchClient::new(channel);
    let client = client.max_decoding_message_size(LONGEST);
    Ok(Caller(client.max_encoding_message_size(LONGEST)))
}

async fn serve(listen: Listen) -> Result<()> {
    let listener = listen.bind().await?;
    let delay = listen.delay();
    let service = BenchServer::new(Service { delay });
    let service = service.max_decoding_message_size(LONGEST);
    let service = service.max_encoding_message_size(LONGEST);
    let mut server = Server::builder().max_concurrent_streams(STREAMS);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    server
        .add_service(service)
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}
