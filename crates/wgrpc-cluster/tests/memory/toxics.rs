//! A bad network between a client and a server: whatever it does, every call ends in time, says
//! the truth, and all is well soon after the network is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wgrpc_cluster::{ServerList, XClient};
use wgrpc_core::{CallOptions, Cause, Client, Error, Executed, GOB, JSON, Method, Server, Service};

use crate::fleet::endpoint;
use crate::proxy::{Proxy, Toxic};

const DEADLINE: Duration = Duration::from_secs(2);

/// How late a call may end, after its time is up.
const LATE: Duration = Duration::from_millis(100);

/// A server behind a proxy, its client, and who was executed how often.
struct World {
    proxy: Proxy,
    client: XClient,
    executed: Arc<Mutex<BTreeMap<u64, u32>>>,
    next: u64,
}

/// What became of calls.
#[derive(Debug, Default)]
struct Report {
    succeeded: usize,
    failed: usize,
    latencies: Vec<Duration>,
}

impl World {
    async fn new(codec: &str) -> Self {
        let executed: Arc<Mutex<BTreeMap<u64, u32>>> = Arc::default();
        let counted = executed.clone();
        let echo = Method::function(move |request: Vec<u64>, _| {
            let id = request.first().copied().unwrap_or(u64::MAX);
            *counted.lock().entry(id).or_default() += 1;
            Ok(request)
        });
        let server = Server::builder()
            .register(Service::new("Echo").method("Numbers", echo))
            .start()
            .unwrap();
        let proxy = Proxy::new();
        let through = proxy.clone();
        let client = XClient::builder()
            .client(Client::builder().codec(codec))
            .dial(move |connector, address| {
                let (proxy, server) = (through.clone(), server.clone());
                async move {
                    let Some((ours, theirs)) = proxy.connect().await else {
                        let (address, cause) = (address.to_string(), Cause::new("it is down"));
                        return Err(Error::Connect { address, cause });
                    };
                    tokio::spawn(async move { server.serve_connection(theirs).await });
                    Ok(connector.from_stream(ours))
                }
            })
            .start(ServerList::new([endpoint(0)]))
            .unwrap();
        client.ready().await;
        Self {
            proxy,
            client,
            executed,
            next: 0,
        }
    }

    /// Ten calls a second for so long, every other one idempotent; all of them have ended then.
    /// With `is_exact`, replies and what is said about executions have to be true.
    async fn call(&mut self, time: Duration, is_exact: bool) -> Report {
        let end = Instant::now() + time;
        let mut calls = JoinSet::new();
        while Instant::now() < end {
            let id = self.next;
            self.next += 1;
            let (client, executed) = (self.client.clone(), self.executed.clone());
            calls.spawn(async move {
                let is_idempotent = id.is_multiple_of(2);
                let mut options = CallOptions::new().timeout(DEADLINE);
                if is_idempotent {
                    options = options.idempotent();
                }
                let request: Vec<u64> = (id..=id + id % 100).collect();
                let begun = Instant::now();
                let result = client
                    .call_with::<_, Vec<u64>>("Echo.Numbers", &request, options)
                    .await;
                let took = begun.elapsed();
                assert!(took <= DEADLINE + LATE, "{took:?}: {result:?}");
                let executions = || executed.lock().get(&id).copied().unwrap_or_default();
                if let (Ok(reply), true) = (&result, is_exact) {
                    assert_eq!(*reply, request);
                }
                if let (Err(error), true) = (&result, is_exact) {
                    let executed = error.is_executed();
                    assert!(executed != Executed::No || executions() == 0, "{error}");
                }
                (result.is_ok(), took)
            });
            sleep(Duration::from_millis(100)).await;
        }
        let mut report = Report::default();
        for (is_ok, took) in calls.join_all().await {
            *match is_ok {
                true => &mut report.succeeded,
                false => &mut report.failed,
            } += 1;
            report.latencies.push(took);
        }
        report.latencies.sort_unstable();
        report
    }

    fn check_executions(&self) {
        for (id, count) in &*self.executed.lock() {
            let most = if id.is_multiple_of(2) { 3 } else { 1 };
            assert!(*count <= most, "call {id} was executed {count} times");
        }
    }
}

/// Half a minute of a toxic, and what has to be true of it and after it.
async fn suffer(codec: &str, toxic: Toxic) -> Report {
    let before = Handle::current().metrics().num_alive_tasks();
    let mut world = World::new(codec).await;
    let is_exact = toxic != Toxic::Corrupt;
    world.proxy.set(toxic);
    let report = world.call(Duration::from_secs(30), is_exact).await;
    world.proxy.set(Toxic::Clear);
    // One that could not be connected to for long is dialled again after 36 s at most, and at once
    // if calls wait for it; one that was left out, after a minute.
    sleep(Duration::from_secs(5)).await;
    let well = world.call(Duration::from_secs(10), is_exact).await;
    assert_eq!(well.failed, 0, "{toxic:?}, {codec}: {well:?}");
    if is_exact {
        world.check_executions();
    }
    for server in world.client.servers() {
        assert_eq!(server.in_flight, 0, "{toxic:?}, {codec}");
    }
    drop(world);
    sleep(Duration::from_secs(40)).await;
    let left = Handle::current().metrics().num_alive_tasks();
    assert_eq!(left, before, "{toxic:?}, {codec}: tasks are left");
    report
}

#[tokio::test(start_paused = true)]
async fn whatever_a_network_does_every_call_ends_in_time_and_says_the_truth() {
    for codec in [GOB, JSON] {
        for toxic in [
            Toxic::Latency(300),
            Toxic::Bandwidth(2_000),
            Toxic::Slicer,
            Toxic::Down,
            Toxic::SlowClose(3_000),
            Toxic::Timeout(1_000),
            Toxic::LimitData(2_000),
            Toxic::Corrupt,
            Toxic::Forget,
            Toxic::Stall {
                to_server: true,
                to_client: true,
            },
            Toxic::Stall {
                to_server: true,
                to_client: false,
            },
            Toxic::Stall {
                to_server: false,
                to_client: true,
            },
            Toxic::Loss(0.05),
        ] {
            suffer(codec, toxic).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_percent_of_loss_costs_no_call() {
    let report = suffer(GOB, Toxic::Loss(0.01)).await;
    assert_eq!(report.failed, 0, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_forgotten_while_idle_costs_the_next_call_200_ms_at_most() {
    for codec in [GOB, JSON] {
        let mut world = World::new(codec).await;
        world.call(Duration::from_secs(5), true).await;
        for _ in 0..5 {
            sleep(Duration::from_secs(60)).await;
            world.proxy.set(Toxic::Forget);
            let made = world.proxy.made();
            let begun = Instant::now();
            let options = CallOptions::new()
                .idempotent()
                .timeout(Duration::from_millis(2_500));
            let call =
                (world.client).call_with::<_, Vec<u64>>("Echo.Numbers", &[1u64][..], options);
            assert_eq!(call.await.unwrap(), [1]);
            let took = begun.elapsed();
            assert!(took <= Duration::from_millis(200), "{took:?}");
            assert_eq!(world.proxy.made(), made + 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn small_calls_wait_for_a_long_one_on_their_connection_and_no_longer() {
    // Three bytes each, and so it takes 3 s each way.
    const NUMBERS: usize = 100_000;
    let transfer = Duration::from_secs(3);
    let mut world = World::new(GOB).await;
    world.proxy.set(Toxic::Bandwidth(100_000));
    let control = world.call(Duration::from_secs(3), true).await;
    let client = world.client.clone();
    let long = tokio::spawn(async move {
        let request: Vec<u64> = vec![0xFFFF; NUMBERS];
        let options = CallOptions::new().timeout(Duration::from_secs(30));
        let call = client.call_with::<_, Vec<u64>>("Echo.Numbers", &request, options);
        call.await.unwrap().len()
    });
    let mut slowest = Duration::ZERO;
    while !long.is_finished() {
        let begun = Instant::now();
        let options = CallOptions::new().timeout(Duration::from_secs(30));
        let call = (world.client).call_with::<_, Vec<u64>>("Echo.Numbers", &[1u64][..], options);
        call.await.unwrap();
        slowest = slowest.max(begun.elapsed());
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(long.await.unwrap(), NUMBERS);
    // Behind the long request on the way there, and then behind its reply on the way back.
    let most = 2 * transfer.mul_f64(1.1);
    assert!(slowest <= most, "{slowest:?}, at most {most:?}");
    assert_eq!(control.failed, 0);
}
