//! Runs the fuzz targets of the registry and its client, as the test of this name in `wgrpc-core`
//! does with those of connections.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "../../../wgrpc-core/tests/fuzz_replay/mutations.rs"]
mod mutations;
#[path = "../../../wgrpc-core/tests/fuzz_replay/replay.rs"]
mod replay;
#[path = "../../../wgrpc-core/tests/fuzz_replay/seeds.rs"]
mod seeds;

use wgrpc_registry::fuzzing::TARGETS;

replay::targets! { TARGETS; registry_answer registry_requests }
