//! The server's end of a connection: a [`Session`] over polling or a WebSocket, and the upgrade between them ([`Probe`]).

mod polling;
mod probe;
mod receive;
mod transmit;

pub use polling::PollError;
pub use probe::{Probe, Probed};
use receive::Handled;

use super::{Config, open};
use crate::{
    engineio::{Event, PeerError, Reason, Sid, Transport},
    time::{Instant, millis},
};

/// The largest number of bytes that one call of [`Session::poll_transmit`] writes: the open packet as a frame.
pub const OWED_MAX: usize = 160;

/// The server's end of one Engine.IO session: heartbeat, packets and close. 72 bytes.
///
/// [`poll_transmit`](Self::poll_transmit) writes what the session has to send by itself: the open packet at the start, and a ping after each
/// interval.
///
/// Over a WebSocket, [`poll_event`](Self::poll_event) handles the received bytes. Events borrow only the inbox, so you can call the session while you
/// hold one.
///
/// Over [polling](Self::open_polling), announce each GET ([`begin_poll`](Self::begin_poll)) and pass the body of each POST to
/// [`poll_post`](Self::poll_post). Packets to the client wait in your queue as stored frames, from which a [`Payload`](crate::engineio::Payload)
/// makes the answer to a GET. The same queue is used after an upgrade to a WebSocket.
///
/// ```
/// use sansocket::{engineio::{Event, Message, Sid, server::{Config, Session}}, time::Instant, ws};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let now = Instant::from_millis(0);
/// let mut inbox = ws::Inbox::new([0; 256]);
/// let mut ws = ws::Connection::server(ws::Limits::new());
/// let mut engine = Session::open(Sid::from_random([0; 15]), Config::new(), now);
/// let mut tx = [0; 256];
/// let mut out = ws.out(&mut tx);
///
/// while engine.poll_transmit(&mut out)? {}
/// assert!(out.written()[2..].starts_with(br#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"#));
/// out.clear();
///
/// let mut frame = *b"\x81\x82\0\0\0\x004a"; // the message "a"
/// inbox.space()?[..frame.len()].copy_from_slice(&frame);
/// inbox.commit(frame.len());
/// let mut opened = false;
/// while let Some(event) = engine.poll_event(&mut inbox, &mut ws, now)? {
///     match event {
///         Event::Opened => opened = true,
///         Event::Message(m) => assert_eq!(m, Message::Text(b"a")),
///         _ => {}
///     }
/// }
/// assert!(opened);
/// // The next ping is due after 25 s.
/// assert_eq!(engine.poll_timeout(), Some(Instant::from_millis(25_000)));
/// assert_eq!(engine.timeout_reason(), "next ping");
/// assert_eq!(engine.handle_timeout(Instant::from_millis(25_000)), None);
/// engine.poll_transmit(&mut out)?;
/// assert_eq!(out.written(), b"\x81\x012");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    sid: Sid,
    config: Config,
    owes_open: bool,
    transport: Transport,
    /// A GET waits for its answer.
    is_polled: bool,
    /// The body of a POST is being received.
    is_posted: bool,
    upgrade: Upgrade,
    /// The last packet of a session over polling, to be sent after it has ended.
    farewell: Option<u8>,
    phase: Phase,
    beat: Beat,
    /// When the next ping, or the pong to the last one, is due.
    due: Instant,
    /// A packet other than a pong arrived since the last ping, and the time for the pong was extended once.
    is_extended: bool,
    fault: Option<PeerError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `Opened` was not returned yet.
    Fresh,
    Open,
    Ended {
        reason: Reason,
        told: Told,
    },
}

/// Which events of an ended session were returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Opened,
    Closed,
}

/// The state of the upgrade to a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    None,
    /// A probe is in progress. At `noop` a GET that waits is answered with a noop.
    Probing {
        noop: Instant,
    },
    /// A noop has to be sent.
    NoopOwed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beat {
    /// No ping is unanswered.
    Idle,
    PingOwed,
    /// A ping was sent and its pong has not arrived.
    Asked,
}

impl Session {
    /// A new session over a WebSocket. The open packet has to be sent. `sid` is a secret. See [`Session`] for an example.
    #[must_use]
    pub const fn open(sid: Sid, config: Config, now: Instant) -> Self {
        Self::new(sid, config, Transport::WebSocket, now)
    }

    const fn new(sid: Sid, config: Config, transport: Transport, now: Instant) -> Self {
        let due = now.after_millis(millis(config.ping_interval));
        Self {
            sid,
            config,
            owes_open: true,
            transport,
            is_polled: false,
            is_posted: false,
            upgrade: Upgrade::None,
            farewell: None,
            phase: Phase::Fresh,
            beat: Beat::Idle,
            due,
            is_extended: false,
            fault: None,
        }
    }

    /// Handles the deadlines up to `now`: a ping becomes due, or the session ends because a pong is missing. Call it until `None`, then
    /// [`poll_transmit`](Self::poll_transmit). It also returns the last events of a session that was ended by a call without events, such as
    /// [`close`](Self::close). Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        self.let_poll_go(now);
        if now >= self.due && !self.is_closed() {
            match self.beat {
                Beat::Idle => {
                    self.beat = Beat::PingOwed;
                    self.is_extended = false;
                    self.due = now.after_millis(millis(self.config.ping_timeout));
                }
                Beat::PingOwed | Beat::Asked => self.end(Reason::PingTimeout),
            }
        }
        self.tell_end()
    }

    /// The WebSocket ended, or the connection of a GET that waited. Ends the session. See the [module page](super) for an example.
    pub const fn handle_eof(&mut self) {
        self.end(Reason::TransportClose);
    }

    /// Ends the session from this end. Does nothing if it is over.
    ///
    /// Over a WebSocket, the next [`poll_event`](Self::poll_event) makes `ws` send a close frame without a code, like the JavaScript server.
    ///
    /// Over polling, [`poll_transmit`](Self::poll_transmit) writes the close packet. Send it in the answer to the GET that waits, or to the next one;
    /// the JavaScript server waits 30 s for that. Send it after all other packets and in a payload of its own: the JavaScript client handles a close
    /// packet before the packets in front of it.
    pub const fn close(&mut self) {
        self.end(Reason::ForcedClose);
    }

    /// The current transport.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The id of the session.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout). `None` after the end.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        if self.is_closed() {
            return None;
        }
        match self.upgrade {
            Upgrade::Probing { noop } if noop.as_millis() < self.due.as_millis() => Some(noop),
            _ => Some(self.due),
        }
    }

    /// What [`poll_timeout`](Self::poll_timeout) waits for, for logs. See [`Session`].
    #[must_use]
    pub const fn timeout_reason(&self) -> &'static str {
        match self.beat {
            Beat::Idle => "next ping",
            Beat::PingOwed | Beat::Asked => "answer to a ping",
        }
    }

    /// Whether the session is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// How the peer broke the protocol, if that ended the session. For logs.
    #[must_use]
    pub const fn fault(&self) -> Option<PeerError> {
        self.fault
    }

    fn fail(&mut self, error: PeerError) -> Handled {
        if !self.is_closed() {
            self.fault = Some(error);
        }
        self.end(error.into());
        Handled::End
    }

    #[inline(never)]
    const fn end(&mut self, reason: Reason) {
        if !self.is_closed() {
            let told = if matches!(self.phase, Phase::Fresh) { Told::Nothing } else { Told::Opened };
            self.phase = Phase::Ended { reason, told };
            self.owes_open = false;
            self.beat = Beat::Idle;
            self.upgrade = Upgrade::None;
            if matches!(self.transport, Transport::Polling) {
                // A client that closed the session only needs an answer to its GET.
                self.farewell = Some(if matches!(reason, Reason::TransportClose) { b'6' } else { b'1' });
            }
        }
    }

    const fn tell_end(&mut self) -> Option<Event<'static>> {
        let Phase::Ended { reason, told } = self.phase else { return None };
        let (told, event) = match told {
            Told::Nothing => (Told::Opened, Event::Opened),
            Told::Opened => (Told::Closed, Event::Closed(reason)),
            Told::Closed => return None,
        };
        self.phase = Phase::Ended { reason, told };
        Some(event)
    }
}
