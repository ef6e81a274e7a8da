fn main() {
    let memory = match std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("arm") => "memory.x",
        Ok("riscv32") => "riscv32.x",
        _ => return,
    };
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::copy(format!("../{memory}"), format!("{out}/{memory}")).unwrap();
    println!("cargo:rustc-link-search={out}");
    if memory != "memory.x" {
        println!("cargo:rustc-link-arg=-T{memory}");
    }
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed=../{memory}");
}
