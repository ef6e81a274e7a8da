//! The server's end of one Socket.IO connection: what comes in, and time. What goes out is in `send.rs`.

use super::{Event, Limits};
use crate::{
    engineio::{self, Message},
    socketio::{
        AckPacket, AckRequest, AckSlot, Attachment, EventPacket, Namespace, Namespaces, Packet, PeerError, Reason,
        acks::Acks,
    },
    time::Instant,
};

/// Namespaces of one connection, at most.
pub(super) const MAX_NAMESPACES: usize = 8;

/// One connection: which namespaces it has joined, and what may come next. Holds no buffers: about 110 bytes, and 32 for each acknowledgement
/// that it can wait for.
///
/// ```
/// use sansocket::{
///     engineio::{self, Message},
///     socketio::{AckSlot, ExpectAck, Namespace, Sid, server::{Event, Session}},
///     time::Instant,
///     ws,
/// };
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// const ROOT: Namespace = Namespace(0);
/// let mut io = Session::new(["/"], [AckSlot::EMPTY; 8], Instant::from_millis(45_000));
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
///                 io.ack(request, &(e.args(), "yes"), &mut out)?;
///             }
///             // A expect of our own; its answer comes as `Event::Ack` with the token, or else `handle_timeout` tells.
///             let expect = ExpectAck { token: 7, deadline: Some(Instant::from_millis(5000)) };
///             io.emit(e.namespace, "and you?", &(), Some(expect), &mut out)?;
///         }
///         Event::Ack(answer) if answer.token == Some(7) => {}
///         _ => {}
///     }
/// }
/// assert_eq!(out.written(), b"\x81\x2040{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}\x81\x0d4312[1,\"yes\"]\x81\x0f420[\"and you?\"]");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<N, A = [AckSlot; 8]> {
    pub(super) namespaces: N,
    pub(super) acks: Acks<A>,
    pub(super) sockets: heapless::Vec<Socket, MAX_NAMESPACES>,
    connect_by: Instant,
    limits: Limits,
    pub(super) phase: Phase,
    /// Attachments of the last packet, how many of them came, and their bytes.
    attachments: u8,
    arrived: u8,
    received: u32,
    /// Counts the connections of this session, so that old requests are told apart.
    pub(super) epoch: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) namespace: Namespace,
    pub(super) is_connected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No namespace was connected yet: the connect timeout runs.
    Waiting,
    Connected,
    TimedOut,
    Failed(PeerError),
    Closed,
}

impl<N, A> Session<N, A> {
    /// A connection that must have joined a namespace of `namespaces` by `connect_by` (the reference gives 45,000 ms). `acks` is how many
    /// acknowledgements it can wait for at a time.
    #[must_use]
    pub const fn new(namespaces: N, acks: A, connect_by: Instant) -> Self {
        Self {
            namespaces,
            acks: Acks::new(acks),
            sockets: heapless::Vec::new(),
            connect_by,
            limits: Limits::new(),
            phase: Phase::Waiting,
            attachments: 0,
            arrived: 0,
            received: 0,
            epoch: 0,
        }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whether the namespace was asked for and granted, and the link stands.
    #[must_use]
    pub fn is_connected(&self, namespace: Namespace) -> bool {
        self.phase != Phase::Closed && self.sockets.iter().any(|p| p.namespace == namespace && p.is_connected)
    }

    /// The namespaces that are connected; after [`Event::Closed`] those that were.
    pub fn namespaces(&self) -> impl Iterator<Item = Namespace> {
        self.sockets.iter().filter(|p| p.is_connected).map(|p| p.namespace)
    }
}

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Session<N, A> {
    /// One event of the link in, exactly one event out.
    ///
    /// # Errors
    /// [`PeerError`] when the peer broke the protocol: close the link. Later packets give the same error.
    pub fn handle_event<'m>(&mut self, event: engineio::Event<'m>) -> Result<Event<'m>, PeerError> {
        match event {
            engineio::Event::Opened => {
                self.sockets.clear();
                self.epoch = self.epoch.wrapping_add(1);
                Ok(Event::Opened)
            }
            engineio::Event::Closed(reason) => {
                self.phase = Phase::Closed;
                self.acks.lose(None);
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

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let connect = (self.phase == Phase::Waiting).then_some(self.connect_by);
        connect.into_iter().chain(self.acks.poll_timeout()).min()
    }

    /// Time has come to `now`: nothing was joined in time, or an acknowledgement will not come. Call it until `None`; a call that is early
    /// or repeated does nothing. Cost: O(slots for acknowledgements).
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if self.phase == Phase::Waiting && now >= self.connect_by {
            self.phase = Phase::TimedOut;
            return Some(Event::ConnectTimeout);
        }
        let (namespace, token, error) = self.acks.handle_timeout(now)?;
        Some(Event::AckFailed { namespace, token, error })
    }

    pub(super) fn forget(&mut self, at: usize) {
        let mut i = 0_usize;
        self.sockets.retain(|_| {
            let keep = i != at;
            i = i.wrapping_add(1);
            keep
        });
    }

    /// Takes the namespace from the list, and the hope for answers with it.
    pub(super) fn leave(&mut self, namespace: Namespace) {
        if let Some(at) = self.sockets.iter().position(|p| p.namespace == namespace) {
            self.forget(at);
        }
        self.acks.lose(Some(namespace));
    }

    fn handle_text<'m>(&mut self, text: &'m [u8]) -> Result<Event<'m>, PeerError> {
        if self.arrived < self.attachments {
            return Err(PeerError::UnexpectedText);
        }
        match Packet::parse_limited(text, self.limits.attachments)? {
            Packet::Connect { namespace: name, payload } => {
                let Some(namespace) = self.namespaces.resolve_connect(name) else {
                    return Ok(Event::UnknownNamespace { name });
                };
                if self.sockets.iter().any(|p| p.namespace == namespace) {
                    return Err(PeerError::AlreadyConnected);
                }
                if self.sockets.len() >= usize::from(self.limits.namespaces) {
                    return Err(PeerError::TooManyNamespaces);
                }
                self.sockets
                    .push(Socket { namespace, is_connected: false })
                    .map_err(|_| PeerError::TooManyNamespaces)?;
                Ok(Event::Connect { namespace, auth: payload })
            }
            Packet::Disconnect { namespace } => {
                let namespace = self.connected(namespace)?;
                self.leave(namespace);
                Ok(Event::Disconnected { namespace, reason: Reason::ClientNamespaceDisconnect })
            }
            Packet::Event { namespace, id, payload, attachments, used } => {
                let namespace = self.connected(namespace)?;
                self.expect(attachments);
                let ack = id.map(|id| AckRequest { namespace, id, epoch: self.epoch });
                Ok(Event::Event(EventPacket { namespace, ack, attachments, used, payload }))
            }
            Packet::Ack { namespace, id, payload, attachments, used } => {
                let namespace = self.connected(namespace)?;
                self.expect(attachments);
                let token = self.acks.answered(namespace, id);
                Ok(Event::Ack(AckPacket { namespace, token, id, attachments, used, payload }))
            }
            Packet::ConnectError { .. } => Err(PeerError::ServerOnly),
        }
    }

    fn handle_binary<'m>(&mut self, bytes: &'m [u8]) -> Result<Event<'m>, PeerError> {
        if self.arrived >= self.attachments {
            return Err(PeerError::UnexpectedBinary);
        }
        self.received = self.received.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if self.received > self.limits.attachment_bytes {
            return Err(PeerError::AttachmentsTooLarge);
        }
        let index = self.arrived;
        self.arrived = self.arrived.saturating_add(1);
        Ok(Event::Attachment(Attachment { index, of: self.attachments, bytes }))
    }

    /// A namespace that the peer may speak to.
    fn connected(&self, name: &[u8]) -> Result<Namespace, PeerError> {
        self.namespaces.find(name).filter(|&n| self.is_connected(n)).ok_or(PeerError::NotConnected)
    }

    fn expect(&mut self, attachments: u8) {
        self.attachments = attachments;
        self.arrived = 0;
        self.received = 0;
    }
}
