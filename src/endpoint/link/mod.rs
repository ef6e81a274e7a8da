//! One Engine.IO session with its transports. What requests do to it is in `polling.rs`.

mod polling;

pub use polling::Got;

use super::{Grow, What};
use crate::{
    engineio::{
        Event, PeerError, Reason, Sid, Transport,
        server::{Config, Probe, Session},
    },
    time::Instant,
    ws::{CloseCode, Connection, Inbox, Limits, Server},
};

/// Milliseconds that a session over polling is kept after this end closed it, for the next GET to fetch the close packet. The JavaScript server has the
/// same.
pub const FAREWELL_MS: u64 = 30_000;

/// One client of an Engine.IO server: the session, its WebSocket if it has one, and what is owed at the end. About 350 bytes.
///
/// Over a WebSocket: write the answer that opens it, then in a loop [`transmit`](Self::transmit), [`poll`](Self::poll) until `None`,
/// [`handle_timeout`](Self::handle_timeout) until `None`, `transmit` until 0; the link is over when [`is_over`](Self::is_over) says so and nothing is left to
/// write. Over polling, requests come by [`begin_get`](Self::begin_get) and [`begin_post`](Self::begin_post), and packets to the client wait in
/// a queue of the host's as [`Out::stored`](crate::ws::Out::stored) writes them, on every transport: they are the frames of a WebSocket.
///
/// ```
/// use sansocket::{
///     endpoint::{Grow, ServerLink, What},
///     engineio::{Event, Sid, Transport, server::Config},
///     time::Instant,
///     ws::{Inbox, Limits, Out},
/// };
///
/// /// Sends every message back. `received` came from the socket; gives what goes to it.
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
    /// A copy of the probe that is under way: its deadline holds even when the host forgets the WebSocket.
    pub(super) probe: Option<Probe>,
    max_payload: usize,
    /// The open packet was written.
    is_announced: bool,
    /// The transport failed; it did not just end.
    is_broken: bool,
    /// Until when the close packet may be fetched.
    farewell: Option<Instant>,
}

impl ServerLink {
    /// A session that begins over `transport`. `sid` is drawn from a source that cannot be predicted. Give `limits` the same message size as
    /// [`Config::max_payload`].
    #[must_use]
    pub fn open(transport: Transport, sid: Sid, config: Config, limits: Limits, now: Instant) -> Self {
        let (engine, ws) = match transport {
            Transport::WebSocket => (Session::open(sid, config, now), Some(Connection::server(limits))),
            _ => (Session::open_polling(sid, config, now), None),
        };
        let max_payload = usize::try_from(config.max_payload).unwrap_or(usize::MAX);
        Self { engine, ws, probe: None, max_payload, is_announced: false, is_broken: false, farewell: None }
    }

    /// The next event of a WebSocket; `None` when the bytes in `inbox` are used up, before the first [`transmit`](Self::transmit), and over polling.
    /// [`Event::Opened`] comes first and once, [`Event::Closed`] last and once.
    ///
    /// # Errors
    /// [`Grow`] for a message that is larger than the inbox and within the limits.
    pub fn poll<'e, S: AsMut<[u8]>>(
        &mut self,
        inbox: &'e mut Inbox<S>,
        now: Instant,
    ) -> Result<Option<Event<'e>>, Grow> {
        if self.advance(inbox, now)? { Ok(self.take(inbox)) } else { Ok(None) }
    }

    /// Works until an event is ready for [`take`](Self::take), and lends nothing.
    pub(super) fn advance<S: AsMut<[u8]>>(&mut self, inbox: &mut Inbox<S>, now: Instant) -> Result<bool, Grow> {
        let Some(ws) = self.ws.as_mut().filter(|_| self.is_announced) else { return Ok(false) };
        self.engine.advance(inbox, ws, now).map_err(|e| Grow::new(What::Inbox, e))
    }

    pub(super) fn take<'e, S: AsMut<[u8]>>(&mut self, inbox: &'e mut Inbox<S>) -> Option<Event<'e>> {
        let event = self.engine.take(inbox)?;
        Some(self.told(event))
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let probe = self.probe.as_ref().and_then(Probe::poll_timeout);
        [self.engine.poll_timeout(), probe, self.farewell].into_iter().flatten().min()
    }

    /// Time has come to `now`. Call it until `None`, also after a call that may end the session: it gives the last events, whatever the transport.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if self.farewell.is_some_and(|end| now >= end) {
            self.farewell = None;
        }
        if let Some(probe) = &mut self.probe {
            // The WebSocket of the probe is the host's; it ends by the same deadline.
            let _ = probe.handle_timeout(now, &mut self.engine, &mut Connection::server(Limits::new()));
            if probe.poll_timeout().is_none() {
                self.probe = None;
            }
        }
        let event = self.engine.handle_timeout(now)?;
        Some(self.told(event))
    }

    /// Writes what is owed over the WebSocket into the front of `memory` and gives its length: the open packet, pings, pongs, at the end a close
    /// frame with the code that fits. 0: nothing is owed now; over polling always. Call it until 0 at the end of each turn, and append what it wrote to
    /// the packets that wait.
    ///
    /// # Errors
    /// [`Grow`] when not one of them has room. 256 bytes are always enough.
    pub fn transmit(&mut self, memory: &mut [u8]) -> Result<usize, Grow> {
        let Some(ws) = &mut self.ws else { return Ok(0) };
        if self.engine.is_closed() {
            ws.owe_close(self.engine.fault().map_or(CloseCode::NO_STATUS, PeerError::close_code));
        }
        let mut out = ws.out(memory);
        let written = loop {
            match self.engine.poll_transmit(&mut out) {
                Ok(true) => self.is_announced = true,
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
            // What had no room is owed still.
            _ => Ok(out.written().len()),
        }
    }

    /// Ends the session from this side. Over a WebSocket [`transmit`](Self::transmit) writes the close frame. Over polling the close packet goes out
    /// behind all packets that wait, in a payload of its own, if a GET comes for it within [`FAREWELL_MS`].
    pub fn close(&mut self, now: Instant) {
        if !self.is_over() {
            self.engine.close();
            self.farewell = self.ws.is_none().then(|| now.after_millis(FAREWELL_MS));
        }
    }

    /// The WebSocket ended, or its client does not read and is given up (`transport close`).
    pub fn handle_eof(&mut self) {
        if let Some(ws) = &mut self.ws {
            let _ = ws.handle_eof();
        }
        self.engine.handle_eof();
    }

    /// The socket failed (`transport error`).
    pub fn handle_error(&mut self) {
        self.is_broken |= !self.is_over();
        self.handle_eof();
    }

    /// How the packets travel now.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.engine.transport()
    }

    /// The secret id.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        self.engine.sid()
    }

    /// Whether the session is over. Its last event may not be told yet.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.engine.is_closed()
    }

    /// Whether nobody needs to find the session any more: it is over, and its close packet was fetched or is not fetched any more.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.is_over() && self.farewell.is_none()
    }

    /// What the client did that ended the session, for logs.
    #[must_use]
    pub const fn fault(&self) -> Option<PeerError> {
        self.engine.fault()
    }

    /// The event as the layer above hears it.
    fn told<'e>(&self, event: Event<'e>) -> Event<'e> {
        match event {
            Event::Closed(Reason::TransportClose) if self.is_broken => Event::Closed(Reason::TransportError),
            event => event,
        }
    }
}
