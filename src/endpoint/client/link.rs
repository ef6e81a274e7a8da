use super::{Config, Failure};
use crate::{
    endpoint::Grow,
    engineio::{self, Packet, Transport, client::Source},
    time::Instant,
    ws::{Inbox, MaskSource, Outbox, Storage},
};

/// A connection to the server, over TCP or TLS. `line as usize` is an index for the caller's arrays. A [`WebSocketLink`](super::WebSocketLink) uses
/// the first line only.
///
/// ```
/// use sansocket::endpoint::client::Line;
///
/// let mut sockets: [Option<std::net::TcpStream>; Line::COUNT] = Default::default();
/// for line in Line::ALL {
///     sockets[line as usize] = None;
/// }
/// ```
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The WebSocket.
    WebSocket,
    /// The GETs of polling.
    Get,
    /// The POSTs of polling.
    Post,
}

impl Line {
    /// The number of lines.
    pub const COUNT: usize = 3;
    /// All lines, in the order of their indices.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Get, Self::Post];
}

/// What the caller has to do with a line. See [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Open it, then call [`Link::opened`], or [`Link::handle_error`]. If the line has an old connection, which the server has ended, drop that.
    Open(Line),
    /// Write what its outbox holds, within a time that you choose, and close it, or give up opening it. Read nothing more from it. A line that is
    /// closed already needs nothing.
    Close(Line),
}

/// A packet that goes over the wire, for logs. See [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'p> {
    /// It was written into an outbox.
    Sent(Packet<'p>),
    /// It has arrived.
    Received(Packet<'p>),
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// A client of Engine.IO with its transports, for one session after another: [`WebSocketLink`](super::WebSocketLink) or
/// [`FullLink`](super::FullLink). It turns the bytes of up to three lines into events. Sealed.
///
/// Each [`Line`] has an inbox and an outbox of its own. In a loop, do what [`poll_task`](Self::poll_task) says, call [`advance`](Self::advance) and
/// [`take`](Self::take) for each line until `false`, [`handle_timeout`](Self::handle_timeout) until `None`, and [`transmit`](Self::transmit) for each
/// line. Then write the outboxes, repeat `transmit` for what had no room in them, and read into the inboxes of the lines that are open. Wait until
/// [`poll_timeout`](Self::poll_timeout) at most.
///
/// Handle all events of a line before you read from it again, or call [`handle_eof`](Self::handle_eof) for it. After an end of a line or a failure the
/// bytes in its inbox may not be told any more.
///
/// ```
/// use sansocket::{
///     endpoint::{Grow, client::{Config, Line, Link, Seen, Task, WebSocketLink}},
///     engineio::{Client, Event, Message, SendError, Sink, client::Source},
///     time::Instant,
///     ws::{Inbox, MaskSource, Outbox},
/// };
///
/// /// The messages that wait.
/// struct Waiting(Vec<&'static str>);
///
/// impl Source for Waiting {
///     fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
///         let Some(text) = self.0.first() else { return Ok(false) };
/// #       let engine = sansocket::engineio::client::Session::open(
/// #           sansocket::engineio::Transport::WebSocket, &Default::default(), Instant::from_millis(0));
///         engine.send(Message::Text(text.as_bytes()), out)?; // or a writer of `socketio`
///         self.0.remove(0);
///         Ok(true)
///     }
/// }
///
/// /// What stands between reading and writing. Returns the texts that have arrived.
/// fn turn<L: Link, K: MaskSource>(
///     link: &mut L,
///     inboxes: &mut [Inbox<Vec<u8>>; Line::COUNT],
///     outboxes: &mut [Outbox<Vec<u8>, K>; Line::COUNT],
///     waiting: &mut Waiting,
///     now: Instant,
/// ) -> Vec<String> {
///     let mut texts = Vec::new();
///     let mut log = |seen: Seen<'_>| println!("{seen:?}");
///     while let Some(task) = link.poll_task() {
///         match task {
///             Task::Open(line) => {
///                 // Or `handle_error`. Take the 16 bytes from a secure generator.
///                 link.opened(line, &mut inboxes[line as usize], &mut outboxes[line as usize], [7; 16]);
///             }
///             Task::Close(_) => {}
///         }
///     }
///     for line in Line::ALL {
///         let (inbox, outbox) = (&mut inboxes[line as usize], &mut outboxes[line as usize]);
///         loop {
///             match link.advance(line, inbox, now, &mut log) {
///                 Ok(true) => match link.take(line, inbox, now) {
///                     Some(Event::Message(Message::Text(text))) => texts.push(String::from_utf8_lossy(text).into_owned()),
///                     Some(Event::Closed(reason)) => println!("{reason}: {:?}", link.failure()),
///                     _ => {}
///                 },
///                 Ok(false) => break,
///                 Err(Grow { to, .. }) => drop(inbox.replace(vec![0; to])),
///             }
///         }
///         while let Err(Grow { to, .. }) = link.transmit(line, outbox, waiting, now, &mut log) {
///             let _ = outbox.replace(vec![0; to]);
///         }
///     }
///     while let Some(Event::Closed(reason)) = link.handle_timeout(now) {
///         println!("{reason}: {:?}", link.failure());
///     }
///     texts
/// }
///
/// # fn main() -> Result<(), sansocket::http::UrlError> {
/// let config = Config::parse("ws://localhost:3000")?;
/// let mut link = WebSocketLink::new(&config);
/// let mut inboxes = [(); Line::COUNT].map(|()| Inbox::new(Vec::new()));
/// let mut outboxes = [(); Line::COUNT].map(|()| Outbox::with_keys(Vec::new(), || [1, 2, 3, 4])); // a secure generator
/// let mut waiting = Waiting(vec!["hello"]);
/// link.start(Instant::from_millis(0));
/// turn(&mut link, &mut inboxes, &mut outboxes, &mut waiting, Instant::from_millis(0));
/// let request = outboxes[Line::WebSocket as usize].written();
/// assert!(request.starts_with(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost:3000\r\n"));
/// # assert!(!link.is_open() && !link.is_over() && !link.is_writable() && link.config().namespace() == "/");
/// # assert_eq!(link.poll_timeout(), Some(Instant::from_millis(20_000)));
/// # assert!(link.peek(Line::WebSocket, &mut inboxes[0]).is_none());
/// # link.handle_eof(Line::WebSocket, Instant::from_millis(1));
/// # link.handle_error(Line::WebSocket, Instant::from_millis(1));
/// # link.close(Instant::from_millis(1));
/// # assert_eq!((link.failure(), link.transport()), (Some(sansocket::endpoint::client::Failure::Unanswered), sansocket::engineio::Transport::WebSocket));
/// # Ok(()) }
/// ```
pub trait Link: sealed::Sealed {
    /// Where it connects to.
    fn config(&self) -> &Config<'_>;

    /// Begins a session, with the first of the [transports](Config::transports). After a session that could not be opened, with the next one, and after
    /// the last one with the first again. Lines that are open still are closed.
    fn start(&mut self, now: Instant);

    /// The next thing to do with a line. Call it until `None`.
    fn poll_task(&mut self) -> Option<Task>;

    /// The line is open. `nonce` is 16 bytes from a strong random source, new for each call.
    ///
    /// What its inbox and its outbox hold of an earlier connection is dropped, except a request that is to be sent again.
    fn opened<S: Storage, T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        outbox: &mut Outbox<T, K>,
        nonce: [u8; 16],
    );

    /// The line could not be opened, or it has failed. Drop it, after what it has received was polled.
    fn handle_error(&mut self, line: Line, now: Instant);

    /// The server has ended the line, and what it has received was polled. A [`Task`] says when to close it.
    fn handle_eof(&mut self, line: Line, now: Instant);

    /// Works on what the line has received. `true`: [`take`](Self::take) returns an event. `false`: read more.
    ///
    /// # Errors
    /// [`Grow`] if the inbox is too small. Nothing is lost.
    fn advance<S: Storage>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Grow>;

    /// The message that [`take`](Self::take) would return, if its event is a message.
    fn peek<'e, S: Storage>(&self, line: Line, inbox: &'e mut Inbox<S>) -> Option<engineio::Message<'e>>;

    /// Returns the event that [`advance`](Self::advance) found. [`Opened`](engineio::Event::Opened) comes once and first, unless the session was never
    /// open, [`Closed`](engineio::Event::Closed) once and last.
    fn take<'e, S: Storage>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<S>,
        now: Instant,
    ) -> Option<engineio::Event<'e>>;

    /// Drops the message that is arriving over a WebSocket, after [`advance`](Self::advance) has said that it does not fit into the inbox, or into the memory to
    /// unpack in: the bytes that have come and those that will come. The next event is about what comes behind it. `false` if no message is arriving, such as when the answer to the handshake or to a
    /// request of polling does not fit. Then nothing was changed.
    ///
    /// For a client whose memory cannot grow, and that can do without long messages. Engine.IO goes on with any message that is missing. Socket.IO does not if the
    /// message announces attachments or is one: then the [session](crate::socketio::client::Session) finds a fault in what follows.
    ///
    /// ```
    /// use sansocket::{endpoint::{Grow, client::{Config, Line, Link, WebSocketLink}}, engineio::Event, time::Instant, ws::Inbox};
    ///
    /// /// The next event that fits.
    /// fn next<'e>(link: &mut WebSocketLink<'_>, inbox: &'e mut Inbox<[u8; 1024]>, now: Instant) -> Option<Event<'e>> {
    ///     loop {
    ///         match link.advance(Line::WebSocket, inbox, now, &mut |_| {}) {
    ///             Ok(true) => return link.take(Line::WebSocket, inbox, now),
    ///             Ok(false) => return None, // read more
    ///             Err(Grow { to, .. }) if link.skip_message(Line::WebSocket, inbox) => println!("left out: {to} bytes"),
    ///             Err(_) => {
    ///                 link.close(now);
    ///                 inbox.reset();
    ///             }
    ///         }
    ///     }
    /// }
    /// # let config = Config::parse("ws://example.org").unwrap();
    /// # assert!(next(&mut WebSocketLink::new(&config), &mut Inbox::new([0; 1024]), Instant::from_millis(0)).is_none());
    /// ```
    fn skip_message<S: Storage>(&mut self, line: Line, inbox: &mut Inbox<S>) -> bool;

    /// Writes what the line, which is open, has to send into its outbox: a request, packets that the session has to send, and messages of `source`.
    ///
    /// # Errors
    /// [`Grow`] if the outbox is empty and too small nevertheless. Nothing is lost.
    fn transmit<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<S, K>,
        source: &mut impl Source,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow>;

    /// The next time at which to call [`handle_timeout`](Self::handle_timeout). Long past if [`poll_task`](Self::poll_task) has something to do.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Handles the deadlines up to `now`. Also returns the last event of a session that was ended by a call without events. Call it until `None`.
    fn handle_timeout(&mut self, now: Instant) -> Option<engineio::Event<'static>>;

    /// Ends the session from this end. The event is returned at once; the server is told by a close frame or, over polling, by a POST with the messages
    /// that still wait and then one with the close packet. The lines are closed when that is done, or after 2 s.
    fn close(&mut self, now: Instant);

    /// Whether the session is open.
    fn is_open(&self) -> bool;

    /// Whether there is no session: its last event was returned, or none was started. Lines may have to be closed still.
    fn is_over(&self) -> bool;

    /// Whether a message could be sent at once, for volatile ones.
    fn is_writable(&self) -> bool;

    /// The transport of the session, also before it is open.
    fn transport(&self) -> Transport;

    /// Why the last session ended, or could not be opened. `None` if this end closed it, and while it goes on.
    fn failure(&self) -> Option<Failure>;
}
