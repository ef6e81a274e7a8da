use std::{env, fs, path::Path};

/// The memory of the board.
fn main() {
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let script = format!("src/board/{arch}.x");
    let out = env::var("OUT_DIR").unwrap();
    fs::copy(&script, Path::new(&out).join("memory.x")).unwrap();
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:rustc-link-search={out}");
    if arch == "riscv32" {
        println!("cargo:rustc-link-arg=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg=-Tlink.x");
}
