#![no_main]

#[path = "../../tests/laws_ws/mod.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::negotiation::negotiation(data));
