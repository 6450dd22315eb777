//! What has happened, in order: as a hash to compare two runs by, and as text to read.

use std::fmt::Arguments;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Whether a run says what happens in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Only what is wrong.
    Quiet,
    /// Everything, on standard output.
    Everything,
}

/// What has happened in a run. Clones are the same.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Inner>);

struct Inner {
    start: Instant,
    telling: Telling,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    hasher: DefaultHasher,
    wrong: Vec<String>,
}

impl Trace {
    pub(crate) fn new(telling: Telling) -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            telling,
            noted: Mutex::default(),
        }))
    }

    /// Notes that something has happened.
    pub(crate) fn note(&self, what: Arguments<'_>) {
        let line = self.line(what);
        self.tell(&line);
        line.hash(&mut self.0.noted.lock().hasher);
    }

    /// Notes that something has happened that must not.
    pub(crate) fn wrong(&self, what: Arguments<'_>) {
        let line = self.line(what);
        self.tell(&format!("{line} <== WRONG"));
        let mut noted = self.0.noted.lock();
        line.hash(&mut noted.hasher);
        noted.wrong.push(line);
    }

    /// A number for all that has happened.
    pub(crate) fn hash(&self) -> u64 {
        self.0.noted.lock().hasher.finish()
    }

    /// What has happened that must not.
    pub(crate) fn all_wrong(&self) -> Vec<String> {
        self.0.noted.lock().wrong.clone()
    }

    fn line(&self, what: Arguments<'_>) -> String {
        format!("{:9.3} {what}", self.0.start.elapsed().as_secs_f64())
    }

    #[expect(clippy::print_stdout, reason = "this is what it was asked for")]
    fn tell(&self, line: &str) {
        if self.0.telling == Telling::Everything {
            println!("{line}");
        }
    }
}
