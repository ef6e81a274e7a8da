#![no_main]

#[path = "../../tests/laws_client/mod.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::client_operations(data));
