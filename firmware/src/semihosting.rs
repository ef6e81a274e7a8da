//! What QEMU does for a program: prints, and ends.

use core::arch::asm;

#[cfg(target_arch = "arm")]
fn call(operation: u32, argument: usize) {
    unsafe { asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument) }
}

/// The three instructions must be of full length, in one page.
#[cfg(target_arch = "riscv32")]
fn call(operation: u32, argument: usize) {
    unsafe {
        asm!(
            ".balign 16", ".option push", ".option norvc", "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7", ".option pop",
            inout("a0") operation => _, in("a1") argument
        );
    }
}

pub fn print(text: &str) {
    for byte in text.bytes() {
        call(3, &raw const byte as usize);
    }
}

/// Seven digits at least.
pub fn print_number(mut number: usize) {
    let mut divisor = 1_000_000;
    for _ in 0..7 {
        let mut digit = b'0';
        while number >= divisor {
            (number, digit) = (number.wrapping_sub(divisor), digit.wrapping_add(1));
        }
        call(3, &raw const digit as usize);
        divisor /= 10;
    }
}

/// Ends QEMU.
pub fn exit() -> ! {
    loop {
        call(0x18, 0x20026);
    }
}
