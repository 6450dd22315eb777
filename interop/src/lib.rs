//! Drives real Go programs from Rust tests.
