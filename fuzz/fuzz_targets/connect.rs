//! The head of an HTTP request or response.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::connect(bytes));
