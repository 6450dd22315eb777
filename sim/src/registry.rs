//! One registry with all its servers and clients: how many requests a second that is, and how many
//! bytes.
//!
//! The registry is the real one, without its sockets. The clock is paused and jumps, so minutes of
//! many clients take seconds, and a seed decides everything. Servers beat every 30 s
//! and are restarted one after the other; clients learn of that in one of several [`Way`]s.
//! `registry/bytes.rs` knows what requests and answers are on the wire.

mod bytes;

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fastrand::Rng;
use http_body_util::BodyExt as _;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderValue};
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use tokio::runtime::Builder as Runtime;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until};
use wgrpc_registry::{MembershipConfig, MemoryStore, Registry, RegistryLimits, api};

/// Between two beats of a server, ±10 %; and the time to live that it asks for.
const BEAT: Duration = Duration::from_secs(30);
const TTL: HeaderValue = HeaderValue::from_static("90000");
const META: HeaderValue = HeaderValue::from_static(r#"{"weight":1,"version":"1.4.2"}"#);

/// How many servers are restarted in a minute, of a hundred.
const RESTARTS: f64 = 1.0;

/// How long a server is away when it is restarted.
const AWAY: Duration = Duration::from_secs(5);

/// Between two polls of a client, ±10 %.
const POLL: Duration = Duration::from_secs(10);

/// How long a client lets a watch wait, and how long it waits itself after each.
const WATCH_MILLIS: u64 = 30_000;
const SETTLE: Duration = Duration::from_millis(100);

/// When restarts begin: the registry has warmed up.
const WARM: Duration = Duration::from_secs(36);

/// When counting begins.
const START: Duration = Duration::from_secs(40);

/// How many restarts are counted.
const COUNTED: f64 = 40.0;

/// Where the registry would be.
const AUTHORITY: HeaderValue = HeaderValue::from_static("registry.internal:9999");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const JSON: HeaderValue = HeaderValue::from_static(api::JSON);

/// Who uses a registry, and how.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// How many servers there are.
    pub servers: usize,
    /// How many clients.
    pub clients: usize,
    /// Into how many groups both are divided. A client follows one group; if there is only one,
    /// nobody names it.
    pub groups: usize,
    /// How clients learn of changes.
    pub way: Way,
    /// What all chance is made of.
    pub seed: u64,
}

/// How clients learn where servers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Clients of the Go original ask for the list in a header.
    Original,
    /// Clients ask for the list in JSON.
    Whole,
    /// They ask for the list if it is another one.
    WholeIfNew,
    /// They ask for what has changed.
    Changes,
    /// They wait for another list.
    WatchWhole,
    /// They wait for what has changed; as many as like may wait.
    Watch,
    /// As our clients do with a registry that has its usual bounds: they wait if they may, and ask
    /// if not.
    Usual,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Original,
        Self::Whole,
        Self::WholeIfNew,
        Self::Changes,
        Self::WatchWhole,
        Self::Watch,
        Self::Usual,
    ];

    fn is_watch(self) -> bool {
        matches!(self, Self::WatchWhole | Self::Watch | Self::Usual)
    }

    /// The query that a client sends which has this revision.
    fn query(self, revision: u64, is_poll: bool) -> String {
        let (watch, wait, changes) = (api::QUERY_WATCH, api::QUERY_WAIT, api::QUERY_CHANGES);
        let millis = if is_poll { 0 } else { WATCH_MILLIS };
        match self {
            Self::Original | Self::Whole => String::new(),
            Self::WholeIfNew | Self::WatchWhole => format!("?{watch}={revision}&{wait}={millis}"),
            Self::Changes | Self::Watch | Self::Usual => {
                format!("?{watch}={revision}&{wait}={millis}&{changes}")
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Original => "polling as Go does, a header",
            Self::Whole => "polling, JSON",
            Self::WholeIfNew => "polling, JSON or 304",
            Self::Changes => "polling, changes or 304",
            Self::WatchWhole => "watching, JSON or 304",
            Self::Watch => "watching, changes or 304",
            Self::Usual => "the same, 8,000 watches at most",
        })
    }
}

/// What a registry has to do in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Requests, each on a connection of its own but for those of Go clients.
    pub requests: f64,
    /// Of these, watches that were refused.
    pub refused: f64,
    /// Bytes of HTTP that it receives.
    pub received: f64,
    /// Bytes of HTTP that it sends.
    pub sent: f64,
}

/// Lets forty servers be restarted, and counts. Also says how many seconds of a processor a second
/// took, the clients' part included, where the system tells.
///
/// # Errors
/// If the registry does not answer as it should.
pub fn run(fleet: &Fleet) -> Result<(Traffic, Option<f64>)> {
    fastrand::seed(fleet.seed);
    let runtime = Runtime::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let tasks = LocalSet::new();
    let outcome = tasks.block_on(&runtime, simulate(fleet));
    drop(tasks);
    outcome
}

async fn simulate(fleet: &Fleet) -> Result<(Traffic, Option<f64>)> {
    let mut limits = RegistryLimits::default();
    if fleet.way != Way::Usual {
        limits.watchers = usize::MAX;
    }
    let registry = Registry::builder()
        .store(MemoryStore::new(MembershipConfig::default()))
        .limits(limits)
        .build();
    let start = Instant::now();
    let servers = (0..fleet.servers).map(|number| Server::new(number, fleet));
    let world = Rc::new(World {
        registry,
        fleet: fleet.clone(),
        servers: servers.collect::<Result<_>>()?,
        start,
        count: Cell::default(),
        failure: Cell::default(),
    });
    let mut random = Rng::with_seed(fleet.seed);
    for number in 0..fleet.servers {
        world.register(&world.servers[number]).await;
        spawn_local(world.clone().beat(number, random.fork()));
    }
    spawn_local(world.clone().restart());
    for number in 0..fleet.clients {
        let group = fleet.group(number)?;
        spawn_local(world.clone().follow(group, random.fork()));
    }
    sleep_until(start + START).await;
    let window = fleet.restart_pause().mul_f64(COUNTED);
    let before = processor_time();
    sleep(window).await;
    let after = processor_time();
    if let Some(failure) = world.failure.take() {
        bail!(failure);
    }
    let seconds = window.as_secs_f64();
    let Traffic {
        requests,
        refused,
        received,
        sent,
    } = world.count.get();
    let traffic = Traffic {
        requests: requests / seconds,
        refused: refused / seconds,
        received: received / seconds,
        sent: sent / seconds,
    };
    let took = before.zip(after);
    let took = took.map(|(before, after)| after.saturating_sub(before).as_secs_f64() / seconds);
    Ok((traffic, took))
}

/// How long this thread has been running.
fn processor_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = stat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// What all tasks share.
struct World {
    registry: Registry,
    fleet: Fleet,
    servers: Vec<Server>,
    start: Instant,
    count: Cell<Traffic>,
    /// The first thing that went wrong.
    failure: Cell<Option<String>>,
}

/// A server, as headers say it.
struct Server {
    address: HeaderValue,
    group: Option<HeaderValue>,
    /// It is being restarted.
    is_away: Cell<bool>,
}

impl Server {
    fn new(number: usize, fleet: &Fleet) -> Result<Self> {
        let [.., a, b] = number.to_be_bytes();
        let address = format!("tcp@10.24.{a}.{b}:9001");
        Ok(Self {
            address: address.parse().context("an address is a header")?,
            group: fleet.group(number)?,
            is_away: Cell::default(),
        })
    }
}

impl Fleet {
    /// Between a server's restart and the next one's.
    fn restart_pause(&self) -> Duration {
        let a_minute = self.servers as f64 * RESTARTS / 100.0;
        Duration::from_secs_f64(60.0 / a_minute)
    }

    /// The group of the server or client of this number.
    fn group(&self, number: usize) -> Result<Option<HeaderValue>> {
        if self.groups <= 1 {
            return Ok(None);
        }
        let name = format!("service-{:03}", number % self.groups);
        Ok(Some(name.parse().context("a name is a header")?))
    }
}

impl World {
    /// Beats for ever, unless the server is away.
    async fn beat(self: Rc<Self>, number: usize, mut random: Rng) {
        let server = &self.servers[number];
        sleep(BEAT.mul_f64(random.f64())).await;
        loop {
            if !server.is_away.get() {
                self.register(server).await;
            }
            sleep(jittered(BEAT, &mut random)).await;
        }
    }

    async fn register(&self, server: &Server) {
        self.ask(self.register_request(server)).await;
    }

    fn register_request(&self, server: &Server) -> Builder {
        let request = self.request(Method::POST, "", server.group.as_ref());
        request
            .header(api::SERVER, &server.address)
            .header(api::TTL, TTL)
            .header(api::META, META)
    }

    /// Restarts one server after the other.
    async fn restart(self: Rc<Self>) {
        sleep(WARM).await;
        for number in (0..self.servers.len()).cycle() {
            sleep(self.fleet.restart_pause()).await;
            spawn_local(self.clone().restart_one(number));
        }
    }

    async fn restart_one(self: Rc<Self>, number: usize) {
        let server = &self.servers[number];
        server.is_away.set(true);
        let request = self.request(Method::DELETE, "", server.group.as_ref());
        self.ask(request.header(api::SERVER, &server.address)).await;
        sleep(AWAY).await;
        server.is_away.set(false);
        self.register(server).await;
    }

    /// A client's life.
    async fn follow(self: Rc<Self>, group: Option<HeaderValue>, mut random: Rng) {
        let way = self.fleet.way;
        let mut revision = 0;
        sleep(POLL.mul_f64(random.f64())).await;
        loop {
            let is_first = revision == 0;
            self.list(way.query(revision, true), group.as_ref(), &mut revision)
                .await;
            while way.is_watch() && revision > 0 {
                let query = way.query(revision, false);
                let status = self.list(query, group.as_ref(), &mut revision).await;
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    break;
                }
                sleep(SETTLE).await;
            }
            if !(is_first && way.is_watch()) {
                sleep(jittered(POLL, &mut random)).await;
            }
        }
    }

    /// Asks for the list, and notes the revision that the answer has.
    async fn list(
        &self,
        query: String,
        group: Option<&HeaderValue>,
        revision: &mut u64,
    ) -> StatusCode {
        let (status, body) = self.ask(self.list_request(&query, group)).await;
        if let Some(new) = bytes::revision(&body) {
            *revision = new;
        }
        status
    }

    fn list_request(&self, query: &str, group: Option<&HeaderValue>) -> Builder {
        if self.fleet.way != Way::Original {
            return self.request(Method::GET, query, group).header(ACCEPT, JSON);
        }
        let request = Request::get(api::PATH).header(HOST, AUTHORITY);
        let request = request.header("user-agent", "Go-http-client/1.1");
        self.in_group(request, group)
            .header("accept-encoding", "gzip")
    }

    /// A request as our clients make it.
    fn request(&self, method: Method, query: &str, group: Option<&HeaderValue>) -> Builder {
        let uri = format!("{}{query}", api::PATH);
        let request = Request::builder().method(method).uri(uri);
        let request = request.header(HOST, AUTHORITY).header(CONNECTION, CLOSE);
        self.in_group(request, group)
    }

    fn in_group(&self, request: Builder, group: Option<&HeaderValue>) -> Builder {
        match group {
            Some(group) => request.header(api::SERVER_NAME, group),
            None => request,
        }
    }

    async fn ask(&self, request: Builder) -> (StatusCode, hyper::body::Bytes) {
        let request = match request.body(()) {
            Ok(request) => request,
            Err(error) => {
                self.failure.set(Some(error.to_string()));
                return (StatusCode::BAD_REQUEST, hyper::body::Bytes::new());
            }
        };
        let received = bytes::of_request(&request);
        let is_closed = request.headers().contains_key(CONNECTION);
        let (head, body) = self.registry.handle(request).await.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(never) => match never {},
        };
        let is_refused = head.status == StatusCode::SERVICE_UNAVAILABLE;
        let is_fine = head.status.is_success() || head.status == StatusCode::NOT_MODIFIED;
        // Whoever is restarted may have been taken off the list already.
        if !is_fine && !is_refused && head.status != StatusCode::NOT_FOUND {
            let text = format!("{}: {}", head.status, String::from_utf8_lossy(&body));
            self.failure.set(Some(text));
        }
        if self.start.elapsed() >= START {
            let mut count = self.count.get();
            count.requests += 1.0;
            count.refused += f64::from(is_refused);
            count.received += received as f64;
            count.sent += bytes::of_answer(&head, body.len(), is_closed) as f64;
            self.count.set(count);
        }
        (head.status, body)
    }
}

/// ±10 %.
fn jittered(duration: Duration, random: &mut Rng) -> Duration {
    duration.mul_f64(0.9 + 0.2 * random.f64())
}

#[cfg(test)]
mod tests;
