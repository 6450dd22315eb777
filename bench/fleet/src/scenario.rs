//! What happens to the servers, and what their client must not notice.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::sleep;
use wgrpc::{Client, RegistryDiscovery, SelectMode, ServerList, XClient};

use crate::load::{Load, Second};
use crate::process::Process;

/// A port that the system chooses.
const ANY: &str = "tcp@127.0.0.1:0";

/// How long everything runs undisturbed before and after: seconds.
pub(crate) const QUIET: usize = 5;

/// How long a call may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// Runs what is called so.
pub(crate) async fn run(only: &str, rate: u64, longest: Duration) -> Result<()> {
    let mut broken = Vec::new();
    println!("| scenario | calls | failed | p99 before | p99 after | what else |");
    println!("|---|---:|---:|---:|---:|---|");
    for name in ["kill", "freeze", "registry", "hole", "slow", "liar"] {
        if !name.contains(only) {
            continue;
        }
        let line = match name {
            "kill" => kill(rate).await?,
            "freeze" => freeze(rate).await?,
            "registry" => registry(rate, longest).await?,
            "hole" => hole(rate).await?,
            "slow" => slow(rate).await?,
            _ => liar(rate).await?,
        };
        let all = &line.all;
        println!(
            "| {} | {} | {} | {:.2?} | {:.2?} | {} |",
            line.title,
            all.calls(),
            all.errors.len(),
            line.before.p99(),
            line.after.p99(),
            line.more
        );
        if let Some(error) = all.errors.first() {
            eprintln!("{name}: the first error: {error}");
        }
        if !line.is_kept {
            broken.push(name);
        }
    }
    if !broken.is_empty() {
        bail!("promises that were not kept: {}", broken.join(", "));
    }
    Ok(())
}

/// What came of a scenario.
struct Line {
    title: &'static str,
    all: Second,
    before: Second,
    after: Second,
    more: String,
    is_kept: bool,
}

/// Three servers and a client that they are connected to.
async fn three(select: SelectMode) -> Result<(Vec<Process>, XClient)> {
    let servers = (0..3).map(|_| Process::server(ANY, &[]));
    let servers: Vec<Process> = servers.collect::<Result<_>>()?;
    let list = ServerList::parse(servers.iter().map(|server| server.at.as_str()))?;
    let client = client(select).start(list)?;
    connected(&client, 3).await;
    Ok((servers, client))
}

pub(crate) fn client(select: SelectMode) -> wgrpc::XClientBuilder {
    let options = Client::builder().timeout(DEADLINE);
    XClient::builder().select(select).client(options)
}

pub(crate) async fn connected(client: &XClient, count: usize) {
    while client.servers().iter().filter(|s| s.is_usable).count() < count {
        sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn seconds(count: usize) -> Duration {
    Duration::from_secs(count as u64)
}

/// One of three is killed, and started again ten seconds later.
async fn kill(rate: u64) -> Result<Line> {
    let (mut servers, client) = three(SelectMode::default()).await?;
    let load = Load::start(&client, rate, 0);
    sleep(seconds(QUIET)).await;
    let at = servers.remove(0).at.clone();
    sleep(seconds(10)).await;
    let again = Process::server(&at, &[])?;
    sleep(seconds(15)).await;
    let counts = load.end().await?;
    let before = Second::sum(&counts[1..QUIET]);
    // From one second after the blow on.
    let after = Second::sum(&counts[QUIET + 1..QUIET + 10]);
    let last = Second::sum(&counts[QUIET + 20..]);
    let all = Second::sum(&counts);
    let share = last.share(again.id());
    Ok(Line {
        title: "one of three is killed with `kill -9`, and comes back",
        is_kept: all.is_flawless() && after.p99() < 2 * before.p99() && share >= 0.25,
        more: format!(
            "share of the calls after its return: {:.0} %",
            share * 100.0
        ),
        all,
        before,
        after,
    })
}

/// One of three is stopped for ten seconds, its sockets open.
async fn freeze(rate: u64) -> Result<Line> {
    let (servers, client) = three(SelectMode::default()).await?;
    let load = Load::start(&client, rate, 0);
    sleep(seconds(QUIET)).await;
    servers[0].signal("STOP")?;
    sleep(seconds(10)).await;
    servers[0].signal("CONT")?;
    sleep(seconds(15)).await;
    let counts = load.end().await?;
    let before = Second::sum(&counts[1..QUIET]);
    let after = Second::sum(&counts[QUIET + 2..QUIET + 10]);
    let last = Second::sum(&counts[QUIET + 20..]);
    let all = Second::sum(&counts);
    let share = last.share(servers[0].id());
    Ok(Line {
        title: "one of three is frozen for 10 s",
        is_kept: all.is_flawless() && share >= 0.25,
        more: format!("share of the calls after it thaws: {:.0} %", share * 100.0),
        all,
        before,
        after,
    })
}

/// The registry is killed, is away for long and comes back empty.
async fn registry(rate: u64, away: Duration) -> Result<Line> {
    let registry = Process::registry("127.0.0.1:0")?;
    let url = registry.at.clone();
    let options = ["--registry", url.as_str()];
    let servers = (0..3).map(|_| Process::server(ANY, &options));
    let _servers: Vec<Process> = servers.collect::<Result<_>>()?;
    let client = client(SelectMode::default()).start(RegistryDiscovery::start(&url, None)?)?;
    connected(&client, 3).await;
    let load = Load::start(&client, rate, 0);
    sleep(seconds(QUIET)).await;
    drop(registry);
    sleep(away).await;
    let at = url.trim_start_matches("http://");
    let at = at.split('/').next().unwrap_or(at);
    let _registry = Process::registry(at)?;
    let back = std::time::Instant::now();
    let everybody = wgrpc::registry::RegistryClient::new(&url)?;
    let mut fewest = usize::MAX;
    while everybody.list(None).await?.servers.len() < 3 {
        fewest = fewest.min(client.servers().len());
        sleep(Duration::from_millis(50)).await;
    }
    let listed = back.elapsed();
    sleep(seconds(QUIET)).await;
    let counts = load.end().await?;
    let all = Second::sum(&counts);
    Ok(Line {
        title: "the registry is killed, and comes back empty",
        is_kept: all.is_flawless() && listed < Duration::from_secs(30) && fewest >= 3,
        more: format!(
            "away for {away:?}; all servers listed again {:.1} s after its return",
            listed.as_secs_f64()
        ),
        before: Second::sum(&counts[1..QUIET]),
        after: Second::sum(&counts[QUIET..]),
        all,
    })
}

/// An address that swallows what is sent to it: its queue of connections is full.
fn black_hole() -> Result<(TcpListener, Vec<TcpStream>, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
    }
    Ok((listener, waiting, address))
}

/// One of three addresses answers nothing at all, from the start.
async fn hole(rate: u64) -> Result<Line> {
    let servers = [Process::server(ANY, &[])?, Process::server(ANY, &[])?];
    let list = |more: &[String]| -> Result<ServerList> {
        let all = servers.iter().map(|server| server.at.as_str());
        Ok(ServerList::parse(
            all.chain(more.iter().map(String::as_str)),
        )?)
    };
    let (_listener, _waiting, address) = black_hole()?;
    let control = client(SelectMode::default()).start(list(&[])?)?;
    let holed = client(SelectMode::default()).start(list(&[format!("tcp@{address}")])?)?;
    let mut sums = Vec::new();
    for client in [&control, &holed] {
        let load = Load::start(client, rate, 0);
        sleep(seconds(2 * QUIET)).await;
        sums.push(Second::sum(&load.end().await?));
    }
    let [before, after] = [sums[0].clone(), sums[1].clone()];
    let ratio = after.p99().as_secs_f64() / before.p99().as_secs_f64();
    Ok(Line {
        title: "one of three addresses is a black hole, from the first call on",
        is_kept: after.is_flawless() && ratio <= 1.2,
        more: format!("p99 is {ratio:.2} × that without it"),
        all: after.clone(),
        before,
        after,
    })
}

/// One of three is ten times slower.
async fn slow(rate: u64) -> Result<Line> {
    let quick = ["--delay", "1000"];
    let servers = [
        Process::server(ANY, &quick)?,
        Process::server(ANY, &quick)?,
        Process::server(ANY, &["--delay", "10000"])?,
    ];
    let list = ServerList::parse(servers.iter().map(|server| server.at.as_str()))?;
    let client = client(SelectMode::PeakEwma).start(list)?;
    connected(&client, 3).await;
    let load = Load::start(&client, rate, 0);
    sleep(seconds(2 * QUIET)).await;
    let counts = load.end().await?;
    let all = Second::sum(&counts);
    let after = Second::sum(&counts[1..]);
    let share = after.share(servers[2].id());
    Ok(Line {
        title: "one of three is ten times slower, under `PeakEwma`",
        is_kept: all.is_flawless() && share < 0.05,
        more: format!("its share of the calls: {:.1} %", share * 100.0),
        before: Second::sum(&counts[..1]),
        all,
        after,
    })
}

/// One of three accepts connections and closes them at once.
async fn liar(rate: u64) -> Result<Line> {
    let servers = [Process::server(ANY, &[])?, Process::server(ANY, &[])?];
    let liar = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("tcp@{}", liar.local_addr()?);
    let lying = tokio::spawn(async move {
        let mut accepted = 0_u64;
        while let Ok((stream, _)) = liar.accept().await {
            drop(stream);
            accepted += 1;
        }
        accepted
    });
    let all = servers.iter().map(|server| server.at.as_str());
    let list = ServerList::parse(all.chain([address.as_str()]))?;
    let client = client(SelectMode::default()).start(list)?;
    connected(&client, 2).await;
    let load = Load::start(&client, rate, 0);
    sleep(seconds(2 * QUIET)).await;
    let counts = load.end().await?;
    lying.abort();
    let all = Second::sum(&counts);
    Ok(Line {
        title: "one of three accepts connections and closes them at once",
        is_kept: all.is_flawless(),
        more: "no call was lost to it".to_owned(),
        before: Second::sum(&counts[..1]),
        after: Second::sum(&counts[1..]),
        all,
    })
}
