//! Tables and plots of the results, and their place in the documentation.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::contenders::{ALL, Contender, Role};
use crate::curves::{CURVES, Curve};
use crate::plot::{self, Series};
use crate::points::{self, Family};
use crate::results::{Results, Session};

/// Between these lines of the page is what is written here.
const BEGIN: &str = "<!-- peers: begin, written by `cargo peers report` -->\n";
const END: &str = "<!-- peers: end -->\n";

/// The folder of the plots, beside the page.
const PLOTS: &str = "plots";

/// Writes the tables into the page, and the plots beside it.
pub(crate) fn publish(path: &Path, docs: &Path) -> Result<()> {
    let results = Results::load(path)?;
    let mut text = tables(&results);
    for (name, title, image) in plots(&results) {
        fs::create_dir_all(docs.join(PLOTS))?;
        fs::write(docs.join(PLOTS).join(format!("{name}.svg")), image)?;
        writeln!(text, "\n![{title}]({PLOTS}/{name}.svg)")?;
    }
    let page = docs.join("benchmarks.md");
    let old = fs::read_to_string(&page)?;
    let missing = || format!("{} lacks the line {}", page.display(), BEGIN.trim_end());
    let (before, rest) = old.split_once(BEGIN).with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    Ok(fs::write(
        &page,
        format!("{before}{BEGIN}\n{text}\n{END}{after}"),
    )?)
}

/// All tables, with what has to be known about them.
pub(crate) fn tables(results: &Results) -> String {
    let report = Report(results);
    let rates = |point| Cell::Share(point, "calls_per_s");
    let cpu = "_cpu_s_per_million";
    let switches = "_switches_per_call";
    let calls = "_system_calls_per_call";
    let sections = [
        report.method(),
        report.table(
            "Calls a second (of raw)",
            &["c1o64", "c1o1024", "c16o64", "sleep-1ms"].map(|point| column(point, rates(point))),
        ),
        report.table(
            "How long a call takes: median (times raw), 99th percentile",
            &["lat-awake", "lat", "open"].map(|point| column(point, Cell::Times(point))),
        ),
        report.table(
            "Records there and back: calls a second (of raw)",
            &["echo-64", "echo-1k", "echo-16k"].map(|point| column(point, rates(point))),
        ),
        report.table(
            "Large records there and back: megabytes a second each way (of raw)",
            &["echo-1m", "echo-1m-c16"].map(|point| column(point, Cell::Share(point, "mb_per_s"))),
        ),
        report.table(
            "What a call costs: server + client",
            &[
                head(
                    "CPU seconds for a million, `c1o1024`",
                    Cell::Sides("c1o1024", cpu),
                ),
                head("context switches, `c1o64`", Cell::Sides("c1o64", switches)),
                head(
                    "context switches, `c1o1024`",
                    Cell::Sides("c1o1024", switches),
                ),
                head("system calls, `c1o64`", Cell::Sides("syscalls-64", calls)),
                head(
                    "system calls, `c1o1024`",
                    Cell::Sides("syscalls-1024", calls),
                ),
            ],
        ),
        report.table(
            "Bytes on the wire, and in the memory of the server",
            &[
                head("a call: request + reply", Cell::Bytes("o1")),
                head("a call, 64 outstanding", Cell::Bytes("o64")),
                head(
                    "connecting, and the first call",
                    Cell::Plain("wire", "first_call_bytes"),
                ),
                head(
                    "an idle connection",
                    Cell::Plain("mem", "bytes_per_connection"),
                ),
            ],
        ),
        report.errors(),
        report.contenders(),
    ];
    let sections = sections.into_iter().filter(|section| !section.is_empty());
    sections.collect::<Vec<_>>().join("\n")
}

fn head(title: &str, cell: Cell) -> Column {
    (title.to_owned(), cell)
}

/// A column that is about a point.
fn column(point: &str, cell: Cell) -> Column {
    let mut points = points::all().into_iter();
    let title = points.find(|it| it.name == point).map(|it| it.title);
    (format!("`{point}`: {}", title.unwrap_or_default()), cell)
}

type Column = (String, Cell);

/// What a column shows of a contender.
#[derive(Clone, Copy)]
enum Cell {
    /// A figure at a point, and its share of that of raw.
    Share(&'static str, &'static str),
    /// Median and 99th percentile at a point.
    Times(&'static str),
    /// A figure of server and client at a point, by the end of its name, and how many times that
    /// of raw their sum is.
    Sides(&'static str, &'static str),
    /// Bytes of a call with so many outstanding.
    Bytes(&'static str),
    /// A number of bytes at a point.
    Plain(&'static str, &'static str),
}

struct Report<'a>(&'a Results);

impl Report<'_> {
    fn method(&self) -> String {
        let Some(Session {
            date,
            revision,
            rustc,
            secs,
            warmup,
            load_before,
            ..
        }) = self.session()
        else {
            return String::new();
        };
        let machine = &self.0.machine;
        let rounds = self.0.next_round(Family::Table);
        let open = self.0.median(ALL[0].name, "open", "rate");
        let open = open.map_or_else(String::new, |rate| {
            format!(
                " The steady rate of `open` is {}/s: half of what the best peer can do at \
                 `c1o1024`; times count from when a call was due.",
                count(rate)
            )
        });
        format!(
            "Measured on {date}: {}, {} processors that client and server share, Linux {}, \
             rustc {rustc}, WgRPC {revision}; load before {load_before}. Loopback; {rounds} \
             rounds in which all take turns, each turn {secs} s after {warmup} s of warm-up with \
             a new server. Medians of the rounds; shares and times of raw are medians of those \
             within a round.{open} A dagger † marks who opens a connection for each call.\n",
            machine.cpu, machine.processors, machine.kernel
        )
    }

    fn session(&self) -> Option<&Session> {
        let mut sessions = self.0.sessions.iter().rev();
        sessions.find(|session| session.family == Family::Table)
    }

    /// A table of what was measured: without contenders, and columns, of which nothing was.
    fn table(&self, title: &str, columns: &[Column]) -> String {
        let is_measured = |(_, cell): &&Column| ALL.iter().any(|it| self.cell(it, *cell).is_some());
        let columns: Vec<_> = columns.iter().filter(is_measured).collect();
        let rows = ALL.iter().filter_map(|it| {
            let cells = columns.iter().map(|(_, cell)| self.cell(it, *cell));
            let cells: Vec<_> = cells.collect();
            cells.iter().any(Option::is_some).then(|| {
                let cells = cells.into_iter().map(|cell| cell.unwrap_or("–".to_owned()));
                let cells: Vec<_> = cells.collect();
                format!("| {} | {} |\n", name(it), cells.join(" | "))
            })
        });
        let rows: String = rows.collect();
        if rows.is_empty() {
            return rows;
        }
        let heads: Vec<_> = columns.iter().map(|(head, _)| head.as_str()).collect();
        let line = "---:|".repeat(heads.len());
        format!(
            "### {title}\n\n| | {} |\n|---|{line}\n{rows}",
            heads.join(" | ")
        )
    }

    fn cell(&self, contender: &Contender, cell: Cell) -> Option<String> {
        let (results, name) = (self.0, contender.name);
        match cell {
            Cell::Share(point, figure) => {
                let value = results.median(name, point, figure)?;
                let share = results.ratio(name, point, figure)?;
                Some(format!("{} ({})", count(value), percent(share)))
            }
            Cell::Times(point) => {
                let [p50, p99] = ["p50_us", "p99_us"].map(|it| results.median(name, point, it));
                let times = results.ratio(name, point, "p50_us")?;
                let late = self.is_late(name, point);
                Some(format!(
                    "{} ({times:.1}×), {}{late}",
                    time(p50?),
                    time(p99?)
                ))
            }
            Cell::Sides(point, end) => {
                let sides = ["server", "client"].map(|side| format!("{side}{end}"));
                let [server, client] = sides.map(|it| results.median(name, point, &it));
                let (server, client) = (server?, client?);
                Some(format!(
                    "{} + {} = {}",
                    small(server),
                    small(client),
                    small(server + client)
                ))
            }
            Cell::Bytes(outstanding) => {
                let parts = ["request", "reply"].map(|it| format!("{it}_bytes_{outstanding}"));
                let [request, reply] = parts.map(|it| results.median(name, "wire", &it));
                let (request, reply) = (request?, reply?);
                Some(format!(
                    "{request:.1} + {reply:.1} = {:.1}",
                    request + reply
                ))
            }
            Cell::Plain(point, figure) => Some(size(results.median(name, point, figure)?)),
        }
    }

    /// Whether it could not keep up with a rate.
    fn is_late(&self, name: &str, point: &str) -> &'static str {
        let figure = |figure| self.0.median(name, point, figure);
        match (figure("rate"), figure("calls_per_s")) {
            (Some(rate), Some(calls)) if calls < 0.95 * rate => " (cannot keep up)",
            _ => "",
        }
    }

    fn errors(&self) -> String {
        let wrong = self
            .0
            .runs
            .iter()
            .filter(|run| !run.outcome.error.is_empty());
        let mut text = String::new();
        for run in wrong {
            let (errors, error) = (run.outcome.figure("errors"), &run.outcome.error);
            let at = format!("{} at `{}`, round {}", run.contender, run.point, run.round);
            text += &match errors {
                0.0 => format!("* {at}: no result, {error}\n"),
                errors => format!("* {at}: {errors} calls failed, the first with: {error}\n"),
            };
        }
        match text.is_empty() {
            true => text,
            false => format!("### What went wrong\n\n{text}"),
        }
    }

    fn contenders(&self) -> String {
        let mut text = "### Who took part\n\n".to_owned();
        for it in ALL {
            let sessions = self.0.sessions.iter().rev();
            let version = sessions
                .filter_map(|session| session.versions.get(it.name))
                .next();
            if let Some(version) = version.map(|version| version.trim_end()) {
                text += &format!("* {}: {}, {version}\n", name(it), it.note);
            }
        }
        text
    }
}

fn name(contender: &Contender) -> String {
    match contender.role {
        Role::Ours => format!("**{}**", contender.name),
        Role::Limit => format!("_{}_", contender.name),
        Role::Peer => contender.name.to_owned(),
        Role::PeerWithPool => format!("{} †", contender.name),
    }
}

/// Names, titles and images.
fn plots(results: &Results) -> Vec<(&'static str, &'static str, String)> {
    let points = ["c1o64", "c1o1024", "c16o64"];
    let series = points.map(|point| {
        let values = ALL.iter().filter_map(|it| {
            let rate = results.median(it.name, point, "calls_per_s")?;
            Some((it.name, rate))
        });
        Series {
            name: point,
            values: values.collect(),
        }
    });
    let mut plots = Vec::new();
    let title = "Calls a second";
    plots.extend(plot::dots(title, "calls/s", &series).map(|image| ("calls", title, image)));
    for curve in CURVES {
        let image = plot::lines(curve, &curve_of(results, curve));
        plots.extend(image.map(|image| (curve.name, curve.title, image)));
    }
    plots
}

fn curve_of<'a>(results: &Results, curve: &Curve) -> Vec<Series<'a, f64>> {
    let series = ALL.iter().map(|it| {
        let values = curve.places().filter_map(|(x, point)| {
            let y = results.median(it.name, &point, curve.y.0)?;
            Some((x, y))
        });
        Series {
            name: it.name,
            values: values.collect(),
        }
    });
    series.filter(|series| !series.values.is_empty()).collect()
}

/// A number with three digits.
pub(crate) fn count(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", digits(value / 1e6)),
        1e4.. => format!("{} k", digits(value / 1e3)),
        _ => digits(value),
    }
}

fn digits(value: f64) -> String {
    match value {
        99.95.. => format!("{value:.0}"),
        9.995.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A number that may be near 0.
fn small(value: f64) -> String {
    match value {
        0.1.. => digits(value),
        _ => format!("{value:.3}"),
    }
}

fn time(micros: f64) -> String {
    match micros {
        1e4.. => format!("{:.0} ms", micros / 1e3),
        1e3.. => format!("{:.1} ms", micros / 1e3),
        _ => format!("{micros:.0} µs"),
    }
}

fn size(bytes: f64) -> String {
    match bytes {
        4096.0.. => format!("{:.1} KiB", bytes / 1024.0),
        _ => format!("{bytes:.0}"),
    }
}

fn percent(share: f64) -> String {
    match share {
        0.1.. => format!("{:.0} %", share * 100.0),
        _ => format!("{:.1} %", share * 100.0),
    }
}
