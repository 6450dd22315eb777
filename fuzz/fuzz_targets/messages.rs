//! Headers and bodies, behind a handshake.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wgrpc_core::fuzzing::messages(bytes));
