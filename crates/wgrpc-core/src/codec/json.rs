//! JSON on the wire.

mod error;
mod frame;

pub(crate) use frame::Frame;

/// How deep arrays and objects may nest.
const DEPTH_MAX: usize = 64;
