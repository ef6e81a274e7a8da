//! What arrives: over a WebSocket its messages, over polling the packets of a POST ([`polling`](super::polling)).

use super::{Beat, Phase, Session, Told};
use crate::{
    bytes::Capacity,
    engineio::{Event, Packet, PeerError, Reason, received},
    time::{Instant, millis},
    ws::{self, Advanced, CloseCode, ReceiveError},
};

impl Session {
    /// Returns the next event. `None`: all bytes in `inbox` were used, or the open packet was not written yet, and an answer would be in front of it. So call
    /// [`poll_transmit`](Self::poll_transmit) before the first call of this method: what came with the handshake is in `inbox` already, and a read may wait
    /// long for more. [`Event::Opened`] comes once and first, [`Event::Closed`] once and last, however the session ends. See [`Session`] for an example.
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
        ws: &mut ws::Connection<ws::Server>,
        now: Instant,
    ) -> Result<Option<Event<'s>>, Capacity> {
        if self.advance(inbox, ws, now)? { Ok(self.take(inbox)) } else { Ok(None) }
    }

    /// As [`poll_event`](Self::poll_event), but the result borrows nothing. `true`: [`take`](Self::take) returns an event. `false`:
    /// there is none, as above. For a wrapper that returns an event; [`ws::Inbox::advance`] has an example of one.
    ///
    /// WebSocket pings and pongs are not reported: Engine.IO has its own heartbeat. See [`advance_with`](Self::advance_with).
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    pub fn advance<S: ws::Storage>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
        now: Instant,
    ) -> Result<bool, Capacity> {
        self.advance_with(inbox, ws, now, |_| {})
    }

    /// As [`advance`](Self::advance), and calls `heard` with each WebSocket ping and pong. For a [`ws::KeepAlive`] that is used besides the session.
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn advance_with<S: ws::Storage>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
        now: Instant,
        mut heard: impl FnMut(Advanced),
    ) -> Result<bool, Capacity> {
        loop {
            match self.phase {
                // A WebSocket that is closing takes no open packet any more.
                Phase::Fresh => return Ok(!self.owes_open || ws.is_closing()),
                Phase::Ended { told, .. } => {
                    self.owe_close(ws);
                    return Ok(told != Told::Closed);
                }
                Phase::Open => {}
            }
            match inbox.advance(ws) {
                Ok(Some(Advanced::Ready)) => {}
                Ok(Some(control)) => {
                    heard(control);
                    continue;
                }
                Ok(None) => return Ok(false),
                Err(ReceiveError::Capacity(e)) => return Err(e),
                Err(ReceiveError::Peer(e)) => {
                    self.fail(PeerError::WebSocket(e));
                    continue;
                }
            }
            let Some(packet) = received::peek_packet(inbox) else {
                // A close frame. `ws` answers it.
                self.end(Reason::TransportClose);
                continue;
            };
            match self.handle(packet, now) {
                Handled::Message => return Ok(true),
                Handled::Silently => {
                    let _ = inbox.take();
                }
                Handled::End => {}
            }
        }
    }

    /// Returns the event that [`advance`](Self::advance) found.
    pub fn take<'s, S: ws::Storage>(&mut self, inbox: &'s mut ws::Inbox<S>) -> Option<Event<'s>> {
        match self.phase {
            Phase::Fresh => {
                self.phase = Phase::Open;
                Some(Event::Opened)
            }
            Phase::Ended { .. } => self.tell_end(),
            Phase::Open => received::take_message(inbox),
        }
    }

    pub(super) fn handle(&mut self, packet: Result<Packet<'_>, PeerError>, now: Instant) -> Handled {
        if self.beat == Beat::Asked && !matches!(packet, Ok(Packet::Pong(_))) && !self.is_extended {
            // Like engine.io for Node since 6.6.12: other traffic shows that the peer is alive. It extends the time once.
            self.is_extended = true;
            self.due = now.after_millis(millis(self.config.ping_timeout));
        }
        match packet {
            Ok(Packet::Text(_) | Packet::Binary(_)) => Handled::Message,
            Ok(Packet::Pong(_)) => {
                if self.beat == Beat::Asked {
                    self.beat = Beat::Idle;
                    self.due = now.after_millis(millis(self.config.ping_interval));
                }
                Handled::Silently
            }
            // The JavaScript server ignores these packets while the session is open.
            Ok(Packet::Open(_) | Packet::Upgrade | Packet::Noop) => Handled::Silently,
            Ok(Packet::Close) => {
                self.end(Reason::TransportClose);
                Handled::End
            }
            Ok(Packet::Ping(_)) => self.fail(PeerError::HeartbeatDirection),
            Err(error) => self.fail(error),
        }
    }

    /// The close frame has a code only if the peer broke the protocol, like that of the JavaScript server.
    fn owe_close(&self, ws: &mut ws::Connection<ws::Server>) {
        ws.owe_close(self.fault.map_or(CloseCode::NO_STATUS, PeerError::close_code));
    }
}

/// The result of handling a packet.
pub(super) enum Handled {
    Message,
    Silently,
    /// The session is over. Its last event was not returned yet.
    End,
}
