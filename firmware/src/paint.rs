//! How deep the stack has been: what was never in use still has its paint.

use core::arch::asm;

const PAINT: u32 = 0xcccc_cccc;

#[cfg(target_arch = "arm")]
unsafe extern "C" {
    static mut _stack_end: u32;
    static _stack_start: u32;
}

#[cfg(target_arch = "riscv32")]
unsafe extern "C" {
    #[link_name = "__estack"]
    static mut _stack_end: u32;
    static _stack_start: u32;
}

/// Paints the stack that is not in use.
#[inline(never)]
pub fn paint() {
    // SAFETY: between the static memory and what is in use.
    unsafe {
        let top: *mut u32;
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) top);
        #[cfg(target_arch = "riscv32")]
        asm!("mv {}, sp", out(reg) top);
        let mut at = &raw mut _stack_end;
        while at < top.wrapping_sub(16) {
            at.write_volatile(PAINT);
            at = at.wrapping_add(1);
        }
    }
}

/// The bytes of the stack that were in use.
pub fn depth() -> usize {
    // SAFETY: the memory of the stack.
    unsafe {
        let mut at = (&raw mut _stack_end).cast_const();
        while at < &raw const _stack_start && at.read_volatile() == PAINT {
            at = at.wrapping_add(1);
        }
        (&raw const _stack_start as usize).wrapping_sub(at as usize)
    }
}
