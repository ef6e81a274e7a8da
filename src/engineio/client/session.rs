use super::Id;
use crate::{
    bytes::{Capacity, Writer},
    engineio::{Client, Event, Message, Packets, PeerError, SendError, Sink, Transport},
    time::Instant,
    ws,
};

/// What may differ between clients. Defaults: 20 s until the open packet must have arrived, `maxPayload` 1,000,000 when the server names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Milliseconds until the open packet must be there.
    pub(super) open_timeout: u32,
}

impl Config {
    pub const fn new() -> Self {
        todo!()
    }
    pub const fn open_timeout(self, ms: u32) -> Self {
        todo!()
    }
}

/// The HTTP request that a session over polling needs now. See [`Session::poll_request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Get,
    Post,
}

/// Why the session failed, for a diagnosis.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A packet that is not valid, or the WebSocket broke RFC 6455.
    Peer(PeerError),
    /// The first packet was not an open packet, or its JSON has no usable `sid`, `pingInterval`, `pingTimeout`.
    Open,
    /// The server speaks Engine.IO 3 (Socket.IO 2): its open packet or framing shows it.
    Version3,
    /// No open packet in time.
    OpenTimeout,
    /// A GET or POST was answered with this status.
    Status(u16),
}

/// Where a session takes the messages that it sends. Implemented for the queue of the application.
pub trait Source {
    /// Writes the next message, whole, or nothing. `false`: no message is ready.
    ///
    /// # Errors
    /// [`SendError::Capacity`]: `out` has no room; the message is still there.
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError>;
}

/// The client's end of one Engine.IO session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    id: Id,
    transport: Transport,
}

impl Session {
    /// A new session, whose open packet must arrive within [`Config::open_timeout`].
    pub fn open(transport: Transport, config: &Config, now: Instant) -> Self {
        todo!()
    }

    // --- over a WebSocket, as the server's session ---

    pub fn poll_event<'s, S: AsMut<[u8]>>(
        &mut self,
        inbox: &'s mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
    ) -> Result<Option<Event<'s>>, Capacity> {
        if self.advance(inbox, ws, now)? { Ok(self.take(inbox)) } else { Ok(None) }
    }

    pub fn advance<S: AsMut<[u8]>>(
        &mut self,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
    ) -> Result<bool, Capacity> {
        todo!()
    }

    pub fn take<'s, S: AsMut<[u8]>>(&mut self, inbox: &'s mut ws::Inbox<S>) -> Option<Event<'s>> {
        todo!()
    }

    /// Sends a message. Over polling `out` is the [`Payload`](crate::engineio::Payload) of a POST, or `Out::stored`.
    pub fn send<O: Sink<Client>>(&self, message: Message<'_>, out: &mut O) -> Result<(), SendError> {
        todo!()
    }

    /// Writes what is owed: a pong; over a WebSocket nothing at the end (the caller's `ws` owes the close frame, see `advance`).
    /// Over polling the pong and the final `1` go into the body of a POST ([`begin_post`](Self::begin_post)).
    pub fn poll_transmit<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, Capacity> {
        todo!()
    }

    pub fn wants_transmit(&self) -> bool {
        todo!()
    }

    // --- over polling, as data for any HTTP client ---

    /// Whether a request may begin now. GET: none is in flight and the session is open or opening, not pausing for an upgrade. POST: none is in
    /// flight, the session is open, not pausing, and `has_messages` or something is owed. GET first.
    pub fn poll_request(&self, has_messages: bool) -> Option<Request> {
        todo!()
    }

    /// Writes the query of the next request, without `?`: `EIO=4&transport=polling&sid=…`, or for `websocket`. `extra` comes first, as it is.
    pub fn write_query(&self, transport: Transport, extra: &str, w: &mut Writer<'_>) {
        todo!()
    }

    /// A GET is being sent.
    pub fn begin_get(&mut self) {
        todo!()
    }

    /// Makes the body of a POST from what is owed and from `source`: at most 16 packets, at most `maxPayload` bytes unless one packet alone is larger.
    /// 0: nothing is to be sent, and no POST is begun.
    ///
    /// # Errors
    /// [`Capacity`] if `body` has no room for the first packet. Nothing was taken.
    pub fn begin_post(&mut self, source: &mut impl Source, body: &mut [u8]) -> Result<usize, Capacity> {
        todo!()
    }

    /// The next event of the body of a GET's answer with status 200. `None`: all its packets were handled; then call [`end_get`](Self::end_get).
    pub fn poll_packets<'b>(&mut self, packets: &mut Packets<'b>, now: Instant) -> Option<Event<'b>> {
        todo!()
    }

    /// The answer to the GET was handled.
    pub fn end_get(&mut self) {
        todo!()
    }

    /// The answer to the POST arrived, with status 200.
    pub fn end_post(&mut self) {
        todo!()
    }

    /// A request was answered with another status than 200 and this body, or (`None`) its connection was lost. Ends the session (`transport error`).
    pub fn fail_request(&mut self, status: Option<u16>, body: &[u8]) {
        todo!()
    }

    // --- both ---

    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    pub fn timeout_reason(&self) -> &'static str {
        todo!()
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        todo!()
    }

    /// The WebSocket ended.
    pub fn handle_eof(&mut self) {
        todo!()
    }

    /// The WebSocket failed (`transport error`).
    pub fn handle_error(&mut self) {
        todo!()
    }

    /// Ends the session from this end: over polling a last POST with `1` is owed.
    pub fn close(&mut self) {
        todo!()
    }

    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// `None` until the session is open.
    pub fn id(&self) -> Option<&Id> {
        todo!()
    }

    /// Whether the server offered the upgrade to a WebSocket, the transport is polling, and no probe has been made.
    pub fn can_upgrade(&self) -> bool {
        todo!()
    }

    /// Whether messages can be sent now (open and not pausing, over polling: no POST in flight).
    pub fn is_writable(&self) -> bool {
        todo!()
    }

    pub fn is_open(&self) -> bool {
        todo!()
    }

    pub fn is_closed(&self) -> bool {
        todo!()
    }

    pub fn fault(&self) -> Option<Fault> {
        todo!()
    }
}
