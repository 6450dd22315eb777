//! The least that a framework does: calls that can be awaited, from anywhere, over one connection.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use peer_load::{Delay, Load, NAME, Rpc};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::frames::{ECHO, Frame, Frames, MULTIPLY, Output, UNWRITTEN};

/// How many calls, or replies, may wait for the connection's task.
const QUEUE: usize = 4096;

/// Whether a connection's task writes as soon as there is something to write, or lets all other
/// tasks have a turn before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eager {
    Yes,
    No,
}

/// A connected client.
#[derive(Clone)]
pub(crate) struct Mux(mpsc::Sender<Call>);

struct Call {
    request: Request,
    reply: oneshot::Sender<Reply>,
}

enum Request {
    Multiply(i32, i32),
    Echo(u64, Bytes),
}

/// The body of a reply, as a caller can own it.
enum Reply {
    Product(i32),
    Record(u64, Vec<u8>),
}

impl Mux {
    pub(crate) async fn connect(load: &Load, eager: Eager) -> Result<Self> {
        let frames = Frames::new(TcpStream::connect(load.addr()?).await?)?;
        let (calls, queue) = mpsc::channel(QUEUE);
        let driver = Driver {
            frames,
            calls: queue,
            eager,
            waiting: Vec::new(),
            free: Vec::new(),
        };
        tokio::spawn(driver.run());
        Ok(Self(calls))
    }

    async fn call(&self, request: Request) -> Result<Reply> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(Call { request, reply }).await;
        sent.ok().context("the connection has ended")?;
        Ok(answer.await?)
    }
}

impl Rpc for Mux {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        match self.call(Request::Multiply(a, b)).await? {
            Reply::Product(product) => Ok(product),
            Reply::Record(..) => anyhow::bail!("a record for a product"),
        }
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        match self.call(Request::Echo(id, payload.clone())).await? {
            Reply::Record(id, payload) => Ok((id, payload.len())),
            Reply::Product(_) => anyhow::bail!("a product for a record"),
        }
    }
}

/// The task of a client's connection.
struct Driver {
    frames: Frames,
    calls: mpsc::Receiver<Call>,
    eager: Eager,
    /// Who waits for the reply of each id.
    waiting: Vec<Option<oneshot::Sender<Reply>>>,
    free: Vec<usize>,
}

impl Driver {
    async fn run(mut self) -> Result<()> {
        loop {
            let mut has_yielded = self.eager == Eager::Yes;
            if poll_fn(|cx| self.poll(cx, &mut has_yielded)).await? == 0 {
                return Ok(());
            }
            while let Some(Frame { id, body, .. }) = self.frames.input.next() {
                let id = id as usize;
                let reply = Reply::read(body).context("a short reply")?;
                if let Some(caller) = self.waiting.get_mut(id).and_then(Option::take) {
                    // It may have gone.
                    let _ = caller.send(reply);
                }
                self.free.push(id);
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, has_yielded: &mut bool) -> Poll<io::Result<usize>> {
        while let Poll::Ready(call) = self.calls.poll_recv(cx) {
            let Some(call) = call else {
                return Poll::Ready(Ok(0));
            };
            self.begin(call);
        }
        if self.frames.output.waiting() > 0 {
            if !*has_yielded {
                *has_yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Poll::Ready(Err(error)) = self.frames.poll_write(cx) {
                return Poll::Ready(Err(error));
            }
            *has_yielded = self.eager == Eager::Yes;
        }
        self.frames.poll_read(cx)
    }

    fn begin(&mut self, Call { request, reply }: Call) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.waiting.push(None);
            self.waiting.len() - 1
        });
        self.waiting[id] = Some(reply);
        let output = &mut self.frames.output;
        match request {
            Request::Multiply(a, b) => {
                let body = [a, b].map(i32::to_le_bytes);
                output.put(id as u64, MULTIPLY, &[&body[0], &body[1]]);
            }
            Request::Echo(record, payload) => {
                let body = [&record.to_le_bytes(), NAME.as_bytes(), &payload];
                output.put(id as u64, ECHO, &body);
            }
        }
    }
}

impl Reply {
    fn read(body: &[u8]) -> Option<Self> {
        let Some((id, rest)) = body.split_first_chunk() else {
            return Some(Self::Product(i32::from_le_bytes(*body.first_chunk()?)));
        };
        let payload = rest.get(NAME.len()..)?.to_vec();
        Some(Self::Record(u64::from_le_bytes(*id), payload))
    }
}

/// Serves a connection with a task for each request.
pub(crate) async fn answer(mut frames: Frames, delay: Delay) -> Result<()> {
    let (replies, mut done) = mpsc::channel::<Output>(QUEUE);
    loop {
        let read = tokio::select! {
            biased;
            Some(reply) = done.recv() => {
                frames.output.append(&reply);
                while let Ok(reply) = done.try_recv() {
                    frames.output.append(&reply);
                }
                continue;
            }
            read = frames.exchange(UNWRITTEN) => read?,
        };
        if read == 0 {
            return Ok(());
        }
        while let Some(Frame { id, method, body }) = frames.input.next() {
            let (body, replies) = (body.to_vec(), replies.clone());
            tokio::spawn(async move {
                if method == MULTIPLY {
                    delay.pass().await;
                }
                let mut reply = Output::default();
                let body = &body;
                reply.answer(Frame { id, method, body });
                // The connection may have ended.
                let _ = replies.send(reply).await;
            });
        }
    }
}
