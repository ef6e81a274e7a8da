//! What each client does with what RFC 6455 forbids. A line for each: the crate, the case, what it did.
//!
//! - `taken`: what is forbidden was taken for a message, a ping or a close, or the connection was opened.
//! - `dropped`: it was left out, and the next message was taken. The protocol wants the connection to end.
//! - `refused`: the connection was ended.
//! - `waits`: it does nothing, for ever.
//! - `panics`.

use crate::{Line, clients};
use sansocket::ws::accept_key_with;
use std::{
    cell::Cell,
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
};

/// `ACCEPT` stands for the key that belongs to the request.
const OPEN: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n";
const NEXT: &[u8] = b"\x81\x04next";

struct Case {
    name: &'static str,
    /// The answer to the handshake. Empty: the client is one whose connection is open already.
    head: String,
    bytes: Vec<u8>,
    /// What the client sends if it takes it.
    echo: &'static [u8],
}

fn head(name: &'static str, from: &str, to: &str) -> Case {
    assert!(OPEN.contains(from));
    Case { name, head: OPEN.replacen(from, to, 1), bytes: b"\x81\x03bad".into(), echo: b"bad" }
}

fn frame(name: &'static str, bytes: &[u8], echo: &'static [u8]) -> Case {
    Case { name, head: OPEN.into(), bytes: bytes.into(), echo }
}

/// What must be taken: else nothing is known of the rest.
fn valid() -> Vec<Case> {
    vec![
        frame("a text", b"\x81\x03bad", b"bad"),
        frame("a message in two frames, and a ping between them", b"\x02\x02ba\x89\x01p\x80\x01d", b"bad"),
        head("`Connection` with two values", "Connection: Upgrade", "connection: keep-alive, Upgrade"),
    ]
}

fn forbidden() -> Vec<Case> {
    let long_ping = [&[0x89, 126, 0, 126][..], &[b'p'; 126]].concat();
    vec![
        head("101 without `Upgrade`", "Upgrade: websocket\r\n", ""),
        head("101 without `Connection`", "Connection: Upgrade\r\n", ""),
        head("101 without `Sec-WebSocket-Accept`", "Sec-WebSocket-Accept: ACCEPT\r\n", ""),
        head("the key of somebody else", "ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        head("status 200 with all headers", "101 Switching Protocols", "200 OK"),
        head("a subprotocol that was not offered", "\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
        head(
            "an extension that was not offered",
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        ),
        frame("a masked frame of a server", b"\x81\x83\0\0\0\0bad", b"bad"),
        Case { name: "an unmasked frame of a client", head: String::new(), bytes: b"\x81\x03bad".into(), echo: b"bad" },
        frame("a length of 3 in 16 bits", b"\x81\x7e\0\x03bad", b"bad"),
        frame("a length of 3 in 64 bits", b"\x81\x7f\0\0\0\0\0\0\0\x03bad", b"bad"),
        frame("a length of 2^64 - 1", b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", b""),
        frame("a text that is no UTF-8", b"\x81\x04bad\xff", b"bad"),
        frame("a text that ends in a character", b"\x81\x05bad\xe2\x82", b"bad"),
        frame("a reserved bit", b"\xc1\x03bad", b"bad"),
        frame("a reserved opcode", b"\x83\x03bad", b"bad"),
        frame("a ping in two frames", b"\x09\x03bad\x80\0", b"bad"),
        frame("a ping of 126 bytes", &long_ping, b"pppp"),
        frame("the end of a message that did not begin", b"\x80\x03bad", b"bad"),
        frame("a message inside of another", b"\x01\x01x\x81\x03bad", b"bad"),
        frame("a close with the code 1005", b"\x88\x02\x03\xed", b"\x88"),
        frame("a close with one byte", b"\x88\x01\x03", b"\x88"),
        frame("a close whose reason is no UTF-8", b"\x88\x04\x03\xe8\xff\xff", b"\x88"),
    ]
}

/// The other end: says what the case has, then a good message, then it ends.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
    has_ended: bool,
}

impl Line for Script {
    fn read(&mut self, memory: &mut [u8]) -> usize {
        let Some(mut piece) = self.pieces.pop_front() else {
            self.has_ended = true;
            return 0;
        };
        if piece.starts_with(b"HTTP") {
            piece = String::from_utf8(piece).expect("a head").replace("ACCEPT", &self.accept_key()).into();
        }
        assert!(piece.len() <= memory.len());
        memory[..piece.len()].copy_from_slice(&piece);
        piece.len()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.sent.extend(bytes);
    }

    fn fill(bytes: &mut [u8]) {
        bytes.fill(0x2a);
    }
}

impl Script {
    /// Of the request that was sent.
    fn accept_key(&self) -> String {
        let request = String::from_utf8(self.sent.clone()).expect("a request");
        let header = request.lines().find(|line| line.to_ascii_lowercase().starts_with("sec-websocket-key: "));
        let (_, key) = header.and_then(|line| line.split_once(": ")).expect("a key");
        let accept = accept_key_with(key.as_bytes(), clients::sansocket::sha1::sha1).expect("a nonce of 16 bytes");
        String::from_utf8_lossy(&accept).into()
    }
}

/// The frames that were sent, unmasked: the first byte, and the payload.
fn frames(sent: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut rest = sent.windows(4).position(|w| w == b"\r\n\r\n").map_or(sent, |at| &sent[at + 4..]);
    while let [first, second, more @ ..] = rest {
        let (len, more) = match second & 0x7f {
            126 => (usize::from(more[0]) << 8 | usize::from(more[1]), &more[2..]),
            len => (usize::from(len), more),
        };
        let (mask, more) = if second & 0x80 != 0 { more.split_at(4) } else { (&[0; 4][..], more) };
        frames.push((*first, more[..len].iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect()));
        rest = &more[len..];
    }
    frames
}

fn outcome(case: &Case, client: fn(&mut Script), server: fn(&mut Script)) -> &'static str {
    let pieces = [case.head.clone().into_bytes(), case.bytes.clone(), NEXT.to_vec()];
    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
    let mut script = Script { pieces, sent: Vec::new(), has_ended: false };
    let run = if case.head.is_empty() { server } else { client };
    if panic::catch_unwind(AssertUnwindSafe(|| run(&mut script))).is_err() {
        return "panics";
    }
    let frames = frames(&script.sent);
    let sent = |first, test: &dyn Fn(&[u8]) -> bool| frames.iter().any(|(f, payload)| *f == first && test(payload));
    // The codes for a protocol that was broken, and for a text that is no UTF-8.
    let is_fault = |payload: &[u8]| payload.starts_with(b"\x03\xea") || payload.starts_with(b"\x03\xef");
    let contains = |payload: &[u8]| payload.windows(case.echo.len()).any(|w| w == case.echo);
    let taken = match case.echo {
        b"" => false,
        b"\x88" => sent(0x88, &|payload| !is_fault(payload)),
        _ => [0x81, 0x82, 0x8a].iter().any(|first| sent(*first, &contains)),
    };
    if taken {
        "taken"
    } else if sent(0x81, &|payload| payload == b"next") {
        "dropped"
    } else if sent(0x88, &|_| true) || !script.has_ended {
        "refused"
    } else {
        "waits"
    }
}

thread_local!(static IS_QUIET: Cell<bool> = const { Cell::new(true) });

pub fn tell() {
    panic::set_hook(Box::new(|info| {
        if !IS_QUIET.get() {
            eprintln!("{info}");
        }
    }));
    type Run = fn(&mut Script);
    let all: [(&str, Run, Run); 4] = [
        ("sansocket", clients::sansocket::client::<true, _>, clients::sansocket::server),
        ("ws-framer 0.4.0", clients::ws_framer::client::<true, _>, clients::ws_framer::server),
        (
            "embedded-websocket 0.9.5",
            clients::embedded_websocket::client::<true, _>,
            clients::embedded_websocket::server,
        ),
        ("websocketz 0.2.0", clients::websocketz::client::<true, _>, clients::websocketz::server),
    ];
    for (name, client, server) in all {
        for case in valid() {
            let outcome = outcome(&case, client, server);
            println!("{name}\tvalid: {}\t{outcome}", case.name);
        }
        for case in forbidden() {
            println!("{name}\t{}\t{}", case.name, outcome(&case, client, server));
        }
    }
    IS_QUIET.set(false);
    for (name, client, server) in all {
        assert_eq!(outcome(&valid()[0], client, server), "taken", "{name} does not work at all");
    }
}
