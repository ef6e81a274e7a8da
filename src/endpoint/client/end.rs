use super::{
    Line, Link, Memory, Over, Seen, Step, WhenFull,
    backlog::{Backlog, Kind},
    source::Waiting,
};
use crate::{
    endpoint::Grow,
    socketio::{
        AckSlot, Attachments, Namespace, Namespaces, PeerError, SlotCapacity,
        client::{self, Backoff, Session, SocketSlot},
    },
    time::{Instant, earliest},
    ws::{Inbox, MaskSource, Outbox, Storage},
};

/// A Socket.IO client: a [`Link`], the [`Session`] on it, reconnection, and the packets that wait. It does what the JavaScript client does.
///
/// See the [module page](super) for a complete client, its loop, and what each ending means. What is not shown there:
///
/// ```
/// use sansocket::{
///     endpoint::{Grow, What, client::{ClientEnd, Config, Line, Memory, Seen, Step, WebSocketLink, WhenFull}},
///     json::Json,
///     socketio::{AckSlot, Collector, Namespace, client::SocketSlot},
///     time::Instant,
///     ws::{Inbox, Outbox},
/// };
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// #[derive(serde::Serialize)]
/// struct Auth { token: u32 }
///
/// const ROOT: Namespace = Namespace(0);
/// let config = Config::parse("ws://example.org")?;
/// let now = Instant::from_millis(0);
/// let memory = Memory { acks: vec![AckSlot::EMPTY; 4], sockets: vec![SocketSlot::EMPTY; 1], backlog: vec![0; 64] };
/// let client = ClientEnd::new(WebSocketLink::new(&config), ["/"], memory, 1);
/// let mut client = client.with_auth(0).with_when_full(WhenFull::Refuse);
///
/// // The backlog of a client that is offline grows.
/// client.emit(ROOT, "first", &"of many")?;
/// let error = client.emit(ROOT, "second", &"of many").unwrap_err();
/// let grow = Grow::of_client(&error).ok_or("another reason")?;
/// assert_eq!(grow, Grow { what: What::Backlog, to: 128 });
/// let held = client.held();
/// let _old = client.replace_backlog(vec![0; grow.to]).map_err(|_| "smaller than what is held")?;
/// client.emit(ROOT, "second", &"of many")?;
/// assert!(client.held() > held);
///
/// // Fresh credentials for each CONNECT.
/// if let Step::Auth(namespace) = client.handle_timeout(now) {
///     client.authorize(namespace, Some(&Json(Auth { token: 123 })))?;
/// }
///
/// // Each packet that goes over the wire.
/// let (mut inbox, mut outbox) = (Inbox::new([0; 512]), Outbox::with_keys([0; 512], || [0; 4]));
/// let mut files = Collector::new([0; 0]);
/// let mut log = |seen: Seen<'_>| println!("{seen:?}");
/// client.poll_watched(Line::WebSocket, &mut inbox, &mut files, now, &mut log)?;
/// client.transmit_watched(Line::WebSocket, &mut outbox, now, &mut log)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ClientEnd<L, N, A, S, B> {
    pub(super) link: L,
    pub(super) io: Session<N, A, S>,
    pub(super) backlog: Backlog<B>,
    pub(super) backoff: Backoff,
    pub(super) when_full: WhenFull,
    /// Bytes of the backlog that are kept free for CONNECT packets.
    pub(super) reserve: usize,
    /// The state of the generator (xorshift) for the jitter.
    pub(super) random: u32,
    pub(super) phase: Phase,
    /// This end has closed the link.
    pub(super) is_closing: bool,
    /// The last namespace was lost by the server's will.
    pub(super) is_refused: bool,
    /// A call has changed something since `handle_timeout` returned `Idle`.
    pub(super) is_stirred: bool,
    /// The attachments of an acknowledgement of an event with retries are arriving.
    pub(super) is_arriving: bool,
    /// How the server broke the Socket.IO protocol, until the link has ended.
    pub(super) fault: Option<PeerError>,
    /// To be told before all else.
    pub(super) failed: Option<Failed>,
}

/// What [`Step::Failed`] tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub failure: super::Failure,
    pub attempt: u32,
    pub retry: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No connection is wanted.
    Resting,
    /// The link was started.
    Linked,
    /// The link is started at this time.
    Waiting(Instant),
    /// This is told when all lines were closed.
    Ending(Over),
}

impl<L, N, A, S, B> ClientEnd<L, N, A, S, B>
where
    L: Link,
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// A client that is not connected. `names` are its namespaces, of which [`connect`](Self::connect) joins some. `seed` is any number that differs
    /// between clients, for the jitter of reconnection.
    pub fn new(link: L, names: N, memory: Memory<A, S, B>, seed: u32) -> Self {
        let backoff = link.config().backoff;
        Self {
            link,
            io: Session::new(names, memory.acks, memory.sockets),
            backlog: Backlog::new(memory.backlog),
            backoff,
            when_full: WhenFull::Refuse,
            reserve: 0,
            random: seed,
            phase: Phase::Resting,
            is_closing: false,
            is_refused: false,
            is_stirred: false,
            is_arriving: false,
            fault: None,
            failed: None,
        }
    }

    /// Asks for credentials at each CONNECT ([`Step::Auth`]), so each connection can have fresh ones. `room` bytes of the backlog are kept free for
    /// them: the packet, and 20 bytes for each namespace. With 0 [`authorize`](Self::authorize) has room only while the backlog is not full.
    #[must_use]
    pub fn with_auth(self, room: usize) -> Self {
        Self { io: self.io.with_auth(), reserve: room, ..self }
    }

    /// What to do with an event that does not fit into the backlog. Otherwise [`WhenFull::Refuse`].
    #[must_use]
    pub fn with_when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// With other limits for what the server may send.
    #[must_use]
    pub fn with_limits(self, limits: client::Limits) -> Self {
        Self { io: self.io.with_limits(limits), ..self }
    }

    /// Joins a namespace, on this connection and on each later one, until [`disconnect`](Self::disconnect), a refusal or the server's DISCONNECT. If
    /// there is no connection, one is made. If the client waits for its next attempt to connect, it waits on. Does nothing if `names` has no such
    /// namespace.
    ///
    /// # Errors
    /// [`SlotCapacity`] if no [`SocketSlot`] is free ([`Grow::of_sockets`]). Nothing was changed.
    pub fn connect(&mut self, namespace: Namespace, now: Instant) -> Result<(), SlotCapacity> {
        self.io.connect(namespace)?;
        self.is_stirred = true;
        if let Phase::Resting | Phase::Ending(_) = self.phase {
            self.backoff.reset();
            self.phase = Phase::Waiting(now);
        }
        Ok(())
    }

    /// Leaves a namespace, after what waits for it was sent if it is connected. Events that wait for a namespace that is not connected stay, as in
    /// the JavaScript client: the next [`connect`](Self::connect) sends them. When no namespace is left, the connection is closed.
    pub fn disconnect(&mut self, namespace: Namespace) {
        let is_connected = self.io.is_connected(namespace);
        if self.io.is_wanted(namespace) {
            self.purge();
            let io = &mut self.io;
            self.backlog.update(&mut |record| match record.kind {
                _ if record.namespace != namespace => {}
                // For a connection that the server has not accepted yet.
                Kind::Answer if !is_connected => record.kind = Kind::Dead,
                Kind::Event | Kind::Volatile | Kind::Answer if is_connected => {
                    if let Some(id) = record.id {
                        // So it fails with those of the connection.
                        io.mark_sent(namespace, u64::from(id));
                    }
                    record.kind = Kind::Leaving;
                }
                _ => {}
            });
        }
        self.io.disconnect(namespace);
        self.is_refused = false;
        self.is_stirred = true;
    }

    /// Leaves all namespaces.
    pub fn close(&mut self) {
        while let Some(namespace) = self.wanted() {
            self.disconnect(namespace);
        }
    }

    /// Does what is due at `now`. Call it until [`Step::Idle`], after [`poll`](Self::poll).
    pub fn handle_timeout(&mut self, now: Instant) -> Step<'static> {
        if let Some(step) = self.next(now) {
            return step;
        }
        match self.link.handle_timeout(now) {
            Some(event) => self.handle(event, now).map_or(Step::Again, |event| Step::Event(event, Attachments::NONE)),
            // A deadline of the link may have left a line to close.
            None => self.next(now).unwrap_or_else(|| {
                self.is_stirred = false;
                Step::Idle
            }),
        }
    }

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        let start = if let Phase::Waiting(at) = self.phase { Some(at) } else { None };
        let stirred = self.is_stirred.then_some(Instant::from_millis(0));
        earliest(&[self.link.poll_timeout(), self.io.poll_timeout(), start, stirred])
    }

    /// Writes what this line has to send into its outbox, as far as there is room. Call it for each open line when the other calls of a turn have
    /// returned [`Step::Idle`]. Write the outbox to the socket and call it again, until it writes nothing: what had no room waits, and no deadline
    /// tells you.
    ///
    /// # Errors
    /// [`Grow`] for the outbox, if it has no room for a packet while it is empty.
    pub fn transmit<T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<T, K>,
        now: Instant,
    ) -> Result<(), Grow> {
        self.transmit_watched(line, outbox, now, &mut |_| {})
    }

    /// As [`transmit`](Self::transmit), and shows each packet to `seen`, for logs.
    ///
    /// # Errors
    /// As [`transmit`](Self::transmit).
    pub fn transmit_watched<T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<T, K>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        loop {
            let mut source = Waiting { io: &mut self.io, backlog: &mut self.backlog, now };
            self.link.transmit(line, outbox, &mut source, now, seen)?;
            if !self.may_close() {
                return Ok(());
            }
            self.close_link(now);
        }
    }

    /// The line is open. `nonce` is 16 bytes from a cryptographically secure generator, new for each call. What the inbox and the outbox of the line
    /// hold of an earlier connection is dropped, except a request that is to be sent again.
    pub fn opened<R: Storage, T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<R>,
        outbox: &mut Outbox<T, K>,
        nonce: [u8; 16],
    ) {
        let [a, b, c, d, ..] = nonce;
        self.random ^= u32::from_le_bytes([a, b, c, d]).rotate_left(7);
        self.is_stirred = true;
        self.link.opened(line, inbox, outbox, nonce);
    }

    /// The line could not be opened, or has failed. [`poll`](Self::poll) what it has received first, as before [`handle_eof`](Self::handle_eof). Drop
    /// its socket: no [`Step::Close`] follows.
    pub fn handle_error(&mut self, line: Line, now: Instant) {
        self.is_stirred = true;
        self.link.handle_error(line, now);
    }

    /// The line was ended by the server. Before, call [`poll`](Self::poll) for it until [`Step::Idle`]: what it has received and not told yet may be
    /// lost. [`Step::Close`] follows.
    pub fn handle_eof(&mut self, line: Line, now: Instant) {
        self.is_stirred = true;
        self.link.handle_eof(line, now);
    }

    /// Leaves out a message that does not fit into the inbox, and the connection lives. As [`Link::skip_message`], which says what that means for Socket.IO.
    pub fn skip_message<R: Storage>(&mut self, line: Line, inbox: &mut Inbox<R>) -> bool {
        self.link.skip_message(line, inbox)
    }

    /// The Socket.IO session: which namespaces are connected.
    pub const fn io(&self) -> &Session<N, A, S> {
        &self.io
    }

    /// The Engine.IO connection.
    pub const fn link(&self) -> &L {
        &self.link
    }

    /// The number of bytes of the backlog that are in use.
    pub const fn held(&self) -> usize {
        self.backlog.held()
    }

    /// Moves the packets that wait into another storage, larger or smaller, and returns the old one.
    ///
    /// # Errors
    /// Returns `storage` if it is smaller than [`held`](Self::held). Nothing was changed.
    pub fn replace_backlog(&mut self, storage: B) -> Result<B, B> {
        self.backlog.replace(storage)
    }

    /// Moves the acknowledgements that are waited for into other slots, and returns the old ones. See [`Session::replace_acks`].
    ///
    /// # Errors
    /// Returns the new slots if they are too few. Nothing was changed.
    pub fn replace_acks(&mut self, slots: A) -> Result<A, A> {
        self.io.replace_acks(slots)
    }

    /// Moves the namespaces into other slots, and returns the old ones. See [`Session::replace_sockets`].
    ///
    /// # Errors
    /// Returns the new slots if they are too few. Nothing was changed.
    pub fn replace_sockets(&mut self, slots: S) -> Result<S, S> {
        self.io.replace_sockets(slots)
    }
}
