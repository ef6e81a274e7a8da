//! A Cortex-M: the machine `lm3s6965evb`.

use core::{
    arch::asm,
    ptr::{read_volatile, write_volatile},
};
use cortex_m_rt::exception;
use sansocket::time::Instant;

pub use cortex_m_rt::entry;

/// UART0, a PL011, and its registers.
const UART: usize = 0x4000_c000;
const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const LINE: usize = 0x2c;
const INTERRUPT_MASK: usize = 0x38;
/// Nothing has come. What is to be sent has no room.
const IS_EMPTY: u32 = 1 << 4;
const IS_FULL: u32 = 1 << 5;
/// Something has come: half a FIFO, or less and then a pause.
const HAS_COME: u32 = 1 << 4 | 1 << 6;
/// Eight bits, with the FIFOs of 16 bytes.
const EIGHT_BITS: u32 = 0b11 << 5 | 1 << 4;

/// SysTick, and the register that lets the interrupts 0 to 31 through.
const SYSTICK: usize = 0xe000_e010;
const ENABLE: usize = 0xe000_e100;
const UART_INTERRUPT: u32 = 1 << 5;
const CLOCK_HZ: u32 = 12_500_000;
const TICK_MS: u32 = 10;
const TICK: u32 = CLOCK_HZ / 1000 * TICK_MS;

static mut TICKS: u32 = 0;

fn read(at: usize) -> u32 {
    // SAFETY: a register of the chip, for reading.
    unsafe { read_volatile(at as *const u32) }
}

fn write(at: usize, value: u32) {
    // SAFETY: a register of the chip. There is one thread, and the interrupts write only what is theirs.
    unsafe { write_volatile(at as *mut u32, value) }
}

pub fn start() {
    write(SYSTICK + 4, TICK - 1);
    write(SYSTICK + 8, 0);
    // On, with an interrupt, at the clock of the core.
    write(SYSTICK, 0b111);
    write(UART + LINE, EIGHT_BITS);
    write(ENABLE, UART_INTERRUPT);
}

#[exception]
fn SysTick() {
    // SAFETY: only this handler writes it, and a word is read whole.
    unsafe { write_volatile(&raw mut TICKS, read_volatile(&raw const TICKS).wrapping_add(1)) };
}

/// All other interrupts; only that of the UART is on. It has woken the processor. Until the next sleep it is not needed.
#[exception]
unsafe fn DefaultHandler(_number: i16) {
    write(UART + INTERRUPT_MASK, 0);
}

/// The time since the start, in steps of 10 ms.
pub fn now() -> Instant {
    // SAFETY: as in `SysTick`.
    let ticks = unsafe { read_volatile(&raw const TICKS) };
    Instant::from_millis(u64::from(ticks) * u64::from(TICK_MS))
}

/// Sleeps until this time, or until a byte has come, or for a tick.
pub fn sleep_until(at: Instant) {
    // What happens between the question and `wfi` still wakes the processor.
    // SAFETY: no memory is touched.
    unsafe { asm!("cpsid i") };
    if now() < at && read(UART + FLAGS) & IS_EMPTY != 0 {
        write(UART + INTERRUPT_MASK, HAS_COME);
        // SAFETY: as above.
        unsafe { asm!("wfi") };
    }
    // SAFETY: as above.
    unsafe { asm!("cpsie i") };
}

/// The next byte of the serial line.
pub fn receive() -> Option<u8> {
    if read(UART + FLAGS) & IS_EMPTY != 0 { None } else { Some(read(UART + DATA) as u8) }
}

pub fn send(byte: u8) {
    while read(UART + FLAGS) & IS_FULL != 0 {}
    write(UART + DATA, u32::from(byte));
}

/// The top of the stack, its lowest address, and where it is now.
pub fn stack() -> (*mut u32, *mut u32, *mut u32) {
    unsafe extern "C" {
        static mut _stack_start: u32;
        static mut _stack_end: u32;
    }
    let at: *mut u32;
    // SAFETY: a register is read.
    unsafe { asm!("mov {}, sp", out(reg) at) };
    (&raw mut _stack_start, &raw mut _stack_end, at)
}

/// Asks the debugger, which QEMU plays.
pub fn semihosting(operation: u32, argument: usize) {
    // SAFETY: the operations that are used read memory only.
    unsafe { asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument) }
}
