//! What a server of the laws says.

use sansocket::{endpoint::client::Line, ws::accept_key};

pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len().min(125);
    [&[first, len as u8], &payload[..len]].concat()
}

pub fn answer(body: &[u8], is_chunked: bool) -> Vec<u8> {
    if !is_chunked || body.is_empty() {
        return [format!("HTTP/1.1 200 x\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
    }
    let mut all = b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(7) {
        all.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    [&all[..], b"0\r\n\r\n"].concat()
}

/// The answer that opens a WebSocket.
pub fn switching() -> Vec<u8> {
    let head = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    [&head[..], &accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap(), b"\r\n\r\n"].concat()
}

pub const OPEN: &[u8] =
    br#"0{"sid":"S","upgrades":["websocket"],"pingInterval":2500,"pingTimeout":2000,"maxPayload":300}"#;
pub const PACKETS: [&[u8]; 16] = [
    OPEN,
    br#"40{"sid":"a"}"#,
    br#"40/b,{"sid":"b","pid":"p"}"#,
    br#"421["ask",1]"#,
    b"430[1]",
    b"431[]",
    br#"451-["f",{"_placeholder":true,"num":0}]"#,
    br#"461-0[{"_placeholder":true,"num":0}]"#,
    b"2",
    b"3probe",
    b"6",
    b"41",
    br#"44/b,{"message":"no"}"#,
    br#"42/b,["x","offset"]"#,
    b"1",
    b"ok",
];

/// Bytes that a good server sends over this line, mostly.
pub fn speech(line: Line, arg: u8) -> Vec<u8> {
    let packet = PACKETS[usize::from(arg % 16)];
    match (line, arg >> 4) {
        (Line::WebSocket, 0) => switching(),
        (Line::WebSocket, 1) => frame(0x82, &[arg; 9]),
        (Line::WebSocket, 2) => frame(0x88, b"\x03\xe8"),
        (Line::WebSocket, 3) => frame(0x89, b"hi"),
        (Line::WebSocket, _) => frame(0x81, packet),
        (_, 0) => b"HTTP/1.1 400 x\r\nContent-Length: 10\r\n\r\n{\"code\":1}".to_vec(),
        (_, 1) => answer(&[packet, b"\x1ebAQID"].concat(), false),
        (_, n) => answer(packet, n % 2 == 0),
    }
}
