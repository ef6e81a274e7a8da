fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    let is_arm = std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("arm");
    let memory = if is_arm { "memory.x" } else { "riscv32.x" };
    std::fs::copy(memory, format!("{out}/{memory}")).unwrap();
    println!("cargo:rustc-link-search={out}");
    if !is_arm {
        println!("cargo:rustc-link-arg=-T{memory}");
    }
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed={memory}");
}
