//! The server's end of one Socket.IO connection: received packets and deadlines. `send.rs` has what is sent.

use super::{Event, Limits};
use crate::{
    engineio::{self, Message},
    socketio::{
        AckError, AckPacket, AckRequest, AckSlot, EventPacket, Namespace, Namespaces, Packet, PeerError, Reason,
        acks::{AckList, Acks},
        arrivals::Arrivals,
    },
    time::Instant,
};
use core::cell::Cell;

/// The largest number of namespaces that a client can join.
pub(super) const MAX_NAMESPACES: usize = 8;

/// The server's end of one Socket.IO connection. It knows the namespaces that the client has joined, checks each received packet, and writes packets.
/// It has no buffers. Size: 144 bytes, and 32 for each [`AckSlot`].
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
/// // The events that `engineio::server::Session::poll_event` returned.
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
///             // Ask the client. Its answer arrives as `Event::Ack` with the token, or `handle_timeout` returns `AckFailed`.
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
    pub(super) sockets: heapless::Vec<Socket, MAX_NAMESPACES, u8>,
    connect_by: Instant,
    pub(super) limits: Limits,
    pub(super) phase: Phase,
    arrivals: Arrivals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Identifies the socket ([`AckRequest`]). 0 until the client is accepted.
    pub(super) number: u32,
    pub(super) namespace: Namespace,
    /// Acknowledgements that this namespace waits for.
    pub(super) acks: AckList,
}

impl Socket {
    const fn is_connected(&self) -> bool {
        self.number != 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client has not joined any namespace yet, and has until `connect_by`.
    Waiting,
    Connected,
    TimedOut,
    Failed(PeerError),
    Closed,
}

impl<N, A> Session<N, A> {
    /// Replaces the limits. See the [module page](super) for an example.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whether the client was accepted into the namespace, has not left it, and the connection is open.
    #[must_use]
    pub fn is_connected(&self, namespace: Namespace) -> bool {
        !matches!(self.phase, Phase::Closed)
            && self.sockets.iter().any(|p| p.namespace == namespace && p.is_connected())
    }

    /// The namespaces that the client is connected to. After [`Event::Closed`] those that it was connected to.
    pub fn namespaces(&self) -> impl Iterator<Item = Namespace> {
        self.sockets.iter().filter(|p| p.is_connected()).map(|p| p.namespace)
    }
}

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Session<N, A> {
    /// A session whose client must join a namespace by `connect_by`. The JavaScript server gives it 45,000 ms. The number of slots in `acks` is the
    /// number of acknowledgements that the session can wait for at a time.
    #[must_use]
    pub fn new(namespaces: N, acks: A, connect_by: Instant) -> Self {
        Self {
            namespaces,
            acks: Acks::new(acks),
            sockets: heapless::Vec::new(),
            connect_by,
            limits: Limits::new(),
            phase: Phase::Waiting,
            arrivals: Arrivals::NONE,
        }
    }

    /// Resets the session for the next connection, whose client must join a namespace by `connect_by`. Namespaces, limits and slots stay. The
    /// acknowledgements that the old connection still owed have failed, and [`handle_timeout`](Self::handle_timeout) reports them.
    pub fn reopen(&mut self, connect_by: Instant) {
        self.lose_all();
        self.sockets.clear();
        self.connect_by = connect_by;
        self.phase = Phase::Waiting;
        self.arrivals = Arrivals::NONE;
    }

    /// Handles one Engine.IO event and returns exactly one event. See [`Session`] for an example.
    ///
    /// [`Opened`](engineio::Event::Opened) begins a connection, and resets a session that was used before, as [`reopen`](Self::reopen) does. Call
    /// `reopen` first to set the new deadline; otherwise the old one stays.
    ///
    /// # Errors
    /// [`PeerError`] if the client broke the protocol. Close the connection. All later packets return the same error.
    pub fn handle_event<'m>(&mut self, event: engineio::Event<'m>) -> Result<Event<'m>, PeerError> {
        match event {
            engineio::Event::Opened => {
                self.reopen(self.connect_by);
                Ok(Event::Opened)
            }
            engineio::Event::Closed(reason) => {
                self.phase = Phase::Closed;
                self.lose_all();
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

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let connect = matches!(self.phase, Phase::Waiting).then_some(self.connect_by);
        connect.into_iter().chain(self.acks.poll_timeout()).min()
    }

    /// Handles the deadlines up to `now`: returns the connect timeout, and acknowledgements that failed. Call it until `None`. Early or repeated
    /// calls do nothing. Cost: O(log n) while n acknowledgements are in flight.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if matches!(self.phase, Phase::Waiting) && now >= self.connect_by {
            self.phase = Phase::TimedOut;
            return Some(Event::ConnectTimeout);
        }
        if let Some((namespace, _, token)) = self.acks.next_lost() {
            return Some(Event::AckFailed { namespace, token, error: AckError::Disconnected });
        }
        let (namespace, id, token) = self.acks.timed_out(now)?;
        self.answered(namespace, id);
        Some(Event::AckFailed { namespace, token, error: AckError::TimedOut })
    }

    fn answered(&mut self, namespace: Namespace, id: u64) -> Option<u32> {
        let socket = self.sockets.iter_mut().find(|s| s.namespace == namespace)?;
        self.acks.answered(namespace, &mut socket.acks, id)
    }

    /// All acknowledgements in flight fail.
    fn lose_all(&mut self) {
        let acks = &mut self.acks;
        // In the order of the requests, over all namespaces.
        while let Some((_, socket)) =
            self.sockets.iter_mut().filter_map(|s| Some((acks.age(&s.acks)?, s))).max_by_key(|(age, _)| *age)
        {
            acks.lose_first(&mut socket.acks);
        }
    }

    pub(super) fn forget(&mut self, at: usize) {
        let Some(behind) = self.sockets.get_mut(at..).filter(|behind| !behind.is_empty()) else { return };
        // In place, and without the panic of `remove`.
        for pair in Cell::from_mut(behind).as_slice_of_cells().windows(2) {
            if let [place, next] = pair {
                place.set(next.get());
            }
        }
        self.sockets.pop();
    }

    /// The client has left the namespace. Its acknowledgements in flight fail.
    pub(super) fn leave(&mut self, namespace: Namespace) {
        if let Some(at) = self.sockets.iter().position(|s| s.namespace == namespace) {
            if let Some(socket) = self.sockets.get_mut(at) {
                self.acks.lose(&mut socket.acks);
            }
            self.forget(at);
        }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn handle_text<'m>(&mut self, text: &'m [u8]) -> Result<Event<'m>, PeerError> {
        if self.arrivals.are_missing() {
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
                    .push(Socket { number: 0, namespace, acks: AckList::EMPTY })
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
                self.arrivals = Arrivals::of(attachments);
                let ack = id.map(|id| AckRequest { namespace, id, socket: self.number(namespace) });
                Ok(Event::Event(EventPacket { namespace, ack, attachments, used, payload }))
            }
            Packet::Ack { namespace, id, payload, attachments, used } => {
                let namespace = self.connected(namespace)?;
                let token = self.acks.token(namespace, id);
                self.arrivals =
                    if token.is_some() { Arrivals::of_ack(attachments, id) } else { Arrivals::of(attachments) };
                if attachments == 0 {
                    self.answered(namespace, id);
                }
                Ok(Event::Ack(AckPacket { namespace, token, id, attachments, used, payload }))
            }
            Packet::ConnectError { .. } => Err(PeerError::ServerOnly),
        }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn handle_binary<'m>(&mut self, bytes: &'m [u8]) -> Result<Event<'m>, PeerError> {
        let (attachment, complete) = self.arrivals.next(bytes, self.limits.attachment_bytes, &self.acks)?;
        if let Some((namespace, id)) = complete {
            self.answered(namespace, id);
        }
        Ok(Event::Attachment(attachment))
    }

    /// The namespace, if the client is connected to it.
    fn connected(&self, name: &[u8]) -> Result<Namespace, PeerError> {
        self.namespaces.find(name).filter(|&n| self.is_connected(n)).ok_or(PeerError::NotConnected)
    }

    fn number(&self, namespace: Namespace) -> u32 {
        self.sockets.iter().find(|s| s.namespace == namespace).map_or(0, |s| s.number)
    }
}
