//! A peer made of bytes: it sends exactly what it is told and shows exactly what it gets.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use wgrpc_core::{Address, Protocol, Server};
use wgrpc_gob::Gob;

use crate::support::soon;

pub(crate) const CONNECT: &[u8] = b"CONNECT /_wgprc_ HTTP/1.0\n\n";
pub(crate) const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Wg RPC\n\n";

/// How long the Option of our own client is.
pub(crate) const OPTION_LEN: usize = 512;

/// The codecs that every peer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gob,
    Json,
}

impl Codec {
    pub(crate) const BOTH: [Self; 2] = [Self::Gob, Self::Json];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gob => "application/gob",
            Self::Json => "application/json",
        }
    }

    /// The Option of a Go client, with its line end.
    pub(crate) fn option(self) -> Vec<u8> {
        self.option_with("\"HandleTimeout\":0")
    }

    /// An Option that ends with these fields.
    pub(crate) fn option_with(self, fields: &str) -> Vec<u8> {
        let name = self.name();
        format!(
            "{{\"MagicNumber\":57775718,\"CodecType\":\"{name}\",\
             \"ConnectTimeout\":10000000000,{fields}}}\n"
        )
        .into_bytes()
    }
}

/// A header as Go has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Header {
    pub(crate) service_method: String,
    pub(crate) seq: u64,
    pub(crate) error: String,
}

impl Header {
    pub(crate) fn new(method: &str, seq: u64) -> Self {
        Self {
            service_method: method.to_owned(),
            seq,
            error: String::new(),
        }
    }
}

/// A header with everything that we may put into one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct FullHeader {
    pub(crate) service_method: String,
    pub(crate) seq: u64,
    pub(crate) error: String,
    pub(crate) ext: u64,
    pub(crate) code: u64,
    pub(crate) meta: BTreeMap<String, String>,
    pub(crate) method: u64,
}

/// One direction of a connection: composes what is sent.
pub(crate) struct Speech {
    codec: Codec,
    gob: wgrpc_gob::Encoder,
}

impl Speech {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            codec,
            gob: wgrpc_gob::Encoder::new(),
        }
    }

    /// The bytes of one value.
    pub(crate) fn value<T: Serialize + Gob + ?Sized>(&mut self, value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.codec {
            Codec::Gob => self.gob.encode(value, &mut bytes).unwrap(),
            Codec::Json => {
                serde_json::to_writer(&mut bytes, value).unwrap();
                bytes.push(b'\n');
            }
        }
        bytes
    }

    /// A header and a body.
    pub(crate) fn pair<H, B>(&mut self, header: &H, body: &B) -> Vec<u8>
    where
        H: Serialize + Gob,
        B: Serialize + Gob + ?Sized,
    {
        [self.value(header), self.value(body)].concat()
    }

    /// A request.
    pub(crate) fn request<A>(&mut self, method: &str, seq: u64, args: &A) -> Vec<u8>
    where
        A: Serialize + Gob + ?Sized,
    {
        self.pair(&Header::new(method, seq), args)
    }

    /// The response with a result.
    pub(crate) fn reply<R: Serialize + Gob + ?Sized>(&mut self, seq: u64, reply: &R) -> Vec<u8> {
        self.pair(&Header::new("", seq), reply)
    }

    /// The response with an error.
    pub(crate) fn error(&mut self, seq: u64, text: &str) -> Vec<u8> {
        let header = Header {
            error: text.to_owned(),
            ..Header::new("", seq)
        };
        self.pair(&header, &())
    }
}

/// The other direction: takes apart what is heard.
pub(crate) struct Hearing {
    codec: Codec,
    gob: wgrpc_gob::Decoder,
    json: Vec<u8>,
}

impl Hearing {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            codec,
            gob: wgrpc_gob::Decoder::new(),
            json: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self.codec {
            Codec::Gob => self.gob.push(bytes),
            Codec::Json => self.json.extend(bytes),
        }
    }

    /// The next value, if all of it has been heard.
    pub(crate) fn value<T: DeserializeOwned>(&mut self) -> Option<T> {
        match self.codec {
            Codec::Gob => self.gob.decode().unwrap(),
            Codec::Json => {
                // What we write ends with a line end.
                let end = 1 + self.json.iter().position(|&byte| byte == b'\n')?;
                let line: Vec<u8> = self.json.drain(..end).collect();
                Some(serde_json::from_slice(&line).unwrap())
            }
        }
    }

    /// The next value, whatever it is; says whether there was one.
    pub(crate) fn skip(&mut self) -> bool {
        match self.codec {
            Codec::Gob => self.gob.skip().unwrap(),
            Codec::Json => self.value::<serde::de::IgnoredAny>().is_some(),
        }
    }

    /// Every response in `bytes`, whose replies are of one type.
    pub(crate) fn responses<R: DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Vec<Response<R>> {
        let mut hearing = Self::new(codec);
        hearing.push(bytes);
        let mut responses = Vec::new();
        while let Some(header) = hearing.value::<FullHeader>() {
            let result = if header.error.is_empty() {
                Ok(hearing.value().expect("a reply without a body"))
            } else {
                assert!(hearing.skip(), "an error without a body");
                Err(header.error.clone())
            };
            responses.push(Response { header, result });
        }
        responses
    }
}

/// A response, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Response<R> {
    pub(crate) header: FullHeader,
    pub(crate) result: Result<R, String>,
}

/// One end of a connection.
pub(crate) struct Raw {
    read: Box<dyn AsyncRead + Send + Unpin>,
    write: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    pub(crate) speech: Speech,
    hearing: Hearing,
}

impl Raw {
    /// Speaks over a stream that is connected.
    pub(crate) fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static, codec: Codec) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self {
            read: Box::new(read),
            write: Some(Box::new(write)),
            speech: Speech::new(codec),
            hearing: Hearing::new(codec),
        }
    }

    /// Connects to a listener. Nothing is sent, not even to an `http@` address.
    pub(crate) async fn connect(address: &Address, codec: Codec) -> Self {
        if address.protocol() == Protocol::Unix {
            return Self::over(UnixStream::connect(address.target()).await.unwrap(), codec);
        }
        let stream = TcpStream::connect(address.target()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, codec)
    }

    /// A connection to a server in memory, through buffers of this size.
    pub(crate) fn in_memory(server: &Server, buffer: usize, codec: Codec) -> Self {
        let (ours, theirs) = tokio::io::duplex(buffer);
        serve(server, theirs);
        Self::over(ours, codec)
    }

    /// The same, and the handshake is done.
    pub(crate) async fn greeted(server: &Server, codec: Codec) -> Self {
        let mut raw = Self::in_memory(server, 64 << 10, codec);
        raw.send(&codec.option()).await;
        raw
    }

    /// Sends all of `bytes`. That the other end has gone shows when reading.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let Some(write) = &mut self.write else {
            panic!("sending after the end")
        };
        if soon(write.write_all(bytes)).await.is_ok() {
            let _ = soon(write.flush()).await;
        }
    }

    /// Sends `bytes` one by one; in memory the other end sees each of them alone.
    pub(crate) async fn trickle(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.send(&[*byte]).await;
            settle().await;
        }
    }

    /// Sends a request.
    pub(crate) async fn request<A>(&mut self, method: &str, seq: u64, args: &A)
    where
        A: Serialize + Gob + ?Sized,
    {
        let bytes = self.speech.request(method, seq, args);
        self.send(&bytes).await;
    }

    /// Sends `bytes`, for as long as that takes, while this end goes on reading. Nothing can be
    /// sent behind them.
    pub(crate) fn send_meanwhile(&mut self, bytes: Vec<u8>) -> JoinHandle<()> {
        let Some(mut write) = self.write.take() else {
            panic!("sending after the end")
        };
        tokio::spawn(async move {
            // That the other end has gone shows when reading. The connection stays open.
            let _ = write.write_all(&bytes).await;
            std::future::pending().await
        })
    }

    /// Ends the sending side.
    pub(crate) async fn finish(&mut self) {
        if let Some(mut write) = self.write.take() {
            let _ = soon(write.shutdown()).await;
        }
    }

    /// Reads what there is, at least one byte; nothing at the end.
    pub(crate) async fn some(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 64 << 10];
        let count = soon(self.read.read(&mut bytes)).await.unwrap_or(0);
        bytes.truncate(count);
        bytes
    }

    /// Takes what was read for the beginning of the next value.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.hearing.push(bytes);
    }

    /// Reads exactly these bytes.
    pub(crate) async fn expect(&mut self, expected: &[u8]) {
        let mut bytes = vec![0; expected.len()];
        soon(self.read.read_exact(&mut bytes)).await.unwrap();
        assert_eq!(
            bytes.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    /// Reads `count` bytes.
    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        soon(self.read.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// Reads until the other end has closed, however it does.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match self.some().await {
                bytes if bytes.is_empty() => return all,
                bytes => all.extend(bytes),
            }
        }
    }

    /// The next value that is heard; `None` at the end of the stream.
    pub(crate) async fn value<T: DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            if let Some(value) = self.hearing.value() {
                return Some(value);
            }
            match self.some().await {
                bytes if bytes.is_empty() => return None,
                bytes => self.hearing.push(&bytes),
            }
        }
    }

    /// The next response; `None` at the end of the stream.
    pub(crate) async fn response<R: DeserializeOwned>(&mut self) -> Option<Response<R>> {
        let header: FullHeader = self.value().await?;
        let result = if header.error.is_empty() {
            Ok(self.value().await?)
        } else {
            self.value::<serde::de::IgnoredAny>().await?;
            Err(header.error.clone())
        };
        Some(Response { header, result })
    }

    /// As a server: the next request; `None` at the end of the stream.
    pub(crate) async fn asked<A: DeserializeOwned>(&mut self) -> Option<(FullHeader, A)> {
        let header = self.value().await?;
        Some((header, self.value().await?))
    }
}

/// Serves one end of a pipe.
pub(crate) fn serve(server: &Server, stream: DuplexStream) {
    let server = server.clone();
    tokio::spawn(async move { server.serve_connection(stream).await });
}

/// Lets everybody who is runnable have some turns.
pub(crate) async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}
