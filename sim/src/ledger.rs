//! What was asked for and what was executed: written by clients and servers, compared in the end.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use wgrpc_core::Executed;

/// All calls of a run. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Entry>>>);

/// What a call asks for.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) is_idempotent: bool,
    /// How long a server that is well works for it.
    pub(crate) work: Duration,
    /// The server is to answer with an error.
    pub(crate) fails: bool,
    /// How many numbers the request and the reply carry beside what they have to.
    pub(crate) ballast: usize,
}

struct Entry {
    job: Job,
    executions: u32,
    /// What its caller was told, if not that it has succeeded.
    told: Option<Executed>,
}

impl Ledger {
    /// The number of a new call.
    pub(crate) fn open(&self, job: Job) -> u64 {
        let mut entries = self.0.lock();
        entries.push(Entry {
            job,
            executions: 0,
            told: None,
        });
        entries.len() as u64 - 1
    }

    /// A server begins with this call.
    pub(crate) fn execute(&self, call: u64) -> Option<Job> {
        let mut entries = self.0.lock();
        let entry = entries.get_mut(usize::try_from(call).ok()?)?;
        entry.executions += 1;
        Some(entry.job.clone())
    }

    /// How often this call was executed up to now.
    pub(crate) fn executions(&self, call: u64) -> u32 {
        let entries = self.0.lock();
        let entry = usize::try_from(call)
            .ok()
            .and_then(|call| entries.get(call));
        entry.map_or(0, |entry| entry.executions)
    }

    /// What the caller of this call was told about its execution, if it has failed.
    pub(crate) fn told(&self, call: u64, executed: Executed) {
        let mut entries = self.0.lock();
        let entry = usize::try_from(call)
            .ok()
            .and_then(|call| entries.get_mut(call));
        if let Some(entry) = entry {
            entry.told = Some(executed);
        }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.0.lock().len()
    }

    /// What does not fit together, once nothing happens any more.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let entries = self.0.lock();
        let all = entries.iter().enumerate();
        let wrong = all.filter_map(|(call, entry)| {
            let Entry {
                job,
                executions,
                told,
            } = entry;
            let what = match (told, executions) {
                (Some(Executed::No), 1..) => "was executed, which its caller was told it was not",
                (Some(Executed::Yes), 0) => "was not executed, which its caller was told it was",
                (_, 2..) if !job.is_idempotent => "was executed more than once",
                _ => return None,
            };
            Some(format!("call {call} {what} ({executions} times, {job:?})"))
        });
        wrong.collect()
    }
}
