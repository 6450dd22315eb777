//! What fuzzing runs: each function takes any bytes as something that a peer may send, and panics
//! if a promise is broken.
//!
//! The promises: no panic, no end without an error, the same result however the bytes are cut into
//! portions, and what was understood can be written and understood again. Time and memory are
//! bounded by whoever calls. The targets in `fuzz/` call these functions under libFuzzer, the test
//! `fuzz_replay` with inputs that are known and small changes of them. Part of the crate because
//! most of what they try is private; it is no API.

mod connection;
mod gob;
mod handshake;
mod json;
mod messages;
mod samples;

pub use connection::{client, server};
pub use gob::{gob_stream, gob_typed, gob_types};
pub use handshake::{address, connect, option};
pub use json::{json_frame, json_typed};
pub use messages::messages;

/// A function of this module.
pub type Target = fn(&[u8]);

/// Every target, and the name that its file in `fuzz/` and its seeds have.
pub const TARGETS: [(&str, Target); 11] = [
    ("address", address),
    ("client", client),
    ("connect", connect),
    ("gob_stream", gob_stream),
    ("gob_typed", gob_typed),
    ("gob_types", gob_types),
    ("json_frame", json_frame),
    ("json_typed", json_typed),
    ("messages", messages),
    ("option", option),
    ("server", server),
];

/// Where to look at only a part of the bytes: everywhere if there are few, and else at places all
/// over them, so that the work stays linear.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(1 + len / 64)
}
