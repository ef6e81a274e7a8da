use std::{env, fs, path::Path};

/// Gives the linker the memory of the board.
fn main() {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let script = format!("{arch}.x");
    let out = env::var("OUT_DIR").unwrap();
    if env::var("CARGO_CFG_TARGET_OS").unwrap() == "none" {
        fs::copy(&script, Path::new(&out).join("memory.x")).unwrap();
        println!("cargo:rustc-link-search={out}");
    }
    println!("cargo:rerun-if-changed={script}");
}
