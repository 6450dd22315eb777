//! What happens to the network between servers and their client, and what the client must not
//! notice. `toxic.rs` and `bulk.rs` are two scenarios of it.

mod bulk;
mod toxic;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{sleep, timeout};
use wgrpc::{Client, Error, SelectMode, ServerList, XClient};

use crate::cable::{Cable, Way};
use crate::load::{Load, Second};
use crate::scenario::{DEADLINE, QUIET, client, connected, seconds};
use crate::{Done, Order, WorkClient};

/// How late a call may end, after its time is up.
const LATE: Duration = Duration::from_millis(100);

/// Longer than a connection may be dead without anybody knowing.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long things take.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Length {
    /// Seconds a scenario; what takes the kernel longer is left out.
    Short,
    /// As long as the promises say.
    Full,
}

impl Length {
    fn choose<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }
}

/// What was found out in a scenario.
struct Found {
    title: String,
    calls: Second,
    /// Figures, and whether they are as promised.
    figures: Vec<(bool, String)>,
}

impl Found {
    fn new(title: impl Into<String>, calls: Second) -> Self {
        let mut found = Self {
            title: title.into(),
            calls,
            figures: Vec::new(),
        };
        let wrong = found.calls.wrong;
        if wrong > 0 {
            found.promise(false, format!("{wrong} wrong replies"));
        }
        found
    }

    /// What was found where no call may fail.
    fn flawless(title: impl Into<String>, calls: Second) -> Self {
        let mut found = Self::new(title, calls);
        let failed = found.calls.errors.len();
        if failed > 0 {
            found.promise(false, format!("{failed} calls failed"));
        }
        found
    }

    /// Adds a figure, and whether it is as promised.
    fn promise(&mut self, is_kept: bool, figure: String) {
        self.figures.push((is_kept, figure));
    }

    /// No call may end later than this.
    fn promise_end_by(&mut self, deadline: Duration) {
        let longest = self.calls.longest;
        let figure = format!("the longest call took {longest:.2?}");
        self.promise(longest <= deadline + LATE, figure);
    }
}

/// Prints what was found, and keeps what was not as promised.
struct Report {
    broken: Vec<String>,
}

impl Report {
    fn add(&mut self, found: Found) {
        let figures = found.figures.iter().map(|(is_kept, figure)| match is_kept {
            true => figure.clone(),
            false => format!("**{figure}**"),
        });
        let (title, calls) = (found.title, found.calls);
        println!(
            "| {title} | {} | {} | {:.2?} | {} |",
            calls.calls(),
            calls.errors.len(),
            calls.p99(),
            figures.collect::<Vec<_>>().join("; ")
        );
        if let Some(error) = calls.errors.first() {
            eprintln!("{title}: the first error: {error}");
        }
        let broken = found.figures.into_iter().filter(|(is_kept, _)| !is_kept);
        let broken = broken.map(|(_, figure)| format!("{title}: {figure}"));
        self.broken.extend(broken);
    }
}

/// Runs the scenarios whose name contains this.
pub(crate) async fn run(only: &str, rate: u64, length: Length) -> Result<()> {
    let mut report = Report { broken: Vec::new() };
    let mut names = ["hole", "vanish", "loss", "forget", "toxic", "bulk"].to_vec();
    let all = names.join(", ");
    names.retain(|name| name.contains(only));
    ensure!(!names.is_empty(), "there is no scenario {only}, only {all}");
    println!("| scenario | calls | failed | p99 | what else |");
    println!("|---|---:|---:|---:|---|");
    for name in names {
        match name {
            "hole" => hole(length, &mut report).await?,
            "vanish" => vanish(rate, length, &mut report).await?,
            "loss" => loss(rate, length, &mut report).await?,
            "forget" => forget(length, &mut report).await?,
            "toxic" => toxic::run(length, &mut report).await?,
            _ => bulk::run(length, &mut report).await?,
        }
    }
    let broken = report.broken;
    ensure!(
        broken.is_empty(),
        "promises that were not kept: {}",
        broken.join("; ")
    );
    Ok(())
}

/// So many servers, and a client that they are connected to.
async fn cluster(count: u8) -> Result<(Vec<Cable>, XClient)> {
    let cables = (1..=count).map(|number| Cable::lay(number, &[]));
    let cables: Vec<Cable> = cables.collect::<Result<_>>()?;
    let list = ServerList::parse(cables.iter().map(|cable| cable.address.as_str()))?;
    let client = client(SelectMode::default()).start(list)?;
    connected(&client, cables.len()).await;
    Ok((cables, client))
}

/// The only server vanishes while it works on calls. Without another one nothing can be done for
/// them: what counts is that everybody learns of it in time.
async fn hole(length: Length, report: &mut Report) -> Result<()> {
    let cable = Cable::lay(1, &["--delay", "500000"])?;
    let connect = async |timeout| {
        let before = cable.ports_here()?;
        let client = Client::builder()
            .timeout(timeout)
            .connect(cable.address.as_str())
            .await?;
        let new = cable.ports_here()?.difference(&before).next().copied();
        let port = new.context("the connection has no port")?;
        ensure!(cable.ports_there()?.contains(&port), "the server has none");
        anyhow::Ok((client, port))
    };
    let (busy, busy_port) = connect(DEADLINE).await?;
    let (idle, idle_port) = connect(DEADLINE).await?;
    let (waiting, _) = connect(PATIENCE).await?;
    let (writing, _) = connect(PATIENCE).await?;

    let load = Load::start(&busy, 200, 0);
    sleep(seconds(QUIET)).await;
    let order = Order::new(0, 0);
    let asked = WorkClient::new(&waiting).do_it(&order);
    // It is acknowledged, and not answered yet.
    sleep(Duration::from_millis(200)).await;
    for way in Way::BOTH {
        cable.lose(way, 1.0)?;
    }
    let since = Instant::now();
    let writing = WorkClient::new(&writing).do_it(&order);
    sleep(seconds(QUIET)).await;
    let counts = load.end().await?;

    let title = "the only server vanishes at work";
    let mut found = Found::new(title, Second::sum(&counts));
    found.promise_end_by(DEADLINE);
    if length == Length::Short {
        found.promise(true, "too short to see connections end".to_owned());
        report.add(found);
        return Ok(());
    }
    let ends = tokio::try_join!(
        lost(writing, since),
        gone(&cable, busy_port, since),
        closed(&idle, since),
        lost(asked, since),
        gone(&cable, idle_port, since)
    )?;
    let (writing, busy_there, idle, waiting, idle_there) = ends;
    let unacknowledged = seconds(31);
    for (what, took, limit) in [
        ("a request is not acknowledged", writing, unacknowledged),
        ("replies are not acknowledged", busy_there, unacknowledged),
        ("the client is idle", idle, seconds(95)),
        ("the client waits for a reply", waiting, seconds(95)),
        ("the server is idle", idle_there, seconds(95)),
    ] {
        let figure = format!("dead after {:.1} s where {what}", took.as_secs_f64());
        found.promise(took <= limit, figure);
    }
    report.add(found);
    Ok(())
}

/// How long after this a call finds out that its connection is dead.
async fn lost(call: wgrpc::Call<Done>, since: Instant) -> Result<Duration> {
    match call.await {
        // One that has ended because its time was up has ended too late.
        Err(Error::Lost(_) | Error::Timeout { .. }) => Ok(since.elapsed()),
        other => bail!("expected a lost connection, not {:?}", other.map(drop)),
    }
}

/// How long after this the server finds out that the connection from this port of ours is dead.
async fn gone(cable: &Cable, port: u16, since: Instant) -> Result<Duration> {
    while cable.ports_there()?.contains(&port) && since.elapsed() < PATIENCE {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(since.elapsed())
}

/// How long after this an idle client finds out that its connection is dead.
async fn closed(client: &Client, since: Instant) -> Result<Duration> {
    // Whether it was in time, the figure says.
    let _ = timeout(PATIENCE, client.closed()).await;
    Ok(since.elapsed())
}

/// One of three vanishes, for calls or for replies or for both.
async fn vanish(rate: u64, length: Length, report: &mut Report) -> Result<()> {
    for (what, ways) in [
        ("nothing reaches or leaves", &Way::BOTH[..]),
        ("nothing reaches", &[Way::There]),
        ("nothing leaves", &[Way::Back]),
    ] {
        let away = Duration::from_secs(length.choose(5, 20));
        let (cables, client) = cluster(3).await?;
        let load = Load::start(&client, rate, 0);
        sleep(seconds(QUIET)).await;
        for way in ways {
            cables[0].lose(*way, 1.0)?;
        }
        sleep(away).await;
        cables[0].mend()?;
        sleep(seconds(15)).await;
        let counts = load.end().await?;
        let title = format!("{what} one of three for {away:?}");
        let mut found = Found::flawless(title, Second::sum(&counts));
        found.promise_end_by(DEADLINE);
        let last = Second::sum(&counts[counts.len() - QUIET..]);
        let share = last.share(cables[0].server());
        let figure = format!(
            "{:.0} % of the calls are its again 15 s later",
            share * 100.0
        );
        found.promise(share >= 0.25, figure);
        report.add(found);
    }
    Ok(())
}

/// Packets are lost by chance, between the client and all of three servers.
async fn loss(rate: u64, length: Length, report: &mut Report) -> Result<()> {
    for (part, least) in [(0.01, Some(0.9999)), (0.05, None)] {
        let (cables, client) = cluster(3).await?;
        for cable in &cables {
            for way in Way::BOTH {
                cable.lose(way, part)?;
            }
        }
        let load = Load::start(&client, rate, 0);
        sleep(Duration::from_secs(length.choose(10, 60))).await;
        let counts = load.end().await?;
        let title = format!("{} % of all packets are lost, each way", part * 100.0);
        let mut found = Found::new(title, Second::sum(&counts));
        found.promise_end_by(DEADLINE);
        let good = 1.0 - found.calls.errors.len() as f64 / found.calls.calls() as f64;
        let figure = format!("{:.3} % succeeded", good * 100.0);
        found.promise(least.is_none_or(|least| good >= least), figure);
        report.add(found);
    }
    Ok(())
}

/// What is between forgets a connection that is idle: it drops what still comes, and says nothing.
async fn forget(length: Length, report: &mut Report) -> Result<()> {
    let idle = Duration::from_secs(length.choose(2, 59));
    // After a minute the kernel looks after an idle connection itself.
    let pauses = [
        Duration::from_secs(2),
        Duration::from_secs(length.choose(3, 41)),
    ];
    let (soon, late) = tokio::try_join!(
        after_idle(1, idle, pauses[0]),
        after_idle(2, idle, pauses[1])
    )?;
    let title = format!("a connection is forgotten on the way after {idle:?}");
    let mut found = Found::flawless(title, Second::sum(&[soon.0.clone(), late.0.clone()]));
    for (pause, (_, extra, connections)) in pauses.iter().zip([soon, late]) {
        let figure =
            format!("{pause:?} later a call took {extra:.2?} more; new connections: {connections}");
        let is_kept = extra <= Duration::from_secs(1) && connections <= 1;
        found.promise(is_kept, figure);
    }
    report.add(found);
    Ok(())
}

/// Calls, says nothing for so long, has its connection forgotten, calls again after the pause.
/// Returns both calls, how much longer the second took, and how many new connections it took.
async fn after_idle(
    number: u8,
    idle: Duration,
    pause: Duration,
) -> Result<(Second, Duration, usize)> {
    let cable = Cable::lay(number, &[])?;
    let list = ServerList::parse([cable.address.as_str()])?;
    let client = client(SelectMode::default()).start(list)?;
    connected(&client, 1).await;
    let mut calls = Second::new();
    let first = calls.call(&client).await;
    let ports = cable.ports_here()?;
    ensure!(
        ports.len() == 1,
        "one connection was expected, not {ports:?}"
    );
    sleep(idle).await;
    for port in &ports {
        cable.forget(*port)?;
    }
    sleep(pause).await;
    let second = calls.call(&client).await;
    let connections = cable.ports_here()?.difference(&ports).count();
    Ok((calls, second.saturating_sub(first), connections))
}
