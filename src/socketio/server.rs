//! The server's end of one Socket.IO connection.

use super::{
    AckRequest, Attachment, Event, EventPacket, Namespace, Namespaces, Packet, PeerError, SendError, StateError, emit,
    json::{Args, Raw},
};
use crate::{
    engineio::{self, Message, Sid, Sink},
    time::Instant,
};

/// Namespaces of one connection.
const PLACES: usize = 8;

/// One connection: which namespaces it has joined, and what may come next. Holds no buffers; about 80 bytes.
///
/// ```
/// use sansocket::{
///     engineio::{self, Message, Sid},
///     socketio::{Event, Namespace, PeerError, SendError, Server, json::Text},
///     time::Instant,
///     ws,
/// };
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// const ROOT: Namespace = Namespace(0);
/// let mut io = Server::new(["/"], Instant::from_millis(45_000));
/// let mut tx = [0; 256];
/// let mut out = ws::Out::stored(&mut tx);
///
/// // What `engineio::server::Session::poll_event` gives, one by one.
/// let received = [
///     engineio::Event::Opened,
///     engineio::Event::Message(Message::Text(b"0")),
///     engineio::Event::Message(Message::Text(br#"212["ask",1]"#)),
/// ];
/// for event in received {
///     match io.handle_event(event)? {
///         Event::Connect { namespace, .. } => io.accept(namespace, Sid::from_random([0; 15]), &mut out)?,
///         Event::UnknownNamespace { name } => io.refuse_unknown(name, &mut out)?,
///         Event::Event(e) if e.is("ask") => {
///             if let Some(request) = e.ack {
///                 io.ack(request, &(e.args(), Text("yes")), &mut out)?;
///             }
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(out.written(), b"\x81\x2040{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}\x81\x0d4312[1,\"yes\"]");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server<N> {
    names: N,
    places: heapless::Vec<Place, PLACES>,
    connect_by: Instant,
    phase: Phase,
    /// Attachments of the last packet, and how many of them came.
    attachments: u8,
    arrived: u8,
    /// Counts the connections of this session, so that old requests are told apart.
    epoch: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    namespace: Namespace,
    is_connected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No namespace was connected yet: the connect timeout runs.
    Waiting,
    Connected,
    TimedOut,
    Failed(PeerError),
    Closed,
}

impl<N: Namespaces> Server<N> {
    /// A connection that must have joined a namespace of `names` by `connect_by` (the reference gives 45,000 ms).
    #[must_use]
    pub const fn new(names: N, connect_by: Instant) -> Self {
        Self {
            names,
            places: heapless::Vec::new(),
            connect_by,
            phase: Phase::Waiting,
            attachments: 0,
            arrived: 0,
            epoch: 0,
        }
    }

    /// One event of the link in, exactly one event out.
    ///
    /// # Errors
    /// [`PeerError`] when the peer broke the protocol: close the link. Later packets give the same error.
    pub fn handle_event<'m>(&mut self, event: engineio::Event<'m>) -> Result<Event<'m>, PeerError> {
        match event {
            engineio::Event::Opened => {
                self.epoch = self.epoch.wrapping_add(1);
                Ok(Event::Opened)
            }
            engineio::Event::Closed(reason) => {
                self.places.clear();
                self.phase = Phase::Closed;
                Ok(Event::Closed(reason))
            }
            engineio::Event::Message(message) => {
                if let Phase::Failed(error) = self.phase {
                    return Err(error);
                }
                let event = match message {
                    Message::Text(text) => self.handle_text(text),
                    Message::Binary(bytes) => self.handle_binary(bytes),
                };
                if let Err(error) = event {
                    self.phase = Phase::Failed(error);
                }
                event
            }
        }
    }

    /// Grants a namespace that was asked for; `sid` is the socket's public id in it.
    ///
    /// # Errors
    /// [`StateError::NotConnected`] when it was not asked for, or answered already; [`SendError::Capacity`] with the exact need.
    /// Nothing was changed: say it again.
    pub fn accept<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        sid: Sid,
        out: &mut O,
    ) -> Result<(), SendError> {
        let place = self.places.iter_mut().find(|p| p.namespace == namespace && !p.is_connected);
        let (Some(place), Some(name)) = (place, self.names.name(namespace)) else {
            return Err(StateError::NotConnected.into());
        };
        emit::connected(name, sid, out)?;
        place.is_connected = true;
        self.phase = Phase::Connected;
        Ok(())
    }

    /// Refuses a namespace that was asked for, with a message and perhaps one JSON value of data. The link stays, and the client may
    /// ask again.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn refuse<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        message: &str,
        data: Option<Raw<'_>>,
        out: &mut O,
    ) -> Result<(), SendError> {
        let at = self.places.iter().position(|p| p.namespace == namespace && !p.is_connected);
        let (Some(at), Some(name)) = (at, self.names.name(namespace)) else {
            return Err(StateError::NotConnected.into());
        };
        emit::refused(name, message, data, out)?;
        self.forget(at);
        Ok(())
    }

    /// Tells the client that there is no namespace of this name.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need.
    pub fn refuse_unknown<O: Sink<engineio::Server>>(&self, name: &[u8], out: &mut O) -> Result<(), SendError> {
        emit::refused(name, "Invalid namespace", None, out)
    }

    /// Sends an event.
    ///
    /// # Errors
    /// [`StateError::NotConnected`], [`StateError::ReservedName`], or [`SendError::Capacity`], exact for
    /// [`Raw`] and [`Text`](super::json::Text) and the least that helps for [`Json`](super::json::Json); nothing was written.
    pub fn emit<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        name: &str,
        args: &impl Args,
        out: &mut O,
    ) -> Result<(), SendError> {
        emit::event(self.name_of(namespace)?, name, args, out)
    }

    /// Answers a request to acknowledge. Answer each once: the client ignores what it no longer waits for.
    ///
    /// # Errors
    /// [`StateError::Stale`] for a request of an earlier connection, else as [`emit`](Self::emit).
    pub fn ack<O: Sink<engineio::Server>>(
        &mut self,
        request: AckRequest,
        args: &impl Args,
        out: &mut O,
    ) -> Result<(), SendError> {
        if request.epoch != self.epoch {
            return Err(StateError::Stale.into());
        }
        emit::ack(self.name_of(request.namespace)?, request.id, args, out)
    }

    /// Takes a namespace away from the client; the link stays.
    ///
    /// # Errors
    /// [`StateError::NotConnected`], or [`SendError::Capacity`]; nothing was changed.
    pub fn disconnect<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        out: &mut O,
    ) -> Result<(), SendError> {
        emit::disconnect(self.name_of(namespace)?, out)?;
        if let Some(at) = self.places.iter().position(|p| p.namespace == namespace) {
            self.forget(at);
        }
        Ok(())
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.phase == Phase::Waiting).then_some(self.connect_by)
    }

    /// Time has come to `now`. Call it until `None`; a call that is early or repeated does nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if self.phase != Phase::Waiting || now < self.connect_by {
            return None;
        }
        self.phase = Phase::TimedOut;
        Some(Event::ConnectTimeout)
    }

    /// Whether the namespace was asked for and granted.
    #[must_use]
    pub fn is_connected(&self, namespace: Namespace) -> bool {
        self.places.iter().any(|p| p.namespace == namespace && p.is_connected)
    }

    fn name_of(&self, namespace: Namespace) -> Result<&[u8], StateError> {
        if !self.is_connected(namespace) {
            return Err(StateError::NotConnected);
        }
        self.names.name(namespace).ok_or(StateError::NotConnected)
    }

    fn forget(&mut self, at: usize) {
        let mut i = 0_usize;
        self.places.retain(|_| {
            let keep = i != at;
            i = i.wrapping_add(1);
            keep
        });
    }

    fn handle_text<'m>(&mut self, text: &'m [u8]) -> Result<Event<'m>, PeerError> {
        if self.arrived < self.attachments {
            return Err(PeerError::UnexpectedText);
        }
        match Packet::parse(text)? {
            Packet::Connect { namespace: name, payload } => {
                let Some(namespace) = self.names.find(name) else { return Ok(Event::UnknownNamespace { name }) };
                if self.places.iter().any(|p| p.namespace == namespace) {
                    return Err(PeerError::AlreadyConnected);
                }
                self.places.push(Place { namespace, is_connected: false }).map_err(|_| PeerError::TooManyNamespaces)?;
                Ok(Event::Connect { namespace, auth: payload })
            }
            Packet::Disconnect { namespace } => {
                let namespace = self.place(namespace)?;
                if let Some(at) = self.places.iter().position(|p| p.namespace == namespace) {
                    self.forget(at);
                }
                Ok(Event::Disconnected { namespace })
            }
            Packet::Event { namespace, id, payload, attachments } => {
                let namespace = self.place(namespace)?;
                self.expect(attachments);
                let ack = id.map(|id| AckRequest { namespace, id, epoch: self.epoch });
                Ok(Event::Event(EventPacket { namespace, ack, attachments, payload }))
            }
            Packet::Ack { namespace, id, payload, attachments } => {
                let namespace = self.place(namespace)?;
                self.expect(attachments);
                Ok(Event::Ack { namespace, id, args: payload.elements(), attachments })
            }
            Packet::ConnectError { .. } => Err(PeerError::ServerOnly),
        }
    }

    fn handle_binary<'m>(&mut self, bytes: &'m [u8]) -> Result<Event<'m>, PeerError> {
        if self.arrived >= self.attachments {
            return Err(PeerError::UnexpectedBinary);
        }
        let index = self.arrived;
        self.arrived = self.arrived.saturating_add(1);
        Ok(Event::Attachment(Attachment { index, of: self.attachments, bytes }))
    }

    /// A namespace that the peer may speak to.
    fn place(&self, name: &[u8]) -> Result<Namespace, PeerError> {
        self.names.find(name).filter(|&n| self.is_connected(n)).ok_or(PeerError::NotConnected)
    }

    fn expect(&mut self, attachments: u8) {
        self.attachments = attachments;
        self.arrived = 0;
    }
}
