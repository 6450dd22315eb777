//! Servers that say who they are.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};
use wgrpc_cluster::{Endpoint, ServerList, XClient};
use wgrpc_core::{Address, CallOptions, Error, Fault, Method, Server, ServerBuilder, Service};
use wgrpc_gob::adapt::Go;

/// A server, and how many calls it has executed.
pub(crate) struct Who {
    pub(crate) server: Server,
    pub(crate) address: Address,
    pub(crate) calls: Arc<AtomicU64>,
}

impl Who {
    /// A server that calls itself `name`.
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_at(name, "tcp@127.0.0.1:0".parse().unwrap()).await
    }

    /// The same at a certain address.
    pub(crate) async fn start_at(name: &str, address: Address) -> Self {
        Self::start_with(name, address, |builder| builder).await
    }

    /// The same with options.
    pub(crate) async fn start_with(
        name: &str,
        address: Address,
        options: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let calls = Arc::new(AtomicU64::new(0));
        let (mine, name) = (calls.clone(), name.to_owned());
        let failing = name.clone();
        let service = Service::new("Who")
            .method("Echo", Method::function(|bytes: Go<Bytes>, _| Ok(bytes)))
            .method(
                "Are",
                Method::future(move |milliseconds: u64, _| {
                    let (calls, name) = (mine.clone(), name.clone());
                    async move {
                        calls.fetch_add(1, Ordering::Relaxed);
                        if milliseconds > 0 {
                            sleep(Duration::from_millis(milliseconds)).await;
                        }
                        Ok(name)
                    }
                }),
            )
            .method(
                "Fails",
                Method::function(move |name: String, _| {
                    if name == failing {
                        return Err(Fault::new(format!("{name} does not want to")));
                    }
                    Ok(failing.clone())
                }),
            );
        let server = options(Server::builder().register(service))
            .start()
            .unwrap();
        // An earlier server may be about to let go of the address.
        let address = soon(async {
            loop {
                match server.listen(address.clone()).await {
                    Ok(address) => break address,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        });
        address.await;
        Self {
            address: server.address(),
            server,
            calls,
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.address.clone())
    }
}

/// Three servers.
pub(crate) async fn three() -> [Who; 3] {
    [
        Who::start("a").await,
        Who::start("b").await,
        Who::start("c").await,
    ]
}

/// A list of these servers.
pub(crate) fn list<'a>(servers: impl IntoIterator<Item = &'a Who>) -> ServerList {
    ServerList::new(servers.into_iter().map(Who::endpoint))
}

/// Waits until so many servers can be called.
pub(crate) async fn connected(client: &XClient, count: usize) {
    soon(async {
        while client.servers().iter().filter(|s| s.is_usable).count() != count {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// How many of so many calls each server has answered.
pub(crate) async fn tally(client: &XClient, calls: usize) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for _ in 0..calls {
        let name: String = soon(client.call("Who.Are", &0u64)).await.unwrap();
        *tally.entry(name).or_default() += 1;
    }
    tally
}

/// Bytes that are so many that they are sent from where they are.
pub(crate) fn long_bytes() -> Go<Bytes> {
    Go((0..1 << 20).map(|index: u32| index as u8).collect())
}

/// Fails instead of hanging.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.unwrap()
}

/// Calls as fast as eight callers can until told to stop.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    callers: Vec<tokio::task::JoinHandle<Vec<Error>>>,
}

impl Traffic {
    pub(crate) fn start(client: &XClient, options: &CallOptions) -> Self {
        let (stop, done) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let caller = || {
            let (client, options) = (client.clone(), options.clone());
            let (stop, done) = (stop.clone(), done.clone());
            tokio::spawn(async move {
                let mut errors = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let call = client.call_with::<_, String>("Who.Are", &1u64, options.clone());
                    match call.await {
                        Ok(_) => {
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => errors.push(error),
                    }
                }
                errors
            })
        };
        let callers = (0..8).map(|_| caller()).collect();
        Self {
            stop,
            done,
            callers,
        }
    }

    /// Waits until so many more calls have succeeded.
    pub(crate) async fn goes_on(&self, calls: u64) {
        let until = self.done.load(Ordering::Relaxed) + calls;
        soon(async {
            while self.done.load(Ordering::Relaxed) < until {
                sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    pub(crate) async fn end(self) -> Vec<Error> {
        self.stop.store(true, Ordering::Relaxed);
        let mut errors = Vec::new();
        for caller in self.callers {
            errors.extend(soon(caller).await.unwrap());
        }
        errors
    }
}
