//! A stream of gob values that are read into types of ours.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::gob_typed(bytes));
