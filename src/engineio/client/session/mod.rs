//! The client's end of a connection: a [`Session`] over polling or a WebSocket.

mod polling;
mod websocket;

pub use polling::Request;
pub(crate) use polling::write_query;

use super::{Config, Fault, Id, open::Open};
use crate::{
    engineio::{Client, Event, Message, Packet, PeerError, Reason, SendError, Sink, Transport, payload::SEPARATOR},
    time::{Instant, millis},
};

/// The client's end of one Engine.IO session: open packet, heartbeat, packets and close. 128 bytes.
///
/// The server sends the first packet, the open packet. [`Event::Opened`] comes when it was taken, once and before all messages.
/// [`Event::Closed`] comes once and last. A session that ends before its open packet has only [`Event::Closed`]; then [`fault`](Self::fault) tells
/// more.
///
/// The server pings, and the session answers. If no ping arrives within the interval and time-out of the open packet, the session ends
/// ([`Reason::PingTimeout`]). Like in the JavaScript client, no other packet counts as a sign of life.
///
/// Over a WebSocket, [`poll_event`](Self::poll_event) handles the received bytes, and [`poll_transmit`](Self::poll_transmit) writes what the session
/// has to send. Events borrow only the inbox, so you can call the session while you hold one. Over polling,
/// [`poll_request`](Self::poll_request) has the example.
///
/// ```
/// use sansocket::engineio::{Event, Message, Transport, client::{Config, Session}};
/// use sansocket::{time::Instant, ws::{Connection, Inbox, Limits, Outbox}};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let now = Instant::from_millis(0);
/// // A WebSocket after its handshake, with `write_query` in the query of its URL.
/// let (mut ws, mut inbox) = (Connection::client(Limits::new()), Inbox::new([0; 256]));
/// let mut outbox = Outbox::with_keys([0; 64], || [0; 4]); // take the keys from a secure generator
/// let mut engine = Session::open(Transport::WebSocket, &Config::new(), now);
///
/// # let receive = |inbox: &mut Inbox<[u8; 256]>, text: &[u8]| {
/// #     inbox.space().unwrap()[..2].copy_from_slice(&[0x81, text.len() as u8]);
/// #     inbox.space().unwrap()[2..][..text.len()].copy_from_slice(text);
/// #     inbox.commit(2 + text.len());
/// # };
/// receive(&mut inbox, br#"0{"sid":"a-secret","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#);
/// receive(&mut inbox, b"2");
/// receive(&mut inbox, b"4hello");
/// let mut messages = 0;
/// while let Some(event) = engine.poll_event(&mut inbox, &mut ws, now)? {
///     match event {
///         Event::Opened => assert!(engine.is_open()),
///         Event::Message(message) => {
///             assert_eq!(message, Message::Text(b"hello"));
///             engine.send(Message::Text(b"hi"), &mut ws.out(&mut outbox))?;
///             messages += 1;
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(messages, 1);
/// while engine.poll_transmit(&mut ws.out(&mut outbox))? {}
/// assert_eq!(outbox.written(), b"\x81\x83\0\0\0\x004hi\x81\x81\0\0\0\x003"); // the message, and the answer to the ping
/// assert_eq!(engine.poll_timeout(), Some(Instant::from_millis(45_000)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    id: Id,
    pub(super) transport: Transport,
    phase: Phase,
    /// When the open packet, or the next ping, must have arrived.
    due: Instant,
    /// In milliseconds, until the session is open for the open packet, and of a probe.
    pub(super) open_timeout: u32,
    /// How long after a ping the next one must have arrived, in milliseconds.
    patience: u32,
    max_payload: u32,
    owes_pong: bool,
    offers_websocket: bool,
    /// A probe waits for the end of the requests in progress. No request begins.
    pub(super) is_pausing: bool,
    is_getting: bool,
    is_posting: bool,
    /// A close packet has to be sent over polling, after the end.
    owes_close: bool,
    ready: Ready,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The open packet has not arrived.
    Opening,
    /// The open packet arrived. `Opened` was not returned yet.
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
    /// `Opened`, or nothing was opened.
    Opened,
    Closed,
}

/// The message that `advance` or `advance_body` has found, and told to its `seen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Nothing,
    /// In the inbox.
    Frame,
    /// At the end of its packet in a body, with this length.
    Text(usize),
    Binary(usize),
}

impl Session {
    /// A new session. Its open packet must arrive within [`Config::open_timeout`]. See [`Session`] for an example over a WebSocket, and
    /// [`poll_request`](Self::poll_request) for one over polling.
    #[must_use]
    pub const fn open(transport: Transport, config: &Config, now: Instant) -> Self {
        Self {
            id: Id::EMPTY,
            transport,
            phase: Phase::Opening,
            due: now.after_millis(millis(config.open_timeout)),
            open_timeout: config.open_timeout,
            patience: 0,
            max_payload: 0,
            owes_pong: false,
            offers_websocket: false,
            is_pausing: false,
            is_getting: false,
            is_posting: false,
            owes_close: false,
            ready: Ready::Nothing,
            fault: None,
        }
    }

    /// Writes a message, for applications that use Engine.IO without Socket.IO. Over polling `out` is the [`Payload`](crate::engineio::Payload) of a
    /// POST, or a queue of stored frames.
    ///
    /// # Errors
    /// [`SendError`]. Nothing was written. [`SendError::Separator`] for a text that polling cannot carry.
    pub fn send<O: Sink<Client>>(&self, message: Message<'_>, out: &mut O) -> Result<(), SendError> {
        match message {
            Message::Text(text) if self.transport == Transport::Polling && text.contains(&SEPARATOR) => {
                Err(SendError::Separator)
            }
            Message::Text(text) => out.text(|w| w.push(text), core::iter::empty::<&[u8]>()),
            Message::Binary(bytes) => out.binary(bytes),
        }
    }

    /// Handles the deadlines up to `now`: the session ends because the open packet or a ping is missing. It also returns the last events of a
    /// session that was ended by a call without events, such as [`close`](Self::close). Call it until `None`. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if now >= self.due {
            match self.phase {
                Phase::Opening => {
                    // There is no reason of its own for this in the protocol. The fault tells it.
                    self.note(Fault::OpenTimeout);
                    self.end(Reason::TransportError);
                }
                Phase::Fresh | Phase::Open => self.end(Reason::PingTimeout),
                Phase::Ended { .. } => {}
            }
        }
        if self.is_closed() { self.tell() } else { None }
    }

    /// The WebSocket ended (`transport close`). Ends the session. See the [module page](super) for an example.
    pub const fn handle_eof(&mut self) {
        self.end(Reason::TransportClose);
    }

    /// The WebSocket failed (`transport error`). Ends the session. See the [module page](super) for an example.
    pub const fn handle_error(&mut self) {
        self.end(Reason::TransportError);
    }

    /// Ends the session from this end. Does nothing if it is over.
    ///
    /// Over a WebSocket, the next [`poll_event`](Self::poll_event) makes `ws` send a close frame without a code, like the JavaScript client.
    ///
    /// Over polling, the messages of the application may still be sent, and then a close packet has to be sent, in a POST of its own:
    /// [`poll_request`](Self::poll_request) demands POSTs until it was written. A GET in progress is left to end; the server answers it. Nothing is
    /// sent if the session was not open yet.
    pub const fn close(&mut self) {
        self.end(Reason::ForcedClose);
    }

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout). `None` after the end.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        if self.is_closed() { None } else { Some(self.due) }
    }

    /// What [`poll_timeout`](Self::poll_timeout) waits for, for logs. See the [module page](super) for an example.
    #[must_use]
    pub const fn timeout_reason(&self) -> &'static str {
        match self.phase {
            Phase::Opening => "open packet",
            _ => "ping of the server",
        }
    }

    /// The current transport.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The id of the session. `None` before the open packet.
    #[must_use]
    pub const fn id(&self) -> Option<&Id> {
        if self.id.is_empty() { None } else { Some(&self.id) }
    }

    /// Whether to make a [`Probe`](super::Probe): the session is open over polling, the server offered WebSocket, and no probe was made.
    #[must_use]
    pub const fn can_upgrade(&self) -> bool {
        self.offers_websocket && self.is_open() && matches!(self.transport, Transport::Polling)
    }

    /// Whether a message can be sent at once, for volatile ones: the session is open and does not pause for an upgrade, and no POST is in progress.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.is_open() && !self.is_pausing && !self.is_posting
    }

    /// Whether the open packet has arrived and the session is not over.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Fresh | Phase::Open)
    }

    /// Whether the session is over. Its last event may not have been returned yet.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// What went wrong, if that ended the session. `None` after a normal end, a lost connection, and a missing ping.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Ends the wish to upgrade. `false` if there was none.
    pub(super) const fn begin_upgrade(&mut self) -> bool {
        let can_upgrade = self.can_upgrade();
        self.offers_websocket = false;
        can_upgrade
    }

    fn handle(&mut self, packet: Result<Packet<'_>, PeerError>, now: Instant) -> Handled {
        if self.phase == Phase::Opening {
            let Ok(Packet::Open(json)) = packet else { return self.fail(Fault::Open) };
            let Some(open) = Open::parse(json, &mut self.id) else { return self.fail(Fault::Open) };
            self.patience = open.patience;
            self.max_payload = open.max_payload;
            self.offers_websocket = open.offers_websocket;
            self.due = now.after_millis(millis(self.patience));
            self.phase = Phase::Fresh;
            return Handled::Silently;
        }
        match packet {
            Ok(Packet::Text(_) | Packet::Binary(_)) => Handled::Message,
            Ok(Packet::Ping(_)) => {
                self.owes_pong = true;
                self.due = self.due.max(now.after_millis(millis(self.patience)));
                Handled::Silently
            }
            // The JavaScript client ignores these packets while the session is open; all but a second open packet.
            Ok(Packet::Open(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop) => Handled::Silently,
            Ok(Packet::Close) => {
                self.end(Reason::TransportClose);
                Handled::End
            }
            Err(error) => self.fail(Fault::Peer(error)),
        }
    }

    fn fail(&mut self, fault: Fault) -> Handled {
        self.note(fault);
        self.end(match fault {
            Fault::Peer(error) => error.into(),
            _ => Reason::ParseError,
        });
        Handled::End
    }

    const fn note(&mut self, fault: Fault) {
        if !self.is_closed() {
            self.fault = Some(fault);
        }
    }

    const fn end(&mut self, reason: Reason) {
        if !self.is_closed() {
            let told = if matches!(self.phase, Phase::Fresh) { Told::Nothing } else { Told::Opened };
            // A server that closed the session, or cannot be reached, need not be told.
            let is_told = matches!(reason, Reason::ForcedClose | Reason::ParseError);
            self.owes_close = is_told && self.is_open() && matches!(self.transport, Transport::Polling);
            self.phase = Phase::Ended { reason, told };
            self.owes_pong = false;
            self.is_pausing = false;
            self.ready = Ready::Nothing;
        }
    }

    /// Tells the beginning or the end.
    const fn tell(&mut self) -> Option<Event<'static>> {
        let (phase, event) = match self.phase {
            Phase::Fresh => (Phase::Open, Event::Opened),
            Phase::Ended { reason, told: Told::Nothing } => {
                (Phase::Ended { reason, told: Told::Opened }, Event::Opened)
            }
            Phase::Ended { reason, told: Told::Opened } => {
                (Phase::Ended { reason, told: Told::Closed }, Event::Closed(reason))
            }
            Phase::Opening | Phase::Open | Phase::Ended { told: Told::Closed, .. } => return None,
        };
        self.phase = phase;
        Some(event)
    }
}

/// The result of handling a packet.
enum Handled {
    Message,
    Silently,
    /// The session is over. Its last event was not returned yet.
    End,
}

#[cfg(test)]
mod tests;
