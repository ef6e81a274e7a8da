//! A host of which the compiler knows nothing.

use core::ptr::{read_volatile, write_volatile};
use sansocket::time::Instant;

const SOURCE: *const u8 = 0x4000_c000 as *const u8;
const SINK: *mut u8 = 0x4000_c004 as *mut u8;

/// Nothing has to be prepared.
pub fn begin() {}

/// Again.
pub fn end() {}

/// A byte that the compiler knows nothing of.
pub fn byte() -> u8 {
    unsafe { read_volatile(SOURCE) }
}

/// Fills a front of unknown length with unknown bytes.
#[inline(never)]
pub fn receive(memory: &mut [u8]) -> usize {
    let n = usize::from(byte()).min(memory.len());
    for place in memory.iter_mut().take(n) {
        *place = byte();
    }
    n
}

/// Waits for bytes, until a time at most. `None`: it is time.
pub fn wait(memory: &mut [u8], until: Option<Instant>) -> Option<usize> {
    send(&[u8::from(until.is_some())]);
    if byte() == 0 { None } else { Some(receive(memory)) }
}

#[inline(never)]
pub fn send(bytes: &[u8]) {
    for &b in bytes {
        unsafe { write_volatile(SINK, b) }
    }
}

/// Opens a socket.
pub fn open() -> bool {
    byte() != 0
}

pub fn now() -> Instant {
    Instant::from_millis(u64::from(byte()) << 8)
}

pub fn nonce() -> [u8; 16] {
    core::array::from_fn(|_| byte())
}

pub fn key() -> [u8; 4] {
    core::array::from_fn(|_| byte())
}

/// Stands for a SHA-1, whose flash is that of the board or of the caller.
pub fn hash(text: &[u8; 60]) -> [u8; 20] {
    [text.iter().fold(0, |a, b| a ^ b); 20]
}
