//! The comparison: every workload in every mode, by turns, in processes of their own.
//!
//! The rounds go round, workload, mode, and each begins with another mode, so that what else the
//! machine does hits all alike. Each turn has a new server. Rates are compared within a round.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::args::{Mode, Race};
use crate::report::Report;

/// One way to load the server.
struct Point {
    name: &'static str,
    title: &'static str,
    workload: &'static str,
    conns: usize,
    outstanding: usize,
    payload: usize,
    /// Whether no processor may fall asleep meanwhile.
    awake: bool,
}

const POINTS: [Point; 9] = [
    multiply("lat", "one call at a time", 1, 1),
    Point {
        awake: true,
        ..multiply(
            "lat-awake",
            "one call at a time, processors kept awake",
            1,
            1,
        )
    },
    multiply("c1o64", "1 connection, 64 outstanding", 1, 64),
    multiply("c1o1024", "1 connection, 1,024 outstanding", 1, 1024),
    multiply("c16o64", "16 connections, 64 outstanding each", 16, 64),
    echo("echo-64", "echo of 64 bytes", 64),
    echo("echo-1k", "echo of 1 KiB", 1 << 10),
    echo("echo-16k", "echo of 16 KiB", 16 << 10),
    echo("echo-1m", "echo of 1 MiB", 1 << 20),
];

const fn multiply(
    name: &'static str,
    title: &'static str,
    conns: usize,
    outstanding: usize,
) -> Point {
    Point {
        name,
        title,
        workload: "multiply",
        conns,
        outstanding,
        payload: 0,
        awake: false,
    }
}

const fn echo(name: &'static str, title: &'static str, payload: usize) -> Point {
    Point {
        name,
        title,
        workload: "echo",
        conns: 1,
        outstanding: 16,
        payload,
        awake: false,
    }
}

/// The limit first: the others are compared with it.
const MODES: [Mode; 4] = [Mode::Raw, Mode::Gob, Mode::Json, Mode::Cluster];

pub(crate) fn run(race: &Race) -> Result<()> {
    let points = POINTS
        .iter()
        .filter(|point| point.name.contains(&race.only));
    let points: Vec<_> = points.collect();
    // By point, then mode, then round.
    let mut results: Vec<[Vec<Report>; 4]> = points.iter().map(|_| Default::default()).collect();
    for round in 0..race.rounds {
        for (point, results) in points.iter().zip(&mut results) {
            for turn in 0..MODES.len() {
                let mode = (turn + round) % MODES.len();
                let report = point.run(MODES[mode], race);
                let report = report.with_context(|| format!("{} {:?}", point.name, MODES[mode]))?;
                if report.errors > 0 {
                    let (name, error) = (point.name, &report.error);
                    eprintln!(
                        "{name} {:?}: {} errors: {error}",
                        MODES[mode], report.errors
                    );
                }
                results[mode].push(report);
            }
        }
        eprintln!("round {} of {}", round + 1, race.rounds);
    }
    print(&points, &results);
    println!(
        "\nMedians of {} rounds of {} s, after {} s of warm-up. In brackets: of the raw rate in \
         the same round.",
        race.rounds, race.secs, race.warmup
    );
    Ok(())
}

impl Point {
    fn run(&self, mode: Mode, race: &Race) -> Result<Report> {
        let _awake = self.awake.then(Process::spinners).transpose()?;
        let mut server = Process::start(mode, &["server", "--addr", "127.0.0.1:0"])?;
        let addr = server
            .line_with("LISTENING ")?
            .split_off("LISTENING ".len());
        let numbers = [self.conns, self.outstanding, self.payload].map(|n| n.to_string());
        let times = [race.secs, race.warmup].map(|secs| secs.to_string());
        let mut client = Process::start(
            mode,
            &[
                "client",
                "--addr",
                &addr,
                "--workload",
                self.workload,
                "--conns",
                &numbers[0],
                "--outstanding",
                &numbers[1],
                "--payload",
                &numbers[2],
                "--secs",
                &times[0],
                "--warmup",
                &times[1],
            ],
        )?;
        Ok(serde_json::from_str(
            &client.line_with("{\"event\":\"result\"")?,
        )?)
    }
}

/// This program once more, ended when it is dropped.
struct Process(Child);

impl Process {
    fn start(mode: Mode, args: &[&str]) -> Result<Self> {
        let mode = mode.to_possible_value().context("every mode has a name")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--mode", mode.get_name()]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    /// Reads lines until one begins with `start`.
    fn line_with(&mut self, start: &str) -> Result<String> {
        let out = self.0.stdout.as_mut().context("stdout is a pipe")?;
        for line in BufReader::new(out).lines() {
            let line = line?;
            if line.starts_with(start) {
                return Ok(line);
            }
        }
        anyhow::bail!("it ended without a line `{start}…`")
    }

    /// Keeps each processor busy with something that gives way to everything else.
    fn spinners() -> Result<Vec<Self>> {
        let spinner = |processor: usize| {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", &processor.to_string(), "chrt", "--idle", "0"]);
            command.arg(std::env::current_exe()?).arg("spin");
            let spinner = command.spawn().context("`taskset` and `chrt` are needed")?;
            Ok(Self(spinner))
        };
        (0..available_parallelism()?.get()).map(spinner).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Burns time until the program that asked for it is gone.
pub(crate) fn spin() -> Result<()> {
    let parent = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == parent {
        (0..1_000_000).for_each(|n| {
            std::hint::black_box(n);
        });
    }
    Ok(())
}

fn print(points: &[&Point], results: &[[Vec<Report>; 4]]) {
    println!("| | raw frames | WgRPC, gob | WgRPC, JSON | gob through `XClient` |");
    println!("|---|---:|---:|---:|---:|");
    for (point, [raw, gob, json, cluster]) in points.iter().zip(results) {
        let [gob, json, cluster] = [gob, json, cluster].map(|reports| rate(reports, Some(raw)));
        println!(
            "| `{}`: {} | {} | {gob} | {json} | {cluster} |",
            point.name,
            point.title,
            rate(raw, None)
        );
    }
    println!(
        "\n| median / 99th percentile | raw frames | WgRPC, gob | WgRPC, JSON | gob through \
         `XClient` |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (point, results) in points.iter().zip(results) {
        let cells = results.iter().map(|reports| latency(reports));
        println!(
            "| `{}` | {} |",
            point.name,
            cells.collect::<Vec<_>>().join(" | ")
        );
    }
}

fn rate(reports: &[Report], raw: Option<&Vec<Report>>) -> String {
    let rate = median(reports.iter().map(|report| report.calls_per_s));
    let rate = match rate {
        1e6.. => format!("{:.2} M/s", rate / 1e6),
        1e4.. => format!("{:.0} k/s", rate / 1e3),
        1e3.. => format!("{:.1} k/s", rate / 1e3),
        _ => format!("{rate:.0}/s"),
    };
    let Some(raw) = raw else {
        return rate;
    };
    let pairs = reports.iter().zip(raw);
    let share = median(pairs.map(|(report, raw)| report.calls_per_s / raw.calls_per_s));
    format!("{rate} ({:.0} %)", share * 100.0)
}

fn latency(reports: &[Report]) -> String {
    let show = |micros: f64| match Duration::from_secs_f64(micros / 1e6) {
        time if time < Duration::from_millis(1) => format!("{micros:.0} µs"),
        _ => format!("{:.1} ms", micros / 1e3),
    };
    let p50 = median(reports.iter().map(|report| report.p50_us));
    let p99 = median(reports.iter().map(|report| report.p99_us));
    format!("{} / {}", show(p50), show(p99))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
