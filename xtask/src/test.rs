//! `cargo xtask test`: one step after the other, until one fails.
//!
//! The steps are a table, cheap ones first, so that a mistake shows early. No step is ever left
//! out in silence: what a step needs is installed or asked for before the first one starts, and a
//! test that is marked as ignored is an error.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command::{self, Counts};
use crate::tools::{self, ETCD, GO, PROTOC, Tool, VALGRIND};
use crate::{dependencies, features, tidy};

struct Step {
    name: &'static str,
    /// What is known when it has passed.
    purpose: &'static str,
    tools: &'static [&'static Tool],
    work: Work,
}

enum Work {
    /// Passes or fails as a whole.
    Check(fn(&Path) -> Result<()>),
    /// Runs tests, and says how many.
    Tests(fn(&Path) -> Result<Counts>),
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        purpose: "the code has the form that rustfmt gives it",
        tools: &[],
        work: Work::Check(format),
    },
    Step {
        name: "tidy",
        purpose: "the rules of the house hold",
        tools: &[],
        work: Work::Check(tidy::run),
    },
    Step {
        name: "licences",
        purpose: "every dependency has a licence that we allow",
        tools: &[],
        work: Work::Check(dependencies::check_licences),
    },
    Step {
        name: "msrv",
        purpose: "no dependency needs a newer Rust than the one that we promise",
        tools: &[],
        work: Work::Check(dependencies::check_rust_version),
    },
    Step {
        name: "clippy",
        purpose: "clippy has nothing to say, about our use of newer Rust neither",
        tools: &[],
        work: Work::Check(clippy),
    },
    Step {
        name: "features",
        purpose: "each feature of each crate compiles alone",
        tools: &[&PROTOC],
        work: Work::Check(features::check),
    },
    Step {
        name: "doc",
        purpose: "the documentation builds without a warning",
        tools: &[],
        work: Work::Check(document),
    },
    Step {
        name: "go",
        purpose: "our Go programs are well formed and pass their own tests",
        tools: &[&GO],
        work: Work::Tests(test_go),
    },
    Step {
        name: "rust",
        purpose: "all Rust tests pass: unit, integration, with Go peers, documentation, examples",
        tools: &[&GO],
        work: Work::Tests(test_rust),
    },
    Step {
        name: "etcd",
        purpose: "registries that share a real etcd are one, and survive what it may do to them",
        tools: &[&PROTOC, &ETCD],
        work: Work::Tests(test_etcd),
    },
    Step {
        name: "cost",
        purpose: "a call takes no more instructions and allocations than its budget allows",
        tools: &[&VALGRIND],
        work: Work::Tests(test_cost),
    },
];

/// Where there are Rust packages: the workspace, and what has one of its own.
const WORKSPACES: [&str; 4] = ["", "bench", "bench/peers", "fuzz"];

/// The packages that have to do with etcd, and what turns that on.
const WITH_ETCD: [&str; 4] = [
    "--package=wgrpc-registry",
    "--package=wgrpc-cli",
    "--features",
    "wgrpc-registry/etcd,wgrpc-cli/etcd",
];

/// Their tests that have to do with it.
const ETCD_TESTS: [&[&str]; 3] = [
    &["--lib", "store::etcd::"],
    &["--test", "etcd"],
    &["--test", "wgrpc", "etcd::"],
];

/// Runs the steps of these names, or all of them, and ends with the sum of all tests.
pub(crate) fn run(root: &Path, only: &[String]) -> Result<()> {
    let chosen: Vec<_> = STEPS
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|it| it == step.name))
        .collect();
    for step in &chosen {
        tools::ensure(step.tools)?;
    }
    let mut counts = Counts::default();
    let mut times = Vec::new();
    for step in chosen {
        println!("\n== {}: {}", step.name, step.purpose);
        let start = Instant::now();
        let outcome = step.work.run(root, &mut counts);
        times.push((step.name, start.elapsed()));
        if let Err(error) = outcome {
            println!(
                "\n== {} failed after {}",
                step.name,
                seconds(start.elapsed())
            );
            println!("{error:#}");
            println!(
                "to run only this step: cargo xtask test --only {}",
                step.name
            );
            // A check that fails is no test: it still must not look as if nothing had failed.
            print_sum(&Counts {
                failed: counts.failed.max(1),
                ..counts
            });
            bail!("step {} failed", step.name);
        }
        println!("== {} passed in {}", step.name, seconds(start.elapsed()));
    }
    println!();
    for (name, time) in times {
        println!("{name:>10} {}", seconds(time));
    }
    if counts != Counts::default() {
        print_sum(&counts);
    }
    Ok(())
}

impl Work {
    fn run(&self, root: &Path, total: &mut Counts) -> Result<()> {
        let work = match self {
            Self::Check(check) => return check(root),
            Self::Tests(tests) => tests,
        };
        let counts = work(root)?;
        *total += counts;
        if counts.failed > 0 {
            bail!("{} tests failed", counts.failed);
        }
        if counts.skipped > 0 {
            bail!(
                "{} tests are marked to be left out: every test has to run",
                counts.skipped
            );
        }
        if counts.passed == 0 {
            bail!("no test ran");
        }
        Ok(())
    }
}

pub(crate) fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// The steps as a list for `--help`.
pub(crate) fn describe_steps() -> String {
    let lines = STEPS
        .iter()
        .map(|step| format!("\n  {:10}{}", step.name, step.purpose));
    format!("Steps, in this order:{}", lines.collect::<String>())
}

fn format(root: &Path) -> Result<()> {
    for workspace in WORKSPACES {
        let mut cargo = command::cargo(&root.join(workspace));
        command::run(cargo.args(["fmt", "--", "--check"]))?;
    }
    Ok(())
}

fn clippy(root: &Path) -> Result<()> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    command::run(command::cargo(root).args(arguments))
}

fn document(root: &Path) -> Result<()> {
    let mut cargo = command::cargo(root);
    command::run(
        cargo
            .args(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-Dwarnings"),
    )
}

fn test_rust(root: &Path) -> Result<Counts> {
    let mut cargo = command::cargo(root);
    command::run_tests(
        cargo.args(["test", "--workspace", "--no-fail-fast"]),
        command::count_cargo,
    )
}

/// What the other steps leave out, since the client of etcd takes long to build.
fn test_etcd(root: &Path) -> Result<Counts> {
    let mut clippy = command::cargo(root);
    clippy.arg("clippy").args(WITH_ETCD);
    command::run(clippy.args(["--all-targets", "--", "-D", "warnings"]))?;
    let mut counts = Counts::default();
    for tests in ETCD_TESTS {
        let mut test = command::cargo(root);
        test.arg("test").args(WITH_ETCD).args(tests);
        counts += command::run_tests(&mut test, command::count_cargo)?;
    }
    Ok(counts)
}

/// Builds with optimisations, so that the figures mean something.
fn test_cost(root: &Path) -> Result<Counts> {
    let mut test = command::cargo(&root.join("bench"));
    test.args(["test", "--profile", "cost", "--package", "bench-cost"]);
    let counts = command::run_tests(&mut test, command::count_cargo)?;
    let mut cost = command::cargo(&root.join("bench"));
    command::run(cost.args(["run", "--profile", "cost", "--package", "bench-cost"]))?;
    Ok(counts)
}

fn test_go(root: &Path) -> Result<Counts> {
    let unformatted = command::read(command::go(root, "gofmt").args(["-l", "."]))?;
    if !unformatted.is_empty() {
        bail!("gofmt would change these files:\n{unformatted}");
    }
    command::run(command::go(root, "go").args(["vet", "./..."]))?;
    command::run_tests(
        command::go(root, "go").args(["test", "-v", "./..."]),
        command::count_go,
    )
}

/// The line that says how much was tested; nothing may stand behind it on its line.
fn print_sum(counts: &Counts) {
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
