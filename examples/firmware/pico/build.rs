//! Hands the map of the memory to the linker, and the firmware of the radio to the program.

use std::{env, fs, path::Path};

/// What the radio runs, the rules of the countries, and what is special about the board.
const RADIO: [&str; 3] = ["43439A0.bin", "43439A0_clm.bin", "nvram_rp2040.bin"];

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let out = Path::new(&out);
    let has = |board: &str| env::var(format!("CARGO_FEATURE_{board}")).is_ok();
    let board = match (has("PICO_W"), has("PICO_2_W")) {
        (true, false) => "pico-w",
        (false, true) => "pico-2-w",
        _ => panic!("\n\nChoose a board: --features pico-w or --features pico-2-w.\n\n"),
    };
    fs::copy(format!("{board}.x"), out.join("memory.x")).unwrap();
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=-Tlink.x");
    if board == "pico-w" {
        println!("cargo:rustc-link-arg=-Tlink-rp.x");
    }

    println!("cargo:rerun-if-changed={board}.x");
    println!("cargo:rerun-if-env-changed=CYW43_FIRMWARE");
    let folder = env::var("CYW43_FIRMWARE").unwrap_or_else(|_| {
        panic!("\n\nCYW43_FIRMWARE must be the folder with the firmware of the radio: {}.\nREADME.md says where to get it.\n\n", RADIO.join(", "))
    });
    for file in RADIO {
        if folder == "none" {
            // To see that the program compiles. It does not run.
            fs::write(out.join(file), []).unwrap();
            continue;
        }
        let from = Path::new(&folder).join(file);
        println!("cargo:rerun-if-changed={}", from.display());
        if let Err(e) = fs::copy(&from, out.join(file)) {
            panic!("\n\n{}: {e}\nREADME.md says where to get the firmware of the radio.\n\n", from.display());
        }
    }
}
