//! Running an exchange under valgrind's callgrind, and reading what that has counted.

use std::collections::HashSet;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What a whole run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) instructions: u64,
    pub(crate) allocations: u64,
}

/// The functions of the C library by which memory is allocated.
const ALLOCATORS: [&str; 5] = [
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
    "aligned_alloc",
];

/// Runs `rounds` of the exchange, and counts.
pub(crate) fn count(exchange: &str, rounds: usize) -> Result<Counts> {
    let program = std::env::current_exe()?;
    let file = std::env::temp_dir().join(format!("bench-cost.{}.out", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["exchange", exchange, &rounds.to_string()])
        .output()
        .context("valgrind does not run; on Debian: apt-get install valgrind")?;
    if !output.status.success() {
        bail!("it failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = std::fs::read_to_string(&file).context("valgrind has written nothing");
    let _ = std::fs::remove_file(&file);
    parse(&text?)
}

/// Reads callgrind's output, of which this needs two things: the line `totals`, and how often
/// functions of some names were called. A name is written out where it comes first, and afterwards
/// its number stands for it.
fn parse(text: &str) -> Result<Counts> {
    let mut allocators = HashSet::new();
    let mut instructions = None;
    let mut allocations = 0;
    let mut is_allocator = false;
    for line in text.lines() {
        if let Some(function) = line
            .strip_prefix("fn=")
            .or_else(|| line.strip_prefix("cfn="))
        {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if ALLOCATORS.contains(&name) {
                allocators.insert(number);
            }
            is_allocator = line.starts_with('c') && allocators.contains(number);
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let times = calls.split(' ').next().and_then(|times| times.parse().ok());
            let times: u64 = times.with_context(|| format!("not a number of calls: {line}"))?;
            allocations += if is_allocator { times } else { 0 };
        } else if let Some(total) = line.strip_prefix("totals:") {
            instructions = total.trim().parse().ok();
        }
    }
    Ok(Counts {
        instructions: instructions.context("callgrind's output has no total")?,
        allocations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_the_calls_of_allocators_are_found() {
        let text = "events: Ir\nfn=(1) main\n16 5\ncfn=(2) malloc\ncalls=3 0\n17 30\n\
                    cfn=(3) free\ncalls=9 0\n18 9\n\nfn=(2)\n0 30\n\nfn=(4) other\n\
                    cfn=(2)\ncalls=4 0\n20 40\ntotals: 12345\n";
        let counts = parse(text).unwrap();
        assert_eq!(
            counts,
            Counts {
                instructions: 12345,
                allocations: 7,
            }
        );
        assert!(parse("fn=(1) main\n").is_err());
    }
}
