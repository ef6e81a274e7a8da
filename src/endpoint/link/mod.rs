//! One Engine.IO session with its transports. `polling.rs` handles its requests.

mod polling;

pub use polling::Got;

use super::{Grow, What};
use crate::{
    engineio::{
        Event, PeerError, Reason, Sid, Transport,
        server::{Config, Probe, Session},
    },
    time::Instant,
    ws::{Agreed, CloseCode, Connection, Inbox, Limits, Server, Storage},
};

/// How long a session over polling is kept after this end has closed it, so that the next GET can fetch the close packet, in milliseconds. The
/// JavaScript server has the same.
pub const FAREWELL_MS: u64 = 30_000;

/// One client of an Engine.IO server: the session, its WebSocket if it has one, and what remains to be sent at the end. About 350 bytes.
///
/// Over a WebSocket, write the answer to the handshake first. Then in a loop call [`transmit`](Self::transmit), [`poll`](Self::poll) until `None`,
/// [`handle_timeout`](Self::handle_timeout) until `None`, and `transmit` until 0. The connection is over when [`is_over`](Self::is_over) is true and
/// `transmit` writes nothing.
///
/// Over polling, announce requests by [`begin_get`](Self::begin_get) and [`begin_post`](Self::begin_post).
///
/// Packets to the client wait in your queue as [`Out::stored`](crate::ws::Out::stored) writes them, whatever the transport: they are also the frames
/// of a WebSocket.
///
/// ```
/// use sansocket::{
///     endpoint::{Grow, ServerLink, What},
///     engineio::{Event, Sid, Transport, server::Config},
///     time::Instant,
///     ws::{Inbox, Limits, Out},
/// };
///
/// /// Sends every message back. `received` was read from the socket. Returns the bytes to send.
/// fn turn(link: &mut ServerLink, inbox: &mut Inbox<Vec<u8>>, received: &[u8], now: Instant) -> Vec<u8> {
///     let (mut sent, mut memory) = (Vec::new(), vec![0; 512]);
///     for piece in received.chunks(100) {
///         let place = loop {
///             match inbox.space() {
///                 Ok(place) => break &mut place[..piece.len()],
///                 Err(e) => drop(inbox.replace(vec![0; Grow::new(What::Inbox, e).to])),
///             }
///         };
///         place.copy_from_slice(piece);
///         inbox.commit(piece.len());
///         loop {
///             let n = link.transmit(&mut memory).expect("512 bytes are enough");
///             sent.extend_from_slice(&memory[..n]);
///             match link.poll(inbox, now) {
///                 Ok(Some(Event::Message(message))) => {
///                     let mut out = Out::stored(&mut memory);
///                     link.send(message, &mut out).expect("messages of this example are short");
///                     sent.extend_from_slice(out.written());
///                 }
///                 Ok(Some(_)) => {}
///                 Ok(None) => break,
///                 Err(grow) => drop(inbox.replace(vec![0; grow.to])),
///             }
///         }
///     }
///     sent
/// }
///
/// let now = Instant::from_millis(0);
/// let mut link = ServerLink::open(Transport::WebSocket, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
/// let mut inbox = Inbox::new(vec![0; 128]);
/// let sent = turn(&mut link, &mut inbox, b"\x81\x83\0\0\0\x004hi", now);
/// assert!(sent.windows(12).any(|w| w == br#"0{"sid":"AAA"#) && sent.ends_with(b"\x81\x034hi"));
/// ```
#[derive(Clone, Debug)]
pub struct ServerLink {
    pub(super) engine: Session,
    pub(super) ws: Option<Connection<Server>>,
    /// A copy of the probe in progress, so that its deadline holds even if the caller forgets the WebSocket.
    pub(super) probe: Option<Probe>,
    max_payload: usize,
    /// The transport failed, rather than ended.
    is_broken: bool,
    /// Until when the close packet may be fetched.
    farewell: Option<Instant>,
}

impl ServerLink {
    /// A new session over `transport`. Take `sid` from a cryptographically secure generator. Give `limits` the same message size as
    /// [`Config::max_payload`].
    #[must_use]
    pub fn open(transport: Transport, sid: Sid, config: Config, limits: Limits, now: Instant) -> Self {
        let (engine, ws) = match transport {
            Transport::WebSocket => (Session::open(sid, config, now), Some(Connection::server(limits))),
            _ => (Session::open_polling(sid, config, now), None),
        };
        let max_payload = usize::try_from(config.max_payload).unwrap_or(usize::MAX);
        Self { engine, ws, probe: None, max_payload, is_broken: false, farewell: None }
    }

    /// Tells what the handshake of its WebSocket agreed on ([`Accept::compress`](crate::ws::Accept::compress), or
    /// [`Compression::accept`](crate::ws::Compression::accept)). Then its messages may be compressed: the inbox needs storage that unpacks, and what is sent
    /// may pass through a [`Deflater`](crate::ws::Deflater). Over polling it changes nothing: see [`Upgrade::with_compression`](super::Upgrade::with_compression).
    ///
    /// ```
    /// use sansocket::{deflate::Tier, endpoint::ServerLink, engineio::{Event, Message, Sid, Transport, server::Config}, time::Instant};
    /// use sansocket::ws::{Compression, Deflater, Inbox, Inflating, Limits, Out};
    ///
    /// let now = Instant::from_millis(0);
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    /// let agreed = Compression::new().without_receive_takeover().without_send_takeover().accept(offer);
    /// let link = ServerLink::open(Transport::WebSocket, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
    /// let mut link = link.with_compression(agreed);
    /// let mut inbox = Inbox::new(Inflating::new(vec![0; 128], vec![0; 128], agreed)?);
    /// # link.transmit(&mut [0; 256])?;
    /// # link.poll(&mut inbox, now)?;
    ///
    /// // The message `Hello`: a packet of Engine.IO, compressed and masked.
    /// let frame = b"\xc1\x88\0\0\0\0\x32\xf1\x48\xcd\xc9\xc9\x07\x00";
    /// inbox.space()?[..frame.len()].copy_from_slice(frame);
    /// inbox.commit(frame.len());
    /// assert_eq!(link.poll(&mut inbox, now)?, Some(Event::Message(Message::Text(b"Hello"))));
    ///
    /// // What waits is stored as it is, and compressed on its way to the socket.
    /// let mut memory = [0; 2048];
    /// let mut waiting = Out::stored(&mut memory);
    /// link.send(Message::Text(&[b'x'; 1500]), &mut waiting)?;
    /// let tier = Tier::TINY.without_history();
    /// let mut deflater = Deflater::new(tier, vec![0; tier.bytes()])?.without_takeover();
    /// let mut memory = [0; 2048];
    /// let mut over = deflater.over(&mut memory);
    /// let mut out = Out::stored(&mut over);
    /// out.append(waiting.written())?;
    /// assert!(out.written()[0] == 0xc1 && out.written().len() < 50);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_compression(mut self, agreed: Option<Agreed>) -> Self {
        self.ws = self.ws.map(|ws| ws.with_compression(agreed));
        self
    }

    /// As [`with_compression`](Self::with_compression), with that of a connection whose handshake a driver has done.
    #[cfg(feature = "drive")]
    pub(crate) fn with_compression_of(mut self, other: &Connection<Server>) -> Self {
        self.ws = self.ws.map(|ws| ws.with_compression_of(other));
        self
    }

    /// The next event of a WebSocket. `None`: all bytes in `inbox` were used. Also `None` before the first [`transmit`](Self::transmit), and over
    /// polling. [`Event::Opened`] comes once and first, [`Event::Closed`] once and last. See [`ServerLink`] for an example.
    ///
    /// # Errors
    /// [`Grow`] if a message within the limits is larger than the inbox.
    pub fn poll<'e, S: Storage>(&mut self, inbox: &'e mut Inbox<S>, now: Instant) -> Result<Option<Event<'e>>, Grow> {
        if self.advance(inbox, now)? { Ok(self.take(inbox)) } else { Ok(None) }
    }

    /// As [`poll`](Self::poll), but the result borrows nothing. `true`: [`take`](Self::take) returns an event.
    pub(super) fn advance<S: Storage>(&mut self, inbox: &mut Inbox<S>, now: Instant) -> Result<bool, Grow> {
        let Some(ws) = self.ws.as_mut() else { return Ok(false) };
        self.engine.advance(inbox, ws, now).map_err(|e| Grow::of_inbox(inbox, e))
    }

    pub(super) fn take<'e, S: Storage>(&mut self, inbox: &'e mut Inbox<S>) -> Option<Event<'e>> {
        let event = self.engine.take(inbox)?;
        Some(self.told(event))
    }

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let probe = self.probe.as_ref().and_then(Probe::poll_timeout);
        [self.engine.poll_timeout(), probe, self.farewell].into_iter().flatten().min()
    }

    /// Handles the deadlines up to `now`. Call it until `None`, whatever the transport. Call it also after a call that may end the session: it
    /// returns the last events.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if self.farewell.is_some_and(|end| now >= end) {
            self.farewell = None;
        }
        if let Some(probe) = &mut self.probe {
            // The caller has the WebSocket of the probe. It ends by the same deadline.
            let _ = probe.handle_timeout(now, &mut self.engine, &mut Connection::server(Limits::new()));
            if probe.poll_timeout().is_none() {
                self.probe = None;
            }
        }
        let event = self.engine.handle_timeout(now)?;
        Some(self.told(event))
    }

    /// Writes what the WebSocket has to send into the front of `memory`, and returns its length: the open packet, pings, pongs, and at the end a
    /// close frame with the right code. 0: nothing has to be sent now; over polling always.
    ///
    /// Call it until 0 at the end of each turn, and append the bytes to the packets that wait.
    ///
    /// # Errors
    /// [`Grow`] if `memory` has no room for one of them. 256 bytes are always enough.
    pub fn transmit(&mut self, memory: &mut [u8]) -> Result<usize, Grow> {
        let Some(ws) = &mut self.ws else { return Ok(0) };
        if self.engine.is_closed() {
            ws.owe_close(self.engine.fault().map_or(CloseCode::NO_STATUS, PeerError::close_code));
        }
        let mut out = ws.out(memory);
        let written = loop {
            match self.engine.poll_transmit(&mut out) {
                Ok(true) => {}
                Ok(false) => match ws.poll_transmit(&mut out) {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(e) => break Err(e),
                },
                Err(e) => break Err(e),
            }
        };
        match written {
            Err(e) if out.is_empty() => Err(Grow::new(What::Output, e)),
            // What had no room is written by the next call.
            _ => Ok(out.written().len()),
        }
    }

    /// Closes the session. Over a WebSocket [`transmit`](Self::transmit) writes a close frame. Over polling the close packet is sent after all
    /// packets that wait, in a payload of its own, if a GET fetches it within [`FAREWELL_MS`].
    ///
    /// ```
    /// use sansocket::{endpoint::ServerLink, engineio::{Event, Reason, Sid, Transport, server::Config}, time::Instant, ws::Limits};
    ///
    /// let now = Instant::from_millis(0);
    /// let open = || ServerLink::open(Transport::WebSocket, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
    /// let last_event = |mut link: ServerLink| core::iter::from_fn(|| link.handle_timeout(now)).last();
    ///
    /// let (mut closed, mut ended, mut failed) = (open(), open(), open());
    /// closed.close(now);
    /// ended.handle_eof();
    /// failed.handle_error();
    /// assert_eq!(last_event(closed), Some(Event::Closed(Reason::ForcedClose)));
    /// assert_eq!(last_event(ended), Some(Event::Closed(Reason::TransportClose)));
    /// assert_eq!(last_event(failed), Some(Event::Closed(Reason::TransportError)));
    /// ```
    pub fn close(&mut self, now: Instant) {
        if !self.is_over() {
            self.engine.close();
            self.farewell = self.ws.is_none().then(|| now.after_millis(FAREWELL_MS));
        }
    }

    /// The WebSocket ended, or you give up a client that does not read (`transport close`). See [`close`](Self::close) for an example.
    pub fn handle_eof(&mut self) {
        if let Some(ws) = &mut self.ws {
            let _ = ws.handle_eof();
        }
        self.engine.handle_eof();
    }

    /// The socket failed (`transport error`). See [`close`](Self::close) for an example.
    pub fn handle_error(&mut self) {
        self.is_broken |= !self.is_over();
        self.handle_eof();
    }

    /// The current transport.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.engine.transport()
    }

    /// The secret id.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        self.engine.sid()
    }

    /// Whether the session is over. Its last event may not have been returned yet.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.engine.is_closed()
    }

    /// Whether the session can be forgotten: it is over, and its close packet was fetched or [its time](FAREWELL_MS) has passed. See the [module
    /// page](crate::endpoint) for an example.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.is_over() && self.farewell.is_none()
    }

    /// How the client broke the protocol, if that ended the session. For logs.
    #[must_use]
    pub const fn fault(&self) -> Option<PeerError> {
        self.engine.fault()
    }

    /// The event, with the reason that the layer above should see.
    fn told<'e>(&self, event: Event<'e>) -> Event<'e> {
        match event {
            Event::Closed(Reason::TransportClose) if self.is_broken => Event::Closed(Reason::TransportError),
            event => event,
        }
    }
}
