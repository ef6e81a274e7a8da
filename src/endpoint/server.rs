use super::{Grow, ServerLink, What};
use crate::{
    engineio::{self, Packets, Sid, Transport, server::Config},
    socketio::{
        AckSlot, Attachments, Collector, Namespaces, PeerError, Reason,
        server::{Event, Limits, Session},
    },
    time::Instant,
    ws::{self, Inbox, Kind},
};

/// What a call came to.
#[derive(Clone, Copy, Debug)]
pub enum Step<'e> {
    /// Nothing is left to do for now.
    Idle,
    /// Something was done that the application does not hear of. Call again.
    Again,
    /// Something happened, with the attachments of an event or acknowledgement. Call again.
    Event(Event<'e>, Attachments<'e>),
    /// The connection is over, and with it every namespace that [`namespaces`](Session::namespaces) still lists. Told once, as the last.
    Closed(Reason),
}

/// One client of a Socket.IO server: a [`ServerLink`], the [`Session`] on it, and what each way of ending means. About 500 bytes, and 32 for each
/// acknowledgement that it can wait for.
///
/// The application acts on [`io`](Self::io) while an event lives: the event borrows the inbox or the collector, never this. It writes into an
/// [`Out::stored`](ws::Out::stored); what was written goes to the socket, or into the queue that the client's GETs are answered from.
///
/// - A packet that is none ends the connection (`forced close`), and so does a client that joins no namespace in time (`forced server close`).
/// - Events behind the end are not told. What was answered before is written, and then the close frame or the close packet.
/// - Output that is full ends nothing: the call says [`SendError::Capacity`](crate::socketio::SendError::Capacity), see [`Grow::of`].
///
/// A whole server connection over a WebSocket:
///
/// ```
/// use sansocket::{
///     endpoint::{Grow, ServerEnd, Step, What},
///     engineio::{self, Transport, server::Config},
///     socketio::{AckSlot, Collector, SendError, Sid, server::{Event, Session}},
///     time::Instant,
///     ws::{Inbox, Limits, Out, Stored},
/// };
///
/// type Io = Session<[&'static str; 1], Vec<AckSlot>>;
///
/// struct Client {
///     end: ServerEnd<[&'static str; 1], Vec<AckSlot>>,
///     inbox: Inbox<Vec<u8>>,
///     collector: Collector<Vec<u8>>,
///     /// What goes to the socket.
///     sent: Vec<u8>,
/// }
///
/// /// Says something, in memory that grows.
/// fn say(io: &mut Io, sent: &mut Vec<u8>, mut write: impl FnMut(&mut Io, &mut Out<'_, Stored>) -> Result<(), SendError>) {
///     let mut memory = vec![0; 128];
///     loop {
///         let mut out = Out::stored(&mut memory);
///         match write(io, &mut out).map_err(|e| Grow::of(&e)) {
///             Ok(()) => return sent.extend_from_slice(out.written()),
///             Err(Some(Grow { what: What::Acks, to })) => drop(io.replace_acks(vec![AckSlot::EMPTY; to])),
///             Err(Some(grow)) => memory.resize(grow.to, 0),
///             Err(None) => return,
///         }
///     }
/// }
///
/// impl Client {
///     /// Everything that can be done without waiting; `false` at the end.
///     fn turn(&mut self, now: Instant) -> bool {
///         let mut memory = [0; 256];
///         loop {
///             while let Ok(n @ 1..) = self.end.transmit(&mut memory) {
///                 self.sent.extend_from_slice(&memory[..n]);
///             }
///             let step = match self.end.poll(&mut self.inbox, &mut self.collector, now) {
///                 Ok(Step::Idle) => self.end.handle_timeout(now),
///                 Ok(step) => step,
///                 Err(Grow { what: What::Collector, to }) => {
///                     let _ = self.collector.replace(vec![0; to]);
///                     continue;
///                 }
///                 Err(grow) => {
///                     let _ = self.inbox.replace(vec![0; grow.to]);
///                     continue;
///                 }
///             };
///             let io = self.end.io();
///             match step {
///                 Step::Event(Event::Connect { namespace, .. }, _) => {
///                     say(io, &mut self.sent, |io, out| io.accept(namespace, Sid::from_random([1; 15]), out));
///                 }
///                 Step::Event(Event::UnknownNamespace { name }, _) => {
///                     say(io, &mut self.sent, |io, out| io.refuse_unknown(name, out));
///                 }
///                 Step::Event(Event::Event(e), _files) => if let Some(request) = e.ack {
///                     say(io, &mut self.sent, |io, out| io.ack(request, &"yes", out));
///                 },
///                 Step::Event(..) | Step::Again => {}
///                 Step::Idle => return !self.end.link().is_over(),
///                 Step::Closed(_) => {} // the application's own farewell
///             }
///         }
///     }
/// }
///
/// let now = Instant::from_millis(0);
/// let secret = engineio::Sid::from_random([0; 15]);
/// let mut client = Client {
///     end: ServerEnd::open(Transport::WebSocket, secret, Config::new(), Limits::new(), ["/"], Vec::new(), now),
///     inbox: Inbox::new(vec![0; 256]),
///     collector: Collector::new(Vec::new()),
///     sent: Vec::new(),
/// };
/// for frame in [&b"\x81\x82\0\0\0\x0040"[..], b"\x81\x8a\0\0\0\x00421[\"ask\"]"] {
///     client.inbox.space()?[..frame.len()].copy_from_slice(frame); // a socket's read
///     client.inbox.commit(frame.len());
///     assert!(client.turn(now));
/// }
/// assert!(client.sent.ends_with(b"\x81\x0a431[\"yes\"]"));
/// # Ok::<(), sansocket::Capacity>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerEnd<N, A = [AckSlot; 8]> {
    link: ServerLink,
    io: Session<N, A>,
    /// Why this end ended it.
    reason: Option<Reason>,
    /// The link ended; that is told when nothing else is.
    closing: Option<Reason>,
    fault: Option<PeerError>,
}

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> ServerEnd<N, A> {
    /// Milliseconds that a client has for joining a namespace, as in the JavaScript server.
    pub const CONNECT_MS: u64 = 45_000;

    /// A client that begins over `transport`; see [`ServerLink::open`] and [`Session::new`]. It must have joined a namespace after
    /// [`CONNECT_MS`](Self::CONNECT_MS); [`with_session`](Self::with_session) takes another time and limits.
    #[must_use]
    pub fn open(
        transport: Transport,
        sid: Sid,
        config: Config,
        limits: ws::Limits,
        names: N,
        acks: A,
        now: Instant,
    ) -> Self {
        let io = Session::new(names, acks, now.after_millis(Self::CONNECT_MS)).with_limits(Limits::new());
        Self::with_session(ServerLink::open(transport, sid, config, limits, now), io)
    }

    /// A client with a session of the caller's making.
    #[must_use]
    pub const fn with_session(link: ServerLink, io: Session<N, A>) -> Self {
        Self { link, io, reason: None, closing: None, fault: None }
    }

    /// The next step of what came over a WebSocket. Call it until [`Step::Idle`], then [`handle_timeout`](Self::handle_timeout) until that, then
    /// [`transmit`](Self::transmit) until 0.
    ///
    /// # Errors
    /// [`Grow`] for the inbox or the collector; nothing was changed.
    pub fn poll<'e, S: AsMut<[u8]>, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        inbox: &'e mut Inbox<S>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Result<Step<'e>, Grow> {
        if let Some(step) = self.last(now) {
            return Ok(step);
        }
        if !self.link.advance(inbox, now)? {
            return Ok(Step::Idle);
        }
        match inbox.peek() {
            Some((Kind::Text, [b'4', b'5' | b'6', rest @ ..])) => room(collector, 0, rest.len())?,
            Some((Kind::Binary, bytes)) if collector.is_open() => room(collector, collector.held(), bytes.len())?,
            _ => {}
        }
        let Some(event) = self.link.take(inbox) else { return Ok(Step::Again) };
        Ok(self.step(event, collector, now))
    }

    /// The next step of the body of a POST. Call it until [`Step::Idle`], and answer [`ServerLink::posted`].
    ///
    /// # Errors
    /// [`Grow`] for the collector; nothing was changed.
    pub fn poll_post<'b: 'e, 'e, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        packets: &mut Packets<'b>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Result<Step<'e>, Grow> {
        match packets.rest() {
            [b'4', b'5' | b'6', ..] => room(collector, 0, packets.next_len())?,
            [b'b', ..] if collector.is_open() => room(collector, collector.held(), packets.next_len())?,
            _ => {}
        }
        match self.link.poll_post(packets, now) {
            Some(event) => Ok(self.step(event, collector, now)),
            None => Ok(self.last(now).unwrap_or(Step::Idle)),
        }
    }

    /// Time has come to `now`. Call it until [`Step::Idle`], on every transport, and also after a call that may end the connection: it gives the last
    /// events.
    pub fn handle_timeout(&mut self, now: Instant) -> Step<'static> {
        if let Some(step) = self.last(now) {
            return step;
        }
        if !self.link.is_over()
            && let Some(event) = self.io.handle_timeout(now)
        {
            if matches!(event, Event::ConnectTimeout) {
                self.close(Reason::ForcedServerClose, now);
                return Step::Again;
            }
            return Step::Event(event, Attachments::NONE);
        }
        match self.link.handle_timeout(now).map(|event| self.io.handle_event(event)) {
            None => Step::Idle,
            Some(Ok(Event::Closed(reason))) => self.ended(reason),
            Some(Ok(event)) => Step::Event(event, Attachments::NONE),
            Some(Err(_)) => Step::Again,
        }
    }

    /// The next moment at which [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let io = if self.link.is_over() { None } else { self.io.poll_timeout() };
        [self.link.poll_timeout(), io].into_iter().flatten().min()
    }

    /// As [`ServerLink::transmit`].
    ///
    /// # Errors
    /// [`Grow`] when it has no room; 256 bytes are always enough.
    pub fn transmit(&mut self, memory: &mut [u8]) -> Result<usize, Grow> {
        self.link.transmit(memory)
    }

    /// Ends the connection from this side for `reason`, such as [`Reason::ForcedServerClose`] or [`Reason::ServerShuttingDown`]. A client that is to
    /// know that it was put out, and not to come back by itself, gets [`disconnect`](Session::disconnect) of each namespace first.
    pub fn close(&mut self, reason: Reason, now: Instant) {
        if !self.link.is_over() {
            self.reason = Some(reason);
            self.link.close(now);
        }
    }

    /// The session above the link: what the application says.
    pub const fn io(&mut self) -> &mut Session<N, A> {
        &mut self.io
    }

    /// The link.
    #[must_use]
    pub const fn link(&self) -> &ServerLink {
        &self.link
    }

    /// The link, for requests and for the end of its socket.
    pub const fn link_mut(&mut self) -> &mut ServerLink {
        &mut self.link
    }

    /// The packet of the client that broke Socket.IO, for logs. [`ServerLink::fault`] is what broke the layers below.
    #[must_use]
    pub const fn fault(&self) -> Option<PeerError> {
        self.fault
    }

    /// What is told when the link has ended: questions without an answer, and then the end.
    fn last(&mut self, now: Instant) -> Option<Step<'static>> {
        let reason = self.closing?;
        Some(match self.io.handle_timeout(now) {
            Some(event) => Step::Event(event, Attachments::NONE),
            None => {
                self.closing = None;
                Step::Closed(reason)
            }
        })
    }

    fn ended(&mut self, reason: engineio::Reason) -> Step<'static> {
        self.closing = Some(self.reason.unwrap_or(Reason::Link(reason)));
        Step::Again
    }

    fn step<'e, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        event: engineio::Event<'e>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Step<'e> {
        match self.io.handle_event(event) {
            Ok(Event::Closed(reason)) => self.ended(reason),
            Ok(event) => match collector.collect(event) {
                Ok(Some((event, attachments))) => Step::Event(event, attachments),
                // There was room.
                Ok(None) | Err(_) => Step::Again,
            },
            Err(error) => {
                if !self.link.is_over() {
                    self.fault = Some(error);
                    // The word of the JavaScript server for it.
                    self.close(Reason::Link(engineio::Reason::ForcedClose), now);
                }
                Step::Again
            }
        }
    }
}

/// Whether the collector has room for `len` bytes behind `held`, and their length.
fn room<C: AsMut<[u8]> + AsRef<[u8]>>(collector: &Collector<C>, held: usize, len: usize) -> Result<(), Grow> {
    let needed = held.saturating_add(len).saturating_add(size_of::<u32>());
    let available = collector.size();
    if needed > available {
        return Err(Grow::new(What::Collector, crate::Capacity { needed, available }));
    }
    Ok(())
}
