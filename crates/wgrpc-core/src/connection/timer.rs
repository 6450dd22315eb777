//! One timer a connection, for everything on it that has a deadline.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that can be set again and costs nothing while it is not needed.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: Option<Instant>,
}

impl Timer {
    /// Sets the timer to the earliest of `deadlines`; ready if that has passed.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadlines: impl IntoIterator<Item = Option<Instant>>,
    ) -> Poll<()> {
        let Some(deadline) = deadlines.into_iter().flatten().min() else {
            self.armed = None;
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if self.armed != Some(deadline) {
            self.armed = Some(deadline);
            sleep.as_mut().reset(deadline);
        }
        std::task::ready!(sleep.as_mut().poll(cx));
        self.armed = None;
        Poll::Ready(())
    }
}
