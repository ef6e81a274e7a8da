//! A host with a server that says what is written here, once this end has said what is expected. In QEMU; the depth of the stack is told at the end.

use crate::semihosting::{self, print, print_number};
use core::{arch::asm, ptr::addr_of_mut};
use sansocket::time::Instant;
pub use sha1::sha1 as hash;

#[path = "../../examples/firmware/board/src/sha1.rs"]
mod sha1;

/// What must have been sent since the last step, and what then arrives. Empty: the end of the connection.
struct Step {
    sent: &'static [&'static [u8]],
    answer: &'static [u8],
}

// Its accept key belongs to the nonce below.
const HELLO: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nServer: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\
    \x81\x6b0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}";
const REQUEST: &[&[u8]] = &[b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n", b"\r\n\r\n"];
const CONNECT: &[&[u8]] = &[b"\x81\x82\0\0\0\x0040"];
const CONNECTED: &[u8] = b"\x81\x3d40{\"sid\":\"oSO0OpakMV_3jnilAAAA\",\"pid\":\"Ag5tIFfHZEYG2m2tAAAB\"}";

const STEPS: &[Step] = &[
    // The network fails at first: the third attempt gets through.
    Step { sent: REQUEST, answer: b"" },
    Step { sent: REQUEST, answer: HELLO },
    Step { sent: CONNECT, answer: CONNECTED },
    // An event with a question and an offset, a ping in the same piece, a piece of an acknowledgement.
    Step {
        sent: &[b"420[\"reading\","],
        answer: b"\x81\x38421[\"question\",\"number\\u003f\",[1,{\"a\":\"\xc3\xa9\"}],\"offset-1\"]\x81\x012\x89\x02hi\x81\x0c43",
    },
    Step { sent: &[b"431[", b"\x81\x81\0\0\0\x003", b"\x8a\x82\0\0\0\0hi"], answer: b"0[{\"a\":1}]" },
    // The connection is lost.
    Step { sent: &[], answer: b"" },
    Step { sent: REQUEST, answer: HELLO },
    Step { sent: &[b"40{\"pid\":\"Ag5tIFfHZEYG2m2tAAAB\""], answer: CONNECTED },
    Step { sent: &[b"[\"reading\","], answer: b"\x81\x0241" },
    // This end closes with its close frame.
    Step { sent: &[b"\x88\x80"], answer: b"" },
];

const FILL: u32 = 0xcccc_cccc;

static mut SENT: [u8; 512] = [0; 512];
static mut HELD: usize = 0;
static mut AT: usize = 0;
static mut CLOCK: u64 = 0;
static mut OPENED: u32 = 0;

unsafe extern "C" {
    static mut _stack_end: u32;
    static _stack_start: u32;
}

/// Fills the stack that is not in use.
#[inline(never)]
pub fn begin() {
    unsafe {
        let mut at = addr_of_mut!(_stack_end);
        let top: *mut u32;
        asm!("mov {}, sp", out(reg) top);
        while at < top.wrapping_sub(16) {
            at.write_volatile(FILL);
            at = at.wrapping_add(1);
        }
    }
}

/// The path has ended.
pub fn end() {
    exit(if unsafe { AT } == STEPS.len() { "the dialogue is over" } else { "the client ended early" });
}

/// The bytes of the stack that were in use.
fn depth() -> usize {
    unsafe {
        let mut at = addr_of_mut!(_stack_end).cast_const();
        while at < &raw const _stack_start && at.read_volatile() == FILL {
            at = at.wrapping_add(1);
        }
        (&raw const _stack_start as usize).wrapping_sub(at as usize)
    }
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
        let Some(step) = STEPS.get(AT) else { exit("the client went on after the end") };
        let sent = (*addr_of_mut!(SENT)).get(..HELD).unwrap_or_default();
        if !step.sent.iter().all(|part| sent.windows(part.len()).any(|window| window == *part)) {
            if CLOCK > 60_000 {
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
