//! Whatever a registry answers a client.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_registry::fuzzing::registry_answer(bytes));
