//! What the layers above do with the memory of an inbox.

use super::{Inbox, Ready};
use crate::ws::Kind;

impl<S: AsMut<[u8]>> Inbox<S> {
    /// Removes `n` of [`bytes`](Self::bytes) behind the first `at`: what an upper layer has decoded in place needs less room.
    pub(crate) fn cut(&mut self, at: usize, n: usize) {
        self.release();
        self.buffer.cut(at, n);
    }

    /// The length of the storage.
    pub(crate) fn size(&mut self) -> usize {
        self.buffer.size()
    }

    /// Turns the text that is ready into a binary message. `decode` works in place and returns the range of the bytes. `false`: `decode` failed, and the
    /// text is destroyed.
    pub(crate) fn make_binary(&mut self, decode: impl FnOnce(&mut [u8]) -> Option<(usize, usize)>) -> bool {
        let Some((from, to)) = decode(self.buffer.message()) else { return false };
        self.buffer.trim(from, to);
        self.ready = Ready::Message(Kind::Binary);
        true
    }
}
