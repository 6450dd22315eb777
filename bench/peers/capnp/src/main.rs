//! capnp-rpc.
//!
//! Its objects cannot leave their thread, so both sides have a thread for each processor and deal
//! the connections out to them.

use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use bytes::Bytes;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use futures::AsyncReadExt;
use futures::io::{BufReader, BufWriter, ReadHalf};
use peer_load::{
    Command, Delay, Listen, Load, NAME, Rpc, Window, Work, Workload, connect_all, hold, options,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use bench_capnp::bench;

mod bench_capnp {
    #![allow(warnings, clippy::all, reason = "it is generated")]
    include!(concat!(env!("OUT_DIR"), "/bench_capnp.rs"));
}

struct Service {
    delay: Delay,
}

impl bench::Server for Service {
    async fn multiply(
        self: Rc<Self>,
        params: bench::MultiplyParams,
        mut results: bench::MultiplyResults,
    ) -> Result<(), capnp::Error> {
        self.delay.pass().await;
        let params = params.get()?;
        results
            .get()
            .set_product(params.get_a().wrapping_mul(params.get_b()));
        Ok(())
    }

    async fn echo(
        self: Rc<Self>,
        params: bench::EchoParams,
        mut results: bench::EchoResults,
    ) -> Result<(), capnp::Error> {
        results.get().set_rep(params.get()?.get_req()?)
    }
}

#[derive(Clone)]
struct Caller(bench::Client);

impl Rpc for Caller {
    async fn multiply(&self, a: i32, b: i32) -> Result<i32> {
        let mut request = self.0.multiply_request();
        request.get().set_a(a);
        request.get().set_b(b);
        let reply = request.send().promise.await?;
        Ok(reply.get()?.get_product())
    }

    async fn echo(&self, id: u64, payload: &Bytes) -> Result<(u64, usize)> {
        let mut request = self.0.echo_request();
        let mut record = request.get().init_req();
        record.set_id(id);
        record.set_name(NAME);
        record.set_payload(payload);
        let reply = request.send().promise.await?;
        let record = reply.get()?.get_rep()?;
        Ok((record.get_id(), record.get_payload()?.len()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match options().command {
        Command::Server(listen) => serve(listen).await,
        Command::Client(load) => run(load).await,
    }
}

/// Runs what has to stay on one thread.
fn start_thread<F>(work: impl FnOnce() -> F + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new().spawn(move || LocalSet::new().block_on(&runtime, work()))?;
    Ok(())
}

type Network = twoparty::VatNetwork<BufReader<ReadHalf<Compat<TcpStream>>>>;

fn network(stream: TcpStream, side: Side) -> Result<Network> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.compat().split();
    let (reader, writer) = (BufReader::new(reader), BufWriter::new(writer));
    Ok(Network::new(reader, writer, side, Default::default()))
}

async fn serve(listen: Listen) -> Result<()> {
    let listener = listen.bind().await?;
    let mut threads = Vec::new();
    for _ in 0..available_parallelism()?.get() {
        let (thread, mut streams) = mpsc::unbounded_channel::<std::net::TcpStream>();
        start_thread(move || async move {
            let delay = listen.delay();
            let service: bench::Client = capnp_rpc::new_client(Service { delay });
            while let Some(stream) = streams.recv().await {
                let network = network(TcpStream::from_std(stream)?, Side::Server)?;
                let service = service.clone().client;
                spawn_local(RpcSystem::new(Box::new(network), Some(service)));
            }
            Ok(())
        })?;
        threads.push(thread);
    }
    for thread in threads.iter().cycle() {
        let (stream, _) = listener.accept().await?;
        thread
            .send(stream.into_std()?)
            .ok()
            .context("a thread has ended")?;
    }
    Ok(())
}

async fn connect(load: &Load) -> Result<Caller> {
    let network = network(TcpStream::connect(load.addr()?).await?, Side::Client)?;
    let mut system = RpcSystem::new(Box::new(network), None);
    let client = system.bootstrap(Side::Server);
    spawn_local(system);
    Ok(Caller(client))
}

async fn run(load: Load) -> Result<()> {
    let threads = available_parallelism()?.get().min(load.conns);
    let window = Window::new(load);
    let ready = Arc::new(Barrier::new(threads + 1));
    for thread in 0..threads {
        let (window, ready) = (window.clone(), ready.clone());
        start_thread(move || async move {
            let load = window.load();
            let numbers: Vec<_> = (thread..load.conns).step_by(threads).collect();
            let clients = connect_all(load, numbers.len(), connect).await;
            let clients = clients.inspect_err(|error| window.failed(format!("{error:#}")));
            for (number, client) in numbers.into_iter().zip(clients.unwrap_or_default()) {
                if load.workload != Workload::Idle {
                    Work::share_out(&window, client, number, |work| {
                        drop(spawn_local(work.run()))
                    });
                }
            }
            ready.wait();
            std::future::pending().await
        })?;
    }
    tokio::task::spawn_blocking(move || ready.wait()).await?;
    match window.load().workload {
        Workload::Idle => hold().await,
        Workload::Multiply | Workload::Echo => window.run().await,
    }
}
