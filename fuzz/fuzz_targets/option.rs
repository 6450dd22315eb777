//! The beginning of a connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::option(bytes));
