//! The wgrpc command: serve, call, inspect.
fn main() {}
