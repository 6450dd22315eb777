//! One turn: a contender at a point, with processes of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::Race;
use crate::contenders::Contender;
use crate::points::{Kind, Load, Point, multiply};
use crate::process::{Process, spinners};
use crate::proxy::Proxy;
use crate::results::Outcome;
use crate::usage::{Usage, resident};

/// How long anything may take beyond the time that it is meant to take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it takes until all that has just been sent has been counted, or freed.
const SETTLED: Duration = Duration::from_millis(500);

/// Lets a contender have its turn at a point. `rate` is that of calls that begin at a steady one.
pub(crate) fn turn(
    contender: &Contender,
    point: &Point,
    race: &Race,
    rate: Option<f64>,
) -> Result<Outcome> {
    match &point.kind {
        Kind::Timed(load) => timed(contender, load, race, rate),
        Kind::SystemCalls(load) => system_calls(contender, load, race),
        Kind::Wire => wire(contender),
        Kind::Memory { conns } => memory(contender, *conns),
    }
}

fn timed(contender: &Contender, load: &Load, race: &Race, rate: Option<f64>) -> Result<Outcome> {
    let _awake = load.is_awake.then(spinners).transpose()?;
    let (server, addr) = serve(contender, load.delay)?;
    let client = call_for(contender, &addr, load, race.secs, race.warmup, rate)?;
    let usage = || anyhow::Ok([Usage::of(server.id())?, Usage::of(client.id())?]);
    await_event(&client, "start")?;
    let before = usage()?;
    await_event(&client, "end")?;
    let after = usage()?;
    let mut outcome = Outcome::from(await_event(&client, "result")?);
    let calls = outcome.figure("calls").max(1.0);
    for (at, side) in ["server", "client"].into_iter().enumerate() {
        let used = after[at].since(before[at]);
        outcome.add(format!("{side}_cpu_s_per_million"), used.cpu / calls * 1e6);
        outcome.add(format!("{side}_switches_per_call"), used.switches / calls);
    }
    if let Some(rate) = rate {
        outcome.add("rate", rate);
    }
    Ok(outcome)
}

fn system_calls(contender: &Contender, load: &Load, race: &Race) -> Result<Outcome> {
    let (server, addr) = serve(contender, load.delay)?;
    // It takes a moment to begin, and has to end within the window.
    let secs = race.secs.max(1.0);
    let client = call_for(contender, &addr, load, 2.0 * secs, race.warmup, None)?;
    await_event(&client, "start")?;
    let counters = [&server, &client].map(|process| {
        let mut perf = Command::new("perf");
        perf.args([
            "stat",
            "-x,",
            "--log-fd=1",
            "-e",
            "raw_syscalls:sys_enter",
            "-p",
        ]);
        perf.args([&process.id().to_string(), "sleep", &secs.to_string()]);
        Process::start(&mut perf)
    });
    let result = await_event(&client, "result")?;
    let per_call = |perf: Result<Process>| {
        let line = perf?.line(PATIENCE).context("perf counted nothing")?;
        let count = line
            .split(',')
            .next()
            .and_then(|count| count.parse::<f64>().ok());
        let count = count.with_context(|| format!("perf does not count: {line}"))?;
        anyhow::Ok(count / secs / result.figures["calls_per_s"].max(1.0))
    };
    let [server, client] = counters.map(per_call);
    let mut outcome = Outcome::default();
    outcome.add("server_system_calls_per_call", server?);
    outcome.add("client_system_calls_per_call", client?);
    Ok(outcome)
}

/// A call alone, and what each further call adds.
fn wire(contender: &Contender) -> Result<Outcome> {
    let count = |calls: u64, outstanding| {
        let (_server, addr) = serve(contender, 0)?;
        let proxy = Proxy::start(addr.parse::<SocketAddr>()?)?;
        let mut command = call(contender, &proxy.addr(), &multiply(1, outstanding))?;
        let client = Process::start(command.args(["--calls", &calls.to_string()]))?;
        let made = await_event(&client, "result")?.figures["calls"];
        ensure!(made == calls as f64, "{made} of {calls} calls were made");
        sleep(SETTLED / 5);
        anyhow::Ok(proxy.counts())
    };
    let [request, reply] = count(1, 1)?;
    let mut outcome = Outcome::default();
    outcome.add("first_call_bytes", request + reply);
    for (outstanding, few, many) in [(1, 200, 2200), (64, 6400, 26_400)] {
        let (few_bytes, many_bytes) = (count(few, outstanding)?, count(many, outstanding)?);
        for (at, what) in ["request", "reply"].into_iter().enumerate() {
            let bytes = (many_bytes[at] - few_bytes[at]) / (many - few) as f64;
            outcome.add(format!("{what}_bytes_o{outstanding}"), bytes);
        }
    }
    Ok(outcome)
}

fn memory(contender: &Contender, conns: usize) -> Result<Outcome> {
    let (server, addr) = serve(contender, 0)?;
    sleep(SETTLED);
    let before = resident(server.id())?;
    let idle = Load {
        workload: "idle",
        ..multiply(conns, 1)
    };
    let client = Process::start(&mut call(contender, &addr, &idle)?)?;
    await_event(&client, "ready")?;
    sleep(SETTLED);
    let after = resident(server.id())?;
    let mut outcome = Outcome::default();
    outcome.add("server_bytes_alone", before);
    outcome.add("server_bytes", after);
    outcome.add("bytes_per_connection", (after - before) / conns as f64);
    outcome.add("client_bytes", resident(client.id())?);
    Ok(outcome)
}

/// Starts a server, and says where it listens.
fn serve(contender: &Contender, delay: u64) -> Result<(Process, String)> {
    let mut command = program(contender)?;
    command.args([
        "server",
        "--addr",
        "127.0.0.1:0",
        "--delay",
        &delay.to_string(),
    ]);
    let server = Process::start(&mut command)?;
    loop {
        let line = server.line(PATIENCE).context("no server")?;
        if let Some(addr) = line.strip_prefix("LISTENING ") {
            return Ok((server, addr.to_owned()));
        }
    }
}

/// Starts a client that makes calls for some time.
fn call_for(
    contender: &Contender,
    addr: &str,
    load: &Load,
    secs: f64,
    warmup: f64,
    rate: Option<f64>,
) -> Result<Process> {
    let mut command = call(contender, addr, load)?;
    command.args(["--secs", &secs.to_string(), "--warmup", &warmup.to_string()]);
    if let Some(rate) = rate {
        command.args(["--rate", &rate.to_string()]);
    }
    Process::start(&mut command)
}

fn call(contender: &Contender, addr: &str, load: &Load) -> Result<Command> {
    let mut command = program(contender)?;
    command.args(["client", "--addr", addr, "--workload", load.workload]);
    for (option, value) in [
        ("--conns", load.conns),
        ("--outstanding", load.outstanding),
        ("--payload", load.payload),
    ] {
        command.args([option, &value.to_string()]);
    }
    command.args(contender.client);
    Ok(command)
}

fn program(contender: &Contender) -> Result<Command> {
    let mut command = Command::new(contender.build.program()?);
    if !contender.mode.is_empty() {
        command.args(["--mode", contender.mode]);
    }
    Ok(command)
}

/// A line of a client.
#[derive(Deserialize)]
struct Event {
    event: String,
    #[serde(default)]
    error: String,
    #[serde(flatten)]
    figures: BTreeMap<String, f64>,
}

impl From<Event> for Outcome {
    fn from(Event { error, figures, .. }: Event) -> Self {
        Self { figures, error }
    }
}

fn await_event(client: &Process, name: &str) -> Result<Event> {
    loop {
        let line = client
            .line(PATIENCE)
            .with_context(|| format!("no event `{name}`"))?;
        if let Ok(event) = serde_json::from_str::<Event>(&line)
            && event.event == name
        {
            return Ok(event);
        }
    }
}
