//! What the layers above do with the memory of an inbox.

use super::{Inbox, Ready, Storage};
use crate::ws::{Connection, Kind, ReceiveError, Role, assemble::Worked};

impl<S: Storage> Inbox<S> {
    /// Removes `n` of [`bytes`](Self::bytes) behind the first `at`: what an upper layer has decoded in place needs less room.
    pub(crate) fn cut(&mut self, at: usize, n: usize) {
        self.release();
        self.buffer.cut(at, n);
    }

    /// As [`advance`](Self::advance), without pings and pongs. `true`: a message or a close frame is ready.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn advance_to_message<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<bool, ReceiveError> {
        let mut payload = None;
        loop {
            match self.work(ws, false, &mut payload)? {
                Some(Worked::Ready) => return Ok(true),
                Some(Worked::Ping | Worked::Pong) => {}
                None => return Ok(false),
            }
        }
    }

    /// Whether a message is open that [`skip_message`](Self::skip_message) would drop. All of a compressed one may have arrived.
    pub(crate) fn is_arriving<R: Role>(&mut self, ws: &Connection<R>) -> bool {
        ws.open_kind().is_some() || (matches!(self.ready, Ready::Nothing) && self.is_unpacking())
    }

    /// The length of the storage.
    pub(crate) fn size(&mut self) -> usize {
        self.buffer.size()
    }

    /// Turns the text that is ready into a binary message. `decode` works in place and returns the range of the bytes. `false`: `decode` failed, and the
    /// text is destroyed.
    pub(crate) fn make_binary(&mut self, decode: impl FnOnce(&mut [u8]) -> Option<(usize, usize)>) -> bool {
        let Some((from, to)) = decode(self.lend(Ready::Message(Kind::Binary))) else { return false };
        self.trim(from, to);
        self.ready = Ready::Message(Kind::Binary);
        true
    }
}
