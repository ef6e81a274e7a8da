//! A server that lets the client in, says a text of 125 bytes, a ping and a close. What the client does in between is counted; what it says is judged.
//! An instruction takes 2^10 ns of the guest's time (`-icount shift=10`), which SysTick counts in ticks of 40 ns.

use super::{
    paint::{depth, paint},
    semihosting::{exit, print, print_number},
};
use crate::{HOST, Line, PATH};
use core::arch::asm;

const SYST_CSR: *mut u32 = 0xe000_e010 as *mut u32;
const SYST_RVR: *mut u32 = 0xe000_e014 as *mut u32;
const SYST_CVR: usize = 0xe000_e018;

/// Each random byte.
const RANDOM: u8 = 0x2a;
/// Its accept key belongs to the nonce of such bytes.
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nServer: a\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: pT25h6EVFbWDyyinkmTBvzUVxQo=\r\n\r\n";
const TEXT: &[u8; 125] = b"The quick brown fox jumps over the lazy dog. 0123456789 The quick brown fox jumps over the lazy dog. 0123456789 The quick bro";
const PING: &[u8] = b"\x89\x02hi";
const CLOSE: &[u8] = b"\x88\x02\x03\xe8";

/// What the client has done so far, with a first step for the request.
const STEPS: usize = 5;

#[derive(Default)]
pub struct Wire {
    step: usize,
    /// When the client began to work.
    began: usize,
    instructions: [usize; STEPS],
    is_wrong: bool,
}

/// Ticks, from high to low. The compiler moves no access to memory across it.
#[inline(always)]
fn ticks() -> usize {
    let ticks;
    unsafe { asm!("ldr {}, [{}]", out(reg) ticks, in(reg) SYST_CVR) }
    ticks
}

impl Wire {
    #[inline(always)]
    fn pause(&mut self) {
        let elapsed = self.began.wrapping_sub(ticks()) & 0xff_ffff;
        if let Some(sum) = self.instructions.get_mut(self.step) {
            *sum = sum.wrapping_add(elapsed.wrapping_mul(40).wrapping_add(512) / 1024);
        }
    }

    fn go_on(&mut self) {
        self.began = ticks();
    }

    fn put(&mut self, memory: &mut [u8], parts: &[&[u8]]) -> usize {
        let mut n = 0;
        for &byte in parts.iter().copied().flatten() {
            match memory.get_mut(n) {
                Some(place) => *place = byte,
                None => self.is_wrong = true,
            }
            n = n.wrapping_add(1);
        }
        n
    }
}

/// Whether these are frames, masked by the random bytes, of which the first has this head and payload.
fn is_frame(bytes: &[u8], head: [u8; 2], payload: &[u8]) -> bool {
    let Some((header, masked)) = bytes.split_at_checked(6) else { return false };
    header == [head[0], head[1] | 0x80, RANDOM, RANDOM, RANDOM, RANDOM]
        && masked.iter().map(|b| b ^ RANDOM).eq(payload.iter().copied())
}

impl Line for Wire {
    #[inline(never)]
    fn read(&mut self, memory: &mut [u8]) -> usize {
        self.pause();
        self.step = self.step.wrapping_add(1);
        if self.step == 1 && !cfg!(feature = "connects") {
            self.step = 2;
        }
        let n = match self.step {
            1 => self.put(memory, &[ANSWER]),
            2 => self.put(memory, &[&[0x81, 125], TEXT]),
            3 => self.put(memory, &[PING]),
            4 => self.put(memory, &[CLOSE]),
            _ => 0,
        };
        self.go_on();
        n
    }

    /// What it says in each step must come in one piece.
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        self.pause();
        if !bytes.is_empty() {
            let is_right = match self.step {
                0 => {
                    bytes.starts_with(b"GET ")
                        && bytes.ends_with(b"\r\n\r\n")
                        && [HOST, PATH].iter().all(|part| bytes.windows(part.len()).any(|w| w == part.as_bytes()))
                }
                2 => is_frame(bytes, [0x81, 125], TEXT),
                3 => is_frame(bytes, [0x8a, 2], b"hi"),
                4 => is_frame(bytes, [0x88, 2], b"\x03\xe8"),
                _ => false,
            };
            self.is_wrong |= !is_right;
        }
        self.go_on();
    }

    fn fill(bytes: &mut [u8]) {
        bytes.fill(RANDOM);
    }
}

/// Plays the script with the client, and tells: the bytes of its stack, the instructions of the handshake and of the text.
pub fn play(client: fn(&mut Wire)) -> ! {
    unsafe {
        SYST_RVR.write_volatile(0xff_ffff);
        // Enabled, without interrupt, by the clock of the core.
        SYST_CSR.write_volatile(5);
    }
    let mut wire = Wire::default();
    paint();
    wire.go_on();
    client(&mut wire);
    let [request, answer, text, ..] = wire.instructions;
    if wire.is_wrong || wire.step < 4 {
        print("the client did not do what it must\n");
    } else {
        for number in [depth(), request.wrapping_add(answer), text] {
            print_number(number);
            print("\t");
        }
        print("done\n");
    }
    exit()
}
