//! A RISC-V with the timer and the serial line of the machine `virt` of QEMU. That one has no LAN9118, so this is compiled and not run.

use super::clock;
use core::{
    fmt,
    ptr::{read_volatile, write_volatile},
};
use embassy_executor::Executor;
use riscv::{
    interrupt::Interrupt,
    register::{mie, mstatus},
};
use static_cell::StaticCell;

/// Where the network chip would be.
pub const LAN9118: usize = 0x4020_0000;

const UART: usize = 0x1000_0000;
const TIME: usize = 0x0200_bff8;
const TIME_COMPARE: usize = 0x0200_4000;
const TICKS_A_MILLISECOND: u64 = 10_000;

fn time() -> u64 {
    loop {
        // SAFETY: the clock, which is read only.
        let (high, low, again) = unsafe {
            let high = read_volatile((TIME + 4) as *const u32);
            (high, read_volatile(TIME as *const u32), read_volatile((TIME + 4) as *const u32))
        };
        if high == again {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

fn set_alarm(at: u64) {
    // SAFETY: the alarm, used by the interrupt and before it is on.
    unsafe {
        write_volatile((TIME_COMPARE + 4) as *mut u32, u32::MAX);
        write_volatile(TIME_COMPARE as *mut u32, at as u32);
        write_volatile((TIME_COMPARE + 4) as *mut u32, (at >> 32) as u32);
    }
}

pub fn ticks() -> u64 {
    time() / TICKS_A_MILLISECOND
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn timer() {
    set_alarm(time() + TICKS_A_MILLISECOND);
    clock::tick();
}

/// The serial line, for the log.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the data register of the UART, used by one task.
            unsafe { write_volatile(UART as *mut u8, byte) };
        }
        Ok(())
    }
}

#[riscv_rt::entry]
fn main() -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    set_alarm(time() + TICKS_A_MILLISECOND);
    // SAFETY: the handler of the timer is there.
    unsafe {
        mie::set_mtimer();
        mstatus::set_mie();
    }
    EXECUTOR.init(Executor::new()).run(super::start)
}
