//! Real Go programs and ours call each other: every transport, both codecs, both directions.
//!
//! `services` is what both sides serve, `from_go` has Go clients call our server, `to_go` our
//! client call Go servers. In `registry` they find each
//! other. `replay` repeats what Go programs once said to each other, and in
//! `shutdown` a server ends under their hands.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(
    unreachable_pub,
    reason = "services and messages are written as users write them"
)]

mod from_go;
mod registry;
mod replay;
mod services;
mod shutdown;
mod to_go;

/// A path for a socket that no other test uses.
fn socket_path() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("wgrpc-{}-{number}.sock", std::process::id());
    std::env::temp_dir().join(name).to_str().unwrap().to_owned()
}
