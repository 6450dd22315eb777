//! Requests to a registry.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_registry::fuzzing::registry_requests(bytes));
