//! Compressed messages in an inbox. The pieces that arrive stand where a message would, and are unpacked from there. With plain storage all of this
//! is left out.

use super::{Inbox, Ready, Storage, inflater::Outcome};
use crate::{
    bytes::Capacity,
    ws::{Connection, Kind, PeerError, ReceiveError, Role},
};

impl<S: Storage> Inbox<S> {
    /// Whether a compressed message is open, or was unpacked and not taken. Then the memory to unpack in is what a message may not fit into. See
    /// [`MayInflate`](crate::ws::MayInflate).
    #[inline(always)]
    pub fn is_unpacking(&mut self) -> bool {
        self.buffer.inflater().is_some_and(|inflater| inflater.open_kind().is_some())
    }

    /// A piece of a compressed message is at `from..to` of the raw bytes.
    #[inline]
    pub(in crate::ws) fn hold_compressed(&mut self, kind: Kind, is_last: bool, from: usize, to: usize) {
        self.buffer.hold(from, to);
        // It may be the rest of a message that was skipped while there was no inflater, or when its header alone had arrived.
        let is_skipped = core::mem::replace(&mut self.skipping, self.deaf) || self.deaf;
        if let Some(inflater) = self.buffer.inflater() {
            inflater.begin(kind, is_last, is_skipped);
        }
    }

    /// Unpacks the piece that is held. `false`: it was used up, and nothing is ready.
    pub(in crate::ws) fn unpack<R: Role>(
        &mut self,
        ws: &mut Connection<R>,
        in_parts: bool,
    ) -> Result<bool, ReceiveError> {
        loop {
            let Some((mut input, inflater)) = self.buffer.with_inflater() else { return Ok(false) };
            let Some(kind) = inflater.open_kind() else { return Ok(false) };
            let held = input.len();
            let outcome = inflater.run(&mut input, ws.message_limit());
            let used = held.saturating_sub(input.len());
            let (is_skipped, is_first, size) = (inflater.is_skipped(), !inflater.is_begun(), inflater.size());
            if is_skipped {
                inflater.discard();
            }
            let in_parts = !is_skipped && (in_parts || self.in_parts);
            let has_part = in_parts && inflater.has_part();
            match outcome {
                Outcome::Whole if is_skipped => inflater.close(),
                Outcome::Starved | Outcome::Full | Outcome::Fault(_) if has_part => inflater.begin_parts(),
                _ => {}
            }
            self.buffer.drop_front(used);
            match outcome {
                Outcome::Whole if is_skipped => {
                    self.buffer.drop_message();
                    return Ok(false);
                }
                Outcome::Whole if in_parts => {
                    self.in_parts = false;
                    self.ready = Ready::Part { kind, is_first, is_last: true };
                }
                Outcome::Whole => self.ready = Ready::Message(kind),
                Outcome::Starved | Outcome::Full | Outcome::Fault(_) if has_part => {
                    self.in_parts = true;
                    self.ready = Ready::Part { kind, is_first, is_last: false };
                }
                Outcome::Starved => return Ok(false),
                Outcome::Full if is_skipped => continue,
                Outcome::Full if ws.is_closing() => {
                    // This end waits for the peer's close frame.
                    self.deaf = true;
                    self.skip_compressed();
                    continue;
                }
                Outcome::Full => {
                    return Err(Capacity { needed: size.saturating_add(1), available: size }.into());
                }
                Outcome::Fault(error) => {
                    self.fail(ws, error);
                    return Err(error.into());
                }
            }
            return Ok(true);
        }
    }

    /// The connection fails, and all bytes that have arrived are dropped.
    pub(in crate::ws) fn fail<R: Role>(&mut self, ws: &mut Connection<R>, error: PeerError) {
        ws.fail(error);
        self.buffer.use_up(usize::MAX);
        self.end_message();
    }

    /// Drops the rest of a compressed message. `false`: none is open, or its header has arrived and nothing else.
    pub(super) fn skip_compressed(&mut self) -> bool {
        let Some(inflater) = self.buffer.inflater() else { return false };
        if inflater.open_kind().is_none() {
            return false;
        }
        inflater.skip();
        self.in_parts = false;
        true
    }

    /// Drops a part that is ready.
    pub(super) fn drop_part(&mut self, is_last: bool) {
        match self.buffer.inflater() {
            Some(inflater) if inflater.open_kind().is_some() => {
                inflater.discard();
                if is_last {
                    inflater.close();
                }
                self.in_parts = false;
            }
            _ => self.end_message(),
        }
    }

    /// The message that is ready.
    #[inline]
    pub(super) fn seen(&mut self) -> &[u8] {
        if self.buffer.is_lending() {
            return self.buffer.inflater().map(|inflater| inflater.lent()).unwrap_or_default();
        }
        if self.is_unpacking() {
            return self.buffer.inflater().map(|inflater| inflater.peek()).unwrap_or_default();
        }
        self.buffer.message()
    }

    /// What is ready, to be lent.
    #[inline]
    pub(super) fn lend(&mut self, ready: Ready) -> &mut [u8] {
        if let Some(inflater) = self.buffer.inflater()
            && inflater.open_kind().is_some()
        {
            match ready {
                Ready::Message(kind) => inflater.lend(true, kind == Kind::Binary),
                Ready::Part { is_last, .. } => inflater.lend(is_last, true),
                Ready::Nothing | Ready::Taken | Ready::Close(_) => {}
            }
        }
        if self.buffer.is_lending() {
            return self.buffer.inflater().map(|inflater| inflater.lent()).unwrap_or_default();
        }
        self.buffer.message()
    }

    /// What was lent is dropped.
    #[inline]
    pub(super) fn drop_lent(&mut self) {
        if self.buffer.is_lending() {
            if let Some(inflater) = self.buffer.inflater() {
                inflater.release();
            }
        } else {
            self.buffer.drop_message();
        }
    }

    /// Shortens what is ready, or was lent, to its bytes `from..to`.
    #[inline]
    pub(super) fn trim(&mut self, from: usize, to: usize) {
        if self.buffer.is_lending() {
            if let Some(inflater) = self.buffer.inflater() {
                inflater.trim(from, to);
            }
        } else {
            self.buffer.trim(from, to);
        }
    }
}
