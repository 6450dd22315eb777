//! rpcx-rs with MessagePack. Its server blocks: a thread and a small pool for each connection.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use peer_load::{Command, Listen, Load, NAME, Rpc, announce, drive, options};
use rpcx_client::{Client, Opt};
use rpcx_protocol::call::get_result;
use rpcx_protocol::{Error, ErrorKind, Metadata, RpcxParam, SerializeType};
use rpcx_server::{RpcxFn, Server, register_func};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    id: u64,
    name: String,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Args {
    a: i32,
    b: i32,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Product {
    value: i32,
}

macro_rules! message {
    ($($type:ty),*) => {$(
        impl RpcxParam for $type {
            fn into_bytes(&self, _: SerializeType) -> rpcx_protocol::Result<Vec<u8>> {
                rmp_serde::to_vec(self).map_err(|error| Error::new(ErrorKind::Other, error))
            }

            fn from_slice(&mut self, _: SerializeType, bytes: &[u8]) -> rpcx_protocol::Result<()> {
                let value = rmp_serde::from_slice(bytes);
                *self = value.map_err(|error| Error::new(ErrorKind::Other, error))?;
                Ok(())
            }
        }
    )*};
}

message!(Record, Args, Product);

#[derive(Clone)]
struct Caller(Arc<Client>);

impl Caller {
    async fn call<R>(&self, method: &str, args: &(dyn RpcxParam + Sync)) -> Result<R>
    where
        R: RpcxParam + Default,
    {
        let call = self
            .0
            .send("Bench", method, false, false, &Metadata::new(), args);
        get_result(call.await, SerializeType::MsgPack).map_err(|error| anyhow!("{error}"))
    }
}

impl Rpc for Caller {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        let product: Product = self.call("multiply", &Args { a, b }).await?;
        Ok(product.value)
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let record = Record {
            id,
            name: NAME.to_owned(),
            payload: payload.to_vec(),
        };
        let record: Record = self.call("echo", &record).await?;
        Ok((record.id, record.payload.len()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match options().command {
        Command::Server(listen) => serve(listen),
        Command::Client(load) => drive(load, connect, |work| drop(tokio::spawn(work.run()))).await,
    }
}

async fn connect(load: &Load) -> Result<Caller> {
    let mut client = Client::new(&load.addr()?.to_string());
    client.opt = Opt {
        serialize_type: SerializeType::MsgPack,
        nodelay: Some(true),
        ..Opt::default()
    };
    client.start().map_err(|error| anyhow!("{error}"))?;
    Ok(Caller(Arc::new(client)))
}

fn multiply(args: Args) -> Product {
    Product {
        value: args.a.wrapping_mul(args.b),
    }
}

fn echo(record: Record) -> Record {
    record
}

/// Its handlers cannot have state, so they cannot be told to wait either.
fn serve(listen: Listen) -> Result<()> {
    let listener = std::net::TcpListener::bind(listen.addr)?;
    // Connections inherit it; the server has no option for it.
    socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
    announce(&[listener.local_addr()?])?;
    let mut server = Server::new(listen.addr.to_string(), 0);
    register_func!(
        server,
        "Bench",
        "multiply",
        multiply,
        String::new(),
        Args,
        Product
    );
    register_func!(server, "Bench", "echo", echo, String::new(), Record, Record);
    server
        .start_with_listener(listener)
        .map_err(|error| anyhow!("{error}"))
}
