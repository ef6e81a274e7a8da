//! No panic can be reached, which the linker proves: the handler calls a function that there is not, so the program links only if nobody calls the handler.
//! The proof needs `--release`. With the feature `may-panic` there is no proof, and a panic ends the program.

#[cfg(not(feature = "may-panic"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_is_reachable() -> !;
    }
    a_panic_is_reachable()
}

#[cfg(feature = "may-panic")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    crate::print("panic\n");
    crate::exit(101)
}
