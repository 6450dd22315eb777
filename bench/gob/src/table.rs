//! The table, in Markdown.

use crate::Options;
use crate::race::{Row, Times};

/// Prints a row for each operation: the median time of every contender, and the median of how
/// many times as long as the first one it took in the same round.
pub(crate) fn print(rows: &[Row], options: &Options) {
    let Some(first) = rows.first() else {
        return println!("no row has `{}` in its name", options.only);
    };
    let names = first.results.iter().map(|times| times.name);
    println!("| | {} |", names.collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---:|".repeat(first.results.len()));
    for row in rows {
        let Some(ours) = row.results.first() else {
            continue;
        };
        let others = row.results[1..].iter().map(|theirs| cell(theirs, ours));
        println!(
            "| {} | **{}** | {} |",
            row.operation,
            time(median(ours.nanos.iter().copied())),
            others.collect::<Vec<_>>().join(" | "),
        );
    }
    println!(
        "\nMedians of {} rounds of {} ms each. In brackets: times as long as {}.",
        options.rounds, options.batch, first.results[0].name
    );
}

fn cell(theirs: &Times, ours: &Times) -> String {
    let ratios = theirs
        .nanos
        .iter()
        .zip(&ours.nanos)
        .map(|(theirs, ours)| theirs / ours);
    let ratio = median(ratios);
    let digits = if ratio < 10.0 { 1 } else { 0 };
    format!(
        "{} ({ratio:.digits$}×)",
        time(median(theirs.nanos.iter().copied()))
    )
}

fn time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        ..1e3 => (nanos, "ns"),
        ..1e6 => (nanos / 1e3, "µs"),
        _ => (nanos / 1e6, "ms"),
    };
    let digits = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.digits$} {unit}")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
