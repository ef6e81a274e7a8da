//! No panic can be reached, which the linker proves: the handler calls a function that there is not, so the program links only if nobody calls the handler.
//! The proof needs `--release`.

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_is_reachable() -> !;
    }
    a_panic_is_reachable()
}
