//! What all contenders in Rust share: the command line, the load, and the line that says what
//! came of it. A contender brings a server and an [`Rpc`].
//!
//! `args.rs` is the contract between contenders and the runner, `rpc.rs` what a contender
//! implements, `work.rs` the calls that are made with it, `window.rs` when they are made and which
//! count, `tally.rs` their times.

mod args;
mod rpc;
mod tally;
mod window;
mod work;

pub use args::{Command, Delay, Listen, Load, Options, Workload, announce, options};
pub use rpc::{NAME, Rpc};
pub use window::Window;
pub use work::{Work, connect_all, drive};

use std::io::{Read, Write};

use anyhow::Result;
use bytes::Bytes;

/// Prints a line, and sees to it that it leaves at once.
pub(crate) fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Says that all connections are up, and holds them until stdin ends.
pub async fn hold() -> Result<()> {
    say(r#"{"event":"ready"}"#)?;
    let stdin = || std::io::stdin().lock().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(stdin).await??;
    Ok(())
}

/// Bytes that do not compress into anything, for echoes.
pub(crate) fn payload(len: usize) -> Bytes {
    let numbers = std::iter::successors(Some(1u32), |n| {
        Some(n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    });
    numbers.map(|n| (n >> 24) as u8).take(len).collect()
}
