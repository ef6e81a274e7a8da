//! Receiving control frames: a payload that arrives in pieces, the pong that is owed for a ping, the code and reason of a close frame.

use super::{
    CloseCode, Connection, Control, Leniency, PeerError, Role,
    header::Fault,
    opcode::Opcode,
    state::{Sending, Trigger},
};
use crate::bytes::{Utf8, copy, slice_mut};

/// Memory for the payload of the owed pong, and after it for a control payload that arrives in pieces.
///
/// Two payloads of 125 bytes would need 249 bytes (the last byte of the second one is never stored). This size makes the connection 256 bytes large. It
/// is too short for one case: a ping of more than 34 bytes was not answered yet, and another control frame of more than 34 bytes arrives in pieces. Then
/// the older pong is dropped when the newer frame begins, instead of when it is complete. Received payloads are always reported completely.
pub(super) const CONTROL_MEMORY: usize = 159;

/// A whole control frame.
pub(super) enum Seen {
    Ping,
    Pong,
    Close(CloseCode),
}

impl<R: Role> Connection<R> {
    /// Collects a control payload, and acts on it when it is whole. `place` gets that of a ping or pong. A fault knows the offset in `piece` of the byte
    /// that shows it.
    #[cold]
    #[inline(never)]
    pub(super) fn control(
        &mut self,
        opcode: Opcode,
        piece: &[u8],
        is_last: bool,
        place: &mut Option<Control>,
    ) -> Result<Option<Seen>, Fault> {
        let before = usize::from(self.collected);
        let payload = if opcode == Opcode::Pong && before == 0 && is_last {
            // It is not kept, so what is owed stays, whatever the lengths.
            piece
        } else {
            if before == 0 {
                // What is owed, a pong or our close frame, stays where it is, unless both are long: see `CONTROL_MEMORY`.
                let len = piece.len().saturating_add(usize::try_from(self.decoder.left()).unwrap_or(usize::MAX));
                self.base = self.pong.unwrap_or(self.closing);
                if usize::from(self.base).saturating_add(len) > CONTROL_MEMORY {
                    (self.base, self.closing, self.pong) = (0, 0, None);
                }
            }
            let base = usize::from(self.base);
            let end = before.saturating_add(piece.len());
            let whole = slice_mut(&mut self.control, base..base.saturating_add(end));
            copy(piece, slice_mut(whole, before..));
            self.collected = end.to_le_bytes()[0];
            if opcode == Opcode::Close {
                let code =
                    close_code(whole, is_last, self.leniency).map_err(|(e, at)| (e, at.saturating_sub(before)))?;
                return Ok(is_last.then(|| self.close_frame(code)));
            }
            if !is_last {
                return Ok(None);
            }
            whole
        };
        let control = place.insert(Control::EMPTY);
        control.fill(payload);
        self.collected = 0;
        if opcode == Opcode::Pong {
            return Ok(Some(Seen::Pong));
        }
        if matches!(self.state.sending, Sending::Open | Sending::Message(_)) {
            copy(control.as_bytes(), &mut self.control);
            self.pong = Some(control.len());
        }
        Ok(Some(Seen::Ping))
    }

    /// The payload stays where it is, for its reason.
    fn close_frame(&mut self, code: CloseCode) -> Seen {
        self.pong = None;
        self.state.receive(Trigger::ReceiveClose(code));
        Seen::Close(code)
    }
}

/// The code in the payload of a close frame, or in the front of it that has come (RFC 6455 section 5.5.1).
fn close_code(payload: &[u8], is_whole: bool, leniency: Leniency) -> Result<CloseCode, Fault> {
    // One byte alone is refused with the header.
    let Some((code, reason)) = payload.split_first_chunk::<2>() else { return Ok(CloseCode::NO_STATUS) };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !(code.is_sendable() || leniency.takes_close_codes() && matches!(code.0, 1016..=2999 | 5000..)) {
        return Err((PeerError::InvalidCloseCode, 1));
    }
    let mut utf8 = Utf8::new();
    utf8.check(reason).map_err(|e| (PeerError::InvalidCloseReason, e.at.saturating_add(2)))?;
    if is_whole && !utf8.is_complete() {
        return Err((PeerError::InvalidCloseReason, payload.len().saturating_sub(1)));
    }
    Ok(code)
}
