//! An address, as a user or a registry gives it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::address(bytes));
