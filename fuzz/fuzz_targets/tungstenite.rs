//! The same wire through tungstenite: the same messages, but for the differences listed here.

#![no_main]

#[path = "../../tests/laws_ws/mod.rs"]
mod laws;

use sansocket::ws::{Kind, Limits, PeerError};
use std::io::{self, Cursor, Read, Write};
use tungstenite::{
    Error, Message, WebSocket,
    protocol::{Role, WebSocketConfig},
};

/// A transport that gives the wire and takes everything.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.0.read(place)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MAX: usize = 1 << 16;

fn theirs(wire: &[u8]) -> (Vec<(Kind, Vec<u8>)>, bool, bool) {
    let config = WebSocketConfig::default().max_message_size(Some(MAX)).max_frame_size(Some(MAX));
    let mut ws = WebSocket::from_raw_socket(Wire(Cursor::new(wire.to_vec())), Role::Server, Some(config));
    let mut all = Vec::new();
    loop {
        match ws.read() {
            Ok(Message::Text(text)) => all.push((Kind::Text, text.as_bytes().to_vec())),
            Ok(Message::Binary(bytes)) => all.push((Kind::Binary, bytes.to_vec())),
            Ok(Message::Close(_)) => return (all, false, true),
            Ok(_) => {}
            Err(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
                return (all, false, false);
            }
            Err(Error::Io(_)) => return (all, false, false),
            Err(_) => return (all, true, false),
        }
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits::new()
        .message(MAX as u64)
        .frame(MAX as u64)
        .fragments(u32::MAX)
        .empty_fragments(u16::MAX)
        .controls(u16::MAX);
    let (ours, fault, close) = laws::messages(data, limits);
    let (theirs, is_failed, is_closed) = theirs(data);
    match fault {
        // Theirs takes a length in a longer form than it needs, also that of a control frame.
        Some(PeerError::LengthNotMinimal | PeerError::ControlTooLong) => assert!(theirs.starts_with(&ours)),
        // Ours judges a header before its payload has come, and a text at its first bad byte: theirs waits for the frame, and may never see it.
        Some(_) if !is_failed => assert_eq!(ours, theirs),
        Some(_) => assert_eq!(ours, theirs),
        None => {
            assert_eq!(ours, theirs);
            assert!(!is_failed, "theirs refuses what ours takes");
            assert_eq!(close.is_some(), is_closed);
        }
    }
});
