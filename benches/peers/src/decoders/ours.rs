use crate::{decode::Decoder, work::Wire};
use sansocket::ws::{Connection, Event, Inbox, Incoming, Limits, Server};

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

impl Decoder for Ours {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Result<(), ()> {
        let limit = super::LIMIT as u64;
        let mut ws = Connection::<Server>::server(Limits::new().message(limit).frame(limit));
        if !self.is_whole {
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
        let mut inbox = Inbox::new(&mut self.memory[..]);
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = inbox.space().map_err(drop)?;
            let n = rest.len().min(chunk).min(space.len());
            space[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            inbox.commit(n);
            while let Some(incoming) = inbox.poll_message(&mut ws).map_err(drop)? {
                if let Incoming::Message(m) = incoming {
                    sink(m.as_bytes(), true);
                }
            }
        }
        Ok(())
    }
}
