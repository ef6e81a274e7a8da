//! What a peer writes, compressed by zlib, and what an inbox tells of it.

pub use crate::zlib::{Packer, agreed, frame};
use sansocket::ws::{Agreed, CloseCode, Connection, Inbox, Incoming, Inflating, Kind, Limits, ReceiveError, Server};

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
