//! How deep the stack has been: what was never in use still has its paint.

use crate::chip::stack;

const PAINT: u32 = 0xcccc_cccc;

/// Paints the stack that is not in use.
#[inline(never)]
pub fn paint() {
    let (_, mut at, now) = stack();
    while at < now.wrapping_sub(32) {
        // SAFETY: below the stack pointer, and above the static memory.
        unsafe { at.write_volatile(PAINT) };
        at = at.wrapping_add(1);
    }
}

/// The bytes of the stack that have been in use since the start.
pub fn stack_used() -> u32 {
    let (top, mut at, _) = stack();
    // SAFETY: the memory of the stack.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    (top as u32).wrapping_sub(at as u32)
}
