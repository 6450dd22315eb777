//! The curves: one thing grows, everything else stays as it is.

use crate::points::{Load, Point, echo, multiply};

/// A curve, and a plot of it.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What grows.
    pub(crate) x: &'static str,
    /// What is shown of it: the name of a figure and what that is.
    pub(crate) y: (&'static str, &'static str),
    values: &'static [u64],
    point: fn(u64) -> Place,
}

/// What is measured at one place of a curve.
enum Place {
    Timed(Load),
    Memory,
}

pub(crate) const CURVES: &[Curve] = &[
    Curve {
        name: "outstanding",
        title: "Calls outstanding on one connection",
        x: "calls outstanding",
        y: ("calls_per_s", "calls/s"),
        values: &[1, 4, 16, 64, 256, 1024, 4096, 16_384],
        point: |outstanding| Place::Timed(multiply(1, outstanding as usize)),
    },
    Curve {
        name: "connections",
        title: "Connections with 16 calls outstanding each",
        x: "connections",
        y: ("calls_per_s", "calls/s"),
        values: &[1, 4, 16, 64, 250, 1000],
        point: |conns| Place::Timed(multiply(conns as usize, 16)),
    },
    Curve {
        name: "payload",
        title: "Bytes there and back, 4 calls outstanding on one connection",
        x: "bytes",
        y: ("mb_per_s", "MB/s each way"),
        values: &[16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20],
        point: |payload| Place::Timed(echo(1, 4, payload as usize)),
    },
    Curve {
        name: "handler",
        title: "A handler that sleeps, 1,024 calls outstanding on one connection",
        x: "sleep, ms",
        y: ("calls_per_s", "calls/s"),
        values: &[0, 1, 2, 5, 10],
        point: |millis| {
            Place::Timed(Load {
                delay: 1000 * millis,
                ..multiply(1, 1024)
            })
        },
    },
    Curve {
        name: "idle",
        title: "Memory of a server with idle connections",
        x: "idle connections",
        y: ("server_bytes", "bytes"),
        values: &[1, 10, 100, 1000, 10_000],
        point: |_| Place::Memory,
    },
];

impl Curve {
    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        self.values.iter().map(|&value| {
            let name = self.name_at(value);
            match (self.point)(value) {
                Place::Timed(load) => Point::timed(name, self.title, load),
                Place::Memory => Point::memory(name, value as usize),
            }
        })
    }

    /// Its places, and the names of the points there.
    pub(crate) fn places(&self) -> impl Iterator<Item = (f64, String)> {
        let place = |&value| (value as f64, self.name_at(value));
        self.values.iter().map(place)
    }

    fn name_at(&self, value: u64) -> String {
        format!("{}={value}", self.name)
    }
}
