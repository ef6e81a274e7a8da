//! How each crate reads. Memory that a caller owns is lent again each time; what a crate allocates itself is its own affair.

mod ours;
mod polled;
mod sync;

pub use ours::{Ours, OursWithSimdutf8};
pub use polled::{FastWebSockets, TokioWebSockets, Yawc};
pub use sync::{EdgeWs, EmbeddedWebSocket, Nexus, SansIo, Sockudo, Tungstenite, WsFramer, WsNet};

use std::io;

/// A socket that has all the wire, and gives at most a chunk.
pub struct Socket<'w> {
    pub rest: &'w [u8],
    pub chunk: usize,
}

impl io::Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = self.rest.len().min(self.chunk).min(into.len());
        into[..n].copy_from_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Ok(n)
    }
}

impl io::Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What must fit: a message, or a frame if there is only one message.
const LIMIT: usize = 128 << 20;
