//! A client whose messages zlib compresses.

use flate2::{Compress, Compression as Level, FlushCompress};
use sansocket::ws::{Agreed, Compression};

/// A server that allows a client windows of `bits`, and what it has agreed on with one that offers everything.
pub fn agreed(bits: u8, has_takeover: bool) -> Option<Agreed> {
    let mut server = Compression::new().receive_window_bits(bits);
    if !has_takeover {
        server = server.without_receive_takeover();
    }
    let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits")];
    server.accept(offer)
}

/// A peer's compressor.
pub struct Packer {
    zlib: Compress,
    has_takeover: bool,
}

impl Packer {
    pub fn new(bits: u8, has_takeover: bool) -> Self {
        Self { zlib: Compress::new_with_window_bits(Level::new(6), false, bits), has_takeover }
    }

    pub fn pack(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.has_takeover {
            self.zlib.reset();
        }
        let mut out = Vec::with_capacity(message.len() * 2 + 100);
        self.zlib.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        if message.is_empty() && out.is_empty() {
            return vec![0]; // section 7.2.3.6
        }
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
