use super::{
    CloseCode, Error, Message, Receiver, Sender,
    halves::split,
    link::{Client, Link, Packed, Server, Unpacking},
};
use sansocket::ws;
use std::fmt;

/// A WebSocket, of a client or of a server. [`connect`](super::connect) and [`accept`](super::accept) open one.
///
/// It answers pings, sends pings of its own, and gives up a peer that has vanished; all that happens while one of its calls is awaited. So be in
/// [`next`](Self::next) whenever there is nothing else to do. To receive and to send at the same time, [`split`](Self::split) it.
///
/// ```
/// use sansocket_tokio::websocket::{Error, Message, WebSocket};
///
/// /// Sends everything back.
/// async fn echo(mut ws: WebSocket) -> Result<(), Error> {
///     while let Some(message) = ws.next().await? {
///         ws.send(message).await?;
///     }
///     println!("{:?}", ws.closed());
///     Ok(())
/// }
/// ```
///
/// Beside other work:
///
/// ```
/// use sansocket_tokio::websocket::{Error, WebSocket};
/// use tokio::sync::mpsc;
///
/// async fn serve(mut ws: WebSocket, mut news: mpsc::Receiver<String>) -> Result<(), Error> {
///     loop {
///         tokio::select! {
///             message = ws.next() => match message? {
///                 Some(message) => println!("{message:?}"),
///                 None => return Ok(()),
///             },
///             Some(text) = news.recv() => ws.send(text).await?,
///         }
///     }
/// }
/// ```
///
/// # Dropped calls
/// The future of each call may be dropped at any time, as `select!` and timeouts do. Nothing is lost or torn: a message that had begun to arrive is returned by
/// the next call, and of one that was being sent either nothing is sent or all of it, by the next call.
pub struct WebSocket {
    link: AnyLink,
    protocol: Option<String>,
    closed: Option<Closed>,
}

/// One for each role, without compression and with it.
pub(super) enum Either<C, S, D, T> {
    Client(C),
    Server(S),
    PackedClient(Box<D>),
    PackedServer(Box<T>),
}

pub(super) type AnyLink =
    Either<Link<Client>, Link<Server>, Link<Packed<Client>, Unpacking>, Link<Packed<Server>, Unpacking>>;

/// The same text for all of them. What is awaited with compression has a box of its own, so that the futures of others are no larger for it.
macro_rules! either {
    (async $link:expr, $found:ident => $then:expr) => {
        match $link {
            Either::Client($found) => $then,
            Either::Server($found) => $then,
            Either::PackedClient($found) => Box::pin(async { $then }).await,
            Either::PackedServer($found) => Box::pin(async { $then }).await,
        }
    };
    ($link:expr, $found:ident => $then:expr) => {
        match $link {
            Either::Client($found) => $then,
            Either::Server($found) => $then,
            Either::PackedClient($found) => $then,
            Either::PackedServer($found) => $then,
        }
    };
}
pub(super) use either;

impl WebSocket {
    pub(super) const fn new(link: AnyLink, protocol: Option<String>) -> Self {
        Self { link, protocol, closed: None }
    }

    /// Waits for the next message. `None`: the peer, or [`close`](Self::close), has closed the connection; see [`closed`](Self::closed).
    ///
    /// # Errors
    /// The connection is over: [`Error::Gone`], [`Error::Peer`], [`Error::Timeout`], [`Error::Stalled`], [`Error::Io`], [`Error::Over`]. A peer that broke the
    /// protocol gets up to one second to read the close frame, before this call returns.
    pub async fn next(&mut self) -> Result<Option<Message>, Error> {
        let result = either!(async &mut self.link, link => link.next().await);
        match &result {
            Ok(Some(_)) => {}
            Ok(None) => self.end(false).await,
            Err(e) => self.fail(e).await,
        }
        result
    }

    /// Sends a message, and waits until the system has taken all of it.
    ///
    /// What the peer sends is not read meanwhile. If both ends send much without reading, neither gets on, until [`Error::Stalled`]:
    /// [`split`](Self::split) helps.
    ///
    /// # Errors
    /// [`Error::State`] after a close: nothing was sent. [`Error::Stalled`] and [`Error::Io`]: the connection is over. If an earlier call has failed, its
    /// error, or [`Error::Over`].
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_message(&message.into()).await
    }

    async fn send_message(&mut self, message: &Message) -> Result<(), Error> {
        self.feed_message(message).await?;
        self.flush().await
    }

    /// Prepares a message to be sent, so that several leave in one write. The next [`flush`](Self::flush), [`send`](Self::send) or [`next`](Self::next) sends
    /// it. It waits only while earlier ones have filled the send memory.
    ///
    /// ```
    /// # use sansocket_tokio::websocket::{Error, WebSocket};
    /// # async fn f(mut ws: WebSocket) -> Result<(), Error> {
    /// for line in ["a", "b", "c"] {
    ///     ws.feed(line).await?;
    /// }
    /// ws.flush().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed_message(&message.into()).await
    }

    async fn feed_message(&mut self, message: &Message) -> Result<(), Error> {
        let result = either!(async &mut self.link, link => link.feed(message).await);
        self.checked(result)
    }

    /// Waits until the system has taken everything.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), Error> {
        let result = either!(async &mut self.link, link => link.flush().await);
        self.checked(result)
    }

    /// Sends a ping with at most 125 bytes. That is not needed to keep the connection alive, which is done anyway
    /// ([`Config::ping_interval`](super::Config::ping_interval)). The pong is not shown.
    ///
    /// # Errors
    /// As [`send`](Self::send). [`Error::State`] also if the payload is too long.
    pub async fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        let result = either!(async &mut self.link, link => link.ping(payload.as_ref()).await);
        self.checked(result)
    }

    /// Closes the connection with code 1000, "normal". See [`close_with`](Self::close_with).
    ///
    /// # Errors
    /// As [`close_with`](Self::close_with).
    pub async fn close(&mut self) -> Result<Closed, Error> {
        self.close_with(CloseCode::NORMAL, "").await
    }

    /// Sends a close frame and waits for that of the peer. Messages that arrive from now on are dropped, also if this call is. Does nothing new if the
    /// connection is closed.
    ///
    /// ```
    /// # use sansocket_tokio::websocket::{CloseCode, Error, WebSocket};
    /// # async fn f(mut ws: WebSocket) -> Result<(), Error> {
    /// ws.close_with(CloseCode(4001), "signed in elsewhere").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::State`] if the code must not be sent, or the reason is longer than 123 bytes: nothing was changed. [`Error::Timeout`] if the peer does not
    /// answer within [`Config::close_timeout`](super::Config::close_timeout). The others as in [`next`](Self::next).
    pub async fn close_with(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error> {
        let result = either!(async &mut self.link, link => link.close(code, reason).await);
        match result {
            Ok(()) => {
                self.end(false).await;
                Ok(self.closed.clone().unwrap_or_default())
            }
            Err(e) => {
                self.fail(&e).await;
                Err(e)
            }
        }
    }

    /// How the connection was closed: the code and the reason of the peer. `None` while it is open.
    #[must_use]
    pub const fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// The subprotocol that was agreed on.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Splits the connection into halves, which may live in two tasks.
    ///
    /// ```
    /// use sansocket_tokio::websocket::{Error, WebSocket};
    ///
    /// async fn run(ws: WebSocket) -> Result<(), Error> {
    ///     let (mut sender, mut receiver) = ws.split();
    ///     tokio::spawn(async move {
    ///         for n in 0.. {
    ///             if sender.send(format!("tick {n}")).await.is_err() { break }
    ///             tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///         }
    ///     });
    ///     while let Some(message) = receiver.next().await? {
    ///         println!("{message:?}");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        match self.link {
            Either::Client(link) => {
                let (sender, receiver) = split(link);
                (Sender::new(Either::Client(sender)), Receiver::new(Either::Client(receiver)))
            }
            Either::Server(link) => {
                let (sender, receiver) = split(link);
                (Sender::new(Either::Server(sender)), Receiver::new(Either::Server(receiver)))
            }
            Either::PackedClient(link) => {
                let (sender, receiver) = split(*link);
                (Sender::new(Either::PackedClient(sender.into())), Receiver::new(Either::PackedClient(receiver.into())))
            }
            Either::PackedServer(link) => {
                let (sender, receiver) = split(*link);
                (Sender::new(Either::PackedServer(sender.into())), Receiver::new(Either::PackedServer(receiver.into())))
            }
        }
    }

    fn checked(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(e) = &result {
            self.note(e);
        }
        result
    }

    /// Notes how the connection ended, unless that is known. Returns whether it was new.
    fn note(&mut self, error: &Error) -> bool {
        if error.is_final() && self.closed.is_none() {
            self.closed = Some(either!(&mut self.link, link => link.closed()));
            return true;
        }
        false
    }

    async fn fail(&mut self, error: &Error) {
        if self.note(error) && matches!(error, Error::Peer(_)) {
            either!(async &mut self.link, link => link.end(true).await);
        }
    }

    async fn end(&mut self, drains: bool) {
        if self.closed.is_none() {
            self.closed = Some(either!(&mut self.link, link => link.closed()));
            either!(async &mut self.link, link => link.end(drains).await);
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("protocol", &self.protocol)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// How a connection ended.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The code in the peer's close frame: [`CloseCode::NO_STATUS`] if there is none in it, [`CloseCode::ABNORMAL`] if no close frame has arrived. If the
    /// peer broke the protocol, the code that it was told.
    pub code: CloseCode,
    /// The reason in the peer's close frame. Often empty.
    pub reason: String,
    /// Whether both ends have sent a close frame.
    pub is_clean: bool,
}

impl Closed {
    pub(super) fn new(closed: ws::Closed, reason: &str) -> Self {
        Self { code: closed.code, reason: reason.to_owned(), is_clean: closed.is_clean }
    }
}

impl Default for Closed {
    /// Without a close frame.
    fn default() -> Self {
        Self { code: CloseCode::ABNORMAL, reason: String::new(), is_clean: false }
    }
}
