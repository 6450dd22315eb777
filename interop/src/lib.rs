//! Drives real Go programs from Rust tests, and loads what Go wrote.
//!
//! The Go side is the module in `interop/go`: one binary that serves the demo services, checks a
//! server by scenarios and decodes gob streams. Its README lists flags, scenarios and types.
//!
//! * [`go_peer`] builds that binary;
//! * [`GoServer`] is a running Go server or registry, [`GoClient`] runs scenarios against ours;
//! * [`go_listing`] is what a Go client finds in a registry, [`probe`] how one answers it;
//! * [`verify`] asks what Go reads in streams that we wrote;
//! * [`Etcd`] is a real etcd, which is written in Go as well;
//! * [`vectors`] has the checked-in streams and conversations, which need no Go.
//!
//! This is a library for tests, so whatever goes wrong is a panic that says what to do. A machine
//! without Go or etcd fails the tests that need it; nothing is skipped. The calls block: in an
//! asynchronous test put them on a thread where blocking is allowed.

mod client;
mod etcd;
mod hex;
mod peer;
mod registry;
mod server;
pub mod vectors;
mod verify;

pub use client::{Check, GoClient, RunningGoClient, counted, expect_all_ok};
pub use etcd::{Certificates, Etcd};
pub use hex::{decode_hex, encode_hex};
pub use peer::go_peer;
pub use registry::{GoListing, go_listing, probe};
pub use server::GoServer;
pub use verify::{Answer, Question, verify};
