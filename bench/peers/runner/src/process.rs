//! Processes that are started, listened to, and ended when they are dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result};

/// A running program, and the lines that it prints.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        let out = child.stdout.take().context("stdout is a pipe")?;
        let (line, lines) = mpsc::channel();
        // Reads to the end even if nobody listens: a full pipe would stop the program.
        std::thread::spawn(move || {
            for text in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = line.send(text);
            }
        });
        Ok(Self { child, lines })
    }

    /// The next line that it prints, in this time.
    pub(crate) fn line(&self, within: Duration) -> Result<String> {
        let line = self.lines.recv_timeout(within);
        line.with_context(|| format!("it printed nothing more, for {within:?} or before its end"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps each processor busy with something that gives way to everything else.
pub(crate) fn spinners() -> Result<Vec<Process>> {
    let spinner = |processor: usize| {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &processor.to_string(), "chrt", "--idle", "0"]);
        Process::start(command.arg(std::env::current_exe()?).arg("spin"))
    };
    let spinners = (0..available_parallelism()?.get()).map(spinner).collect();
    std::thread::sleep(Duration::from_millis(100));
    spinners
}

/// Burns time until the program that asked for it is gone.
pub(crate) fn spin() -> Result<()> {
    let parent = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == parent {
        (0..1_000_000).for_each(|n| {
            std::hint::black_box(n);
        });
    }
    Ok(())
}
