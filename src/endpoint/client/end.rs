use super::{Backlog, Emit, Failure, Line, Link, Seen, WhenFull};
use crate::{
    endpoint::Grow,
    json::Args,
    socketio::{
        AckRequest, AckSlot, Attachments, Collector, Content, Namespace, Namespaces, Pushed, SendError, SlotCapacity,
        client::{Backoff, Event, Session, SocketSlot},
    },
    time::Instant,
    ws::{Inbox, MaskSource, Outbox},
};

/// The memory that a client is lent.
#[derive(Clone, Debug)]
pub struct Memory<A, S, B> {
    /// One slot for each acknowledgement in flight.
    pub acks: A,
    /// One slot for each namespace.
    pub sockets: S,
    /// The packets that wait to be sent.
    pub backlog: B,
}

/// The result of a call.
#[derive(Clone, Copy, Debug)]
pub enum Step<'e> {
    /// There is nothing to do now. Transmit, write, read, wait until `poll_timeout`.
    Idle,
    /// Something was done that is not an event. Call again.
    Again,
    /// Open this line to the host and port of the URL. Then call [`ClientEnd::opened`], or [`ClientEnd::handle_error`].
    Open(Line),
    /// Write what the outbox of this line holds, and close it.
    Close(Line),
    /// Credentials for this namespace: call [`ClientEnd::authorize`], now or later. Only after [`ClientEnd::with_auth`].
    Auth(Namespace),
    Event(Event<'e>, Attachments<'e>),
    /// An attempt failed, or a connection ended otherwise than by this end. The next attempt begins at `retry` (`None`: there is none).
    Failed {
        failure: Failure,
        attempt: u32,
        retry: Option<Instant>,
    },
    /// No connection, and none will be made until `connect` is called again. Returned once.
    Over(Over),
}

/// Why a client does not connect any more.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// This end has left all namespaces.
    Closed,
    /// The server refused or removed this client from all of its namespaces.
    Refused,
    /// The number of attempts was reached.
    GaveUp,
}

/// A Socket.IO client: a link, the session on it, reconnection, and the packets that wait.
#[derive(Clone, Debug)]
pub struct ClientEnd<L, N, A, S, B> {
    link: L,
    io: Session<N, A, S>,
    backlog: Backlog<B>,
    backoff: Backoff,
    when_full: WhenFull,
}

impl<L, N, A, S, B> ClientEnd<L, N, A, S, B>
where
    L: Link,
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// `seed`: any number that differs between clients, for the jitter of reconnection.
    pub fn new(link: L, names: N, memory: Memory<A, S, B>, seed: u32) -> Self {
        todo!()
    }
    /// Asks for credentials at each CONNECT ([`Step::Auth`]). `room` bytes of the backlog are kept free for them.
    pub fn with_auth(self, room: usize) -> Self {
        todo!()
    }
    pub fn with_when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }
    /// Joins a namespace; connects if there is no connection. Again on each connection, until `disconnect`, a refusal or the server's DISCONNECT.
    pub fn connect(&mut self, namespace: Namespace, now: Instant) -> Result<(), SlotCapacity> {
        todo!()
    }
    /// Leaves a namespace after what waits for it was sent. When it was the last, the connection is closed and none is made any more.
    pub fn disconnect(&mut self, namespace: Namespace, now: Instant) {
        todo!()
    }
    /// Leaves all namespaces.
    pub fn close(&mut self, now: Instant) {
        todo!()
    }
    pub fn authorize(&mut self, namespace: Namespace, auth: Option<&impl Args>) -> Result<(), SendError> {
        todo!()
    }
    /// Sends an event, or keeps it until the namespace is connected.
    pub fn emit(&mut self, namespace: Namespace, name: &str, content: &impl Content) -> Result<Pushed, SendError> {
        self.emit_with(namespace, name, content, Emit::new(), Instant::from_millis(0))
    }
    pub fn emit_with(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        how: Emit,
        now: Instant,
    ) -> Result<Pushed, SendError> {
        todo!()
    }
    pub fn ack(&mut self, request: AckRequest, content: &impl Content) -> Result<(), SendError> {
        todo!()
    }
    /// The next step of what a line received. Until `Idle`, then `handle_timeout` until `Idle`, then `transmit` each line.
    pub fn poll<'e, R: AsMut<[u8]>, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<R>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Result<Step<'e>, Grow> {
        self.poll_watched(line, inbox, collector, now, &mut |_| {})
    }
    pub fn poll_watched<'e, R: AsMut<[u8]>, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<R>,
        collector: &'e mut Collector<C>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<Step<'e>, Grow> {
        todo!()
    }
    pub fn handle_timeout(&mut self, now: Instant) -> Step<'static> {
        todo!()
    }
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    pub fn transmit<T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<T, K>,
        now: Instant,
    ) -> Result<(), Grow> {
        self.transmit_watched(line, outbox, now, &mut |_| {})
    }
    pub fn transmit_watched<T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<T, K>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        todo!()
    }
    pub fn opened(&mut self, line: Line, nonce: [u8; 16], now: Instant) {
        todo!()
    }
    pub fn handle_error(&mut self, line: Line, now: Instant) {
        todo!()
    }
    pub fn handle_eof(&mut self, line: Line, now: Instant) {
        todo!()
    }
    pub fn io(&self) -> &Session<N, A, S> {
        &self.io
    }
    pub fn link(&self) -> &L {
        &self.link
    }
    pub fn replace_acks(&mut self, slots: A) -> Result<A, A> {
        todo!()
    }
    pub fn replace_backlog(&mut self, storage: B) -> Result<B, B> {
        self.backlog.replace(storage)
    }
}
