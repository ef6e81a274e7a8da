//! A board that serves a chat to four browsers: an LM3S6965 with a Cortex-M3, 64 KiB of RAM, and Ethernet. `README.md` tells how to run it in QEMU.
//!
//! This file is the board. `server.rs` and `chat.rs` are the program; they know nothing of the board and contain no `unsafe`.

#![no_std]
#![no_main]

mod chat;
#[cfg_attr(feature = "prove", allow(dead_code))]
mod mac;
#[cfg(not(feature = "prove"))]
mod net;
#[cfg(feature = "prove")]
#[path = "prove.rs"]
mod net;
mod server;
#[path = "../../board/src/sha1.rs"]
mod sha1;

use chat::Chat;
use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};
use cortex_m::{
    asm,
    interrupt::{self, InterruptNumber},
    peripheral::{NVIC, Peripherals, SYST, syst::SystClkSource},
};
use cortex_m_rt::{entry, exception};
use net::Net;
use sansocket::time::Instant;
use server::Lines;

/// The timer begins anew after so many milliseconds, and wakes the board.
const TICK_MS: u32 = 100;
/// What the timer counts in a millisecond, and in all.
const COUNTS_PER_MS: u32 = 12_500;
const COUNTS: u32 = TICK_MS * COUNTS_PER_MS;

static TICKS: AtomicU32 = AtomicU32::new(0);

#[entry]
fn main() -> ! {
    static mut LINES: Lines = Lines::new();
    static mut MEMORY: server::Memory = server::Memory::new();
    static mut NET_MEMORY: net::Memory = net::Memory::new();
    static mut SOCKETS: net::Storage = net::STORAGE;
    if let Some(mut board) = Peripherals::take() {
        board.SYST.set_clock_source(SystClkSource::Core);
        board.SYST.set_reload(COUNTS - 1);
        board.SYST.enable_counter();
        board.SYST.enable_interrupt();
    }
    let mut now = clock();
    let mut net = Net::start(NET_MEMORY, SOCKETS, now, random);
    LINES.start(MEMORY);
    // SAFETY: nothing depends on the interrupt being masked.
    unsafe { NVIC::unmask(Ethernet) };
    let mut chat = Chat::new(random);
    loop {
        // QEMU may be late with the interrupt of the timer, and no clock may run backwards.
        now = now.max(clock());
        let is_changed = LINES.turn(&mut chat, &mut net, now, status);
        if !net.poll(now) && !is_changed {
            sleep();
        }
    }
}

/// What `/status` tells: free seats, and the deepest that the stack was.
fn status(free: usize, text: &mut [u8]) -> usize {
    let mut n = 0;
    for (name, value) in
        [("free ", free as u32), ("stack ", stack()), ("seconds ", TICKS.load(Relaxed) / (1000 / TICK_MS))]
    {
        let mut digits = [b'0'; 10];
        let mut rest = value;
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        let from = digits.iter().position(|digit| *digit != b'0').unwrap_or(9);
        for byte in name.bytes().chain(digits.into_iter().skip(from)).chain([b'\n']) {
            if let Some(place) = text.get_mut(n) {
                *place = byte;
                n += 1;
            }
        }
    }
    n
}

/// The bytes of the stack that were ever used. cortex-m-rt has painted it at the start.
fn stack() -> u32 {
    unsafe extern "C" {
        static _stack_end: u32;
        static _stack_start: u32;
    }
    // SAFETY: the words between the two symbols of the linker are the stack, and are only read.
    unsafe {
        let (mut at, top) = (&raw const _stack_end, &raw const _stack_start);
        while at < top && at.read_volatile() == cortex_m_rt::STACK_PAINT_VALUE {
            at = at.add(1);
        }
        (top as u32).wrapping_sub(at as u32)
    }
}

/// The milliseconds since the start.
fn clock() -> Instant {
    let mut ticks = TICKS.load(Relaxed);
    let elapsed = loop {
        let elapsed = COUNTS.saturating_sub(SYST::get_current()) / COUNTS_PER_MS;
        match TICKS.load(Relaxed) {
            same if same == ticks => break elapsed,
            more => ticks = more,
        }
    };
    Instant::from_millis(u64::from(ticks) * u64::from(TICK_MS) + u64::from(elapsed))
}

/// Until a frame comes, or the next tick.
fn sleep() {
    // With interrupts off no frame can come between the look and the sleep; one that comes ends the sleep, and is handled behind it.
    interrupt::disable();
    if mac::arm() {
        asm::wfi();
    }
    // SAFETY: they were on before.
    unsafe { interrupt::enable() };
}

/// Stands for the random number generator of a board, which this chip does not have. It can be guessed: use that of your board.
fn random(bytes: &mut [u8]) {
    static STATE: AtomicU32 = AtomicU32::new(0x9e37_79b9);
    for byte in bytes {
        let mut x = STATE.load(Relaxed) ^ SYST::get_current();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        STATE.store(x, Relaxed);
        *byte = (x >> 24) as u8;
    }
}

#[derive(Clone, Copy)]
struct Ethernet;

// SAFETY: the number is that of the controller.
unsafe impl InterruptNumber for Ethernet {
    fn number(self) -> u16 {
        mac::INTERRUPT
    }
}

#[exception]
fn SysTick() {
    TICKS.store(TICKS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The only other interrupt is that of the controller.
#[exception]
unsafe fn DefaultHandler(_: i16) {
    mac::disarm();
}

/// smoltcp has panics, all of which mean a mistake in smoltcp. The board begins anew.
#[cfg(not(feature = "prove"))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

/// There is no such function, so the link fails if a panic is reachable.
#[cfg(feature = "prove")]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_is_reachable() -> !;
    }
    // SAFETY: never called.
    unsafe { a_panic_is_reachable() }
}
