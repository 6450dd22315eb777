//! The two ends of a connection's bytes, the same code on both sides.
//!
//! The engine's one law is: one read and one write for many calls. The [`Outbox`] collects what
//! is to be written until somebody writes it, all at once; the [`Inbox`] reads as much as there
//! is and hands out a block of complete messages.

mod budget;
mod busy_poll;
mod inbox;
mod outbox;
mod queue;
mod stall;
mod timer;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

pub(crate) use budget::{Budget, Share};
pub(crate) use busy_poll::BusyPoll;
pub(crate) use inbox::{Fill, Inbox};
pub(crate) use outbox::{Append, AppendError, Content, Flush, Outbox};
pub(crate) use stall::Stall;
pub(crate) use timer::Timer;

/// Lets everybody else who is runnable on this thread have a turn, before the task of `cx` has its
/// next one. Waking itself would wake another thread too, to take over what there is to do.
pub(crate) fn take_turns(cx: &mut Context<'_>) {
    let turn = pin!(tokio::task::yield_now());
    let _: Poll<()> = turn.poll(cx);
}
