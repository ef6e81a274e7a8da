//! A RISC-V: the machine `virt`.

use core::{
    arch::asm,
    ptr::{read_volatile, write_volatile},
};
use sansocket::time::Instant;

pub use riscv_rt::entry;

/// The serial line, a 16550.
const UART: usize = 0x1000_0000;
const INTERRUPT_ENABLE: usize = UART + 1;
const FIFO: usize = UART + 2;
const STATUS: usize = UART + 5;
const HAS_COME: u8 = 1 << 0;
const HAS_ROOM: u8 = 1 << 5;

/// The clock, and its alarm.
const TIME: usize = 0x0200_bff8;
const ALARM: usize = 0x0200_4000;
const TICKS_A_MS: u64 = 10_000;

/// The interrupts of the devices: the priority of the UART, which interrupts are enabled, and which one is pending.
const PRIORITY: usize = 0x0c00_0000 + 4 * 10;
const ENABLE: usize = 0x0c00_2000;
const CLAIM: usize = 0x0c20_0004;
/// The bits of `mie` for the alarm and for the devices.
const WAKERS: usize = 1 << 7 | 1 << 11;

fn read(at: usize) -> u32 {
    // SAFETY: a register of the machine, for reading.
    unsafe { read_volatile(at as *const u32) }
}

fn write(at: usize, value: u32) {
    // SAFETY: a register of the machine, and one thread.
    unsafe { write_volatile(at as *mut u32, value) }
}

fn read_byte(at: usize) -> u8 {
    // SAFETY: as `read`.
    unsafe { read_volatile(at as *const u8) }
}

fn write_byte(at: usize, value: u8) {
    // SAFETY: as `write`.
    unsafe { write_volatile(at as *mut u8, value) }
}

/// Interrupts stay off: they only wake the processor.
pub fn start() {
    write(PRIORITY, 1);
    write(ENABLE, 1 << 10);
    write_byte(FIFO, 1);
    write_byte(INTERRUPT_ENABLE, 1);
    // SAFETY: no handler is called, since `mstatus` lets none through.
    unsafe { asm!("csrs mie, {}", in(reg) WAKERS) };
}

fn ticks() -> u64 {
    loop {
        let (high, low) = (read(TIME + 4), read(TIME));
        if high == read(TIME + 4) {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

/// The time since the start.
pub fn now() -> Instant {
    Instant::from_millis(ticks() / TICKS_A_MS)
}

/// Sleeps until this time, or until a byte has come.
pub fn sleep_until(at: Instant) {
    let alarm = at.as_millis().saturating_mul(TICKS_A_MS);
    write(ALARM + 4, u32::MAX);
    write(ALARM, alarm as u32);
    write(ALARM + 4, (alarm >> 32) as u32);
    if read_byte(STATUS) & HAS_COME == 0 {
        // SAFETY: no memory is touched.
        unsafe { asm!("wfi") };
    }
    // The call of the UART is taken and answered, else it would wake for ever.
    let caller = read(CLAIM);
    if caller != 0 {
        write(CLAIM, caller);
    }
}

/// The next byte of the serial line.
pub fn receive() -> Option<u8> {
    if read_byte(STATUS) & HAS_COME == 0 { None } else { Some(read_byte(UART)) }
}

pub fn send(byte: u8) {
    while read_byte(STATUS) & HAS_ROOM == 0 {}
    write_byte(UART, byte);
}

/// The top of the stack, its lowest address, and where it is now.
pub fn stack() -> (*mut u32, *mut u32, *mut u32) {
    unsafe extern "C" {
        static mut _stack_start: u32;
        static mut __estack: u32;
    }
    let at: *mut u32;
    // SAFETY: a register is read.
    unsafe { asm!("mv {}, sp", out(reg) at) };
    (&raw mut _stack_start, &raw mut __estack, at)
}

/// Asks the debugger, which QEMU plays. The three instructions must be of full length, in one page.
pub fn semihosting(operation: u32, argument: usize) {
    // SAFETY: the operations that are used read memory only.
    unsafe {
        asm!(
            ".balign 16", ".option push", ".option norvc", "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7", ".option pop",
            inout("a0") operation => _, in("a1") argument
        );
    }
}
