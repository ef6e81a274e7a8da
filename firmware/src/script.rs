//! A host with a server that says what is written here, once this end has said what is expected. In QEMU; the depth of the stack is told at the end.

use crate::{
    dialogues::{LAST, STEPS},
    paint::{depth, paint},
    semihosting::{self, print, print_number},
};
use core::ptr::addr_of_mut;
use sansocket::time::Instant;
#[allow(unused_imports)]
pub use sha1::sha1 as hash;

#[path = "../../examples/firmware/board/src/sha1.rs"]
mod sha1;

static mut SENT: [u8; 512] = [0; 512];
static mut HELD: usize = 0;
static mut AT: usize = 0;
static mut WAITS: u32 = 0;
static mut CLOCK: u64 = 0;
static mut OPENED: u32 = 0;

pub fn begin() {
    paint();
}

/// The path has ended, or waits for more.
pub fn end() {
    let is_over = unsafe { AT } == STEPS.len() && LAST.iter().all(|part| has_sent(part));
    exit(if is_over { "the dialogue is over" } else { "it ended early" });
}

/// Whether this was sent since the last step.
fn has_sent(part: &[u8]) -> bool {
    let sent = unsafe { (*addr_of_mut!(SENT)).get(..HELD) };
    sent.unwrap_or_default().windows(part.len()).any(|window| window == part)
}

/// Ends QEMU.
pub fn exit(why: &str) -> ! {
    print_number(depth());
    print(" bytes of stack, step ");
    print_number(unsafe { AT });
    print(": ");
    print(why);
    print("\n");
    semihosting::exit()
}

pub fn byte() -> u8 {
    0
}

pub fn key() -> [u8; 4] {
    [0; 4]
}

pub fn nonce() -> [u8; 16] {
    *b"the sample nonce"
}

pub fn now() -> Instant {
    unsafe {
        CLOCK = CLOCK.wrapping_add(100);
        Instant::from_millis(CLOCK)
    }
}

/// The first time nobody is there.
pub fn open() -> bool {
    unsafe {
        OPENED = OPENED.wrapping_add(1);
        OPENED > 1
    }
}

pub fn send(bytes: &[u8]) {
    unsafe {
        for &b in bytes {
            if let Some(place) = (*addr_of_mut!(SENT)).get_mut(HELD) {
                *place = b;
                HELD = HELD.wrapping_add(1);
            }
        }
    }
}

pub fn receive(memory: &mut [u8]) -> usize {
    wait(memory, None).unwrap_or(0)
}

pub fn wait(memory: &mut [u8], _until: Option<Instant>) -> Option<usize> {
    unsafe {
        let Some(step) = STEPS.get(AT) else {
            end();
            return None;
        };
        if !step.sent.iter().all(|part| has_sent(part)) {
            WAITS = WAITS.wrapping_add(1);
            if WAITS > 1000 {
                exit("what is expected was not sent");
            }
            return None;
        }
        (AT, HELD) = (AT.wrapping_add(1), 0);
        for (place, &b) in memory.iter_mut().zip(step.answer) {
            *place = b;
        }
        if step.answer.len() > memory.len() {
            exit("no room");
        }
        Some(step.answer.len())
    }
}
