//! What a call may cost, in a file that is checked in.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What one call costs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// How much more than the budget is no excess: compilers and C libraries differ.
const INSTRUCTIONS: f64 = 1.05;
/// The same of allocations, which the order in which tasks run can change a little.
const ALLOCATIONS: f64 = 0.2;

/// What a call costs in each exchange, by the exchange's name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Budget(BTreeMap<String, Cost>);

impl Budget {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The budget in the file `path`; an empty one if there is no file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::new()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        serde_json::from_slice(&text).with_context(|| format!("{} is no budget", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }

    pub(crate) fn get(&self, exchange: &str) -> Option<Cost> {
        self.0.get(exchange).copied()
    }

    pub(crate) fn insert(&mut self, exchange: &str, cost: Cost) {
        self.0.insert(exchange.to_owned(), cost);
    }

    /// Where this is more than `allowed`, as sentences.
    pub(crate) fn excesses(&self, allowed: &Self) -> Vec<String> {
        let excess = |(name, cost): (&String, &Cost)| {
            let Some(most) = allowed.get(name) else {
                return Some(format!("There is no budget for the exchange {name}."));
            };
            let is_within = cost.instructions <= most.instructions * INSTRUCTIONS
                && cost.allocations <= most.allocations + ALLOCATIONS;
            (!is_within).then(|| {
                format!(
                    "A call of the exchange {name} costs {} instructions and {} allocations; {} \
                     and {} are allowed.",
                    cost.instructions, cost.allocations, most.instructions, most.allocations
                )
            })
        };
        self.0.iter().filter_map(excess).collect()
    }
}

/// One line of the table: what is measured, and how that compares to the budget.
pub(crate) fn row(name: &str, cost: Cost, allowed: Option<Cost>) -> String {
    let compare = |cost: f64, allowed: Option<f64>| match allowed {
        Some(allowed) if allowed > 0.0 => {
            format!("{cost} ({:+.1} %)", 100.0 * (cost / allowed - 1.0))
        }
        _ => cost.to_string(),
    };
    let instructions = compare(cost.instructions, allowed.map(|it| it.instructions));
    let allocations = compare(cost.allocations, allowed.map(|it| it.allocations));
    format!("{name:8} {instructions:>20} {allocations:>20}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_more_than_allowed_or_has_no_budget_is_an_excess() {
        let cost = |instructions, allocations| Cost {
            instructions,
            allocations,
        };
        let budget = |costs: &[(&str, Cost)]| {
            let mut budget = Budget::new();
            costs
                .iter()
                .for_each(|&(name, cost)| budget.insert(name, cost));
            budget
        };
        let allowed = budget(&[("one", cost(1000.0, 5.0))]);
        let excesses = |name, cost| budget(&[(name, cost)]).excesses(&allowed).len();
        assert_eq!(excesses("one", cost(1040.0, 5.1)), 0);
        assert_eq!(excesses("one", cost(1060.0, 5.0)), 1);
        assert_eq!(excesses("one", cost(900.0, 6.0)), 1);
        assert_eq!(excesses("two", cost(1.0, 0.0)), 1);
    }
}
