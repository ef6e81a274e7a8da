//! The server's end of a link: a [`Session`] over polling, over a WebSocket, or from the one to the other by way of a [`Probe`].

mod polling;
mod probe;
mod transmit;

pub use polling::PollError;
pub use probe::{Probe, Probed};

use super::{Config, open};
use crate::{
    bytes::{Capacity, base64},
    engineio::{Event, Message, Packet, PeerError, Reason, Sid, Transport},
    time::{Instant, millis},
    ws::{self, Advanced, CloseCode, Incoming, Kind, ReceiveError},
};

/// Bytes that [`Session::poll_transmit`] needs at most in one call: the open packet as a frame.
pub const OWED_MAX: usize = 160;

/// One link: heartbeat, packets, close. 72 bytes.
///
/// It owes the open packet from the start and a ping whenever the interval is over; [`poll_transmit`](Self::poll_transmit)
/// writes them. An event borrows the inbox alone.
///
/// A link over a WebSocket gets its bytes by [`poll_event`](Self::poll_event). One over [polling](Self::open_polling) gets the body of each POST by
/// [`poll_post`](Self::poll_post), and is told of each GET: what is to be sent waits as packets at rest in the caller's queue, of which a [`Payload`](crate::engineio::Payload)
/// makes the answer. That queue stays the same when the link moves to a WebSocket.
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
/// // 25 s later a ping is owed; the deadline says so.
/// assert_eq!(engine.poll_timeout(), Some(Instant::from_millis(25_000)));
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
    /// The body of a POST is on its way.
    is_posted: bool,
    upgrade: Upgrade,
    /// The last packet of a link over polling, once it is over.
    farewell: Option<u8>,
    phase: Phase,
    beat: Beat,
    /// When the next ping is due, or its answer.
    due: Instant,
    /// Since the ping went out a packet came that was not its answer, and bought it time.
    is_extended: bool,
    fault: Option<PeerError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `Opened` is not told yet.
    Fresh,
    Open,
    Ended {
        reason: Reason,
        told: Told,
    },
}

/// What the layer above has heard of a session that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Opened,
    Closed,
}

/// Where the move to a WebSocket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    None,
    /// A probe runs; a GET that waits is let go by a noop at this moment.
    Probing {
        noop: Instant,
    },
    /// The noop is owed.
    NoopOwed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beat {
    /// Until the next ping.
    Idle,
    PingOwed,
    /// Until the answer must be here.
    Asked,
}

impl Session {
    /// A link that begins: the open packet is owed. `sid` names it, and must not be known to others.
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

    /// The next event; `None` when the bytes in `inbox` are used up. [`Event::Opened`] comes first and once, [`Event::Closed`] last and once, whatever
    /// ended the session. Once the session is over, this marks the close frame that `ws` owes: call it after [`close`](Self::close) and after
    /// [`handle_timeout`](Self::handle_timeout) too.
    ///
    /// # Errors
    /// [`Capacity`] when a message within the limits is larger than the inbox: lend more
    /// ([`ws::Inbox::replace`]), skip it ([`ws::Inbox::skip_message`]) or close; nothing was changed.
    pub fn poll_event<'s, S: AsMut<[u8]>>(
        &mut self,
        inbox: &'s mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
        now: Instant,
    ) -> Result<Option<Event<'s>>, Capacity> {
        if self.advance(inbox, ws, now)? { Ok(self.take(inbox)) } else { Ok(None) }
    }

    /// Works until an event is ready for [`take`](Self::take) and lends nothing, so it can stand in a loop of a wrapper
    /// that lends; `false` when the bytes in `inbox` are used up.
    ///
    /// Pings and pongs of the WebSocket pass unnoticed here: Engine.IO has a heartbeat of its own. See [`advance_with`](Self::advance_with).
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    pub fn advance<S: AsMut<[u8]>>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
        now: Instant,
    ) -> Result<bool, Capacity> {
        self.advance_with(inbox, ws, now, |_| {})
    }

    /// As [`advance`](Self::advance), and calls `heard` with each ping and pong of the WebSocket, such as those that a
    /// [`ws::KeepAlive`] beside the session waits for.
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    pub fn advance_with<S: AsMut<[u8]>>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
        now: Instant,
        mut heard: impl FnMut(Advanced),
    ) -> Result<bool, Capacity> {
        loop {
            match self.phase {
                Phase::Fresh => return Ok(true),
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
            if let Some((Kind::Text, [b'b', ..])) = inbox.peek() {
                // Bytes in base64, as over polling.
                let decode =
                    |text: &mut [u8]| Some((1, base64::decode_in_place(text.get_mut(1..)?)?.len().saturating_add(1)));
                if !inbox.make_binary(decode) {
                    self.fail(PeerError::UnknownPacket);
                    continue;
                }
            }
            let packet = match inbox.peek() {
                None => {
                    // A close frame: `ws` owes the answer.
                    self.end(Reason::TransportClose);
                    continue;
                }
                Some((Kind::Binary, bytes)) => Ok(Packet::Binary(bytes)),
                Some((Kind::Text, text)) => Packet::parse_text(text),
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

    /// Lends the event that [`advance`](Self::advance) found.
    pub fn take<'s, S: AsMut<[u8]>>(&mut self, inbox: &'s mut ws::Inbox<S>) -> Option<Event<'s>> {
        match self.phase {
            Phase::Fresh => {
                self.phase = Phase::Open;
                Some(Event::Opened)
            }
            Phase::Ended { .. } => self.tell_end(),
            Phase::Open => match inbox.take()? {
                Incoming::Message(ws::Message::Text(text)) => {
                    Some(Event::Message(Message::Text(text.as_bytes().get(1..).unwrap_or_default())))
                }
                Incoming::Message(ws::Message::Binary(bytes)) => Some(Event::Message(Message::Binary(bytes))),
                _ => None,
            },
        }
    }

    /// Time has come to `now`: a ping may be owed then, or the peer may have failed to answer one. Call it until `None`; a call that is early or
    /// repeated does nothing. It also gives the last events of a session that ended by a call without events, such as [`close`](Self::close).
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

    /// The transport ended: the WebSocket, or the connection of a GET that waited for its answer. [`handle_timeout`](Self::handle_timeout) gives the
    /// last events.
    pub const fn handle_eof(&mut self) {
        self.end(Reason::TransportClose);
    }

    /// Ends the session from this side. Does nothing when it is over.
    ///
    /// Over a WebSocket the next [`poll_event`](Self::poll_event) marks the close frame that `ws` owes, without a code, as the JavaScript server sends it.
    /// Over polling [`poll_transmit`](Self::poll_transmit) writes the close packet, for the GET that waits or for the next one (the JavaScript server
    /// waits 30 s for that). It must stand in a payload of its own, behind all others: the stock client acts on it before the packets in front of it.
    pub const fn close(&mut self) {
        self.end(Reason::ForcedClose);
    }

    /// How the packets travel now.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The id of the link.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
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

    /// What [`poll_timeout`](Self::poll_timeout) waits for, for logs.
    #[must_use]
    pub const fn timeout_reason(&self) -> &'static str {
        match self.beat {
            Beat::Idle => "next ping",
            Beat::PingOwed | Beat::Asked => "answer to a ping",
        }
    }

    /// Whether the link is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// What the peer did that ended the link, for logs.
    #[must_use]
    pub const fn fault(&self) -> Option<PeerError> {
        self.fault
    }

    fn handle(&mut self, packet: Result<Packet<'_>, PeerError>, now: Instant) -> Handled {
        if self.beat == Beat::Asked && !matches!(packet, Ok(Packet::Pong(_))) && !self.is_extended {
            // As the reference since 6.6.12: other traffic shows that the peer lives, once.
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
            // The reference ignores these from a client whose session is open.
            Ok(Packet::Open(_) | Packet::Upgrade | Packet::Noop) => Handled::Silently,
            Ok(Packet::Close) => {
                self.end(Reason::TransportClose);
                Handled::End
            }
            Ok(Packet::Ping(_)) => self.fail(PeerError::HeartbeatDirection),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: PeerError) -> Handled {
        if !self.is_closed() {
            self.fault = Some(error);
        }
        self.end(error.into());
        Handled::End
    }

    /// The code says what the peer did wrong; without a fault there is none, as in the JavaScript server.
    fn owe_close(&self, ws: &mut ws::Connection<ws::Server>) {
        ws.owe_close(self.fault.map_or(CloseCode::NO_STATUS, PeerError::close_code));
    }

    const fn end(&mut self, reason: Reason) {
        if !self.is_closed() {
            let told = if matches!(self.phase, Phase::Fresh) { Told::Nothing } else { Told::Opened };
            self.phase = Phase::Ended { reason, told };
            self.owes_open = false;
            self.beat = Beat::Idle;
            self.upgrade = Upgrade::None;
            if matches!(self.transport, Transport::Polling) {
                // A client that said good-bye needs its GET back, and nothing else.
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

/// What became of a packet.
enum Handled {
    Message,
    Silently,
    /// The session is over; its last event is not told yet.
    End,
}
