//! The project's automation: one command for everything.
fn main() {}
