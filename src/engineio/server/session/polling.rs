//! A link over polling: GETs that wait for packets, POSTs that bring some.

use super::{Config, Handled, Phase, Session, Upgrade};
use crate::{
    engineio::{Event, Message, Packet, Packets, Reason, Sid, Transport},
    time::Instant,
};
use core::fmt;

/// Milliseconds that a GET waits during a probe: the client is to let go of polling, and must not be asked to poll without rest.
const NOOP_DELAY: u64 = 100;

impl Session {
    /// A link that begins over polling: the open packet is owed, and the GET that opened it waits for its answer.
    ///
    /// ```
    /// use sansocket::{engineio::{Event, Message, Packets, Payload, Sid, server::{Config, Session}}, time::Instant, ws::Out};
    ///
    /// # fn main() -> Result<(), Box<dyn core::error::Error>> {
    /// let now = Instant::from_millis(0);
    /// let mut engine = Session::open_polling(Sid::from_random([0; 15]), Config::new(), now);
    ///
    /// // A GET is answered when something waits for it.
    /// let mut queue = [0; 256]; // a queue of packets at rest
    /// let mut out = Out::stored(&mut queue);
    /// while engine.poll_transmit(&mut out)? {}
    /// let mut body = [0; 1024];
    /// let mut payload = Payload::new(&mut body);
    /// payload.push_frames(out.written())?;
    /// assert!(payload.written().starts_with(br#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"#));
    /// engine.end_poll();
    ///
    /// // A POST brings packets.
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

    /// A GET came, and waits from now on until something is to be said: packets in the caller's queue, or what
    /// [`poll_transmit`](Self::poll_transmit) writes into it.
    ///
    /// # Errors
    /// [`PollError`]; answer 400 without a body. A second GET while one waits ends the session, as in the JavaScript server; the first one is
    /// to be answered then, and [`handle_timeout`](Self::handle_timeout) gives the last events.
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

    /// The GET was answered. What was taken out of the queue is the client's now.
    pub const fn end_poll(&mut self) {
        self.is_polled = false;
    }

    /// Whether a GET waits: packets that are dropped when nobody can take them (volatile ones) go out only then.
    #[must_use]
    pub const fn is_polled(&self) -> bool {
        self.is_polled
    }

    /// The head of a POST came; its body is on its way.
    ///
    /// # Errors
    /// As [`begin_poll`](Self::begin_poll), for a second POST before the first one's body was there.
    pub const fn begin_post(&mut self) -> Result<(), PollError> {
        if let Err(error) = self.judge_request(self.is_posted) {
            return Err(error);
        }
        self.is_posted = true;
        Ok(())
    }

    /// The POST came to nothing: its body was too large, or its connection ended. The link goes on.
    pub const fn end_post(&mut self) {
        self.is_posted = false;
    }

    /// The next event of the body of a POST, `None` when the body is used up: answer `ok` then, or 400 if the link [is over](Self::is_closed)
    /// and the client did not say so.
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

    /// During a probe a GET that waits is ended by a noop, so that the client can let go of polling.
    pub(super) fn let_poll_go(&mut self, now: Instant) {
        if let Upgrade::Probing { noop } = self.upgrade
            && now >= noop
        {
            self.upgrade =
                if self.is_polled { Upgrade::NoopOwed } else { Upgrade::Probing { noop: Instant::FAR_FUTURE } };
        }
    }
}

/// Why a request for a session is refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollError {
    /// A request of its kind is under way; the link is over.
    Overlap,
    /// The link is over a WebSocket by now; it goes on.
    Upgraded,
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overlap => "two requests of a kind at once",
            Self::Upgraded => "the session is over a WebSocket",
        })
    }
}

impl core::error::Error for PollError {}
