//! What the programs need of a board, and what changes with it: the clock and the serial line (`arm.rs`, `riscv32.rs`), random numbers, a report. The rest is
//! the same on each: the modem at the serial line, a SHA-1, the depth of the stack.
//!
//! The boards are two machines of QEMU: `lm3s6965evb`, a Cortex-M3 with 256 KiB of flash and 64 KiB of RAM, and `virt`, a RISC-V.

#![no_std]

#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "riscv32", path = "riscv32.rs")]
mod chip;
mod modem;
mod panic;
mod random;
mod report;
mod sha1;
mod stack;

pub use chip::{entry, now, sleep_until};
pub use modem::{Heard, Modem};
pub use random::random;
pub use report::{exit, print, print_number};
pub use sha1::sha1;
pub use stack::stack_used;

/// To be called once, before all else: the clock starts, and the stack that is not in use is painted.
pub fn start() {
    stack::paint();
    chip::start();
    #[cfg(feature = "prove")]
    print(["a", "b"][chip::receive().map_or(0, usize::from)]);
}

/// Memory that is there for good: `memory!(1024)` is a `&'static mut [u8; 1024]`. For a place of the program that is passed once.
#[macro_export]
macro_rules! memory {
    ($size:expr) => {{
        static mut MEMORY: [u8; $size] = [0; $size];
        static mut IS_TAKEN: bool = false;
        // SAFETY: no interrupt comes here, and whoever comes a second time does not get on.
        unsafe {
            if IS_TAKEN {
                $crate::exit(1);
            }
            IS_TAKEN = true;
            &mut *&raw mut MEMORY
        }
    }};
}
