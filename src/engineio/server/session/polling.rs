//! A session over polling: GETs wait for packets to the client, POSTs carry packets from the client.

use super::{Config, Handled, Phase, Session, Upgrade};
use crate::{
    engineio::{Event, Message, Packet, Packets, Reason, Sid, Transport},
    time::Instant,
};
use core::fmt;

/// How long a GET waits during a probe, in milliseconds. The client has to stop polling, but should not be made to poll in a busy loop.
const NOOP_DELAY: u64 = 100;

impl Session {
    /// A new session over polling. The open packet has to be sent, as the answer to the GET that opened the session.
    ///
    /// ```
    /// use sansocket::{engineio::{Event, Message, Packets, Payload, Sid, server::{Config, Session}}, time::Instant, ws::Out};
    ///
    /// # fn main() -> Result<(), Box<dyn core::error::Error>> {
    /// let now = Instant::from_millis(0);
    /// let mut engine = Session::open_polling(Sid::from_random([0; 15]), Config::new(), now);
    ///
    /// // Answer a GET when there is something to send.
    /// let mut queue = [0; 256]; // a queue of stored frames
    /// let mut out = Out::stored(&mut queue);
    /// while engine.poll_transmit(&mut out)? {}
    /// let mut body = [0; 1024];
    /// let mut payload = Payload::new(&mut body);
    /// payload.push_frames(out.written())?;
    /// assert!(payload.written().starts_with(br#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"#));
    /// engine.end_poll();
    ///
    /// // A POST carries packets.
    /// engine.begin_post()?;
    /// let mut body = *b"4hello\x1e4you";
    /// let mut packets = Packets::new(&mut body);
    /// assert_eq!(engine.poll_post(&mut packets, now), Some(Event::Opened));
    /// assert_eq!(engine.poll_post(&mut packets, now), Some(Event::Message(Message::Text(b"hello"))));
    /// assert_eq!(engine.poll_post(&mut packets, now), Some(Event::Message(Message::Text(b"you"))));
    /// assert_eq!(engine.poll_post(&mut packets, now), None); // answer `ok`
    /// // The next GET waits.
    /// engine.begin_poll(now)?;
    /// assert!(engine.is_polled() && !engine.wants_transmit());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn open_polling(sid: Sid, config: Config, now: Instant) -> Self {
        let mut session = Self::new(sid, config, Transport::Polling, now);
        session.is_polled = true;
        session
    }

    /// A GET arrived. Answer it when there is something to send: packets in your queue, or what [`poll_transmit`](Self::poll_transmit) writes.
    ///
    /// # Errors
    /// [`PollError`]. Answer 400 without a body. A second GET while one waits ends the session, like in the JavaScript server. Then answer the first
    /// GET too; [`handle_timeout`](Self::handle_timeout) returns the last events.
    pub const fn begin_poll(&mut self, now: Instant) -> Result<(), PollError> {
        if let Err(error) = self.judge_request(self.is_polled) {
            return Err(error);
        }
        self.is_polled = true;
        if let Upgrade::Probing { .. } = self.upgrade {
            self.upgrade = Upgrade::Probing { noop: now.after_millis(NOOP_DELAY) };
        }
        Ok(())
    }

    /// The GET was answered. Remove the packets in the answer from your queue.
    pub const fn end_poll(&mut self) {
        self.is_polled = false;
    }

    /// Whether a GET waits. Volatile packets are sent only then.
    #[must_use]
    pub const fn is_polled(&self) -> bool {
        self.is_polled
    }

    /// The head of a POST arrived. Its body follows.
    ///
    /// # Errors
    /// As [`begin_poll`](Self::begin_poll). A second POST before the end of the first one's body ends the session. A POST before
    /// [`poll_transmit`](Self::poll_transmit) has written the open packet changes nothing: an answer would be in front of that packet.
    pub const fn begin_post(&mut self) -> Result<(), PollError> {
        if let Err(error) = self.judge_request(self.is_posted) {
            return Err(error);
        }
        if self.owes_open {
            return Err(PollError::Unopened);
        }
        self.is_posted = true;
        Ok(())
    }

    /// The POST failed: its body is too large, or its connection ended. The session goes on. See the [module page](crate::engineio::server) for an
    /// example.
    pub const fn end_post(&mut self) {
        self.is_posted = false;
    }

    /// Returns the next event of the body of a POST. `None`: the body was used up. Then answer `ok`, or 400 if the session [is over](Self::is_closed)
    /// because of a [`fault`](Self::fault).
    pub fn poll_post<'b>(&mut self, packets: &mut Packets<'b>, now: Instant) -> Option<Event<'b>> {
        loop {
            match self.phase {
                Phase::Fresh => {
                    self.phase = Phase::Open;
                    return Some(Event::Opened);
                }
                Phase::Ended { .. } => {
                    let event = self.tell_end();
                    self.is_posted &= event.is_some();
                    return event;
                }
                Phase::Open => {}
            }
            let Some(packet) = packets.next() else {
                self.is_posted = false;
                return None;
            };
            if let Handled::Message = self.handle(packet, now) {
                match packet {
                    Ok(Packet::Text(text)) => return Some(Event::Message(Message::Text(text))),
                    Ok(Packet::Binary(bytes)) => return Some(Event::Message(Message::Binary(bytes))),
                    _ => {}
                }
            }
        }
    }

    const fn judge_request(&mut self, is_busy: bool) -> Result<(), PollError> {
        if matches!(self.transport, Transport::WebSocket) {
            return Err(PollError::Upgraded);
        }
        if is_busy {
            self.end(Reason::TransportError);
            return Err(PollError::Overlap);
        }
        Ok(())
    }

    /// During a probe, makes the session answer a GET that waits with a noop, so that the client can stop polling.
    pub(super) fn let_poll_go(&mut self, now: Instant) {
        if let Upgrade::Probing { noop } = self.upgrade
            && now >= noop
        {
            self.upgrade =
                if self.is_polled { Upgrade::NoopOwed } else { Upgrade::Probing { noop: Instant::FAR_FUTURE } };
        }
    }
}

/// Why a request to a session is refused. See the [module page](crate::engineio::server) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollError {
    /// A request with the same method is in progress. The session is over.
    Overlap,
    /// The session uses a WebSocket. It goes on.
    Upgraded,
    /// A POST before the open packet was written, which tells the session id. The session goes on.
    Unopened,
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overlap => "a second request with the same method at the same time",
            Self::Upgraded => "the session uses a WebSocket",
            Self::Unopened => "a POST before the session id was told",
        })
    }
}

impl core::error::Error for PollError {}
