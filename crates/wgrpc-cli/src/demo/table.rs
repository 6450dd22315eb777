//! The table of servers and calls: as it changes, and as it was at the end.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::tally::{Tallies, Tally};

/// A table that a terminal shows as it changes; elsewhere nothing is shown.
pub(super) struct Live(ProgressBar);

impl Live {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows these rows from now on.
    pub(super) fn show(&self, rows: &[String]) {
        let lines: Vec<String> = rows.iter().map(|row| format!("    {row}")).collect();
        self.0.set_message(lines.join("\n"));
    }

    /// Prints something above it.
    pub(super) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// The rows: a head, each server, and all calls together. `states` are of the servers.
pub(super) fn rows(tallies: &Tallies, states: &[&str]) -> Vec<String> {
    let head = row("", ["calls", "errors", "p50", "p99"].map(str::to_owned), "");
    let servers = tallies.servers();
    let servers = servers.iter().zip(states).enumerate();
    let servers = servers.map(|(number, (tally, state))| {
        let name = format!("server {}", number + 1);
        row(&name, cells(tally), state)
    });
    let whole = row("the client", cells(&tallies.whole()), "");
    [head].into_iter().chain(servers).chain([whole]).collect()
}

fn cells(tally: &Tally) -> [String; 4] {
    [
        HumanCount(tally.calls).to_string(),
        HumanCount(tally.errors).to_string(),
        shown(tally.percentile(50)),
        shown(tally.percentile(99)),
    ]
}

fn row(name: &str, [calls, errors, p50, p99]: [String; 4], state: &str) -> String {
    let row = format!("{name:<12}{calls:>8}{errors:>8}{p50:>10}{p99:>10}   {state}");
    row.trim_end().to_owned()
}

fn shown(time: Option<Duration>) -> String {
    match time {
        Some(time) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        None => "-".to_owned(),
    }
}
