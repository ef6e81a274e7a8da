//! A Cortex-M4: the machine `mps2-an386` of QEMU.

use super::clock;
use core::{
    cell::Cell,
    fmt,
    ptr::{read_volatile, write_volatile},
};
use cortex_m::peripheral::{Peripherals, syst::SystClkSource};
use cortex_m_rt::{entry, exception};
use critical_section::Mutex;
use embassy_executor::Executor;
use static_cell::StaticCell;

/// Where the network chip is.
pub const LAN9118: usize = 0x4020_0000;

const UART: usize = 0x4000_4000;

static MILLIS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

pub fn ticks() -> u64 {
    critical_section::with(|cs| MILLIS.borrow(cs).get())
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| MILLIS.borrow(cs).set(MILLIS.borrow(cs).get() + 1));
    clock::tick();
}

/// The serial line, for the log.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: registers of the UART, used by one task.
            unsafe {
                while read_volatile((UART + 4) as *const u32) & 1 != 0 {}
                write_volatile(UART as *mut u32, u32::from(byte));
            }
        }
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    // SAFETY: the control register of the UART: it may send.
    unsafe { write_volatile((UART + 8) as *mut u32, 1) };
    if let Some(mut peripherals) = Peripherals::take() {
        peripherals.SYST.set_clock_source(SystClkSource::Core);
        peripherals.SYST.set_reload(25_000 - 1);
        peripherals.SYST.enable_counter();
        peripherals.SYST.enable_interrupt();
    }
    EXECUTOR.init(Executor::new()).run(super::start)
}
