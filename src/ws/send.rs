//! What a connection writes: messages, control frames, what it owes.

use super::{
    CloseCode, Connection, Form, Kind, Out, Role, SendError, StateError,
    opcode::Opcode,
    state::{Sending, State, Trigger},
};
use crate::bytes::Capacity;

impl<R: Role> Connection<R> {
    /// Sends a whole message. Cost: one copy of `payload`, masked on the way by a client.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need; [`SendError::State`] inside a message sent in parts and after a
    /// close. Nothing was changed, and no masking key was drawn.
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

    /// Sends a part of a message whose length need not be known, as a frame of its own (RFC 6455 section 5.4). The first
    /// part says its kind; `is_last` ends it. Other data are refused in between, pings and what is owed are not.
    ///
    /// # Errors
    /// As [`send`](Self::send).
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

    /// The first byte of a frame of data, and the state behind it.
    pub(super) fn begin(&self, kind: Kind, is_last: bool) -> Result<(u8, State), StateError> {
        let next = self.state.next(Trigger::SendData { kind, is_last })?;
        let opcode = match self.state.sending {
            Sending::Message(_) => Opcode::Continuation,
            _ => kind.opcode(),
        };
        Ok((if is_last { 0x80 } else { 0 } | opcode.bits(), next))
    }

    /// Sends a ping with at most 125 bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`StateError::ControlTooLong`].
    pub fn ping<F: Form<Role = R>>(&mut self, payload: &[u8], out: &mut Out<'_, F>) -> Result<(), SendError> {
        self.state.next(Trigger::SendPing)?;
        if payload.len() > 125 {
            return Err(StateError::ControlTooLong.into());
        }
        Ok(out.put(0x80 | Opcode::Ping.bits(), payload)?)
    }

    /// Sends the close frame, between two frames of a message sent in parts if one is open. It replaces a close frame that
    /// is owed, and an owed pong is dropped. [`CloseCode::NO_STATUS`] sends one without a code.
    ///
    /// # Errors
    /// [`StateError::InvalidClose`] for a code that may not be sent or a reason of more than 123 bytes,
    /// [`StateError::Closing`] when the close frame was sent already, or [`Capacity`]; nothing was changed.
    pub fn close<F: Form<Role = R>>(
        &mut self,
        code: CloseCode,
        reason: &str,
        out: &mut Out<'_, F>,
    ) -> Result<(), SendError> {
        let next = self.state.next(Trigger::SendClose)?;
        let first = 0x80 | Opcode::Close.bits();
        if code == CloseCode::NO_STATUS && reason.is_empty() {
            out.put(first, b"")?;
        } else {
            if !code.is_sendable() || reason.len() > 123 {
                return Err(StateError::InvalidClose.into());
            }
            out.build(first, 0, |w| {
                w.push(&code.0.to_be_bytes());
                w.push(reason.as_bytes());
            })?;
        }
        self.state = next;
        self.pong = None;
        out.gate = next.sending.into();
        Ok(())
    }

    /// Marks that a close frame with `code` is owed, for layers that have no `out` at hand; [`CloseCode::NO_STATUS`] sends
    /// one without a code, and so does a code that may not be sent. Does nothing once a close frame is owed or sent.
    pub fn owe_close(&mut self, code: CloseCode) {
        let code = if code.is_sendable() { code } else { CloseCode::NO_STATUS };
        self.state.receive(Trigger::OweClose(code));
    }

    /// Writes one thing that the connection owes: the pong of the latest ping, then a close frame. `false`: nothing is owed.
    ///
    /// Call it until `false` at the end of each turn. An empty `out` of [`OWED_MAX`](super::OWED_MAX) bytes is always enough.
    ///
    /// # Errors
    /// [`Capacity`]: it is owed still.
    pub fn poll_transmit<F: Form<Role = R>>(&mut self, out: &mut Out<'_, F>) -> Result<bool, Capacity> {
        if let Some(len) = self.pong {
            let payload = self.control.get(..usize::from(len)).unwrap_or_default();
            out.put(0x80 | Opcode::Pong.bits(), payload)?;
            self.pong = None;
            return Ok(true);
        }
        let Sending::CloseOwed(code) = self.state.sending else { return Ok(false) };
        let bytes = code.0.to_be_bytes();
        // The peer's code, or none where that may not stand in a close frame.
        let payload: &[u8] = if code.is_sendable() { &bytes } else { &[] };
        out.put(0x80 | Opcode::Close.bits(), payload)?;
        self.state.receive(Trigger::SendClose);
        out.gate = self.state.sending.into();
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to write.
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.pong.is_some() || matches!(self.state.sending, Sending::CloseOwed(_))
    }

    /// Whether data may be sent that is framed already, such as a packet written once for many receivers.
    ///
    /// # Errors
    /// [`StateError`] inside a message sent in parts and after a close.
    pub fn check_open_for_data(&self) -> Result<(), StateError> {
        self.state.next(Trigger::SendMessage).map(|_| ())
    }
}
