//! What is measured.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// One thing that is measured of each contender.
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// Calls for some time.
    Timed(Load),
    /// The same, where only the system calls are counted. That costs time, so the rate counts for
    /// nothing, and one round is enough.
    SystemCalls(Load),
    /// Bytes on the wire; one round is enough.
    Wire,
    /// What the server needs for connections that are idle; one round is enough.
    Memory { conns: usize },
}

/// How a client loads its server.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) workload: &'static str,
    pub(crate) conns: usize,
    pub(crate) outstanding: usize,
    pub(crate) payload: usize,
    /// How long the handler takes, in microseconds.
    pub(crate) delay: u64,
    /// Whether no processor may fall asleep meanwhile.
    pub(crate) is_awake: bool,
    /// Whether calls begin at a steady rate.
    pub(crate) is_open: bool,
}

/// What points are for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    Table,
    Curves,
}

impl Point {
    pub(crate) fn timed(name: impl Into<String>, title: impl Into<String>, load: Load) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            kind: Kind::Timed(load),
        }
    }

    pub(crate) fn memory(name: impl Into<String>, conns: usize) -> Self {
        Self {
            name: name.into(),
            title: format!("memory of the server with {conns} idle connections"),
            kind: Kind::Memory { conns },
        }
    }

    /// Whether it does not vary from round to round.
    pub(crate) fn is_steady(&self) -> bool {
        !matches!(self.kind, Kind::Timed(_))
    }
}

impl Family {
    /// Points of curves have their place on the curve in their names.
    pub(crate) fn of(point: &str) -> Self {
        match point.contains('=') {
            true => Self::Curves,
            false => Self::Table,
        }
    }
}

/// `multiply` with that many calls outstanding.
pub(crate) const fn multiply(conns: usize, outstanding: usize) -> Load {
    Load {
        workload: "multiply",
        conns,
        outstanding,
        payload: 0,
        delay: 0,
        is_awake: false,
        is_open: false,
    }
}

/// `echo` with a payload of that many bytes.
pub(crate) const fn echo(conns: usize, outstanding: usize, payload: usize) -> Load {
    Load {
        workload: "echo",
        payload,
        ..multiply(conns, outstanding)
    }
}

/// All points of the tables.
pub(crate) fn all() -> Vec<Point> {
    let awake = Load {
        is_awake: true,
        ..multiply(1, 1)
    };
    let slow = Load {
        delay: 1000,
        ..multiply(1, 1024)
    };
    let open = Load {
        is_open: true,
        ..multiply(1, 0)
    };
    vec![
        Point::timed("lat", "one call at a time", multiply(1, 1)),
        Point::timed("lat-awake", "the same, processors kept awake", awake),
        Point::timed("c1o64", "1 connection, 64 outstanding", multiply(1, 64)),
        Point::timed(
            "c1o1024",
            "1 connection, 1,024 outstanding",
            multiply(1, 1024),
        ),
        Point::timed(
            "c16o64",
            "16 connections, 64 outstanding each",
            multiply(16, 64),
        ),
        Point::timed(
            "sleep-1ms",
            "`c1o1024` with a handler that sleeps 1 ms",
            slow,
        ),
        Point::timed("open", "a steady rate on 1 connection", open),
        Point::timed("echo-64", "64 bytes, 16 outstanding", echo(1, 16, 64)),
        Point::timed("echo-1k", "1 KiB, 16 outstanding", echo(1, 16, 1 << 10)),
        Point::timed("echo-16k", "16 KiB, 16 outstanding", echo(1, 16, 16 << 10)),
        Point::timed("echo-1m", "1 MiB, 16 outstanding", echo(1, 16, 1 << 20)),
        Point::timed(
            "echo-1m-c16",
            "1 MiB on each of 16 connections",
            echo(16, 1, 1 << 20),
        ),
        Point {
            name: "syscalls-64".to_owned(),
            title: "system calls a call at `c1o64`".to_owned(),
            kind: Kind::SystemCalls(multiply(1, 64)),
        },
        Point {
            name: "syscalls-1024".to_owned(),
            title: "system calls a call at `c1o1024`".to_owned(),
            kind: Kind::SystemCalls(multiply(1, 1024)),
        },
        Point {
            name: "wire".to_owned(),
            title: "bytes of a call on the wire".to_owned(),
            kind: Kind::Wire,
        },
        Point::memory("mem", 1000),
    ]
}

/// Those of these names, or all. The name of a curve stands for all of its points.
pub(crate) fn choose(mut points: Vec<Point>, names: &[String]) -> Result<Vec<Point>> {
    let is_of = |point: &Point, name: &String| {
        point.name == *name || point.name.split_once('=').is_some_and(|it| it.0 == name)
    };
    if let Some(name) = names
        .iter()
        .find(|name| !points.iter().any(|it| is_of(it, name)))
    {
        bail!("there is no point {name}; see `cargo peers list`");
    }
    points.retain(|point| names.is_empty() || names.iter().any(|name| is_of(point, name)));
    Ok(points)
}
