use crate::{decode::Decoder, work::Wire};
use sansocket::ws::{self, Connection, Event, Limits};

/// Reads whole messages with the module `ws` of one of the two.
macro_rules! whole {
    ($ws:ident, $memory:expr, $bytes:ident, $chunk:ident, $sink:ident) => {{
        let limit = super::LIMIT as u64;
        let mut ws = $ws::Connection::server($ws::Limits::new().message(limit).frame(limit));
        let mut inbox = $ws::Inbox::new(&mut $memory[..]);
        let mut rest = $bytes;
        while !rest.is_empty() {
            let space = inbox.space().map_err(drop)?;
            let n = rest.len().min($chunk).min(space.len());
            space[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            inbox.commit(n);
            while let Some(incoming) = inbox.poll_message(&mut ws).map_err(drop)? {
                if let $ws::Incoming::Message(m) = incoming {
                    $sink(m.as_bytes(), true);
                }
            }
        }
        Ok(())
    }};
}

pub struct Ours {
    memory: Vec<u8>,
    is_whole: bool,
}

impl Ours {
    /// Whole messages, in so many KiB.
    pub fn whole(kib: usize) -> Self {
        Self { memory: vec![0; kib * 1024], is_whole: true }
    }

    /// Pieces as they arrive, in order.
    pub fn pieces() -> Self {
        Self { memory: vec![0; 64 * 1024], is_whole: false }
    }
}

/// With the feature simdutf8, whole messages.
pub struct OursWithSimdutf8 {
    memory: Vec<u8>,
}

impl OursWithSimdutf8 {
    /// In so many KiB.
    pub fn whole(kib: usize) -> Self {
        Self { memory: vec![0; kib * 1024] }
    }
}

impl Decoder for OursWithSimdutf8 {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Result<(), ()> {
        use sansocket_with_simdutf8::ws;
        whole!(ws, self.memory, bytes, chunk, sink)
    }
}

impl Decoder for Ours {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Result<(), ()> {
        if !self.is_whole {
            let limit = super::LIMIT as u64;
            let mut ws = Connection::server(Limits::new().message(limit).frame(limit));
            for read in bytes.chunks(chunk) {
                let mut input = &mut self.memory[..read.len()];
                input.copy_from_slice(read);
                while let Some(event) = ws.poll_event(&mut input).map_err(drop)? {
                    if let Event::Chunk(c) = event {
                        sink(c.as_bytes(), c.is_last());
                    }
                }
            }
            return Ok(());
        }
        whole!(ws, self.memory, bytes, chunk, sink)
    }
}
