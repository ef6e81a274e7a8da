//! What a peer writes, compressed by zlib, and what an inbox tells of it.

use flate2::{Compress, Compression as Level, FlushCompress};
use sansocket::ws::{
    Agreed, CloseCode, Compression, Connection, Inbox, Incoming, Inflating, Kind, Limits, ReceiveError, Server,
};

/// The same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) as usize
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.next() % n
    }

    pub fn noise(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// ASCII with repetitions of many lengths and distances.
    pub fn text(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![b'a'];
        while bytes.len() < n {
            if self.below(3) == 0 {
                bytes.extend((0..6).map(|_| b'a' + (self.below(20)) as u8));
            } else {
                let from = bytes.len() - 1 - self.below(bytes.len().min(40_000));
                for i in from..from + 3 + self.below(60) {
                    bytes.push(bytes[i]);
                }
            }
        }
        bytes.truncate(n);
        bytes
    }
}

/// A server that allows a client windows of `bits`, and what it has agreed on with one that offers everything.
pub fn agreed(bits: u8, has_takeover: bool) -> Option<Agreed> {
    let mut server = Compression::new().receive_window_bits(bits);
    if !has_takeover {
        server = server.without_receive_takeover();
    }
    let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits")];
    server.accept(offer)
}

pub fn server(agreed: Option<Agreed>) -> Connection<Server> {
    Connection::server(Limits::new()).with_compression(agreed)
}

pub fn limited(agreed: Option<Agreed>, message: u64) -> Connection<Server> {
    Connection::server(Limits::new().message(message).frame(1 << 30)).with_compression(agreed)
}

pub type Unpacking = Inbox<Inflating<Vec<u8>, Vec<u8>>>;

pub fn inbox(raw: usize, memory: usize, agreed: Option<Agreed>) -> Unpacking {
    Inbox::new(Inflating::new(vec![0; raw], vec![0; memory], agreed).unwrap())
}

/// A peer's compressor, with takeover.
pub struct Packer(Compress);

impl Packer {
    pub fn new(bits: u8) -> Self {
        Self(Compress::new_with_window_bits(Level::new(6), false, bits))
    }

    pub fn pack(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() * 2 + 100);
        self.0.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        out.truncate(out.len() - 4);
        out
    }
}

/// A masked frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut wire = vec![first];
    match payload.len() {
        n @ ..126 => wire.push(0x80 | n as u8),
        n @ ..65536 => {
            wire.push(0x80 | 126);
            wire.extend((n as u16).to_be_bytes());
        }
        n => {
            wire.push(0x80 | 127);
            wire.extend((n as u64).to_be_bytes());
        }
    }
    let key = [1, 2, 3, 4];
    wire.extend(key);
    wire.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    wire
}

/// The length of the header of [`frame`].
pub fn header(payload: usize) -> usize {
    match payload {
        ..126 => 6,
        126..65536 => 8,
        _ => 14,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Message(Kind, Vec<u8>),
    Part(Kind, Vec<u8>, bool),
    Control,
    Close(CloseCode),
    Error(ReceiveError),
}

/// The next thing that the inbox tells, which is spoiled if that is possible.
pub fn next(inbox: &mut Unpacking, ws: &mut Connection<Server>, in_parts: bool) -> Option<Told> {
    match if in_parts { inbox.poll_part(ws) } else { inbox.poll_message(ws) } {
        Ok(Some(Incoming::Message(message))) => {
            let told = Told::Message(message.kind(), message.as_bytes().to_vec());
            if let sansocket::ws::Message::Binary(bytes) = message {
                bytes.fill(0xee);
            }
            Some(told)
        }
        Ok(Some(Incoming::Part(part))) => {
            let told = Told::Part(part.kind(), part.as_bytes().to_vec(), part.is_last());
            part.into_bytes().fill(0xee);
            Some(told)
        }
        Ok(Some(Incoming::Close(code))) => Some(Told::Close(code)),
        Ok(Some(_)) => Some(Told::Control),
        Ok(None) => None,
        Err(e) => Some(Told::Error(e)),
    }
}

/// Puts all of `wire` in, as far as there is room. Returns the rest.
pub fn feed<'w>(inbox: &mut Unpacking, wire: &'w [u8]) -> &'w [u8] {
    let space = inbox.space().unwrap();
    let n = space.len().min(wire.len());
    space[..n].copy_from_slice(&wire[..n]);
    inbox.commit(n);
    &wire[n..]
}

/// What is told of `wire`, in pieces of what the inbox has room for. Ends at an error.
pub fn told(inbox: &mut Unpacking, ws: &mut Connection<Server>, mut wire: &[u8], in_parts: bool) -> Vec<Told> {
    let mut all = Vec::new();
    loop {
        match next(inbox, ws, in_parts) {
            Some(error @ Told::Error(_)) => {
                all.push(error);
                return all;
            }
            Some(told) => all.push(told),
            None if wire.is_empty() => return all,
            None => wire = feed(inbox, wire),
        }
    }
}
