//! Frames over TCP without an RPC framework: what the machine allows.
//!
//! * No mode, `raw`: a task a connection on both sides, which answers all that one read brought
//!   with one write. There are no calls that anybody could await. `plain.rs`.
//! * `mux`: the same frames behind `async fn`s: a call goes through a channel to the connection's
//!   task, and its reply comes back through another; the server spawns a task for each request, as
//!   most frameworks do. `mux.rs`.
//! * `mux-yield`: the connection's task lets all others have a turn before it writes, so that
//!   there is more to write at once; and the server answers as the plain one does.
//!
//! `frames.rs` reads and writes.

mod frames;
mod mux;
mod plain;

use anyhow::{Result, bail};
use peer_load::{Command, Listen, drive, options};

use frames::Frames;
use mux::{Eager, Mux};

#[tokio::main]
async fn main() -> Result<()> {
    let options = options();
    let eager = match options.mode.as_str() {
        "" => None,
        "mux" => Some(Eager::Yes),
        "mux-yield" => Some(Eager::No),
        other => bail!("no such mode: {other}"),
    };
    match (options.command, eager) {
        (Command::Server(listen), eager) => serve(listen, eager).await,
        (Command::Client(load), None) => plain::run(load).await,
        (Command::Client(load), Some(eager)) => {
            let connect = async |load: &_| Mux::connect(load, eager).await;
            drive(load, connect, |work| drop(tokio::spawn(work.run()))).await
        }
    }
}

async fn serve(listen: Listen, eager: Option<Eager>) -> Result<()> {
    let listener = listen.bind().await?;
    // Whoever waits needs a task of its own.
    let spawns = eager == Some(Eager::Yes) || !listen.delay().is_none();
    loop {
        let (stream, _) = listener.accept().await?;
        let frames = Frames::new(stream)?;
        // A connection that fails is the client's to complain about.
        if spawns {
            tokio::spawn(mux::answer(frames, listen.delay()));
        } else {
            tokio::spawn(plain::answer(frames));
        }
    }
}
