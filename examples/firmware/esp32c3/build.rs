//! The linker gets the map of the memory from esp-hal.

fn main() {
    println!("cargo:rustc-link-arg=-Tlinkall.x");
}
