//! jsonrpsee.
//!
//! Modes: `ws`, one WebSocket for many calls at a time, and `http`, HTTP/1.1 with a connection
//! for each call that is outstanding. Bytes are strings in base64, as usual in JSON.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Result, bail};
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::http_client::HttpClientBuilder;
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::server::{Server, ServerConfig};
use jsonrpsee::ws_client::WsClientBuilder;
use peer_load::{Command, Delay, Listen, Load, NAME, Rpc, announce, drive, options};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const LONGEST: u32 = 64 << 20;

/// How many calls may be outstanding.
const CALLS: usize = 1 << 17;

#[allow(unreachable_pub, reason = "the traits that are made below are public")]
#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    id: u64,
    name: String,
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    payload: Vec<u8>,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    BASE64_STANDARD
        .decode(text.as_bytes())
        .map_err(Error::custom)
}

#[rpc(server, client)]
trait Bench {
    #[method(name = "multiply")]
    async fn multiply(&self, a: i32, b: i32) -> RpcResult<i32>;
    #[method(name = "echo")]
    async fn echo(&self, record: Record) -> RpcResult<Record>;
}

struct Service {
    delay: Delay,
}

#[async_trait]
impl BenchServer for Service {
    async fn multiply(&self, a: i32, b: i32) -> RpcResult<i32> {
        self.delay.pass().await;
        Ok(a.wrapping_mul(b))
    }

    async fn echo(&self, record: Record) -> RpcResult<Record> {
        Ok(record)
    }
}

struct Caller<C>(Arc<C>);

impl<C> Clone for Caller<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ClientT + Send + Sync + 'static> Rpc for Caller<C> {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        Ok(BenchClient::multiply(&*self.0, a, b).await?)
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let record = Record {
            id,
            name: NAME.to_owned(),
            payload: payload.to_vec(),
        };
        let record = BenchClient::echo(&*self.0, record).await?;
        Ok((record.id, record.payload.len()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options();
    match (options.command, options.mode.as_str()) {
        (Command::Server(listen), _) => serve(listen).await,
        (Command::Client(load), "ws") => {
            drive(load, connect_ws, |work| drop(tokio::spawn(work.run()))).await
        }
        (Command::Client(load), "http") => {
            drive(load, connect_http, |work| drop(tokio::spawn(work.run()))).await
        }
        (_, other) => bail!("no such mode: {other}"),
    }
}

async fn connect_ws(load: &Load) -> Result<Caller<jsonrpsee::ws_client::WsClient>> {
    let client = WsClientBuilder::default()
        .max_concurrent_requests(CALLS)
        .max_request_size(LONGEST)
        .max_response_size(LONGEST)
        .set_tcp_no_delay(true)
        .build(format!("ws://{}", load.addr()?));
    Ok(Caller(Arc::new(client.await?)))
}

async fn connect_http(load: &Load) -> Result<Caller<jsonrpsee::http_client::HttpClient>> {
    let client = HttpClientBuilder::default()
        .max_concurrent_requests(CALLS)
        .max_request_size(LONGEST)
        .max_response_size(LONGEST)
        .set_tcp_no_delay(true)
        .build(format!("http://{}", load.addr()?));
    Ok(Caller(Arc::new(client?)))
}

async fn serve(listen: Listen) -> Result<()> {
    let config = ServerConfig::builder()
        .max_connections(CALLS as u32)
        .max_request_body_size(LONGEST)
        .max_response_body_size(LONGEST)
        .set_message_buffer_capacity(CALLS as u32)
        .set_tcp_no_delay(true)
        .build();
    let server = Server::builder()
        .set_config(config)
        .build(listen.addr)
        .await?;
    announce(&[server.local_addr()?])?;
    let delay = listen.delay();
    server.start(Service { delay }.into_rpc()).stopped().await;
    Ok(())
}
