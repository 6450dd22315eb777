//! The file of all results.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::contenders;
use crate::points::Family;

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) sessions: Vec<Session>,
    pub(crate) runs: Vec<Run>,
}

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) processors: usize,
    pub(crate) kernel: String,
}

/// One time that rounds were run.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) family: Family,
    pub(crate) date: String,
    /// Of WgRPC.
    pub(crate) revision: String,
    pub(crate) rustc: String,
    /// What the contenders are made of.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) rounds: usize,
    pub(crate) secs: f64,
    pub(crate) warmup: f64,
    /// How many threads wanted to run in the minute before, on average.
    pub(crate) load_before: String,
}

/// One turn of a contender.
#[derive(Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) contender: String,
    pub(crate) point: String,
    pub(crate) round: usize,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What came of a turn.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// By name; units are part of names.
    #[serde(default)]
    pub(crate) figures: BTreeMap<String, f64>,
    /// The first thing that went wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) error: String,
}

impl Outcome {
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.figures.insert(name.into(), value);
    }

    /// 0 if there is none.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.figures.get(name).copied().unwrap_or(0.0)
    }
}

impl Results {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("no results in {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} has other results than these", path.display()))
    }

    /// Those that are there, without the ones that are now to be measured anew.
    pub(crate) fn begin(
        path: &Path,
        machine: Machine,
        family: Family,
        append: bool,
    ) -> Result<Self> {
        let mut results = if path.exists() {
            Self::load(path)?
        } else {
            Self::default()
        };
        if !append {
            results.runs.retain(|run| Family::of(&run.point) != family);
            results.sessions.retain(|session| session.family != family);
        }
        ensure!(
            results.runs.is_empty() || results.machine == machine,
            "{} has results of another machine, remove it or choose another with --results",
            path.display()
        );
        results.machine = machine;
        Ok(results)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        // A run a line: what changes can be seen.
        let runs = self.runs.iter().map(serde_json::to_string);
        let runs = runs.collect::<Result<Vec<_>, _>>()?.join(",\n");
        let machine = serde_json::to_string(&self.machine)?;
        let sessions = serde_json::to_string(&self.sessions)?;
        let text = format!(
            "{{\"machine\":{machine},\n\"sessions\":{sessions},\n\"runs\":[\n{runs}\n]}}\n"
        );
        let part = path.with_extension("part");
        fs::write(&part, text)?;
        Ok(fs::rename(part, path)?)
    }

    pub(crate) fn next_round(&self, family: Family) -> usize {
        let runs = self
            .runs
            .iter()
            .filter(|run| Family::of(&run.point) == family);
        runs.map(|run| run.round + 1).max().unwrap_or(0)
    }

    /// The median of a figure over all rounds.
    pub(crate) fn median(&self, contender: &str, point: &str, figure: &str) -> Option<f64> {
        let runs = self.figures(contender, point, figure);
        median(runs.map(|(_, value)| value))
    }

    /// The median of how many times as much it is as that of the first contender in its round.
    pub(crate) fn ratio(&self, contender: &str, point: &str, figure: &str) -> Option<f64> {
        let first = contenders::ALL.first()?.name;
        let firsts: BTreeMap<_, _> = self.figures(first, point, figure).collect();
        let runs = self.figures(contender, point, figure);
        median(runs.filter_map(|(round, value)| Some(value / firsts.get(&round)?)))
    }

    fn figures<'a>(
        &'a self,
        contender: &'a str,
        point: &'a str,
        figure: &'a str,
    ) -> impl Iterator<Item = (usize, f64)> + 'a {
        let runs = self.runs.iter();
        let runs = runs.filter(move |run| run.contender == contender && run.point == point);
        // Where no call ended there is nothing to compare.
        let runs = runs.filter(|run| run.outcome.figures.get("calls") != Some(&0.0));
        runs.filter_map(|run| Some((run.round, *run.outcome.figures.get(figure)?)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[low] + values[high]) / 2.0)
}
