mod ask;
mod compress;
mod io;
mod line;
mod work;

pub use self::{ask::AskError, io::Io};

use self::io::End;
use super::{Packing, Plain, Timer, Transport};
use crate::{
    endpoint::{
        Grow,
        client::{ClientEnd, Config, Memory, Step, WebSocketLink, WhenFull},
    },
    socketio::{
        AckSlot, Collector, Namespace, SlotCapacity,
        client::{Limits, SocketSlot},
    },
    time::Instant,
    ws::Inbox,
};
use core::{fmt, pin::Pin};

/// How long [`Client::leave`] takes at most, in milliseconds.
const LEAVE_MS: u64 = 5_000;

/// The memory that a [`Client`] is lent. See there for an example.
pub struct ClientMemory<'m, A> {
    /// To receive into: the largest message and its frame's head, at most 14 bytes, and the answer to the handshake.
    pub rx: &'m mut [u8],
    /// To send from: the largest packet and its frame's head, at most 14 bytes, and the request of the handshake.
    pub tx: &'m mut [u8],
    /// For attachments that arrive: an event's text and its attachments, each with 4 bytes more. May be empty if there are none.
    pub files: &'m mut [u8],
    /// One slot for each acknowledgement that is waited for, and for each event with retries that waits.
    pub acks: &'m mut [AckSlot],
    /// One slot for each namespace.
    pub sockets: &'m mut [SocketSlot],
    /// The packets that wait to be sent. Each needs 16 bytes besides itself.
    pub backlog: &'m mut [u8],
    /// `pin!(None)`: here lies the future of your dialer while it works. So a dropped [`Client::next`] does not interrupt it. Declare it below what the
    /// dialer borrows, else the compiler says that this "does not live long enough".
    pub attempt: Pin<&'m mut Option<A>>,
}

impl<A> fmt::Debug for ClientMemory<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMemory").finish_non_exhaustive()
    }
}

/// A Socket.IO client over a WebSocket, which you await. It connects, answers heartbeats, connects again, and keeps what waits to be sent.
///
/// It is the machine [`ClientEnd`] with a transport and a clock, and does what the JavaScript client does. What the steps mean, and what is lost and
/// what is not when a connection ends, is said [there](crate::endpoint::client).
///
/// A program that sends a reading each second and answers questions:
///
/// ```
/// use sansocket::{
///     drive::{Client, ClientMemory, tokio::{Clock, Stream}},
///     endpoint::client::{Config, Step, WhenFull},
///     socketio::{AckSlot, Namespace, client::{Event, SocketSlot}},
/// };
/// use std::{pin::pin, time::Duration};
/// use tokio::{net::TcpStream, select, time::interval};
///
/// const ROOT: Namespace = Namespace(0);
///
/// async fn run(url: &str) -> Result<(), Box<dyn core::error::Error>> {
///     let config = Config::parse(url)?;
///     let attempt = pin!(None); // where the dialer's future lies
///     let memory = ClientMemory {
///         rx: &mut [0; 4096], tx: &mut [0; 4096], files: &mut [], backlog: &mut [0; 2048],
///         acks: &mut [AckSlot::EMPTY; 4], sockets: &mut [SocketSlot::EMPTY; 1], attempt,
///     };
///     let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
///     let url = config.url();
///     let dial = async || TcpStream::connect((url.host(), url.port())).await.and_then(Stream::tcp);
///     let client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
///     let mut client = client.with_when_full(WhenFull::DropOldest); // else `emit` fails when the server is away for long
///     client.connect(ROOT)?;
///     let mut second = interval(Duration::from_secs(1));
///     loop {
///         select! {
///             next = client.next() => match next? {
///                 (Step::Event(Event::Event(e), _), io) if e.is("question") => {
///                     if let Some(request) = e.ack { io.ack(request, &42)? }
///                 }
///                 (Step::Failed { failure, .. }, _) => println!("{failure}"),
///                 (Step::Over(_), _) => return Ok(()),
///                 _ => {}
///             },
///             _ = second.tick() => { client.io().emit(ROOT, "reading", &21.5)?; }
///         }
/// #       if client.io().end().held() > 40 { client.io().close() }
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { run("ws://127.0.0.1:1").await.unwrap() }
/// ```
///
/// Questions, credentials, a deadline of your own instead of `select!`, and leaving; `run_on` takes any client:
///
/// ```
/// use sansocket::{
///     drive::{AskError, Client, Timer, Transport},
///     endpoint::{Grow, What, client::{Emit, Step, WhenFull}},
///     json::Json,
///     socketio::{AckSlot, Namespace, client::{Event, Limits}},
/// };
///
/// const ROOT: Namespace = Namespace(0);
/// #[derive(serde::Serialize)]
/// struct Auth { token: u32 }
///
/// async fn run_on<'m, T: Transport, D, A, C: Timer, F: FnMut(&mut [u8]), E>(client: Client<'m, T, D, A, C, F>) -> Result<(), Box<dyn core::error::Error>>
/// where
///     D: FnMut() -> A,
///     A: Future<Output = Result<T, E>>,
/// {
///     let client = client.with_auth(64).with_when_full(WhenFull::DropOldest).with_limits(Limits::new());
///     let mut client = client.with_write_timeout(5_000);
///     client.connect(ROOT)?;
///     let mut tick = client.io().now();
///     for i in 0..3 {
///         tick = tick.after_millis(100);
///         loop {
///             match client.next_until(tick).await {
///                 Ok(None) => break, // it is time for the next reading
///                 Ok(Some((Step::Auth(namespace), io))) => io.authorize(namespace, Some(&Json(Auth { token: 123 })))?,
///                 Ok(Some((Step::Event(Event::Connected { namespace, .. }, _), io))) => {
///                     io.emit_with(namespace, "position", &(1, 2), Emit::new().volatile())?;
///                     io.flush().await?; // sent, as far as it can be
///                 }
///                 Ok(Some((Step::Over(_), _))) => return Ok(()),
///                 Ok(Some(_)) => {}
///                 // Memory for the client's lifetime. A program on a board sets limits instead.
///                 Err(Grow { what: What::Inbox, to }) => drop(client.replace_rx(vec![0; to].leak())),
///                 Err(Grow { what: What::Collector, to }) => drop(client.replace_files(vec![0; to].leak())),
///                 Err(Grow { to, .. }) => drop(client.io().replace_tx(vec![0; to].leak())),
///             }
///         }
///         let io = client.io();
///         if io.emit(ROOT, "reading", &i).is_err() {
///             let to = 2 * io.end().held();
///             let _ = io.replace_backlog(vec![0; to].leak());
///             let _ = io.replace_acks(vec![AckSlot::EMPTY; 8].leak());
///         }
///         if io.is_connected(ROOT) {
///             let answer = client.ask(ROOT, "time", &(), 2_000, |ack, _files| ack.args().raw().to_vec(), |_step, _io| {}).await;
///             match answer {
///                 Ok(json) => println!("{}", String::from_utf8_lossy(&json)),
///                 Err(AskError::Failed(_)) => println!("no answer"),
///                 Err(e) => println!("{e}"),
///             }
///         }
///     }
///     client.io().disconnect(ROOT); // one namespace; `close` leaves all
///     client.io().close();
///     let _is_whole = client.leave().await;
///     Ok(())
/// }
/// # use sansocket::{drive::{ClientMemory, tokio::{Clock, Stream}}, endpoint::client::Config, socketio::client::SocketSlot};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// #     let config = Config::parse("ws://127.0.0.1:1").unwrap();
/// #     let (first, second) = (std::pin::pin!(None), std::pin::pin!(None));
/// #     let memory = ClientMemory {
/// #         rx: vec![0; 512].leak(), tx: vec![0; 512].leak(), files: vec![].leak(), backlog: vec![0; 8].leak(),
/// #         acks: vec![AckSlot::EMPTY; 1].leak(), sockets: vec![SocketSlot::EMPTY; 1].leak(), attempt: first,
/// #     };
/// #     let dial = async || tokio::net::TcpStream::connect("127.0.0.1:1").await.and_then(Stream::tcp);
/// #     let client = Client::new(&config, &["/"], memory, dial, Clock::new(), |bytes: &mut [u8]| bytes.fill(1));
/// #     let dial = async || tokio::net::TcpStream::connect("127.0.0.1:2").await.and_then(Stream::tcp);
/// #     run_on(client.with_dial(dial, second)).await.unwrap();
/// # }
/// ```
///
/// # Cancel safety
/// Each future may be dropped at each await point, and each call may follow: nothing is lost, doubled or torn. Only [`ask`](Self::ask) forgets something,
/// its question.
///
/// # Deadlines
/// No call hangs. A line that the server takes nothing from for 20 s ([`with_write_timeout`](Self::with_write_timeout)) counts as failed, and the client
/// connects again. To open a session, with the dialing, takes [`Config::open_timeout`] at most. A server that is silent is noticed by its heartbeats. A
/// close takes 2 s at most. While bytes arrive without a pause, a deadline may count one second late.
pub struct Client<'m, T, D, A, C, F: FnMut(&mut [u8]), P: Packing = Plain> {
    inbox: Inbox<P::Rx<'m>>,
    collector: Collector<&'m mut [u8]>,
    io: Io<'m, T, C, F, P>,
    dial: D,
    attempt: Pin<&'m mut Option<A>>,
    /// A line is to be opened.
    wants_line: bool,
}

impl<T, D, A, C, F: FnMut(&mut [u8]), P: Packing> fmt::Debug for Client<'_, T, D, A, C, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("io", &self.io).finish_non_exhaustive()
    }
}

impl<'m, T, D, A, C, F, E> Client<'m, T, D, A, C, F>
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    F: FnMut(&mut [u8]),
{
    /// A client that is not connected. `names` are its namespaces: [`Namespace`] is the index in it.
    ///
    /// `dial` connects to the host and port of [`Config::url`], with TLS if its scheme is `https` or `wss`. It is called for each attempt, after the last connection
    /// was dropped.
    /// `random` fills memory with bytes from a cryptographically secure generator.
    pub fn new(
        config: &'m Config<'m>,
        names: &'m [&'m str],
        memory: ClientMemory<'m, A>,
        dial: D,
        timer: C,
        mut random: F,
    ) -> Self {
        let ClientMemory { rx, tx, files, acks, sockets, backlog, mut attempt } = memory;
        let mut seed = [0; 4];
        random(&mut seed);
        let memory = Memory { acks, sockets, backlog };
        let end = ClientEnd::new(WebSocketLink::new(config), names, memory, u32::from_le_bytes(seed));
        attempt.set(None);
        Self {
            inbox: Inbox::new(rx),
            collector: Collector::new(files),
            io: Io::new(end, tx, random, timer),
            dial,
            attempt,
            wants_line: false,
        }
    }
}

impl<'m, T, D, A, C, F, P, E> Client<'m, T, D, A, C, F, P>
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    F: FnMut(&mut [u8]),
    P: Packing,
{
    /// Asks for credentials at each CONNECT. As [`ClientEnd::with_auth`].
    #[must_use]
    pub fn with_auth(self, room: usize) -> Self {
        self.map(|end| end.with_auth(room))
    }

    /// What to do with an event that does not fit into the backlog. As [`ClientEnd::with_when_full`].
    #[must_use]
    pub fn with_when_full(self, when_full: WhenFull) -> Self {
        self.map(|end| end.with_when_full(when_full))
    }

    /// With other limits for what the server may send. As [`ClientEnd::with_limits`]. See also [`Config::limits`].
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        self.map(|end| end.with_limits(limits))
    }

    /// The maximum time in milliseconds in which the server takes not a single byte of what is sent. By default 20,000. 0: no limit. Then the
    /// heartbeat still ends a line that is stuck, but not while [`Io::flush`] waits.
    #[must_use]
    pub fn with_write_timeout(mut self, ms: u32) -> Self {
        self.io.write_ms = ms;
        self
    }

    /// The same client with another dialer, also for lines of another type. The session, and what waits, stay. A line that is open counts as failed.
    ///
    /// `attempt` is `pin!(None)`, as in [`ClientMemory`].
    #[must_use]
    pub fn with_dial<U, D2, A2, E2>(
        mut self,
        dial: D2,
        mut attempt: Pin<&'m mut Option<A2>>,
    ) -> Client<'m, U, D2, A2, C, F, P>
    where
        U: Transport,
        D2: FnMut() -> A2,
        A2: Future<Output = Result<U, E2>>,
    {
        self.attempt.set(None);
        attempt.set(None);
        let Self { inbox, collector, io, wants_line, .. } = self;
        Client { inbox, collector, io: io.with_lines(), dial, attempt, wants_line }
    }

    /// Joins a namespace, on this connection and on each later one. As [`Io::connect`].
    ///
    /// # Errors
    /// [`SlotCapacity`] if no slot is free. Nothing was changed.
    pub fn connect(&mut self, namespace: Namespace) -> Result<(), SlotCapacity> {
        self.io.connect(namespace)
    }

    /// Waits for the next step: an event, a failed attempt, the end. Meanwhile it does all that has to be done: connects, writes, answers heartbeats.
    ///
    /// Never [`Step::Idle`], [`Step::Open`] or [`Step::Close`]. [`Step::Again`] if what arrived is only a part of something, or an answer that nobody waits
    /// for: call again. [`Step::Over`] again and again while there is nothing to do.
    ///
    /// If the future is dropped, nothing is lost, and your dialer goes on with the next call.
    ///
    /// # Errors
    /// [`Grow`] if the memory is too small for a message, for attachments or for a packet to send. Nothing was lost: replace the memory
    /// ([`replace_rx`](Self::replace_rx), [`replace_files`](Self::replace_files), [`Io::replace_tx`]) and go on. Until then nothing else is done. If a
    /// server that sends too much is to be left instead, set [`Config::limits`] to what the memory holds.
    pub async fn next(&mut self) -> Result<(Step<'_>, &mut Io<'m, T, C, F, P>), Grow> {
        self.step(Instant::FAR_FUTURE, None).await
    }

    /// As [`next`](Self::next), until `limit` on the client's clock ([`Io::now`]): then `None`. What has arrived until then comes first, but not more than
    /// the memory holds, so a server that never pauses does not stop the time. With a limit that has passed it returns what is there, and does not wait.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_until(&mut self, limit: Instant) -> Result<Option<(Step<'_>, &mut Io<'m, T, C, F, P>)>, Grow> {
        let (step, io) = self.step(limit, None).await?;
        Ok(if let Step::Idle = step { None } else { Some((step, io)) })
    }

    /// Leaves all namespaces and then the server, after what can be sent was sent. It waits until that is done, 5 s at most. Events that still arrive
    /// are dropped. Then [`next`](Self::next) returns [`Step::Over`], and [`connect`](Self::connect) begins anew.
    ///
    /// `false`: the connection was lost before, or the server did not answer in time. If the future is dropped, call it again, or `next`.
    pub async fn leave(&mut self) -> bool {
        self.io.close();
        let limit = self.io.now().after_millis(LEAVE_MS);
        let mut is_whole = true;
        loop {
            match self.step(limit, None).await {
                Ok((Step::Over(_), _)) => return is_whole,
                Ok((Step::Failed { .. }, _)) => is_whole = false,
                Ok((Step::Idle, _)) | Err(_) => break,
                Ok((_, io)) => {
                    if io.now() >= limit {
                        break;
                    }
                }
            }
        }
        self.attempt.set(None);
        self.wants_line = false;
        self.io.cut();
        false
    }

    /// Leaves out a message that is too large for the receive memory, after [`next`](Self::next) has said so, and the connection lives. `false` if no message is
    /// arriving: then it is the head of an answer that does not fit. As [`Link::skip_message`](crate::endpoint::client::Link::skip_message), which says what that
    /// means for Socket.IO.
    pub fn skip_message(&mut self) -> bool {
        self.io.end.skip_message(crate::endpoint::client::Line::WebSocket, &mut self.inbox)
    }

    /// All but the memory to receive into: what sends.
    pub const fn io(&mut self) -> &mut Io<'m, T, C, F, P> {
        &mut self.io
    }

    /// Moves what has been received into other memory. Returns the old memory.
    ///
    /// # Errors
    /// Returns `rx` if it is too small. Nothing was changed.
    pub fn replace_rx(&mut self, rx: &'m mut [u8]) -> Result<&'m mut [u8], &'m mut [u8]> {
        self.inbox.replace(rx)
    }

    /// Moves the attachments that have been received into other memory. Returns the old memory.
    ///
    /// # Errors
    /// Returns `files` if it is too small. Nothing was changed.
    pub fn replace_files(&mut self, files: &'m mut [u8]) -> Result<&'m mut [u8], &'m mut [u8]> {
        self.collector.replace(files)
    }

    fn map(self, change: impl FnOnce(End<'m>) -> End<'m>) -> Self {
        Self { io: self.io.map(change), ..self }
    }
}
