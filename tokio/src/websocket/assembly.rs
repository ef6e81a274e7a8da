//! What has arrived of a message. It survives a call of `next` that was dropped.

use super::Message;
use bytes::Bytes;
use sansocket::ws::{Chunk, Inbox, Kind, Storage};

/// The memory of a connection on which nothing happens, for each direction.
pub(super) const LEAST: usize = 4 * 1024;
/// More is given back when it is not needed any more.
pub(super) const KEPT: usize = 16 * 1024;
/// The receive memory grows up to here. Larger messages pass through it in parts.
pub(super) const MOST: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Assembly {
    parts: Vec<u8>,
    /// `close` has dropped parts, so what follows them is dropped too.
    pub(super) is_closing: bool,
}

impl Assembly {
    /// Takes a part; the message, if it was the last one.
    pub(super) fn push(&mut self, part: &Chunk<'_>) -> Option<Message> {
        if self.is_closing {
            self.parts = Vec::new();
            return None;
        }
        let bytes = part.as_bytes();
        if part.is_last() && self.parts.is_empty() {
            return Some(match part.kind() {
                Kind::Text => Message::Text(text(bytes.to_vec())),
                Kind::Binary => Message::Binary(Bytes::copy_from_slice(bytes)),
            });
        }
        self.parts.extend_from_slice(bytes);
        part.is_last().then(|| {
            let whole = std::mem::take(&mut self.parts);
            match part.kind() {
                Kind::Text => Message::Text(text(whole)),
                Kind::Binary => Message::Binary(whole.into()),
            }
        })
    }
}

/// The size of the receive memory.
#[derive(Debug)]
pub(super) struct Memory(usize);

impl Memory {
    pub(super) const fn new() -> Self {
        Self(LEAST)
    }

    /// After a part of `n` bytes: more memory, to receive the rest of a large message with fewer reads, or less after a whole message.
    pub(super) fn tune<S: Storage<Raw = Vec<u8>>>(&mut self, inbox: &mut Inbox<S>, n: usize, is_whole: bool) {
        let wanted = match is_whole {
            false if n >= self.0 / 4 && self.0 < MOST => self.0.saturating_mul(2),
            true if self.0 > KEPT && inbox.held() <= LEAST => LEAST,
            _ => return,
        };
        self.replace(inbox, wanted);
    }

    #[cfg(test)]
    pub(super) const fn size(&self) -> usize {
        self.0
    }

    /// Room for `wanted` bytes.
    pub(super) fn replace<S: Storage<Raw = Vec<u8>>>(&mut self, inbox: &mut Inbox<S>, wanted: usize) {
        if inbox.replace(vec![0; wanted]).is_ok() {
            self.0 = wanted;
        }
    }
}

/// The core has judged the text, so this only looks once more.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}
