//! The calls: in a closed loop, where one that has ended is followed by the next at once, or at a
//! steady rate.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::args::{Load, Workload};
use crate::hold;
use crate::rpc::Rpc;
use crate::window::Window;

/// How many failures it takes until a caller gives up.
const PATIENCE: u32 = 100;

/// Connects, makes the calls, and prints what came of them. `spawn` spawns [`Work::run`].
pub async fn drive<R: Rpc>(
    load: Load,
    connect: impl AsyncFn(&Load) -> Result<R>,
    spawn: impl Fn(Work<R>),
) -> Result<()> {
    let clients = connect_all(&load, load.conns, connect).await?;
    if load.workload == Workload::Idle {
        return hold().await;
    }
    let window = Window::new(load);
    for (number, client) in clients.into_iter().enumerate() {
        Work::share_out(&window, client, number, &spawn);
    }
    window.run().await
}

/// Makes so many connections. If they are then to be idle, each makes its call.
pub async fn connect_all<R: Rpc>(
    load: &Load,
    conns: usize,
    connect: impl AsyncFn(&Load) -> Result<R>,
) -> Result<Vec<R>> {
    let mut clients = Vec::new();
    for _ in 0..conns {
        let client = connect(load).await.context("no connection")?;
        if load.workload == Workload::Idle {
            ensure!(client.multiply(6, 7).await? == 42, "a wrong product");
        }
        clients.push(client);
    }
    Ok(clients)
}

/// What one task does.
pub struct Work<R> {
    client: R,
    plan: Plan,
    window: Arc<Window>,
    /// While there is one the run is not over.
    _token: TaskTrackerToken,
}

enum Plan {
    /// Callers that each keep a call outstanding; their first numbers.
    Loop(Range<u64>),
    /// A call whenever one is due; its first number.
    Paced(u64, mpsc::UnboundedReceiver<Instant>),
}

impl<R: Rpc> Work<R> {
    /// Spawns what is to be done on this connection.
    pub fn share_out(window: &Arc<Window>, client: R, number: usize, spawn: impl Fn(Self)) {
        let work = |plan| Self {
            client: client.clone(),
            plan,
            window: window.clone(),
            _token: window.token(),
        };
        let load = window.load();
        let outstanding = load.outstanding as u64;
        let first = number as u64 * outstanding;
        if let Some(due) = window.paces() {
            spawn(work(Plan::Paced(first, due)));
        } else if load.joined {
            spawn(work(Plan::Loop(first..first + outstanding)));
        } else {
            for caller in first..first + outstanding {
                spawn(work(Plan::Loop(caller..caller + 1)));
            }
        }
    }

    /// Makes the calls.
    pub async fn run(mut self) {
        match &mut self.plan {
            Plan::Loop(callers) if callers.end - callers.start == 1 => {
                let caller = callers.start;
                self.keep_calling(caller).await;
            }
            Plan::Loop(callers) => {
                let callers = callers.clone().map(|caller| self.keep_calling(caller));
                join_all(callers).await;
            }
            Plan::Paced(caller, due) => {
                let mut number = *caller << 32;
                let (client, window) = (&self.client, &*self.window);
                let mut calls = FuturesUnordered::new();
                loop {
                    tokio::select! {
                        at = due.recv() => match at {
                            Some(at) => {
                                number += 1;
                                calls.push(call(client, window, number, at));
                            }
                            None => break,
                        },
                        Some(_) = calls.next(), if !calls.is_empty() => {}
                    }
                }
                while calls.next().await.is_some() {}
            }
        }
    }

    async fn keep_calling(&self, caller: u64) {
        let mut patience = PATIENCE;
        // Far apart, so that no two callers expect the same replies.
        let mut number = caller << 32;
        while patience > 0 && self.window.admits() {
            number += 1;
            if !call(&self.client, &self.window, number, Instant::now()).await {
                patience -= 1;
            }
        }
    }
}

/// Makes a call that is due at this time. Says whether it went well.
async fn call<R: Rpc>(client: &R, window: &Window, number: u64, due: Instant) -> bool {
    let result = match window.load().workload {
        Workload::Echo => echo(client, window, number).await,
        Workload::Multiply | Workload::Idle => multiply(client, number).await,
    };
    match &result {
        Ok(()) => window.ended(due.elapsed()),
        Err(error) => window.failed(format!("{error:#}")),
    }
    result.is_ok()
}

async fn multiply<R: Rpc>(client: &R, number: u64) -> Result<()> {
    let (a, b) = ((number & 0x3fff) as i32 + 1, 7);
    ensure!(client.multiply(a, b).await? == a * b, "a wrong product");
    Ok(())
}

async fn echo<R: Rpc>(client: &R, window: &Window, number: u64) -> Result<()> {
    let echo = client.echo(number, &window.payload).await?;
    ensure!(echo == (number, window.payload.len()), "a wrong echo");
    Ok(())
}
