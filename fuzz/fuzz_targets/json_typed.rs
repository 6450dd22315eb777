//! A JSON value that is read into types of ours.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::json_typed(bytes));
