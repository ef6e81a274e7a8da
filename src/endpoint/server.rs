use super::{
    Grow, ServerLink,
    room::{room, room_for_packet},
};
use crate::{
    engineio::{self, Packets, Sid, Transport, server::Config},
    socketio::{
        AckSlot, Attachments, Collector, Namespaces, PeerError, Reason,
        server::{Event, Limits, Session},
    },
    time::Instant,
    ws::{self, Inbox, Kind, Storage},
};

/// The result of a call.
#[derive(Clone, Copy, Debug)]
pub enum Step<'e> {
    /// There is nothing to do now.
    Idle,
    /// Something was done that is not an event. Call again.
    Again,
    /// An event, with its attachments if it is an event or acknowledgement. Call again.
    Event(Event<'e>, Attachments<'e>),
    /// The connection is over. The client has left all namespaces that [`namespaces`](Session::namespaces) still lists. Returned once, as the last
    /// step.
    Closed(Reason),
}

/// One client of a Socket.IO server: a [`ServerLink`] and the [`Session`] on it. About 500 bytes, and 32 for each [`AckSlot`].
///
/// While the application handles an event it can use [`io`](Self::io): the event borrows the inbox or the collector, never this value. Let it write
/// into an [`Out::stored`](ws::Out::stored). Send the written bytes to the socket, or append them to the queue from which the client's GETs are
/// answered.
///
/// - A packet that breaks the protocol ends the connection (`forced close`). So does a client that joins no namespace in time (`forced server close`).
/// - After the end no more events are returned. What the application has sent before is written, then the close frame or the close packet.
/// - A full output does not end the connection: the call returns [`SendError::Capacity`](crate::socketio::SendError::Capacity). See [`Grow::of`].
///
/// The [module page](super) has an example over polling. This is a complete connection over a WebSocket:
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
///     /// The bytes to send.
///     sent: Vec<u8>,
/// }
///
/// /// Sends a packet. The memory grows as needed.
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
///     /// Does everything that does not have to wait. `false`: the connection is over.
///     fn turn(&mut self, now: Instant) -> bool {
///         let mut memory = [0; 256];
///         loop {
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
///                 // What is due is written last. The first call also lets `poll` begin.
///                 Step::Idle => match self.end.transmit(&mut memory) {
///                     Ok(n @ 1..) => self.sent.extend_from_slice(&memory[..n]),
///                     _ => return !self.end.link().is_over(),
///                 },
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
    /// The reason, if this end closed the connection.
    reason: Option<Reason>,
    /// The link has ended. This is reported after all other events.
    closing: Option<Reason>,
    fault: Option<PeerError>,
}

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> ServerEnd<N, A> {
    /// The time that a client has to join a namespace, in milliseconds. The JavaScript server has the same.
    pub const CONNECT_MS: u64 = 45_000;

    /// A new client over `transport`. See [`ServerLink::open`] and [`Session::new`] for the arguments. The client must join a namespace within
    /// [`CONNECT_MS`](Self::CONNECT_MS). For another time or other limits use [`with_session`](Self::with_session).
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

    /// A new client with a session that you made.
    ///
    /// ```
    /// use sansocket::{endpoint::{ServerEnd, ServerLink}, engineio::{Sid, Transport, server::Config}, time::Instant, ws};
    /// use sansocket::socketio::{AckSlot, server::{Limits, Session}};
    ///
    /// let now = Instant::from_millis(0);
    /// let sid = Sid::from_random([0; 15]);
    /// let link = ServerLink::open(Transport::WebSocket, sid, Config::new(), ws::Limits::new(), now);
    /// let session = Session::new(["/"], [AckSlot::EMPTY; 4], now.after_millis(5000)).with_limits(Limits::new().acks(4));
    /// let end = ServerEnd::with_session(link, session);
    /// assert_eq!(end.poll_timeout(), Some(Instant::from_millis(5000)));
    /// ```
    #[must_use]
    pub const fn with_session(link: ServerLink, io: Session<N, A>) -> Self {
        Self { link, io, reason: None, closing: None, fault: None }
    }

    /// The next step of the bytes received over a WebSocket. Call it until [`Step::Idle`], then [`handle_timeout`](Self::handle_timeout) until
    /// `Step::Idle`, then [`transmit`](Self::transmit) until 0. See [`ServerEnd`] for an example.
    ///
    /// # Errors
    /// [`Grow`] for the inbox or the collector. Nothing was changed.
    pub fn poll<'e, S: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        inbox: &'e mut Inbox<S>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Result<Step<'e>, Grow> {
        match self.advance(inbox, collector, now)? {
            Step::Again => Ok(self.take(inbox, collector, now)),
            step => Ok(step),
        }
    }

    /// The first half of [`poll`](Self::poll). It lends nothing, so you can call it in a loop and lend after the loop: [`Step::Again`] means that
    /// [`take`](Self::take) returns the step. Every other step is returned as it is, and there is nothing to take.
    ///
    /// If you call it again without `take`, it returns [`Step::Again`] again, and nothing is lost.
    ///
    /// ```
    /// # use sansocket::{endpoint::*, engineio::{Sid, Transport, server::Config}, socketio::{AckSlot, Collector, server::Event}, time::Instant, ws::*};
    /// /// The next step of what arrives. Bytes come from `read`.
    /// fn next<'e>(
    ///     end: &mut ServerEnd<[&'static str; 1]>,
    ///     inbox: &'e mut Inbox<Vec<u8>>,
    ///     files: &'e mut Collector<Vec<u8>>,
    ///     now: Instant,
    ///     mut read: impl FnMut(&mut [u8]) -> usize,
    /// ) -> Result<Step<'e>, Grow> {
    ///     loop {
    ///         match end.advance(inbox, files, now)? {
    ///             Step::Again => break,
    ///             Step::Idle => {}
    ///             step => return Ok(step),
    ///         }
    ///         let n = inbox.space().map_or(0, &mut read); // `handle_timeout` and `transmit` before
    ///         inbox.commit(n);
    ///     }
    ///     Ok(end.take(inbox, files, now)) // lends, once
    /// }
    /// # let (now, sid, acks) = (Instant::from_millis(0), Sid::from_random([0; 15]), [AckSlot::EMPTY; 8]);
    /// # let mut end = ServerEnd::open(Transport::WebSocket, sid, Config::new(), Limits::new(), ["/"], acks, now);
    /// # end.transmit(&mut [0; 256])?; // as in each turn
    /// # let (mut inbox, mut files) = (Inbox::new(vec![0; 64]), Collector::new(Vec::new()));
    /// # let mut bytes = b"\x81\x82\0\0\0\x0040".chunks(3);
    /// # let mut read = |space: &mut [u8]| bytes.next().map_or(0, |b| { space[..b.len()].copy_from_slice(b); b.len() });
    /// # let _ = next(&mut end, &mut inbox, &mut files, now, &mut read)?; // the session is open
    /// # assert!(matches!(next(&mut end, &mut inbox, &mut files, now, &mut read), Ok(Step::Event(Event::Connect { .. }, _))));
    /// # Ok::<(), Grow>(())
    /// ```
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn advance<S: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        inbox: &mut Inbox<S>,
        collector: &Collector<C>,
        now: Instant,
    ) -> Result<Step<'static>, Grow> {
        if let Some(step) = self.last(now) {
            return Ok(step);
        }
        if !self.link.advance(inbox, now)? {
            return Ok(Step::Idle);
        }
        match inbox.peek() {
            // A message that had no room when the link ended is not told any more.
            _ if self.link.is_over() => {}
            Some((Kind::Text, [b'4', b'5' | b'6', rest @ ..])) => room(collector, 0, rest.len())?,
            Some((Kind::Binary, bytes)) if collector.is_open() => room(collector, collector.held(), bytes.len())?,
            _ => {}
        }
        Ok(Step::Again)
    }

    /// The step that [`advance`](Self::advance) has found, with the same arguments. It is [`Step::Again`] if what arrived is not an event. Call it once
    /// for each [`Step::Again`] of `advance`.
    pub fn take<'e, S: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        inbox: &'e mut Inbox<S>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Step<'e> {
        match self.link.take(inbox) {
            Some(event) => self.handle_event(event, collector, now),
            None => Step::Again,
        }
    }

    /// The next step of the body of a POST. Call it until [`Step::Idle`], then answer [`ServerLink::posted`]. See the [module page](super) for an
    /// example.
    ///
    /// # Errors
    /// [`Grow`] for the collector. Nothing was changed.
    pub fn poll_post<'b: 'e, 'e, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        packets: &mut Packets<'b>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Result<Step<'e>, Grow> {
        if !self.link.is_over() {
            room_for_packet(packets, collector)?;
        }
        match self.link.poll_post(packets, now) {
            Some(event) => Ok(self.handle_event(event, collector, now)),
            None => Ok(self.last(now).unwrap_or(Step::Idle)),
        }
    }

    /// Handles the deadlines up to `now`. Call it until [`Step::Idle`], over every transport. Call it also after a call that may end the connection:
    /// it returns the last events.
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

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let io = if self.link.is_over() { None } else { self.io.poll_timeout() };
        [self.link.poll_timeout(), io].into_iter().flatten().min()
    }

    /// As [`ServerLink::transmit`].
    ///
    /// # Errors
    /// [`Grow`] if `memory` has no room. 256 bytes are always enough.
    pub fn transmit(&mut self, memory: &mut [u8]) -> Result<usize, Grow> {
        self.link.transmit(memory)
    }

    /// Closes the connection for `reason`, such as [`Reason::ForcedServerClose`] or [`Reason::ServerShuttingDown`]. The JavaScript client then
    /// reconnects. If it should not, call [`disconnect`](Session::disconnect) for each namespace first.
    pub fn close(&mut self, reason: Reason, now: Instant) {
        if !self.link.is_over() {
            self.reason = Some(reason);
            self.link.close(now);
        }
    }

    /// The Socket.IO session: what the application sends.
    pub const fn io(&mut self) -> &mut Session<N, A> {
        &mut self.io
    }

    /// The Engine.IO connection.
    #[must_use]
    pub const fn link(&self) -> &ServerLink {
        &self.link
    }

    /// The Engine.IO connection, to announce requests and the end of the socket. See the [module page](super) for an example.
    pub const fn link_mut(&mut self) -> &mut ServerLink {
        &mut self.link
    }

    /// How the client broke the Socket.IO protocol, for logs. For the protocols below see [`ServerLink::fault`].
    #[must_use]
    pub const fn fault(&self) -> Option<PeerError> {
        self.fault
    }

    /// The events after the end of the link: failed acknowledgements, then the end.
    pub(super) fn last(&mut self, now: Instant) -> Option<Step<'static>> {
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
        let reason = self.reason.unwrap_or(Reason::Link(reason));
        note!("the client's session has ended: {}", reason);
        self.closing = Some(reason);
        Step::Again
    }

    fn handle_event<'e, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        event: engineio::Event<'e>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Step<'e> {
        match self.io.handle_event(event) {
            Ok(Event::Closed(reason)) => self.ended(reason),
            Ok(event) => match collector.collect(event) {
                Ok(Some((event, attachments))) => Step::Event(event, attachments),
                // Not an error: the room was checked before.
                Ok(None) | Err(_) => Step::Again,
            },
            Err(error) => {
                if !self.link.is_over() {
                    note!("the client broke Socket.IO: {}", error);
                    self.fault = Some(error);
                    // The reason that the JavaScript server gives.
                    self.close(Reason::Link(engineio::Reason::ForcedClose), now);
                }
                Step::Again
            }
        }
    }
}
