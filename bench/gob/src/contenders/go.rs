//! Go's own encoding/gob, in a Go program that is told what to do and takes the time itself.
//!
//! A line to it is `encode call 1000`; its answer is how long the 1,000 times took, in nanoseconds.
//! To `stream call` it answers with what it writes, in hexadecimal digits, so that both programs
//! are known to handle the same values.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Contender, Operation, Reader, wgrpc};
use crate::values::{self, Kind, Sample, differs};

/// Go as a contender, if it is installed.
pub(super) fn contender() -> Result<Option<Contender>> {
    let Some(go) = Go::start()? else {
        eprintln!("Go is not installed: its figures are left out");
        return Ok(None);
    };
    let go = Rc::new(RefCell::new(go));
    let work = move |operation: Operation| {
        go.borrow_mut().prove(operation.kind)?;
        let go = go.clone();
        let work: super::Work = Box::new(move |times| go.borrow_mut().run(operation, times));
        Ok(work)
    };
    Ok(Some(Contender {
        name: "Go",
        work: Box::new(work),
    }))
}

struct Go {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Go {
    /// Builds and starts the program; `None` without Go.
    fn start() -> Result<Option<Self>> {
        let program = std::env::current_exe()?.with_file_name("bench-gob-go");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
        let mut build = Command::new("go");
        build
            .args(["build", "-o"])
            .arg(&program)
            .current_dir(source);
        match build.status() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            status => ensure!(status?.success(), "the Go program does not build"),
        }
        let mut command = Command::new(&program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the Go program does not start")?;
        let requests = child.stdin.take().context("a pipe was asked for")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe was asked for")?);
        Ok(Some(Self {
            child,
            requests,
            answers,
        }))
    }

    fn run(&mut self, operation: Operation, times: u64) -> Result<Duration> {
        let Operation { direction, kind } = operation;
        let answer = self.ask(&format!("{direction} {} {times}", kind.name()))?;
        Ok(Duration::from_nanos(answer.parse()?))
    }

    /// Checks that it has the same value as we.
    fn prove(&mut self, kind: Kind) -> Result<()> {
        let hex = self.ask(&format!("stream {}", kind.name()))?;
        let bytes = hex.as_bytes().chunks(2).map(|digits| {
            let digits = str::from_utf8(digits)?;
            Ok(u8::from_str_radix(digits, 16)?)
        });
        let bytes = bytes.collect::<Result<Vec<_>>>()?;
        match kind {
            Kind::Call => has(&bytes, values::call()),
            Kind::Ints => has(&bytes, values::ints()),
            Kind::Structs => has(&bytes, values::structs()),
            Kind::Maps => has(&bytes, values::maps()),
            Kind::Blob => has(&bytes, values::blob()),
        }
    }

    fn ask(&mut self, request: &str) -> Result<String> {
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the Go program failed at `{request}`");
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // It has nothing to lose; that it has ended already is no harm either.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has<S: Sample>(bytes: &[u8], sample: S) -> Result<()> {
    let mut reader = wgrpc::Decoding::new(bytes);
    ensure!(S::take(&mut reader)? == sample, differs::<S>("Go"));
    Ok(())
}
