#![no_main]

#[path = "../../tests/laws_engine/mod.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::session_operations(data));
