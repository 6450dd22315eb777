//! What a process has used, as Linux tells it.

use std::fs;

use anyhow::{Context, Result};

/// How Linux counts time for programs, on every processor that it runs on.
const TICKS_PER_S: f64 = 100.0;

/// Of all threads that a process has.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// In seconds, in the program and in the kernel.
    pub(crate) cpu: f64,
    /// How often its threads were switched, voluntarily or not.
    pub(crate) switches: f64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name of the program comes before, and may have spaces.
        let (_, fields) = stat.rsplit_once(')').context("a line without a name")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        let mut switches = 0.0;
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            // Threads come and go.
            let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
            switches += fields_with(&status, "ctxt_switches:");
        }
        Ok(Self {
            cpu: ticks / TICKS_PER_S,
            switches,
        })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu - before.cpu,
            switches: self.switches - before.switches,
        }
    }
}

/// The memory of a process that is in use, in bytes.
pub(crate) fn resident(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(1024.0 * fields_with(&status, "VmRSS:"))
}

/// The sum of the numbers on the lines whose names end like this.
fn fields_with(status: &str, name: &str) -> f64 {
    let lines = status.lines().filter_map(|line| line.split_once(name));
    let numbers = lines.filter_map(|(_, rest)| rest.split_whitespace().next()?.parse::<f64>().ok());
    numbers.sum()
}
