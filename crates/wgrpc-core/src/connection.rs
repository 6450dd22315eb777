//! The two ends of a connection's bytes, the same code on both sides.
//!
//! The engine's one law is: one read and one write for many calls. The [`Outbox`] collects what
//! is to be written until somebody writes it, all at once; the [`Inbox`] reads as much as there
//! is and hands out a block of complete messages.

mod budget;
mod inbox;
mod outbox;
mod queue;
mod stall;
mod timer;

pub(crate) use budget::{Budget, Share};
pub(crate) use inbox::{Fill, Inbox};
pub(crate) use outbox::{Append, AppendError, Content, Flush, Outbox};
pub(crate) use stall::Stall;
pub(crate) use timer::Timer;
