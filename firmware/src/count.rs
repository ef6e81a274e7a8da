//! Counts the instructions of the works of a WebSocket, in QEMU. With `-icount shift=10` an instruction takes 1,024 ns of the guest's time, whatever the
//! host does, and SysTick ticks each 40 ns of it: a difference of two readings is exact. What a work needs is prepared, and what it did is
//! compared, outside of what is counted.

use crate::{
    count_events,
    semihosting::{exit, print, print_number},
};
use core::{arch::asm, hint::black_box};
use sansocket::{
    http::{HeadScanner, Limits as HeadLimits, Request, ResponseHead},
    ws::{Accept, Connect, Connection, Inbox, Incoming, Limits, Outbox},
};

const SYST_CSR: *mut u32 = 0xe000_e010 as *mut u32;
const SYST_RVR: *mut u32 = 0xe000_e014 as *mut u32;
const SYST_CVR: usize = 0xe000_e018;

const KEY: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];
/// 399 bytes.
const CHARACTERS: &str = "\u{4e00}\u{597d}\u{9f9f}\u{20ac}\u{ffee}\u{800}\u{d7ff}";

const BROWSER: &[u8] = b"GET /chat?room=1 HTTP/1.1\r\nHost: server.example.com\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n\
    Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\nOrigin: http://server.example.com\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate\r\n\
    Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef; theme=dark\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nServer: a\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// The digest that belongs to that key (RFC 6455, section 1.3): a hash is the caller's, so none is counted.
pub const DIGEST: [u8; 20] = [
    0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4,
    0xea,
];

/// Ends the program if something was not done as it must be.
#[inline(never)]
pub fn check(is_good: bool) {
    if !is_good {
        print("a work was not done\n");
        exit();
    }
}

/// As [`check`], for a value that must be there.
#[inline(always)]
pub fn some<T>(value: Option<T>) -> T {
    check(value.is_some());
    match value {
        Some(value) => value,
        None => exit(),
    }
}

/// What SysTick shows. It counts down. The compiler moves no access to memory across it.
#[inline(always)]
fn ticks() -> usize {
    let ticks;
    unsafe { asm!("ldr {}, [{}]", out(reg) ticks, in(reg) SYST_CVR) }
    ticks
}

fn counted<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ticks();
    let value = black_box(work());
    let after = ticks();
    let elapsed = before.wrapping_sub(after) & 0xff_ffff;
    // 40 of 1,024 ns, and half of it so that it is rounded.
    (elapsed.wrapping_mul(40).wrapping_add(512) / 1024, value)
}

/// Prints how many instructions `work` takes.
pub fn count<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let (instructions, value) = counted(work);
    let (nothing, ()) = counted(|| ());
    print(name);
    print("\t");
    print_number(instructions.saturating_sub(nothing));
    print("\n");
    value
}

/// Puts bytes into an inbox.
pub fn feed<S: AsMut<[u8]>>(inbox: &mut Inbox<S>, bytes: &[u8]) {
    let Ok(space) = inbox.space() else { return check(false) };
    some(space.get_mut(..bytes.len())).copy_from_slice(bytes);
    inbox.commit(bytes.len());
}

/// A client receives a message and sends it back, as the path `messages` does.
#[inline(never)]
fn echo(name: &str, first: u8, payload: &[u8]) {
    let mut ws = Connection::client(Limits::new());
    let mut inbox = Inbox::new([0; 512]);
    let mut tx = Outbox::with_keys([0; 512], || KEY);
    let [.., high, low] = payload.len().to_be_bytes();
    feed(&mut inbox, &[first, 126, high, low]);
    feed(&mut inbox, payload);
    count(name, || {
        let mut out = ws.out(&mut tx);
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(m))) => drop(ws.send(m.kind(), m.as_bytes(), &mut out)),
                Ok(None) | Err(_) => break,
                Ok(Some(_)) => {}
            }
        }
        while let Ok(true) = ws.poll_transmit(&mut out) {}
    });
    let (header, masked) = some(tx.written().split_at_checked(8));
    check(header == [first, 0xfe, high, low, KEY[0], KEY[1], KEY[2], KEY[3]] && masked.len() == payload.len());
    check(masked.iter().zip(KEY.iter().cycle()).map(|(m, k)| m ^ k).eq(payload.iter().copied()));
}

/// A server answers a browser.
fn accept() {
    let (mut rx, mut tx) = ([0; BROWSER.len()], [0; 256]);
    rx.copy_from_slice(BROWSER);
    let written = count("handshake of a server", || {
        let n = HeadScanner::new(HeadLimits::new()).scan(&rx).ok()??;
        let request = Request::parse(rx.get_mut(..n)?).ok()?;
        Accept::check(&request).ok()?.write_with(|_| DIGEST, &[], &mut tx).ok()
    });
    let written = some(tx.get(..some(written)));
    check(written.starts_with(b"HTTP/1.1 101 ") && written.windows(28).any(|w| w == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

/// A client writes its request, and judges the answer.
fn connect() {
    let (mut rx, mut tx) = ([0; ANSWER.len()], [0; 256]);
    rx.copy_from_slice(ANSWER);
    let host = black_box("server.example.com");
    let is_open = count("handshake of a client", || {
        let connect = Connect::new(host, "/chat?room=1", *b"the sample nonce");
        connect.write(&mut tx).ok()?;
        let n = HeadScanner::response(HeadLimits::new()).scan(&rx).ok()??;
        let response = ResponseHead::parse(rx.get_mut(..n)?).ok()?;
        Some(connect.check_with(|_| DIGEST, &response).ok()?.is_some())
    });
    check(is_open == Some(true) && tx.starts_with(b"GET /chat?room=1 HTTP/1.1\r\n"));
}

pub fn path() {
    unsafe {
        SYST_RVR.write_volatile(0xff_ffff);
        // Enabled, without interrupt, by the clock of the core.
        SYST_CSR.write_volatile(5);
    }
    // QEMU does count as this file says: a thousand turns of four instructions, and those around them.
    let (turns, ()) = counted(|| unsafe {
        asm!("movw {0}, #1000", "1:", "nop", "nop", "subs {0}, #1", "bne 1b", out(reg) _);
    });
    check((4000..4010).contains(&turns));
    let mut bytes = [0; 400];
    for (place, letter) in bytes.iter_mut().zip((b' '..=b'~').cycle()) {
        *place = letter;
    }
    echo("text of 400 bytes, ASCII", 0x81, &bytes);
    for (place, byte) in bytes.iter_mut().zip((0..=255).cycle()) {
        *place = byte;
    }
    echo("binary of 400 bytes", 0x82, &bytes);
    for (place, byte) in bytes.iter_mut().zip(CHARACTERS.bytes().cycle()) {
        *place = byte;
    }
    echo("text of 399 bytes, three-byte characters", 0x81, &bytes[..399]);
    accept();
    connect();
    count_events::count_all();
    print("done\n");
    exit();
}
