//! Runs every fuzz target on the stable toolchain: with the inputs that are checked in, and with
//! small changes of each. `replay.rs` says what they must not do.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod mutations;
mod replay;
mod seeds;

use wgrpc_core::fuzzing::TARGETS;

replay::targets! {
    TARGETS;
    address client connect gob_stream gob_typed gob_types json_frame json_typed messages option
    server
}
