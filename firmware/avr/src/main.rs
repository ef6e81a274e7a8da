//! Reads wires from its serial line, byte by byte, and tells what a connection makes of them; `tests/avr.rs` is at the other end. An ATmega2560:
//! `usize` has 16 bits, so every length above 65,535 is one that no slice has.
//!
//! A wire: role (0 a server reads), the limits on message and frame (8 bytes each), fragments (4), empty fragments, controls (2 each), its length (2), its
//! bytes, all big-endian. The answer: `c` for each piece of data with a byte of bits (binary, first, last) and the byte if there is one (bit 3), `p`, `o` for ping
//! and pong with length and payload, `x` with a close code, `e` with an error's number, and `.` at the end.

#![no_std]
#![no_main]

use core::ptr::{read_volatile, write_volatile};
use sansocket::ws::{Connection, Event, Kind, Limits, Role};

/// USART0.
const STATUS: *mut u8 = 0xc0 as *mut u8;
const CONTROL: *mut u8 = 0xc1 as *mut u8;
const DATA: *mut u8 = 0xc6 as *mut u8;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    send(b"!");
    loop {}
}

#[inline(never)]
fn receive() -> u8 {
    unsafe {
        while read_volatile(STATUS) & 0x80 == 0 {}
        read_volatile(DATA)
    }
}

#[inline(never)]
fn send(bytes: &[u8]) {
    for &byte in bytes {
        unsafe {
            while read_volatile(STATUS) & 0x20 == 0 {}
            write_volatile(DATA, byte);
        }
    }
}

#[inline(never)]
fn number(bytes: u8) -> u64 {
    (0..bytes).fold(0, |n, _| n << 8 | u64::from(receive()))
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    const { assert!(usize::BITS == 16) }
    unsafe { write_volatile(CONTROL, 0x18) };
    loop {
        let is_server = receive() == 0;
        let limits = Limits::new().message(number(8)).frame(number(8));
        let limits = limits.fragments(number(4) as u32).empty_fragments(number(2) as u16).controls(number(2) as u16);
        let len = number(2) as u16;
        if is_server {
            read(Connection::server(limits), len);
        } else {
            read(Connection::client(limits), len);
        }
        send(b".");
    }
}

#[inline(never)]
fn read<R: Role>(mut ws: Connection<R>, len: u16) {
    let mut is_over = false;
    for _ in 0..len {
        let mut byte = [receive()];
        let mut input = &mut byte[..];
        while !is_over {
            match ws.poll_event(&mut input) {
                Ok(Some(Event::Chunk(chunk))) => {
                    let bits = u8::from(chunk.kind() == Kind::Binary)
                        | u8::from(chunk.is_first()) << 1
                        | u8::from(chunk.is_last()) << 2
                        | u8::from(!chunk.as_bytes().is_empty()) << 3;
                    send(&[b'c', bits]);
                    send(chunk.as_bytes());
                }
                Ok(Some(Event::Ping(payload))) => control(b'p', payload.as_bytes()),
                Ok(Some(Event::Pong(payload))) => control(b'o', payload.as_bytes()),
                Ok(Some(Event::Close(code))) => {
                    send(b"x");
                    send(&code.0.to_be_bytes());
                }
                Ok(_) => break,
                Err(error) => {
                    send(&[b'e', error as u8]);
                    is_over = true;
                }
            }
        }
    }
}

fn control(kind: u8, payload: &[u8]) {
    send(&[kind, payload.len() as u8]);
    send(payload);
}
