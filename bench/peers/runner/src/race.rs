//! Going round.

use std::path::Path;
use std::thread::available_parallelism;

use anyhow::{Context, Result};

use crate::Race;
use crate::contenders::{self, Contender, Role};
use crate::measure;
use crate::points::{Family, Kind, Point};
use crate::report;
use crate::results::{Machine, Outcome, Results, Run, Session};
use crate::tools::{self, first_line, first_line_of};

/// What a turn takes beside the time that calls are made, in seconds.
const OVERHEAD: f64 = 0.3;

/// What a turn takes that has no such time, in seconds.
const STEADY: f64 = 2.5;

/// Runs all rounds, and keeps and prints what came of them.
pub(crate) fn run(
    race: &Race,
    family: Family,
    contenders: &[&'static Contender],
    points: &[Point],
    path: &Path,
) -> Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    tools::build(contenders, points)?;
    let mut results = Results::begin(path, machine()?, family, race.append)?;
    results.sessions.push(session(race, family, contenders)?);
    let first = results.next_round(family);
    let minutes = estimate(race, contenders, points) / 60.0;
    eprintln!("{} rounds take about {minutes:.0} minutes", race.rounds);
    for round in first..first + race.rounds {
        for point in points {
            if point.is_steady() && round > first {
                continue;
            }
            let rate = rate(point, race, &results)?;
            for turn in 0..contenders.len() {
                let contender = contenders[(turn + round) % contenders.len()];
                if !contender.takes(point) {
                    continue;
                }
                let outcome = measure::turn(contender, point, race, rate);
                let outcome = outcome.unwrap_or_else(|error| Outcome {
                    error: format!("{error:#}"),
                    ..Default::default()
                });
                eprintln!(
                    "{round} {:16} {:16} {}",
                    point.name,
                    contender.name,
                    sum_up(&outcome)
                );
                results.runs.push(Run {
                    contender: contender.name.to_owned(),
                    point: point.name.clone(),
                    round,
                    outcome,
                });
            }
        }
        results.save(path)?;
    }
    println!("{}", report::tables(&results));
    Ok(())
}

fn machine() -> Result<Machine> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find(|line| line.starts_with("model name"));
    let name = name.and_then(|line| line.split_once(": "));
    Ok(Machine {
        cpu: name.map_or("unknown", |(_, name)| name).to_owned(),
        processors: available_parallelism()?.get(),
        kernel: first_line_of("/proc/sys/kernel/osrelease"),
    })
}

fn session(race: &Race, family: Family, contenders: &[&Contender]) -> Result<Session> {
    let rustc = first_line("rustc", &["--version"])?;
    let load = first_line_of("/proc/loadavg");
    Ok(Session {
        family,
        date: first_line("date", &["-u", "+%F"])?,
        revision: first_line("git", &["describe", "--always", "--dirty"])?,
        rustc: rustc.split(' ').nth(1).unwrap_or_default().to_owned(),
        versions: tools::versions(contenders)?,
        rounds: race.rounds,
        secs: race.secs,
        warmup: race.warmup,
        load_before: load.split(' ').next().unwrap_or_default().to_owned(),
    })
}

/// How long all of it takes, in seconds.
fn estimate(race: &Race, contenders: &[&Contender], points: &[Point]) -> f64 {
    let turns = points.iter().map(|point| {
        let who = contenders.iter().filter(|it| it.takes(point)).count() as f64;
        match point.is_steady() {
            true => who * STEADY,
            false => who * race.rounds as f64 * (race.secs + race.warmup + OVERHEAD),
        }
    });
    turns.sum()
}

/// Half of what the best peer could do on one connection, if this point needs to know.
fn rate(point: &Point, race: &Race, results: &Results) -> Result<Option<f64>> {
    match point.kind {
        Kind::Timed(load) if load.is_open => {}
        _ => return Ok(None),
    }
    if race.rate.is_some() {
        return Ok(race.rate);
    }
    // All rounds have the same.
    let mut earlier = results.runs.iter().filter(|run| run.point == point.name);
    if let Some(rate) = earlier.find_map(|run| run.outcome.figures.get("rate")) {
        return Ok(Some(*rate));
    }
    let peers = contenders::ALL.iter().filter(|it| it.role == Role::Peer);
    let rates = peers.filter_map(|it| results.median(it.name, "c1o1024", "calls_per_s"));
    let best = rates.max_by(f64::total_cmp);
    let best = best.context("`open` needs `c1o1024` of a peer before it, or --rate")?;
    Ok(Some(best / 2.0))
}

/// A line for whoever waits.
fn sum_up(outcome: &Outcome) -> String {
    let shown = [
        "calls_per_s",
        "p50_us",
        "p99_us",
        "request_bytes_o1",
        "bytes_per_connection",
    ];
    let shown = shown.into_iter().chain(["server_system_calls_per_call"]);
    let figures = shown.filter_map(|name| {
        let value = outcome.figures.get(name)?;
        Some(format!("{name} {value:.1}  "))
    });
    let figures: String = figures.collect();
    match outcome.error.as_str() {
        "" => figures,
        error => format!("{figures}ERROR {error}"),
    }
}
