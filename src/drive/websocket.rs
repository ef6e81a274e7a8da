use super::{
    AsClient, AsServer, Deadlines, Error, Failed, Reply, Side, Timer, Transport, core::Core, error::End,
    handshake::Stage, side::Random,
};
use crate::ws::{
    CloseCode, Closed, Control, Inbox, Incoming, Kind, Leniency, Limits, Outbox, ReceiveError, Storage, Worked,
};
use core::fmt;

/// A WebSocket over a [`Transport`], in either role, which you await.
///
/// It answers pings, sends pings of its own, keeps the [`Deadlines`], and closes as RFC 6455 section 7 wants. Its memory is what you lend, and about 500 bytes
/// of its own. Nothing is allocated, and no task is spawned: it works while you await one of its calls, so be in [`next`](Self::next) whenever there is nothing
/// else to do.
///
/// A client:
///
/// ```no_run
/// use sansocket::{
///     drive::{WebSocket, tokio::{Clock, Stream}},
///     http::Url,
///     ws::{CloseCode, Incoming},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let url = Url::parse("ws://127.0.0.1:9002/chat")?;
/// let stream = tokio::net::TcpStream::connect((url.host(), url.port())).await?;
/// let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
/// let mut ws = WebSocket::client(Stream::tcp(stream)?, Clock::new(), random, [0; 1024], [0; 1024]);
/// ws.connect(&url).await?;
/// ws.send_text("hello").await?;
/// while let Some((incoming, reply)) = ws.next().await? {
///     if let Incoming::Message(message) = incoming {
///         // The message borrows the receive memory; `reply` is all the rest.
///         reply.send(message.kind(), message.as_bytes()).await?;
///     }
/// }
/// println!("{:?}", ws.reply().closed());
/// # Ok(()) }
/// ```
///
/// Other settings, a handshake that was done elsewhere, and messages of any length in parts:
///
/// ```
/// use sansocket::{
///     drive::{Deadlines, Error, Failed, Timer, Transport, WebSocket},
///     ws::{Incoming, Leniency, Limits},
/// };
///
/// async fn echo<T: Transport>(upgraded: T, next: T, clock: impl Timer) -> Result<(), Error<Failed<T>>> {
///     let ws = WebSocket::server(upgraded, clock, vec![0; 1024], vec![0; 2048]);
///     let ws = ws.with_limits(Limits::new().message(1 << 30)).with_leniency(Leniency::STRICT);
///     let mut ws = ws.with_deadlines(Deadlines::new().write(5_000));
///     ws.opened();
///     while let Some((incoming, reply)) = ws.next_part().await? {
///         if let Incoming::Part(part) = incoming {
///             reply.feed_part(part.kind(), part.as_bytes(), part.is_last()).await?;
///         }
///     }
///     let _smaller = ws.reply().replace_outbox(vec![0; 256]);
///     let _old = ws.renew(next); // the same memory for the next connection
///     ws.accept().await?;
///     Ok(())
/// }
/// ```
///
/// # What borrows what
/// A message borrows the receive memory, and nothing is copied. So while you hold it you cannot call `next`, `send` or `close` of the `WebSocket` itself: use the
/// [`Reply`] that came with it, which has all that sends. To receive and send at the same time from two tasks, use the halves.
///
/// # Memory
/// The receive memory holds the head of the handshake, and the largest message with its header (14 bytes at most); in parts ([`next_part`](Self::next_part)) any
/// memory will do for any message. The send memory holds the request of the handshake (about 200 bytes) or the answer (about 130), and the largest frame that is
/// sent; at least 139 bytes, for control frames. Each can be an array, a slice or a `Vec`. The futures hold none of it.
///
/// # Cancel safety
/// Each future may be dropped at each await point, and each call may follow: nothing is lost, doubled or torn, as far as the transport keeps the same promise
/// ([`Receive`](super::Receive)). What a dropped call leaves behind is said at the call.
///
/// # Deadlines
/// A call ends within the deadline of what it waits for. Time that your program spends outside of the calls counts: after 60 s (the deadline for an idle peer)
/// a peer from which nothing has arrived meanwhile is given up. One transport is used for one thing at a time: what is to be sent is written before more is read. So a
/// peer that does not read is noticed after [`Deadlines::write`], also in `next`. With the halves reading goes on meanwhile.
pub struct WebSocket<T, C, D: Side, S, B> {
    pub(super) inbox: Inbox<S>,
    pub(super) reply: Reply<T, C, D, B>,
    pub(super) stage: Stage,
}

impl<T, C, D: Side, S, B> fmt::Debug for WebSocket<T, C, D, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("stage", &self.stage).field("reply", &self.reply).finish_non_exhaustive()
    }
}

impl<T: Transport, C: Timer, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, AsServer, S, B> {
    /// A server's side. `rx` is the memory to receive into, `tx` the memory to send from. Then call [`accept`](Self::accept).
    pub fn server(transport: T, timer: C, rx: S, tx: B) -> Self {
        Self::make(transport, timer, rx, Outbox::new(tx))
    }
}

impl<T: Transport, C: Timer, F: FnMut(&mut [u8]), S: Storage, B: AsMut<[u8]>> WebSocket<T, C, AsClient<F>, S, B> {
    /// A client's side. `random` fills memory with bytes from a cryptographically secure generator. Then call [`connect`](Self::connect).
    pub fn client(transport: T, timer: C, random: F, rx: S, tx: B) -> Self {
        let outbox = Outbox::with_keys(tx, Random(random));
        Self::make(transport, timer, rx, outbox)
    }
}

impl<T: Transport, C: Timer, D: Side, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    fn make(transport: T, mut timer: C, rx: S, outbox: Outbox<B, D::Keys>) -> Self {
        let core = Core::new(Deadlines::new(), timer.now());
        Self { inbox: Inbox::new(rx), reply: Reply { transport, timer, core, outbox }, stage: Stage::New }
    }

    /// With these deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        let now = self.reply.timer.now();
        self.reply.core.set_deadlines(deadlines, now);
        self
    }

    /// The handshake was done elsewhere, for example by an HTTP server. Frames follow on the transport.
    pub fn opened(&mut self) {
        let now = self.reply.timer.now();
        self.stage = Stage::Open(0);
        self.reply.core.opened(now);
    }

    /// Waits for the next message or close frame, and sends what is to be sent meanwhile. Pings are answered and not returned. Pongs are returned after
    /// [`Reply::ping`] was called. `None`: the connection is closed, see [`Reply::closed`].
    ///
    /// After [`Reply::close`], a message that does not fit into the receive memory is dropped, and all messages after it. [`next_part`](Self::next_part) returns
    /// them.
    ///
    /// If the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// [`Error::Inbox`] if a message is larger than the receive memory. Nothing is lost: replace the memory, call [`next_part`](Self::next_part), or skip the
    /// message ([`inbox`](Self::inbox)). [`Error::Outbox`] if the send memory has no room for a control frame. [`Error::Order`] before the handshake. The others
    /// end the connection: [`Error::Peer`], [`Error::Timeout`], [`Error::Stalled`], [`Error::Eof`], [`Error::Transport`].
    pub async fn next(&mut self) -> Result<Option<(Incoming<'_>, &mut Reply<T, C, D, B>)>, Error<Failed<T>>> {
        let found = self.ready(false).await?;
        Ok(found.incoming(&mut self.inbox).map(|incoming| (incoming, &mut self.reply)))
    }

    /// As [`next`](Self::next), but returns messages in parts as they arrive, so a message can have any length. See [`Inbox::poll_part`].
    ///
    /// # Errors
    /// As [`next`](Self::next), but never [`Error::Inbox`].
    pub async fn next_part(&mut self) -> Result<Option<(Incoming<'_>, &mut Reply<T, C, D, B>)>, Error<Failed<T>>> {
        let found = self.ready(true).await?;
        Ok(found.incoming(&mut self.inbox).map(|incoming| (incoming, &mut self.reply)))
    }

    /// Waits until there is something to return. It lends nothing, so it can loop.
    #[allow(clippy::manual_async_fn, reason = "an async function holds its arguments twice")]
    fn ready(&mut self, in_parts: bool) -> impl Future<Output = Result<Found, Error<Failed<T>>>> {
        async move {
            loop {
                // What was found is not held while it waits.
                let is_write = match self.look(in_parts)? {
                    Look::Found(found) => return Ok(found),
                    Look::Write => true,
                    Look::Read => false,
                };
                let result = if is_write { self.reply.write().await } else { self.reply.read(&mut self.inbox).await };
                // Whether the peer, which has sent its close frame, takes the answer does not matter: many end the transport at once.
                if result.is_err() && !(is_write && self.reply.core.ws.has_received_close()) {
                    return result.map(|()| Found::End);
                }
            }
        }
    }

    /// What to wait for, or what was found. A second call finds the same.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn look(&mut self, in_parts: bool) -> Result<Look<Found>, Error<Failed<T>>> {
        let is_over = self.reply.core.end.is_some();
        if is_over && !self.reply.core.ws.has_received_close() {
            return self.reply.left().map(Look::of);
        }
        self.drop_head()?;
        let mut payload = None;
        loop {
            let Reply { core, outbox, .. } = &mut self.reply;
            // A pong that is found cannot be found again, so what is urgent is written in front of it.
            if core.shows_pongs && core.is_urgent && !is_over && core.owes(outbox)? {
                return Ok(Look::Write);
            }
            return match self.inbox.work(&mut core.ws, in_parts, &mut payload) {
                // A pong, or the answer to a close frame: the application may not call again for long.
                Ok(Some(Worked::Ready))
                    if !is_over && (core.is_urgent || core.ws.wants_transmit()) && core.owes(outbox)? =>
                {
                    Ok(Look::Write)
                }
                Ok(Some(Worked::Ready)) => Ok(Look::Found(Found::Item)),
                Ok(Some(Worked::Ping)) => {
                    core.is_urgent = true;
                    // Without room the pong of the latest ping stays owed.
                    let _ = core.owe(outbox);
                    continue;
                }
                Ok(Some(Worked::Pong)) => {
                    let Some(pong) = &payload else { continue };
                    // That of a ping of our own is not shown.
                    if core.keep.take_pong(pong) || !core.shows_pongs {
                        continue;
                    }
                    Ok(Look::Found(Found::Pong(*pong)))
                }
                Ok(None) if is_over => Ok(Look::Found(Found::End)),
                Ok(None) => match self.reply.wait()? {
                    false if self.reply.core.ws.is_closed() => Ok(Look::Found(Found::End)),
                    is_write => Ok(Look::of(is_write)),
                },
                Err(ReceiveError::Capacity(_)) if core.owes(outbox)? => Ok(Look::Write),
                Err(ReceiveError::Capacity(e)) => Err(Error::Inbox(e)),
                Err(ReceiveError::Peer(e)) => {
                    core.fail(End::Peer(e));
                    self.reply.left().map(Look::of)
                }
            };
        }
    }

    /// Closes the connection: sends a close frame, drops what still arrives, and waits for the peer's close frame. Afterwards drop the transport; a server
    /// ends it first, so that the client sees its end.
    ///
    /// # Errors
    /// [`Error::Timeout`] if the peer does not answer in time. The others as in [`next`](Self::next).
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error<Failed<T>>> {
        if !self.reply.core.ws.is_closing() {
            self.reply.core.check()?;
            self.reply.close(code, reason)?;
        }
        while self.ready(true).await? != Found::End {
            let _ = self.inbox.take();
        }
        Ok(self.reply.closed())
    }

    /// The head of the handshake is not lent any more.
    fn drop_head(&mut self) -> Result<(), Error<Failed<T>>> {
        let Stage::Open(head) = &mut self.stage else { return Err(Error::Order) };
        match core::mem::take(head) {
            0 => {}
            n => self.inbox.consume(n),
        }
        Ok(())
    }

    /// Begins anew on another transport, with the same memory and settings: the handshake follows. Returns the old transport. What was received or was to
    /// be sent on it is dropped.
    pub fn renew(&mut self, transport: T) -> T {
        let Reply { transport: old, timer, core, outbox } = &mut self.reply;
        self.stage = Stage::New;
        self.inbox.reset();
        outbox.consume(outbox.held());
        D::agree(outbox.keys(), None);
        core.renew(timer.now());
        core::mem::replace(old, transport)
    }

    /// With other limits for what the peer may send. Before the handshake.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.reply.core.set_limits(limits);
        self
    }

    /// With these deviations from the protocol. Before the handshake.
    #[must_use]
    pub fn with_leniency(mut self, leniency: Leniency) -> Self {
        self.reply.core.set_leniency(leniency);
        self
    }

    /// As [`Reply::send`].
    ///
    /// # Errors
    /// As [`Reply::feed`].
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        self.reply.send(kind, payload)
    }

    /// As [`Reply::send_text`].
    ///
    /// # Errors
    /// As [`Reply::feed`].
    pub fn send_text(&mut self, text: &str) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        self.reply.send(Kind::Text, text.as_bytes())
    }

    /// The sending side, for its other calls.
    pub const fn reply(&mut self) -> &mut Reply<T, C, D, B> {
        &mut self.reply
    }

    /// The receive memory, to see what it holds, to replace it, or to skip a message that is too large.
    pub const fn inbox(&mut self) -> &mut Inbox<S> {
        &mut self.inbox
    }
}

/// What a call must do before it can return.
pub(super) enum Look<X> {
    Write,
    Read,
    /// Nothing.
    Found(X),
}

impl<X> Look<X> {
    pub(super) const fn of(is_write: bool) -> Self {
        if is_write { Self::Write } else { Self::Read }
    }
}

/// What [`WebSocket::ready`] found.
#[derive(PartialEq, Eq)]
pub(super) enum Found {
    /// The inbox returns it.
    Item,
    Pong(Control),
    End,
}

impl Found {
    pub(super) fn incoming<S: Storage>(self, inbox: &mut Inbox<S>) -> Option<Incoming<'_>> {
        match self {
            Self::Item => inbox.take(),
            Self::Pong(pong) => Some(Incoming::Pong(pong)),
            Self::End => None,
        }
    }
}
