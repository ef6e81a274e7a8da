//! Sending: messages, control frames, and the frames that a connection owes.

use super::{
    CloseCode, Connection, Form, Kind, Out, Role, SendError, StateError,
    opcode::Opcode,
    state::{Sending, State, Trigger},
};
use crate::bytes::{Capacity, copy, open_gap};

impl<R: Role> Connection<R> {
    /// Sends a whole message. Cost: one copy of `payload`; a client masks it on the way.
    ///
    /// The bytes of a [`Kind::Text`] message must be UTF-8. This is not checked, because it would cost another pass over each message; the peer closes
    /// with code 1007 if they are not. [`send_text`](Self::send_text) takes a `&str` instead.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need. [`SendError::State`] while a message sent in parts is not complete, and after a close. Nothing was
    /// changed, and no masking key was drawn.
    #[inline]
    pub fn send<F: Form<Role = R>>(
        &mut self,
        kind: Kind,
        payload: &[u8],
        out: &mut Out<'_, F>,
    ) -> Result<(), SendError> {
        self.state.next(Trigger::SendMessage)?;
        Ok(out.put(0x80 | kind.opcode().bits(), payload)?)
    }

    /// Sends a whole text message. As [`send`](Self::send), and the text is valid by its type.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_text<F: Form<Role = R>>(&mut self, text: &str, out: &mut Out<'_, F>) -> Result<(), SendError> {
        self.send(Kind::Text, text.as_bytes(), out)
    }

    /// Sends a part of a message in a frame of its own (RFC 6455 section 5.4), so the length of the message need not be known. `kind` must be the same for
    /// all parts. `is_last` ends the message. Until then other messages are refused; pings and owed frames can be sent.
    ///
    /// The parts of a text together must be UTF-8, which is not checked. A part may end inside a character.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need. [`SendError::State`] after a close, and with [`StateError::KindChanged`] if the first part had another
    /// kind. Nothing was changed, and no masking key was drawn.
    pub fn send_chunk<F: Form<Role = R>>(
        &mut self,
        kind: Kind,
        payload: &[u8],
        is_last: bool,
        out: &mut Out<'_, F>,
    ) -> Result<(), SendError> {
        let (first, next) = self.begin(kind, is_last)?;
        out.put(first, payload)?;
        self.state = next;
        out.gate = next.sending.into();
        Ok(())
    }

    /// The first byte of a data frame, and the state after it.
    pub(super) fn begin(&self, kind: Kind, is_last: bool) -> Result<(u8, State), StateError> {
        let next = self.state.next(Trigger::SendData { kind, is_last })?;
        let opcode = match self.state.sending {
            Sending::Message(_) => Opcode::Continuation,
            _ => kind.opcode(),
        };
        Ok((if is_last { 0x80 } else { 0 } | opcode.bits(), next))
    }

    /// Sends a ping with a payload of at most 125 bytes.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need. [`SendError::State`] after a close, and with [`StateError::ControlTooLong`] if the payload is too long.
    /// Nothing was changed, and no masking key was drawn.
    pub fn ping<F: Form<Role = R>>(&mut self, payload: &[u8], out: &mut Out<'_, F>) -> Result<(), SendError> {
        self.state.next(Trigger::SendPing)?;
        if payload.len() > 125 {
            return Err(StateError::ControlTooLong.into());
        }
        Ok(out.put(0x80 | Opcode::Ping.bits(), payload)?)
    }

    /// Begins the closing handshake. A close frame with `code` and `reason` is owed, and [`poll_transmit`](Self::poll_transmit) writes it.
    /// [`CloseCode::NO_STATUS`] with an empty reason stands for a close frame without a code.
    ///
    /// No message can be sent afterwards, and an open message is not completed. An owed pong is dropped. A close frame that is already owed is
    /// replaced, even the answer to the peer's close frame.
    ///
    /// The reason is copied into the memory for control frames. If the peer sends a control frame before the close frame is written, and both payloads
    /// together have more than 159 bytes, the close frame is sent without its reason.
    ///
    /// # Errors
    /// [`StateError::InvalidClose`] if the code must not be sent (RFC 6455 section 7.4) or the reason has more than 123 bytes. [`StateError::Closing`] if
    /// the close frame was written already. Nothing was changed.
    ///
    /// ```
    /// use sansocket::ws::{CloseCode, Connection, Limits};
    ///
    /// let mut ws = Connection::server(Limits::new());
    /// ws.close(CloseCode::NORMAL, "bye")?;
    /// let mut memory = [0; 64];
    /// let mut out = ws.out(&mut memory);
    /// while let Ok(true) = ws.poll_transmit(&mut out) {}
    /// assert_eq!(out.written(), b"\x88\x05\x03\xe8bye");
    /// # Ok::<(), sansocket::ws::StateError>(())
    /// ```
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), StateError> {
        let next = self.state.next(Trigger::Close(code))?;
        let is_bare = code == CloseCode::NO_STATUS && reason.is_empty();
        if !(is_bare || code.is_sendable() && reason.len() <= 123) {
            return Err(StateError::InvalidClose);
        }
        self.state = next;
        self.pong = None;
        self.keep_reason(code, reason.as_bytes());
        Ok(())
    }

    /// Stores the payload of our close frame at the front of the control memory, and moves the peer's incomplete control frame after it. Without a reason,
    /// or without room for both, nothing is stored.
    fn keep_reason(&mut self, code: CloseCode, reason: &[u8]) {
        self.closing = 0;
        if reason.is_empty() {
            return;
        }
        let len = reason.len().saturating_add(2);
        let coming = usize::try_from(self.left_of_frame()).unwrap_or(usize::MAX);
        if coming == 0 && self.collected <= 2 {
            // The peer's close frame has no reason, so its payload is not needed any more.
            self.collected = 0;
        }
        let (base, collected) = (usize::from(self.base), usize::from(self.collected));
        if collected > 0 && base < len {
            let end = len.saturating_add(collected);
            if end.saturating_add(coming) > self.control.len() {
                return;
            }
            open_gap(self.control.get_mut(base..end).unwrap_or_default(), len.wrapping_sub(base));
            self.base = len.to_le_bytes()[0];
        }
        copy(&code.0.to_be_bytes(), &mut self.control);
        copy(reason, self.control.get_mut(2..).unwrap_or_default());
        // At most 125.
        self.closing = len.to_le_bytes()[0];
    }

    /// As [`close`](Self::close) without a reason, for the layers above. A close frame that is already owed is kept.
    pub(crate) fn owe_close(&mut self, code: CloseCode) {
        debug_assert!(code.is_sendable() || code == CloseCode::NO_STATUS, "a code that may be sent");
        self.state.receive(Trigger::OweClose(code));
    }

    /// Writes one frame that the connection owes: the pong for the latest ping, or the close frame. Returns `false` if nothing is owed.
    ///
    /// Call it at the end of each turn until it returns `false`. An empty `out` of [`OWED_MAX`](super::OWED_MAX) bytes is always enough.
    ///
    /// # Errors
    /// [`Capacity`] with the exact need. Nothing was changed, and the frame is still owed.
    pub fn poll_transmit<F: Form<Role = R>>(&mut self, out: &mut Out<'_, F>) -> Result<bool, Capacity> {
        if let Some(len) = self.pong {
            let payload = self.control.get(..usize::from(len)).unwrap_or_default();
            out.put(0x80 | Opcode::Pong.bits(), payload)?;
            self.pong = None;
            return Ok(true);
        }
        let Sending::CloseOwed(code) = self.state.sending else { return Ok(false) };
        let bytes = code.0.to_be_bytes();
        let payload = match self.control.get(..usize::from(self.closing)) {
            Some(payload) if !payload.is_empty() => payload,
            _ if code == CloseCode::NO_STATUS => &[],
            _ => &bytes,
        };
        out.put(0x80 | Opcode::Close.bits(), payload)?;
        self.closing = 0;
        self.state.receive(Trigger::SendClose);
        out.gate = self.state.sending.into();
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) would write a frame.
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.pong.is_some() || matches!(self.state.sending, Sending::CloseOwed(_))
    }

    /// Checks that stored frames may be written to the socket now, such as a packet that was written once for many receivers.
    ///
    /// # Errors
    /// [`StateError`] while a message sent in parts is not complete, and after a close.
    ///
    /// ```
    /// use sansocket::ws::{CloseCode, Connection, Limits, StateError};
    ///
    /// let mut ws = Connection::server(Limits::new());
    /// assert_eq!(ws.check_open_for_data(), Ok(())); // write the stored frames
    /// ws.close(CloseCode::NORMAL, "")?;
    /// assert_eq!(ws.check_open_for_data(), Err(StateError::Closing));
    /// # Ok::<(), StateError>(())
    /// ```
    pub fn check_open_for_data(&self) -> Result<(), StateError> {
        self.state.next(Trigger::SendMessage).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use crate::ws::{CloseCode, Connection, Event, Limits, StateError};
    use std::{string::String, vec, vec::Vec};

    fn transmit(ws: &mut Connection<crate::ws::Client>) -> Vec<u8> {
        let mut tx = crate::ws::Outbox::with_keys([0; 300], || [0; 4]);
        while ws.poll_transmit(&mut ws.out(&mut tx)).unwrap() {}
        tx.written().to_vec()
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        [&[first, payload.len() as u8][..], payload].concat()
    }

    /// The reason is kept beside whatever control frame comes, in whatever pieces, in front of `close` and behind it; without the memory
    /// for both it is left out, and what comes in is told whole.
    #[test]
    fn a_reason_is_kept_until_the_close_frame_is_written() {
        for (reason_len, theirs) in [(3, 60), (0, 125), (123, 0), (123, 1), (123, 2), (60, 63), (60, 64), (123, 125)] {
            for first in [0x89, 0x8a, 0x88] {
                if (first, theirs) == (0x88, 1) {
                    continue; // half a code
                }
                let reason = "r".repeat(reason_len);
                let payload = if first == 0x88 && theirs > 1 {
                    [&b"\x03\xe8"[..], &vec![b'p'; theirs - 2]].concat()
                } else {
                    vec![b'p'; theirs]
                };
                let wire = frame(first, &payload);
                for cut in 0..=wire.len() {
                    let mut ws = Connection::client(Limits::new());
                    // An owed pong in front, which is dropped.
                    if cut % 2 == 0 {
                        ws.poll_event(&mut &mut frame(0x89, b"in front")[..]).unwrap();
                    }
                    let (mut head, mut tail) = (wire[..cut].to_vec(), wire[cut..].to_vec());
                    let mut told = Vec::new();
                    let mut receive = |ws: &mut Connection<_>, mut input: &mut [u8]| {
                        while let Some(event) = ws.poll_event(&mut input).unwrap() {
                            match event {
                                Event::Ping(p) | Event::Pong(p) => told = p.as_bytes().to_vec(),
                                Event::Close(code) => {
                                    told = match code {
                                        CloseCode::NO_STATUS => Vec::new(),
                                        _ => [&b"\x03\xe8"[..], ws.close_reason().as_bytes()].concat(),
                                    };
                                }
                                Event::Chunk(_) => {}
                            }
                        }
                    };
                    receive(&mut ws, &mut head);
                    ws.close(CloseCode(4000), &reason).unwrap();
                    receive(&mut ws, &mut tail);
                    assert_eq!(told, payload, "{reason_len} {first:x} {theirs} {cut}");
                    if first == 0x88 {
                        let said = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
                        assert_eq!(ws.close_reason(), said);
                    }
                    let sent = transmit(&mut ws);
                    let has_reason = sent[6..] == [&b"\x0f\xa0"[..], reason.as_bytes()].concat();
                    assert!(has_reason || sent[6..] == *b"\x0f\xa0", "{sent:?}");
                    assert!(has_reason || reason_len + 2 + theirs > 159, "{reason_len} {first:x} {theirs} {cut}");
                    assert_eq!(ws.close(CloseCode::NORMAL, ""), Err(StateError::Closing));
                }
            }
        }
    }

    #[test]
    fn the_latest_close_is_written_and_a_refused_one_changes_nothing() {
        let mut ws = Connection::client(Limits::new());
        ws.close(CloseCode::NORMAL, "a longer reason").unwrap();
        let before = ws.clone();
        assert_eq!(ws.close(CloseCode(1005), "x"), Err(StateError::InvalidClose));
        assert_eq!(ws.close(CloseCode(999), ""), Err(StateError::InvalidClose));
        assert_eq!(ws, before);
        ws.close(CloseCode(3000), "b").unwrap();
        // The layers above do not take it back.
        ws.owe_close(CloseCode::GOING_AWAY);
        assert_eq!(transmit(&mut ws), b"\x88\x83\0\0\0\0\x0b\xb8b");
    }
}
