//! What became of a call that was tried at one server after another.

use std::fmt;
use std::sync::Arc;

use super::{Error, Executed};
use crate::address::Address;

/// Every attempt of a call that failed, in order. Cheap to clone; never empty.
#[derive(Clone, Debug)]
pub struct Attempts(Arc<[Attempt]>);

/// One attempt of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Where it was made.
    pub server: Address,
    /// Why it failed.
    pub error: Error,
}

impl Attempt {
    /// The attempt at this server, and why it failed.
    pub fn new(server: Address, error: Error) -> Self {
        Self { server, error }
    }
}

impl Attempts {
    /// These attempts, or `None` if there was none.
    pub fn new(attempts: Vec<Attempt>) -> Option<Self> {
        (!attempts.is_empty()).then(|| Self(attempts.into()))
    }

    /// Every attempt, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.0.iter()
    }

    /// How many attempts were made: at least one.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Why the last one failed.
    pub(super) fn last(&self) -> Option<&Error> {
        self.0.last().map(|attempt| &attempt.error)
    }

    /// What is known about the execution by any of them.
    pub(super) fn is_executed(&self) -> Executed {
        let mut known = Executed::No;
        for attempt in self.iter() {
            match attempt.error.is_executed() {
                Executed::Yes => return Executed::Yes,
                Executed::Maybe => known = Executed::Maybe,
                Executed::No => {}
            }
        }
        known
    }
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count() > 1 {
            write!(f, "{} attempts failed: ", self.count())?;
        }
        for (i, Attempt { server, error }) in self.iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{server}: {error}")?;
        }
        Ok(())
    }
}
