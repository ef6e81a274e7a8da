//! A session over a WebSocket: each message is one packet.

use super::{Handled, Phase, Ready, Session, Told};
use crate::{
    bytes::Capacity,
    engineio::{
        Client, Event, Message, Packet, PeerError, Reason, SendError, Sink, Transport, client::Fault, received,
    },
    time::Instant,
    ws::{self, CloseCode, ReceiveError},
};

impl Session {
    /// Returns the next event of the WebSocket. `None`: all bytes in `inbox` were used. See [`Session`] for an example.
    ///
    /// After the end of the session, this call makes `ws` send a close frame. So call it also after [`close`](Self::close) and
    /// [`handle_timeout`](Self::handle_timeout).
    ///
    /// # Errors
    /// [`Capacity`] if a message within the limits is larger than the inbox. Nothing was changed. Lend more ([`ws::Inbox::replace`]), skip the
    /// message ([`ws::Inbox::skip_message`]) or close. `needed` is exact for a message in one frame, and the least that helps for a fragmented one.
    pub fn poll_event<'s, S: ws::Storage>(
        &mut self,
        inbox: &'s mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
    ) -> Result<Option<Event<'s>>, Capacity> {
        if self.advance(inbox, ws, now)? { Ok(self.take(inbox)) } else { Ok(None) }
    }

    /// As [`poll_event`](Self::poll_event), but the result borrows nothing. `true`: [`take`](Self::take) returns an event. `false`: all bytes in
    /// `inbox` were used. For a wrapper that returns an event; [`ws::Inbox::advance`] has an example of one.
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    pub fn advance<S: ws::Storage>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
    ) -> Result<bool, Capacity> {
        self.advance_with(inbox, ws, now, |_| {})
    }

    /// As [`advance`](Self::advance), and calls `seen` with each packet that arrived, once. For logs.
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    pub fn advance_with<S: ws::Storage>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
        mut seen: impl FnMut(Packet<'_>),
    ) -> Result<bool, Capacity> {
        loop {
            match self.phase {
                Phase::Fresh => return Ok(true),
                Phase::Ended { told, .. } => {
                    self.owe_close(ws);
                    return Ok(told != Told::Closed);
                }
                Phase::Opening | Phase::Open => {}
            }
            // Engine.IO has its own heartbeat, so pings and pongs are not told.
            match inbox.advance_to_message(ws) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(ReceiveError::Capacity(e)) => return Err(e),
                Err(ReceiveError::Peer(e)) => {
                    self.fail(Fault::Peer(PeerError::WebSocket(e)));
                    continue;
                }
            }
            let Some(packet) = received::peek_packet(inbox) else {
                // A close frame. `ws` answers it.
                self.end(Reason::TransportClose);
                continue;
            };
            if let Ok(packet) = packet
                && self.ready == Ready::Nothing
            {
                seen(packet);
            }
            match self.handle(packet, now) {
                Handled::Message => {
                    self.ready = Ready::Frame;
                    return Ok(true);
                }
                Handled::Silently => {
                    let _ = inbox.take();
                }
                Handled::End => {}
            }
        }
    }

    /// The message that [`take`](Self::take) would return.
    pub(crate) fn peek<'s, S: ws::Storage>(&self, inbox: &'s mut ws::Inbox<S>) -> Option<Message<'s>> {
        if self.ready == Ready::Frame { received::peek_message(inbox) } else { None }
    }

    /// Returns the event that [`advance`](Self::advance) found.
    pub fn take<'s, S: ws::Storage>(&mut self, inbox: &'s mut ws::Inbox<S>) -> Option<Event<'s>> {
        match self.phase {
            Phase::Opening | Phase::Open => {
                self.ready = Ready::Nothing;
                received::take_message(inbox)
            }
            Phase::Fresh | Phase::Ended { .. } => self.tell(),
        }
    }

    /// Writes the packet that the session has to send over the WebSocket: the answer to a ping. `false`: nothing has to be sent, or nothing can be
    /// written now because a message sent in parts is open or the connection is closing. Always `false` over polling, where
    /// [`begin_post`](Self::begin_post) writes what has to be sent.
    ///
    /// Call it until `false` at the end of each turn. The answer is `3` without the payload of the ping, like that of the JavaScript client. Several
    /// pings at once have one answer.
    ///
    /// # Errors
    /// [`Capacity`] if `out` has no room. Call again with more. `needed` is exact.
    pub fn poll_transmit<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, Capacity> {
        if !self.wants_transmit() {
            return Ok(false);
        }
        match out.packet(|w| w.byte(b'3')) {
            Ok(()) => self.owes_pong = false,
            Err(SendError::Capacity(e)) => return Err(e),
            Err(SendError::State(_) | SendError::Separator) => return Ok(false),
        }
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to write.
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.owes_pong && matches!(self.transport, Transport::WebSocket)
    }

    /// Makes `ws` send a close frame after the end. Its code tells a server that it broke the protocol.
    pub(crate) fn owe_close(&self, ws: &mut ws::Connection<Client>) {
        if self.is_closed() {
            ws.owe_close(self.fault.map_or(CloseCode::NO_STATUS, Fault::close_code));
        }
    }
}
