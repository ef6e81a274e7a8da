//! One client of a Socket.IO server over a WebSocket.

mod accept;
mod compress;
mod io;

pub use self::io::ServerIo;

use self::io::{Farewell, Waited};

use super::{
    Deadlines, Error, Failed, Packing, Plain, Reply, Timer, Transport, core::Core, error::End, handshake::Stage,
    overdue::Overdue, race::race, side::Random, websocket::Look,
};
use crate::{
    endpoint::{ServerEnd, Step},
    engineio::{Sid, Transport as Carrier, server::Config},
    socketio::{self, AckSlot, Collector, Reason},
    time::Instant,
    ws::{Inbox, Limits, Outbox},
};
use core::{fmt, pin::pin};

/// The longest header of a frame, in bytes.
const HEADER_MAX: usize = 14;

/// The memory of a [`Server`], lent for its whole life.
///
/// ```
/// use sansocket::{drive::ServerMemory, socketio::AckSlot};
///
/// let (mut rx, mut tx, mut files, mut acks) = ([0; 1024], [0; 1024], [0; 256], [AckSlot::EMPTY; 4]);
/// let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut files, acks: &mut acks };
/// assert_eq!(memory.rx.len() + memory.tx.len() + memory.files.len() + memory.acks.len(), 2308);
/// ```
#[derive(Debug)]
pub struct ServerMemory<'m> {
    /// To receive into, in bytes: the head of the request, and the largest message with 14 bytes for its header.
    pub rx: &'m mut [u8],
    /// To send from, in bytes: the largest packet with its header. At least 256.
    pub tx: &'m mut [u8],
    /// For a packet with binary attachments, in bytes: its text, its attachments, and 4 for each of them. Empty if there are none.
    pub files: &'m mut [u8],
    /// For the acknowledgements that this end waits for at a time. Empty if it asks for none.
    pub acks: &'m mut [AckSlot],
}

/// A Socket.IO server for one client at a time, over a WebSocket: for a board that serves a browser.
///
/// It answers the HTTP request, opens the Engine.IO session, keeps the heartbeat and the [`Deadlines`], and returns what the client does as [`Step`]s.
/// Clients must use a WebSocket from the beginning (`transports: ["websocket"]`): polling is refused in the words of the JavaScript server. Memory: what you
/// lend, and about 1,300 bytes of its own. Nothing is allocated and no task is spawned: it works while you await one of its calls, so be in
/// [`next`](Self::next) whenever there is nothing else to do.
///
/// ```
/// use sansocket::{
///     drive::{Server, ServerMemory, tokio::{Clock, Stream}},
///     endpoint::Step,
///     socketio::{AckSlot, server::Event},
/// };
/// # type Error = Box<dyn core::error::Error + Send + Sync>;
///
/// async fn serve(socket: tokio::net::TcpStream) -> Result<(), Error> {
///     let (mut rx, mut tx, mut acks) = ([0; 1024], [0; 1024], [AckSlot::EMPTY; 2]);
///     let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut [], acks: &mut acks };
///     let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
///     let mut server = Server::new(Stream::new(socket), Clock::new(), random, &["/"], memory);
///     server.accept().await?;
///     while let Some((step, io)) = server.next().await? {
///         match step {
///             Step::Event(Event::Connect { namespace, .. }, _) => {
///                 io.accept(namespace).await?;
///                 io.emit(namespace, "hello", &"from the board", None).await?;
///             }
///             Step::Event(Event::UnknownNamespace { name }, _) => io.refuse_unknown(name).await?,
///             Step::Event(Event::Event(e), _) if e.is("led") => {
///                 // The event borrows the receive memory; `io` is all the rest.
///                 if let Some(request) = e.ack {
///                     io.ack(request, &e.args()).await?;
///                 }
///             }
///             Step::Closed(reason) => println!("{reason}"),
///             _ => {}
///         }
///     }
///     Ok(())
/// }
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let mut client = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let server = tokio::spawn(async move { serve(listener.accept().await?.0).await });
/// # client.write_all(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n").await?;
/// # client.write_all(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").await?;
/// # client.write_all(b"\x81\x82\0\0\0\x0040\x81\x90\0\0\0\x00427[\"led\",[1,2]]\x88\x80\0\0\0\0").await?;
/// # let mut all = Vec::new();
/// # client.read_to_end(&mut all).await?;
/// # server.await??;
/// # let text = String::from_utf8_lossy(&all);
/// # assert!(text.contains("42[\"hello\",\"from the board\"]") && text.contains("437[[1,2]]"), "{text}");
/// # Ok(()) }
/// ```
///
/// # What borrows what
/// A step borrows the receive memory and the memory for attachments. While you hold it use the [`ServerIo`] that came with it, which has all that sends.
///
/// # Sending
/// A call of [`ServerIo`] writes the packet into the send memory, and waits only while that has no room. The next [`ServerIo::flush`] or
/// [`next`](Self::next) sends it, so several packets leave in one write.
///
/// # Cancel safety
/// Each future may be dropped at each await point, and each call may follow: nothing is lost, doubled or torn, as far as the transport keeps the same promise
/// ([`Receive`](super::Receive)).
///
/// # The end
/// However a connection ends, also if the transport fails or the client does not read, [`next`](Self::next) returns what is left to tell: the
/// acknowledgements that will not come, then [`Step::Closed`] with the reason, then `None`. [`renew`](Self::renew) begins with the next client.
pub struct Server<'m, T, C, F, P: Packing = Plain> {
    inbox: Inbox<P::Rx<'m>>,
    files: Collector<&'m mut [u8]>,
    stage: Stage,
    path: &'m str,
    config: Config,
    limits: Limits,
    io: ServerIo<'m, T, C, F, P>,
}

impl<T, C, F, P: Packing> fmt::Debug for Server<'_, T, C, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("stage", &self.stage).field("io", &self.io).finish_non_exhaustive()
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8])> Server<'m, T, C, F> {
    /// A server with the namespaces `names`. `random` fills memory with bytes from a cryptographically secure generator: ids come from it. Then call
    /// [`accept`](Self::accept).
    ///
    /// A message larger than `memory.rx` ends the connection. For the other limits see [`with_config`](Self::with_config), [`with_limits`](Self::with_limits)
    /// and [`with_deadlines`](Self::with_deadlines).
    pub fn new(transport: T, mut timer: C, random: F, names: &'m [&'m str], memory: ServerMemory<'m>) -> Self {
        let ServerMemory { rx, tx, files, acks } = memory;
        let now = timer.now();
        let max = rx.len().saturating_sub(HEADER_MAX);
        let config = Config::new().max_payload(u32::try_from(max).unwrap_or(u32::MAX));
        let limits = Limits::new().message(u64::try_from(max).unwrap_or(u64::MAX));
        // Until a client comes.
        let end = ServerEnd::open(Carrier::WebSocket, Sid::from_random([0; 15]), config, limits, names, acks, now);
        let core = Core::new(Deadlines::new(), now);
        let reply = Reply { transport, timer, core, outbox: Outbox::new(tx) };
        let io = ServerIo {
            reply,
            end,
            random: Random(random),
            overdue: Overdue::default(),
            farewell: Farewell::None,
            is_urgent: false,
        };
        Self {
            inbox: Inbox::new(rx),
            files: Collector::new(files),
            stage: Stage::New,
            path: "/socket.io/",
            config,
            limits,
            io,
        }
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8]), P: Packing> Server<'m, T, C, F, P> {
    /// At this path instead of `/socket.io/`. A slash at its end does not count.
    #[must_use]
    pub const fn with_path(mut self, path: &'m str) -> Self {
        self.path = path;
        self
    }

    /// With this heartbeat. The default is that of [`Config::new`], and the largest payload that `memory.rx` can hold.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With these limits for what a client may send, before [`accept`](Self::accept): those of the WebSocket, and those of Socket.IO.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits, socketio: socketio::server::Limits) -> Self {
        self.limits = limits;
        *self.io.end.io() = self.take_session().with_limits(socketio);
        self
    }

    /// With these deadlines for the handshake and for writing, before [`accept`](Self::accept). The others of [`Deadlines`] do not count here: Engine.IO has a
    /// heartbeat of its own.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        let now = self.io.now();
        self.io.reply.core.set_deadlines(deadlines, now);
        self
    }

    /// Waits for what the client does next, and sends what is to be sent meanwhile. `None`: the connection is over, and all was told.
    ///
    /// Never returns [`Step::Idle`]. [`Step::Again`]: something arrived that is not an event, such as one of several attachments; ignore it.
    ///
    /// If the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// [`Error::Memory`] if a packet that arrived, or one that the protocol sends, needs more memory than was lent: replace it ([`inbox`](Self::inbox),
    /// [`files`](Self::files), [`ServerIo::replace_tx`]) and call again, or [`close`](Self::close). Nothing is lost. [`Error::Order`] before
    /// [`accept`](Self::accept).
    pub async fn next(&mut self) -> Result<Option<(Step<'_>, &mut ServerIo<'m, T, C, F, P>)>, Error<Failed<T>>> {
        Ok(match self.ready().await? {
            Found::Item => Some(self.take()),
            Found::Step(step) => Some((step, &mut self.io)),
            Found::End => None,
        })
    }

    fn take(&mut self) -> (Step<'_>, &mut ServerIo<'m, T, C, F, P>) {
        let now = self.io.now();
        (self.io.end.take(&mut self.inbox, &mut self.files, now), &mut self.io)
    }

    /// Waits until there is something to return. It lends nothing, so it can loop.
    async fn ready(&mut self) -> Result<Found, Error<Failed<T>>> {
        let Stage::Open(head) = &mut self.stage else { return Err(Error::Order) };
        match core::mem::take(head) {
            0 => {}
            n => self.inbox.consume(n),
        }
        let mut waited = Waited::Some;
        loop {
            // What was found is not held while it waits.
            let is_write = match self.look(waited)? {
                Look::Found(found) => return Ok(found),
                Look::Write => true,
                Look::Read => false,
            };
            waited = if is_write { self.io.write().await } else { self.read().await? };
        }
    }

    /// What to wait for, or what was found. A second call finds the same, or what comes after it.
    fn look(&mut self, mut waited: Waited) -> Result<Look<Found>, Error<Failed<T>>> {
        let io = &mut self.io;
        loop {
            io.notice();
            let is_over = io.end.link().is_over();
            if is_over && io.has_goodbye() {
                return Ok(Look::Write);
            }
            let now = io.now();
            let step = match io.end.advance(&mut self.inbox, &self.files, now) {
                Ok(step) => step,
                Err(_) if waited != Waited::Late && io.owes()? => return Ok(Look::Write),
                Err(grow) => return Err(Error::Memory(grow)),
            };
            let step = match step {
                // A pong: the application may not call again for long.
                Step::Again if !is_over && waited != Waited::Late && io.owe()? => return Ok(Look::Write),
                Step::Again => return Ok(Look::Found(Found::Item)),
                Step::Idle if waited == Waited::None || is_over || io.overdue.counts(now) => {
                    waited = Waited::Some;
                    io.end.handle_timeout(now)
                }
                step => step,
            };
            match step {
                Step::Again => {}
                Step::Idle if io.end.link().is_over() => return Ok(Look::Found(Found::End)),
                Step::Idle if waited != Waited::Late && io.owes()? => return Ok(Look::Write),
                Step::Idle => return Ok(Look::Read),
                step => return Ok(Look::Found(Found::Step(step))),
            }
        }
    }

    /// One read, or a deadline.
    async fn read(&mut self) -> Result<Waited, Error<Failed<T>>> {
        let ServerIo { reply: Reply { transport, timer, core, .. }, end, overdue, .. } = &mut self.io;
        let due = end.poll_timeout().unwrap_or(Instant::FAR_FUTURE);
        let space = self.inbox.space().map_err(Error::Inbox)?;
        let read = race(pin!(transport.read(space)), pin!(timer.sleep_until(due))).await;
        match read {
            Some(Ok(Some(0))) => core.fail(End::Eof),
            Some(Ok(Some(n))) => {
                self.inbox.commit(n);
                overdue.arrived(timer.now(), due);
            }
            Some(Err(_)) => core.fail(End::Transport),
            Some(Ok(None)) | None => return Ok(Waited::None),
        }
        Ok(Waited::Some)
    }

    /// Closes the connection for `reason`, such as [`Reason::ServerShuttingDown`]: sends what waits and a close frame, drops what still arrives, and waits at
    /// most a second for the client to end the transport. Afterwards drop the transport, or [`renew`](Self::renew).
    ///
    /// To see the last steps, call [`ServerIo::close`] and then [`next`](Self::next).
    ///
    /// # Errors
    /// [`Error::Order`] before [`accept`](Self::accept).
    pub async fn close(&mut self, reason: Reason) -> Result<(), Error<Failed<T>>> {
        self.io.close(reason);
        loop {
            match self.ready().await? {
                Found::End => break,
                Found::Item => {
                    let _ = self.take();
                }
                Found::Step(_) => {}
            }
        }
        self.io.linger(&mut self.inbox).await;
        Ok(())
    }

    /// Begins with the next client on another transport, with the same memory and settings: [`accept`](Self::accept) follows. Returns the old transport. What
    /// was received or was to be sent on it is dropped. Acknowledgements that the old client still owed are returned as failed.
    ///
    /// The old client waits for the end of its transport meanwhile. So end that first ([`ServerIo::transport`]) if the next client is not there yet.
    pub fn renew(&mut self, transport: T) -> T {
        self.reset();
        core::mem::replace(&mut self.io.reply.transport, transport)
    }

    /// As [`renew`](Self::renew), for a transport that is used again: end it and let it wait for the next client before ([`ServerIo::transport`]).
    ///
    /// ```
    /// use sansocket::drive::{Error, Failed, Server, Timer, Transport};
    ///
    /// /// A socket such as that of embassy-net.
    /// trait Socket: Transport {
    ///     async fn hang_up_and_accept(&mut self);
    /// }
    ///
    /// async fn serve<T: Socket, C: Timer, F: FnMut(&mut [u8])>(server: &mut Server<'_, T, C, F>) {
    ///     loop {
    ///         server.io().transport().hang_up_and_accept().await;
    ///         server.reset();
    ///         let _ = talk(server).await;
    ///     }
    /// }
    ///
    /// async fn talk<T: Socket, C: Timer, F: FnMut(&mut [u8])>(server: &mut Server<'_, T, C, F>) -> Result<(), Error<Failed<T>>> {
    ///     server.accept().await?;
    ///     while let Some((_step, _io)) = server.next().await? {}
    ///     Ok(())
    /// }
    /// ```
    pub fn reset(&mut self) {
        let io = &mut self.io;
        let now = io.now();
        self.stage = Stage::New;
        self.inbox.reset();
        self.files = Collector::new(core::mem::replace(&mut self.files, Collector::new(&mut [])).into_storage());
        io.reply.outbox.consume(io.reply.outbox.held());
        io.reply.core.renew(now);
        (io.overdue, io.farewell, io.is_urgent) = (Overdue::default(), Farewell::None, false);
    }

    /// The sending side, for an event that does not come from the client.
    pub const fn io(&mut self) -> &mut ServerIo<'m, T, C, F, P> {
        &mut self.io
    }

    /// The receive memory, to replace it.
    pub const fn inbox(&mut self) -> &mut Inbox<P::Rx<'m>> {
        &mut self.inbox
    }

    /// The memory for attachments, to replace it.
    pub const fn files(&mut self) -> &mut Collector<&'m mut [u8]> {
        &mut self.files
    }
}

/// What [`Server::ready`] found.
enum Found {
    /// The inbox returns it.
    Item,
    Step(Step<'static>),
    End,
}
