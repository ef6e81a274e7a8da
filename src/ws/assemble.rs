//! Puts the chunks of a message together in the inbox, or passes them on in parts.

use super::{
    Connection, Control, Inbox, Kind, PeerError, ReceiveError, Role, Storage, connection::Found, inbox::Ready,
};
use crate::bytes::{Capacity, IS_WIDE};

/// What [`Inbox::work`] found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worked {
    Ready,
    Ping,
    Pong,
}

impl<S: Storage> Inbox<S> {
    /// The open message has ended.
    #[inline]
    pub(super) fn end_message(&mut self) {
        self.buffer.drop_message();
        self.in_parts = false;
        self.skipping = self.deaf;
        if let Some(inflater) = self.buffer.inflater() {
            inflater.close();
        }
    }

    /// `place` gets the payload of a ping or pong.
    #[inline]
    pub(crate) fn work<R: Role>(
        &mut self,
        ws: &mut Connection<R>,
        in_parts: bool,
        place: &mut Option<Control>,
    ) -> Result<Option<Worked>, ReceiveError> {
        self.release();
        if !in_parts && let Some(kind) = self.whole(ws) {
            self.ready = Ready::Message(kind);
        }
        self.work_through(ws, in_parts, place)
    }

    /// The fast path for most messages: see [`Connection::whole`]. The message is then held, and nothing is ready.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(super) fn whole<R: Role>(&mut self, ws: &Connection<R>) -> Option<Kind> {
        if self.deaf || !matches!(self.ready, Ready::Nothing) || self.is_unpacking() {
            return None;
        }
        let whole = ws.whole(self.buffer.raw())?;
        self.progressed = true;
        self.in_parts = false;
        self.skipping = false;
        self.buffer.hold(whole.from, whole.to);
        Some(whole.kind)
    }

    /// As [`work`](Self::work), for all that is not whole.
    #[inline]
    pub(super) fn work_through<R: Role>(
        &mut self,
        ws: &mut Connection<R>,
        in_parts: bool,
        place: &mut Option<Control>,
    ) -> Result<Option<Worked>, ReceiveError> {
        if !matches!(self.ready, Ready::Nothing) {
            return Ok(Some(Worked::Ready));
        }
        self.progressed = true;
        match ws.open_kind() {
            _ if self.is_unpacking() => {}
            None => {
                // An earlier connection may have left this set.
                self.deaf &= ws.is_closing();
                self.end_message();
            }
            Some(kind) => {
                self.in_parts |= in_parts && !self.skipping;
                if self.in_parts && self.buffer.message_len() > 0 {
                    // The bytes that were collected before the caller asked for parts.
                    self.ready = Ready::Part { kind, is_first: true, is_last: false };
                    return Ok(Some(Worked::Ready));
                }
            }
        }
        loop {
            if self.is_unpacking() && self.unpack(ws, in_parts)? {
                return Ok(Some(Worked::Ready));
            }
            let unpacks = S::UNPACKS && self.buffer.inflater().is_some();
            // Its header was read while an inflater was lent, which is gone.
            let is_stranded = S::UNPACKS && !unpacks && ws.is_compressed();
            let (used, found) = ws.step(unpacks, self.buffer.raw(), place);
            let found = found.inspect_err(|_| {
                // The input is ignored.
                self.buffer.use_up(usize::MAX);
                self.end_message();
            })?;
            if is_stranded && matches!(found, Some(Found::Chunk { .. })) {
                self.fail(ws, PeerError::ReservedBits);
                return Err(PeerError::ReservedBits.into());
            }
            if S::UNPACKS
                && let Some(Found::Chunk { kind, is_last, is_compressed: true, from, to, .. }) = found
            {
                self.hold_compressed(kind, is_last, from, to);
                continue;
            }
            if let Some(Found::Chunk { kind, is_first, is_last, from, to, .. }) = found
                && !self.skipping
            {
                self.buffer.collect(from, to);
                if self.in_parts || (in_parts && is_first) {
                    self.in_parts = !is_last;
                    self.ready = Ready::Part { kind, is_first, is_last };
                    return Ok(Some(Worked::Ready));
                }
                if is_last {
                    self.ready = Ready::Message(kind);
                    return Ok(Some(Worked::Ready));
                }
                if !IS_WIDE || self.buffer.raw_len() > 0 {
                    continue;
                }
                // Most reads end here. Another step would find nothing: behind the valid front of a broken text, bytes are left.
                return self.starved(ws, in_parts).map(|()| None).map_err(ReceiveError::from);
            }
            self.buffer.use_up(used);
            match found {
                None => return self.starved(ws, in_parts).map(|()| None).map_err(ReceiveError::from),
                Some(Found::Ping) => return Ok(Some(Worked::Ping)),
                Some(Found::Pong) => return Ok(Some(Worked::Pong)),
                Some(Found::Close(code)) => {
                    self.end_message();
                    self.ready = Ready::Close(code);
                    return Ok(Some(Worked::Ready));
                }
                Some(Found::Chunk { is_last, .. }) => {
                    self.buffer.drop_message();
                    self.skipping = self.deaf || !is_last;
                }
            }
        }
    }

    /// All bytes were used. Checks that the rest of the open message has room.
    fn starved<R: Role>(&mut self, ws: &Connection<R>, in_parts: bool) -> Result<(), Capacity> {
        self.progressed = false;
        // What is compressed needs no room for all of its bytes.
        if S::UNPACKS && (self.is_unpacking() || ws.is_compressed()) {
            return Ok(());
        }
        let Some(left) = ws.awaited() else { return Ok(()) };
        let available = self.buffer.size();
        // Empty storage: it is lent elsewhere until there is something to read.
        if self.skipping || self.in_parts || in_parts || available == 0 {
            return Ok(());
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX).max(1);
        let needed = self.buffer.message_len().saturating_add(left);
        if needed <= available {
            if IS_WIDE {
                self.buffer.make_way(needed);
            }
            return Ok(());
        }
        if ws.is_closing() {
            // This end waits for the peer's close frame. The rest of the message is skipped.
            self.deaf = true;
            self.end_message();
            return Ok(());
        }
        Err(Capacity { needed, available })
    }
}
