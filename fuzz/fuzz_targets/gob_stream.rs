//! A stream of gob values that are not known beforehand.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::gob_stream(bytes));
