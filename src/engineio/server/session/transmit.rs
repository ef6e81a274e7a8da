//! What a session sends by itself. It is kept as flags, without a queue.

use super::{Beat, Session, Upgrade, open};
use crate::{
    bytes::Capacity,
    engineio::{Message, SendError, Sink, Transport, payload::SEPARATOR},
    time::Instant,
    ws,
};

impl Session {
    /// Writes a message, for applications that use Engine.IO without Socket.IO. See the [module page](crate::engineio) for an example.
    ///
    /// # Errors
    /// [`SendError`]. Nothing was written. [`SendError::Separator`] for a text that polling cannot carry.
    pub fn send<O: Sink<ws::Server>>(&self, message: Message<'_>, out: &mut O) -> Result<(), SendError> {
        match message {
            Message::Text(text) if self.transport == Transport::Polling && text.contains(&SEPARATOR) => {
                Err(SendError::Separator)
            }
            Message::Text(text) => out.text(|w| w.push(text), core::iter::empty::<&[u8]>()),
            Message::Binary(bytes) => out.binary(bytes),
        }
    }

    /// Writes one packet that the session has to send: the open packet, a ping, or over polling a noop or the close packet. `false`: nothing has to
    /// be sent, or nothing can be written now because a message sent in parts is open or the connection is closing.
    ///
    /// Call it until `false` at the end of each turn. An empty `out` of [`OWED_MAX`](super::OWED_MAX) bytes is always enough.
    ///
    /// # Errors
    /// [`Capacity`] if `out` has no room. Call again with more. `needed` is exact.
    pub fn poll_transmit<O: Sink<ws::Server>>(&mut self, out: &mut O) -> Result<bool, Capacity> {
        let digit = if self.owes_open {
            b'0'
        } else if self.beat == Beat::PingOwed {
            b'2'
        } else if self.upgrade == Upgrade::NoopOwed {
            b'6'
        } else if let Some(digit) = self.farewell {
            digit
        } else {
            return Ok(false);
        };
        let written = out.packet(|w| {
            w.byte(digit);
            if self.owes_open {
                open::write(self.sid, &self.config, self.transport, w);
            }
        });
        match written {
            Ok(()) if self.owes_open => self.owes_open = false,
            Ok(()) if self.beat == Beat::PingOwed => self.beat = Beat::Asked,
            // The next GET, if there is one, waits as long as any GET during a probe.
            Ok(()) if self.upgrade == Upgrade::NoopOwed => {
                self.upgrade = Upgrade::Probing { noop: Instant::FAR_FUTURE }
            }
            Ok(()) => self.farewell = None,
            Err(SendError::Capacity(e)) => return Err(e),
            Err(SendError::State(_) | SendError::Separator) => return Ok(false),
        }
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to write.
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.owes_open
            || matches!(self.beat, Beat::PingOwed)
            || matches!(self.upgrade, Upgrade::NoopOwed)
            || self.farewell.is_some()
    }
}
