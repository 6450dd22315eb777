//! Runs WgRPC and its peers by turns, and reports how fast they are.
//!
//! Every contender is a program with a server and a client that keep the same contract. A round
//! goes from point to point, and at each point all contenders have their turn, so that whatever
//! else the machine does hits all alike; each round begins with another contender. Figures are
//! compared with those of `raw`, the limit, in the same round.
//!
//! * `contenders.rs` says who takes part, `tools.rs` builds them.
//! * `points.rs` says what is measured, `curves.rs` what more for the curves.
//! * `race.rs` goes round; `measure.rs` is one turn, with `process.rs`, `usage.rs` and `proxy.rs`.
//! * `results.rs` is the file that everything is kept in.
//! * `report.rs` makes tables of it, `plot.rs` plots.

mod contenders;
mod curves;
mod measure;
mod plot;
mod points;
mod process;
mod proxy;
mod race;
mod report;
mod results;
mod tools;
mod usage;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use contenders::Contender;
use points::Family;

/// Runs WgRPC and its peers by turns, and reports how fast they are.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Where the results are kept.
    #[arg(long, global = true, default_value_os_t = home().join("results.json"))]
    results: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Measures what the tables show.
    Run(Race),
    /// Measures what the curves show.
    Curves(Race),
    /// Writes tables and plots into the documentation, from the results.
    Report {
        /// The folder of `benchmarks.md`.
        #[arg(long, default_value_os_t = home().join("../../docs"))]
        docs: PathBuf,
    },
    /// Says who takes part and what is measured.
    List,
    /// Keeps one processor awake; part of `run`.
    #[command(hide = true)]
    Spin,
}

/// How to go round.
#[derive(Args)]
struct Race {
    /// Who takes part: names, `must` or `all`. `raw` always does.
    #[arg(long = "contender", value_delimiter = ',')]
    contenders: Vec<String>,
    /// What is measured: names, or all.
    #[arg(long = "point", value_delimiter = ',')]
    points: Vec<String>,
    /// How often each contender has its turn at each point.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a turn is measured, in seconds.
    #[arg(long, default_value_t = 1.2)]
    secs: f64,
    /// How long it runs before that, in seconds.
    #[arg(long, default_value_t = 0.3)]
    warmup: f64,
    /// Calls a second at the point `open`, instead of half of the best peer's rate at `c1o1024`.
    #[arg(long)]
    rate: Option<f64>,
    /// Keep earlier results and add rounds to them.
    #[arg(long)]
    append: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    match options.command {
        Command::Run(race) => {
            let contenders = Contender::choose(&race.contenders, &["must"])?;
            let points = points::choose(points::all(), &race.points)?;
            race::run(&race, Family::Table, &contenders, &points, &options.results)
        }
        Command::Curves(race) => {
            let contenders = Contender::choose(&race.contenders, &["raw", "wgrpc", "tarpc"])?;
            let points = curves::CURVES.iter().flat_map(curves::Curve::points);
            let points = points::choose(points.collect(), &race.points)?;
            race::run(
                &race,
                Family::Curves,
                &contenders,
                &points,
                &options.results,
            )
        }
        Command::Report { docs } => report::publish(&options.results, &docs),
        Command::List => {
            list();
            Ok(())
        }
        Command::Spin => process::spin(),
    }
}

/// The folder of the workspace that the contenders are in.
fn home() -> PathBuf {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR"));
    runner.parent().unwrap_or(runner).to_owned()
}

fn list() {
    for contender in contenders::ALL {
        println!("{:16} {}", contender.name, contender.note);
    }
    println!();
    let curves = curves::CURVES.iter().flat_map(curves::Curve::points);
    for point in points::all().into_iter().chain(curves) {
        println!("{:16} {}", point.name, point.title);
    }
}
