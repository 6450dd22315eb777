//! The crate from outside: what is promised of servers, clients and the bytes between them.
//!
//! `raw` is a peer made of bytes, for what no proper program would send; `support` has services to
//! call. Everything runs in memory or on loopback.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod announcer;
mod backpressure;
mod budget;
mod busy_poll;
mod bytes;
mod codec;
mod connector;
mod crowded;
mod deadlines;
mod dying;
mod extensions;
mod framed;
mod gob_bytes;
mod handshake;
mod hostile_client;
mod hostile_server;
mod large;
mod limits;
mod mended;
mod middleware;
mod panics;
mod port;
mod raw;
mod runtime;
mod shutdown;
mod stall;
mod step;
mod support;
