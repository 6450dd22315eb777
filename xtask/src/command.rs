//! Other programs: how they are started, and how the tests that they ran are counted.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// `cargo` in the workspace's folder, the very one that started us.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// `go` or `gofmt` in the folder of our Go module, which needs only the toolchain at hand.
pub(crate) fn go(root: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(root.join("interop/go"))
        .env("GOTOOLCHAIN", "local");
    command
}

/// Runs a program to its end; anything but success is an error that says what was run.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a program and returns what it printed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", line(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", line(command)))
}

/// Runs a test runner, passes its output on as it comes, and counts the tests in it.
///
/// Tests that failed are counted and no error; a runner that fails without them is one.
pub(crate) fn run_tests(command: &mut Command, count: impl Fn(&str) -> Counts) -> Result<Counts> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", line(command)))?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        let mut ours = std::io::stdout().lock();
        for text in BufReader::new(stdout).split(b'\n') {
            let text = text?;
            counts += count(&String::from_utf8_lossy(&text));
            ours.write_all(&text)?;
            ours.write_all(b"\n")?;
        }
    }
    let status = child.wait()?;
    if !status.success() && counts.failed == 0 {
        bail!("{} ended with {status}", line(command));
    }
    Ok(counts)
}

/// How many tests ran, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Tests that were left out: a suite that leaves tests out has not passed.
    pub(crate) skipped: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// What a line of `cargo test` adds: the closing line of each test binary has its sums.
pub(crate) fn count_cargo(line: &str) -> Counts {
    let Some((_, sums)) = line
        .strip_prefix("test result: ")
        .and_then(|it| it.split_once(". "))
    else {
        return Counts::default();
    };
    let mut counts = Counts::default();
    for sum in sums.split("; ") {
        let Some((number, what)) = sum.split_once(' ') else {
            continue;
        };
        let number = number.parse().unwrap_or_default();
        match what {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.skipped = number,
            _ => {}
        }
    }
    counts
}

/// What a line of `go test -v` adds: one line a test, subtests are indented.
pub(crate) fn count_go(line: &str) -> Counts {
    let line = line.trim_start();
    Counts {
        passed: usize::from(line.starts_with("--- PASS: ")),
        failed: usize::from(line.starts_with("--- FAIL: ")),
        skipped: usize::from(line.starts_with("--- SKIP: ")),
    }
}

/// The command as somebody would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_else(|| command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_cargo_test_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered \
                    out; finished in 0.01s";
        assert_eq!(
            count_cargo(line),
            Counts {
                passed: 12,
                failed: 3,
                skipped: 1
            }
        );
        assert_eq!(count_cargo("test a::b ... ok"), Counts::default());
        assert_eq!(
            count_cargo("a test printed 7 passed; 7 failed"),
            Counts::default()
        );
    }

    #[test]
    fn each_line_of_go_test_is_counted() {
        let output = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\n\
                      --- FAIL: TestB (0.01s)\n--- SKIP: TestC (0.00s)\nok  \tmodule\t0.1s";
        let mut counts = Counts::default();
        output.lines().for_each(|line| counts += count_go(line));
        assert_eq!(
            counts,
            Counts {
                passed: 2,
                failed: 1,
                skipped: 1
            }
        );
    }
}
