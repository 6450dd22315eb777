//! What goes wrong: by chance, for a while, and over when its time is.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wgrpc_core::Result;

use crate::load::Caller;
use crate::network::{Death, Host, Network};
use crate::registry_node::RegistryNode;
use crate::servers::Node;
use crate::trace::Trace;

/// Those to whom something can happen.
#[derive(Clone)]
pub(crate) struct Victims {
    pub(crate) network: Network,
    pub(crate) trace: Trace,
    /// All servers, and how many of them, from the first on, something may happen to.
    pub(crate) servers: Vec<Node>,
    pub(crate) doomed: usize,
    pub(crate) registry: RegistryNode,
    pub(crate) clients: Vec<Host>,
    pub(crate) callers: Arc<Vec<Caller>>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Links to and from the server are cut.
    Apart,
    /// Nothing arrives there.
    Deaf,
    /// Nothing comes from there.
    Mute,
    /// Segments are lost, or slow.
    Bad { latency: u64, loss: f64 },
    /// The process is killed and comes back.
    Crash,
    /// So is the whole machine.
    PowerCut,
    /// The server is shut down as one should, and comes back.
    Restart,
    /// The process does not run.
    Freeze,
    /// Everything takes longer there.
    Slow(u64),
    /// The client does not know of the server.
    Unlisted,
    /// The registry's process is killed, and starts again knowing nobody.
    RegistryCrash,
    /// So it is with its machine.
    RegistryPowerCut,
    /// The registry does not run.
    RegistryFreeze,
    /// Neither the clients nor the server reach the registry.
    RegistryApart,
}

impl Victims {
    /// Lets things go wrong until `end`, when all is well again.
    pub(crate) async fn suffer(self, mut chance: fastrand::Rng, end: Instant) {
        let mut faults = JoinSet::new();
        while Instant::now() < end {
            let fault = any_fault(&mut chance);
            let longest = match chance.u8(..3) {
                0 => 500,
                1 => 5_000,
                _ => 20_000,
            };
            let time = Duration::from_millis(chance.u64(1..=longest));
            let time = time.min(end.saturating_duration_since(Instant::now()));
            let server = self.servers[chance.usize(..self.doomed)].clone();
            // One client in three cases, all in the others.
            let clients = match chance.u8(..3) {
                0 => vec![chance.usize(..self.clients.len())],
                _ => (0..self.clients.len()).collect(),
            };
            let victims = self.clone();
            faults.spawn(async move { victims.happen(fault, &server, &clients, time).await });
            let pause = Duration::from_millis(chance.u64(1..=4_000));
            sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
        }
        while let Some(ended) = faults.join_next().await {
            if let Ok(Err(error)) = ended {
                self.trace
                    .wrong(format_args!("a server does not start: {error}"));
            }
        }
    }

    /// Lets one thing go wrong for a while.
    async fn happen(
        &self,
        fault: Fault,
        server: &Node,
        clients: &[usize],
        time: Duration,
    ) -> Result<()> {
        let host = server.host();
        self.trace.note(format_args!(
            "fault: {fault:?} at server {host} for clients {clients:?}, for {time:?}"
        ));
        let network = &self.network;
        let hosts = || clients.iter().map(|&client| self.clients[client]);
        match fault {
            Fault::Apart | Fault::Deaf | Fault::Mute => {
                let to = matches!(fault, Fault::Apart | Fault::Deaf);
                let from = matches!(fault, Fault::Apart | Fault::Mute);
                let links = hosts().flat_map(|client| {
                    let there = to.then_some((client, host));
                    there.into_iter().chain(from.then_some((host, client)))
                });
                let links: Vec<(Host, Host)> = links.collect();
                links.iter().for_each(|&(from, to)| network.cut(from, to));
                sleep(time).await;
                links.iter().for_each(|&(from, to)| network.mend(from, to));
            }
            Fault::Bad { latency, loss } => {
                let tune = |latency: u64, loss| {
                    for client in hosts() {
                        network.tune(client, host, 1..=latency, loss);
                        network.tune(host, client, 1..=latency, loss);
                    }
                };
                tune(latency, loss);
                sleep(time).await;
                tune(10, 0.0);
            }
            Fault::Crash | Fault::PowerCut | Fault::Restart if !server.is_running() => {}
            Fault::Crash => {
                server.kill(Death::Process);
                sleep(time).await;
                server.start()?;
            }
            Fault::PowerCut => {
                server.kill(Death::Machine);
                sleep(time).await;
                server.start()?;
            }
            Fault::Restart => {
                server.shut_down().await;
                sleep(time).await;
                server.start()?;
            }
            Fault::Freeze => {
                network.freeze(host);
                sleep(time).await;
                network.thaw(host);
            }
            Fault::Slow(milliseconds) => {
                server.slow_down(milliseconds);
                sleep(time).await;
                server.slow_down(0);
            }
            Fault::RegistryCrash | Fault::RegistryPowerCut if !self.registry.is_running() => {}
            Fault::RegistryCrash | Fault::RegistryPowerCut => {
                self.registry.kill(match fault {
                    Fault::RegistryCrash => Death::Process,
                    _ => Death::Machine,
                });
                sleep(time).await;
                self.registry.start();
            }
            Fault::RegistryFreeze => {
                network.freeze(self.registry.host());
                sleep(time).await;
                network.thaw(self.registry.host());
            }
            Fault::RegistryApart => {
                let registry = self.registry.host();
                let those = hosts().chain([host]);
                let links: Vec<_> = those
                    .flat_map(|there| [(there, registry), (registry, there)])
                    .collect();
                links.iter().for_each(|&(from, to)| network.cut(from, to));
                sleep(time).await;
                links.iter().for_each(|&(from, to)| network.mend(from, to));
            }
            Fault::Unlisted => {
                self.list(clients, |known| known != host);
                sleep(time).await;
                self.list(clients, |_| true);
            }
        }
        self.trace
            .note(format_args!("over: {fault:?} at server {host}"));
        Ok(())
    }

    /// Tells clients of these servers only.
    fn list(&self, clients: &[usize], is_known: impl Fn(Host) -> bool) {
        for &client in clients {
            let known = self.servers.iter().filter(|server| is_known(server.host()));
            let endpoints = known.filter_map(|server| server.endpoint().ok());
            self.callers[client].knows(endpoints.collect());
        }
    }
}

fn any_fault(chance: &mut fastrand::Rng) -> Fault {
    match chance.u8(..16) {
        0 => Fault::Apart,
        1 => Fault::Deaf,
        2 => Fault::Mute,
        3 => Fault::Bad {
            latency: chance.u64(10..=500),
            loss: 0.0,
        },
        4 => Fault::Bad {
            latency: chance.u64(1..=50),
            loss: chance.f64() / 2.0,
        },
        5 | 6 => Fault::Crash,
        7 => Fault::PowerCut,
        8 => Fault::Restart,
        9 => Fault::Freeze,
        10 => Fault::Slow(chance.u64(50..=5_000)),
        11 => Fault::Unlisted,
        12 => Fault::RegistryCrash,
        13 => Fault::RegistryPowerCut,
        14 => Fault::RegistryFreeze,
        _ => Fault::RegistryApart,
    }
}
