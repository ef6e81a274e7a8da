//! The client's end of one Socket.IO connection: which namespaces are wanted, links that open and end, deadlines. `receive.rs` has the received
//! packets, `send.rs` what is sent, `queued.rs` acknowledgements of packets that wait, `storage.rs` the lent memory.

use super::{
    Event, Limits, SocketSlot,
    socket::{Short, State, slot_of},
};
use crate::{
    engineio,
    socketio::{
        AckError, AckSlot, Namespace, Namespaces, PeerError, Reason, SlotCapacity, acks::Acks, arrivals::Arrivals,
    },
    time::Instant,
};

/// The client's end of one Socket.IO connection, with several namespaces. It knows which namespaces the application wants to be in, checks each
/// received packet, and writes packets. It has no buffers. It outlives the link: the same session serves the next one.
///
/// Size: 104 bytes on 64 bits, without the namespaces; 32 for each [`AckSlot`], 80 for each [`SocketSlot`].
///
/// ```
/// use sansocket::{
///     engineio::{self, Message, Reason::TransportClose},
///     socketio::{AckError, AckSlot, ExpectAck, Namespace, Reason, client::{Event, Session, SocketSlot}},
///     time::Instant,
///     ws,
/// };
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// const CHAT: Namespace = Namespace(0);
/// let mut io = Session::new(["/chat"], [AckSlot::EMPTY; 8], [SocketSlot::EMPTY; 1]);
/// let mut tx = [0; 256];
/// let mut out = ws::Out::stored(&mut tx);
/// io.connect(CHAT)?;
///
/// // The events that `engineio::client::Session::poll_event` returned.
/// let received = [
///     engineio::Event::Opened,
///     engineio::Event::Message(Message::Text(br#"0/chat,{"sid":"Ag"}"#)),
///     engineio::Event::Message(Message::Text(br#"2/chat,3["ask",1]"#)),
///     engineio::Event::Message(Message::Text(br#"3/chat,0["fine"]"#)),
/// ];
/// for event in received {
///     match io.handle_event(event)? {
///         Event::Connected { namespace, .. } => {
///             // The answer arrives as `Event::Ack` with the token, or `handle_timeout` returns `AckFailed`.
///             let expect = ExpectAck { token: 7, deadline: Some(Instant::from_millis(5000)) };
///             io.emit(namespace, "how are you?", &(), Some(expect), &mut out)?;
///         }
///         Event::Event(e) if e.is("ask") => {
///             if let Some(request) = e.ack {
///                 io.ack(request, &(e.args(), "yes"), &mut out)?;
///             }
///         }
///         Event::Ack(answer) => assert_eq!(answer.token, Some(7)),
///         Event::Refused { message, .. } => println!("refused: {message:?}"),
///         _ => {}
///     }
///     while io.poll_transmit(&mut out)? {}
/// }
/// assert!(out.written().starts_with(b"\x81\x0840/chat,\x81\x1942/chat,0[\"how are you?\"]"));
/// assert!(out.written().ends_with(b"43/chat,3[1,\"yes\"]"));
///
/// // The link ends. The namespace stays wanted: CONNECT is owed when the next one opens.
/// io.handle_event(engineio::Event::Closed(TransportClose))?;
/// let now = Instant::from_millis(0);
/// let left = Event::Disconnected { namespace: CHAT, reason: Reason::Link(TransportClose) };
/// assert_eq!((io.handle_timeout(now), io.handle_timeout(now)), (Some(left), None));
/// io.handle_event(engineio::Event::Opened)?;
/// assert!(io.wants_transmit() && io.is_wanted(CHAT) && !io.is_connected(CHAT));
///
/// // Leave for good.
/// io.disconnect(CHAT);
/// assert!(!io.wants_transmit() && !io.wants_any());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<N, A = [AckSlot; 8], S = [SocketSlot; 1]> {
    pub(super) namespaces: N,
    pub(super) acks: Acks<A>,
    pub(super) sockets: S,
    pub(super) limits: Limits,
    /// The server broke the protocol on this link.
    pub(super) failed: Option<PeerError>,
    pub(super) arrivals: Arrivals,
    /// The namespace whose attachments are arriving. `None`: they are ignored.
    pub(super) arriving_for: Option<Namespace>,
    /// The offset of the event whose attachments are arriving. It counts when all have arrived: until then the event can get lost.
    pub(super) offset: Option<Short>,
    /// Sockets that were given a number.
    pub(super) numbers: u32,
    pub(super) is_open: bool,
    pub(super) asks_auth: bool,
}

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    /// A session without a link, that wants no namespace. The number of slots in `acks` is the number of acknowledgements that it can wait for at a
    /// time, the number in `sockets` that of namespaces. See [`Session`] for an example.
    #[must_use]
    pub fn new(namespaces: N, acks: A, mut sockets: S) -> Self {
        sockets.as_mut().fill(SocketSlot::EMPTY);
        Self {
            namespaces,
            acks: Acks::new(acks),
            sockets,
            limits: Limits::new(),
            failed: None,
            arrivals: Arrivals::NONE,
            arriving_for: None,
            offset: None,
            numbers: 0,
            is_open: false,
            asks_auth: false,
        }
    }

    /// Replaces the limits for what a server can send.
    ///
    /// ```
    /// use sansocket::engineio::{self, Message};
    /// use sansocket::socketio::{AckSlot, PeerError, client::{Limits, Session, SocketSlot}};
    ///
    /// let limits = Limits::new().attachments(2).attachment_bytes(1000);
    /// let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], [SocketSlot::EMPTY; 1]).with_limits(limits);
    /// let event = engineio::Event::Message(Message::Text(br#"53-["pictures"]"#));
    /// assert_eq!(io.handle_event(event), Err(PeerError::TooManyAttachments));
    /// ```
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Credentials go with each CONNECT. Then [`poll_transmit`](Self::poll_transmit) does not write CONNECT: [`needs_auth`](Self::needs_auth) names the
    /// namespace, and [`authorize`](Self::authorize) writes it. So a fresh token goes with each connection.
    ///
    /// ```
    /// use sansocket::{engineio, json::Json, ws::Out};
    /// use sansocket::socketio::{AckSlot, Namespace, client::{Session, SocketSlot}};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Auth { token: u32 }
    ///
    /// let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], [SocketSlot::EMPTY; 1]).with_auth();
    /// let mut memory = [0; 64];
    /// let mut out = Out::stored(&mut memory);
    /// io.connect(Namespace(0))?;
    /// io.handle_event(engineio::Event::Opened)?;
    /// while let Some(namespace) = io.needs_auth() {
    ///     io.authorize(namespace, Some(&Json(Auth { token: 123 })), &mut out)?;
    /// }
    /// assert_eq!(&out.written()[2..], br#"40{"token":123}"#);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_auth(self) -> Self {
        Self { asks_auth: true, ..self }
    }

    /// Handles one Engine.IO event and returns exactly one event. See [`Session`] for an example.
    ///
    /// [`Opened`](engineio::Event::Opened) begins a link, and [`Closed`](engineio::Event::Closed) ends it. Before you go on after `Closed`, call
    /// [`handle_timeout`](Self::handle_timeout) until `None`.
    ///
    /// # Errors
    /// [`PeerError`] if the server broke the protocol. Close the link. All later packets on it return the same error. The JavaScript client reports
    /// such an end as `parse error`, and so does this session: [`Event::Closed`] and [`Event::Disconnected`] have
    /// [`ParseError`](engineio::Reason::ParseError) as the reason, whatever reason comes from Engine.IO.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn handle_event<'m>(&mut self, event: engineio::Event<'m>) -> Result<Event<'m>, PeerError> {
        match event {
            engineio::Event::Opened => {
                self.lose_link(engineio::Reason::TransportClose);
                self.failed = None;
                self.is_open = true;
                Ok(Event::Opened)
            }
            engineio::Event::Closed(reason) => {
                let reason = if self.failed.is_some() { engineio::Reason::ParseError } else { reason };
                self.lose_link(reason);
                Ok(Event::Closed(reason))
            }
            engineio::Event::Message(message) => {
                if let Some(error) = self.failed {
                    return Err(error);
                }
                let event = self.handle_message(message);
                if let Err(error) = event {
                    note!("the server broke Socket.IO: {}", error);
                }
                self.failed = event.err();
                event
            }
        }
    }

    /// This client wants to be in the namespace. CONNECT is owed when the link is open, and again on each new link, until
    /// [`disconnect`](Self::disconnect), a refusal, or a DISCONNECT of the server. Does nothing if the namespace is wanted already, or if `N` has no
    /// name for it.
    ///
    /// # Errors
    /// [`SlotCapacity`] if all slots are in use by other namespaces. Nothing was changed.
    pub fn connect(&mut self, namespace: Namespace) -> Result<(), SlotCapacity> {
        if self.namespaces.name(namespace).is_none() {
            return Ok(());
        }
        let at = self.slot_for(namespace)?;
        if let Some(socket) = self.claim(at, namespace) {
            socket.is_wanted = true;
        }
        Ok(())
    }

    /// This client leaves the namespace, and no new link joins it. If it was joined, DISCONNECT is owed,
    /// [`handle_timeout`](Self::handle_timeout) returns [`Event::Disconnected`] with the reason
    /// [`ClientDisconnect`](Reason::ClientDisconnect), and the acknowledgements in flight fail. Those of packets that wait in a queue stay.
    ///
    /// If the server was asked and has not answered yet, DISCONNECT is owed as soon as it accepts, and its answer is not reported.
    pub fn disconnect(&mut self, namespace: Namespace) {
        let Some(at) = self.at(namespace) else { return };
        let Some(socket) = self.sockets.as_mut().get_mut(at) else { return };
        (socket.is_wanted, socket.is_auth_asked) = (false, false);
        match socket.state {
            State::Joined => {
                socket.left = Some(Reason::ClientDisconnect);
                self.leave(at, State::Leaving);
            }
            State::Asked => self.leave(at, State::Dropped),
            _ => {}
        }
    }

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let is_due = self.sockets.as_ref().iter().any(|s| s.left.is_some());
        if is_due { Some(Instant::from_millis(0)) } else { self.acks.poll_timeout() }
    }

    /// Returns [`Event::Disconnected`] for each namespace that this client has left, then an [`Event::AckFailed`] for each acknowledgement that can no
    /// longer arrive or whose deadline has passed at `now`. Call it until `None`. Early or repeated calls do nothing. Cost: O(log n) while n
    /// acknowledgements are in flight.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if let Some((namespace, reason)) = self.next_left() {
            return Some(Event::Disconnected { namespace, reason });
        }
        let (namespace, _, token, error) = self.next_failed(now)?;
        Some(Event::AckFailed { namespace, token, error })
    }

    /// Whether the server has accepted this client into the namespace, and the client is still in it.
    #[must_use]
    pub fn is_connected(&self, namespace: Namespace) -> bool {
        self.socket(namespace).is_some_and(|s| s.state == State::Joined)
    }

    /// Whether this client wants to be in the namespace. It stays true while there is no link.
    #[must_use]
    pub fn is_wanted(&self, namespace: Namespace) -> bool {
        self.socket(namespace).is_some_and(|s| s.is_wanted)
    }

    /// Whether any namespace is wanted.
    #[must_use]
    pub fn wants_any(&self) -> bool {
        self.namespaces().next().is_some()
    }

    /// The namespaces that this client wants to be in, connected or not.
    pub fn namespaces(&self) -> impl Iterator<Item = Namespace> {
        self.sockets.as_ref().iter().filter(|s| s.is_wanted).map(|s| s.namespace)
    }

    /// The next namespace that this client has left, and why. Each once.
    pub(crate) fn next_left(&mut self) -> Option<(Namespace, Reason)> {
        self.sockets.as_mut().iter_mut().find_map(|s| Some((s.namespace, s.left.take()?)))
    }

    /// The next acknowledgement that failed: its namespace, id and token. Each once.
    pub(crate) fn next_failed(&mut self, now: Instant) -> Option<(Namespace, u64, u32, AckError)> {
        if let Some((namespace, id, token)) = self.acks.next_lost() {
            return Some((namespace, id, token, AckError::Disconnected));
        }
        let (namespace, id, token) = self.acks.timed_out(now)?;
        self.forget(namespace, id);
        Some((namespace, id, token, AckError::TimedOut))
    }

    /// Whether packets can be exchanged.
    pub(super) fn is_usable(&self) -> bool {
        self.is_open && self.failed.is_none()
    }

    /// The index of the namespace's slot.
    pub(super) fn at(&self, namespace: Namespace) -> Option<usize> {
        self.sockets.as_ref().iter().position(|s| s.namespace == namespace && s.state != State::Free)
    }

    pub(super) fn socket(&self, namespace: Namespace) -> Option<&SocketSlot> {
        self.sockets.as_ref().get(self.at(namespace)?)
    }

    pub(super) fn socket_mut(&mut self, namespace: Namespace) -> Option<&mut SocketSlot> {
        slot_of(self.sockets.as_mut(), namespace)
    }

    /// The index of the slot that the namespace has or can have.
    pub(super) fn slot_for(&self, namespace: Namespace) -> Result<usize, SlotCapacity> {
        let sockets = self.sockets.as_ref();
        let free = || sockets.iter().position(|s| s.state == State::Free);
        let vacant = || sockets.iter().position(SocketSlot::is_vacant);
        let available = sockets.len();
        let none = SlotCapacity { needed: available.saturating_add(1), available };
        self.at(namespace).or_else(free).or_else(vacant).ok_or(none)
    }

    /// Gives the slot that [`slot_for`](Self::slot_for) found to the namespace.
    pub(super) fn claim(&mut self, at: usize, namespace: Namespace) -> Option<&mut SocketSlot> {
        let socket = self.sockets.as_mut().get_mut(at)?;
        if socket.state == State::Free || socket.namespace != namespace {
            *socket = SocketSlot::of(namespace);
        }
        Some(socket)
    }

    /// The socket is not connected any more. Its acknowledgements in flight fail.
    pub(super) fn leave(&mut self, at: usize, state: State) {
        let Some(socket) = self.sockets.as_mut().get_mut(at) else { return };
        self.acks.lose(&mut socket.sent);
        socket.state = state;
        socket.number = 0;
        if self.arriving_for == Some(socket.namespace) {
            self.arriving_for = None;
        }
    }

    /// The link ended.
    fn lose_link(&mut self, reason: engineio::Reason) {
        let acks = &mut self.acks;
        let sockets = self.sockets.as_mut();
        // In the order of the requests, over all namespaces.
        while let Some((_, socket)) =
            sockets.iter_mut().filter_map(|s| Some((acks.age(&s.sent)?, s))).max_by_key(|(age, _)| *age)
        {
            acks.lose_first(&mut socket.sent);
        }
        for socket in sockets.iter_mut().filter(|s| s.state != State::Free) {
            if socket.state == State::Joined {
                socket.left = Some(Reason::Link(reason));
            }
            socket.state = State::Out;
            socket.is_auth_asked = false;
            socket.number = 0;
        }
        self.is_open = false;
        self.arrivals = Arrivals::NONE;
        self.arriving_for = None;
    }
}
