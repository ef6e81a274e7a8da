use super::{
    Ask, ConnectError, EventFailure, Events, Of, Reason,
    auth::Auth,
    packet::Packet,
    shared::{Command, Request, Shared},
    space::Space,
};
use crate::{
    EmitError,
    args::Raw,
    handler::{Endpoint, Handler, Hook},
};
use bytes::Bytes;
use sansocket::endpoint::client::Emit;
use serde::Serialize;
use std::{fmt, future::Future, sync::Arc};
use tokio::sync::oneshot;

/// A client's end of one namespace: what sends, and what registers handlers. Cheap to clone, for use from any task.
///
/// A `Socket` does not hold the connection, so a handler or a task may keep one without an end of the connection in its way. A
/// [`Client`](super::Client) does.
///
/// ```
/// use sansocket_tokio::client::{Ack, Client, EventFailure, Reason, Socket};
/// use std::time::Duration;
///
/// # use sansocket_tokio::{Bytes, args::Raw, server::{self, Config, Server}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let io = Server::new(Config::new());
/// # io.on("sum", |_: server::Socket, (a, b): (u32, u32)| a + b);
/// # io.on("upload", |_: server::Socket, (name, bytes): (String, Bytes)| format!("{name}: {}", bytes.len()));
/// # io.on("quiz", |socket: server::Socket| async move { socket.ask::<u32>("question", "6 * 7?").await });
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}", listener.local_addr()?);
/// # tokio::spawn(async move { io.listen(listener).await });
/// let client = Client::connect(url).await?;
/// println!("{:?} in {}: {}", client.id(), client.namespace(), client.is_connected());
///
/// // What the server sends. The value of a handler is the acknowledgement.
/// client.on("question", |_: Socket, text: String| async move { if text == "6 * 7?" { 42 } else { 0 } });
/// client.on("later", |_: Socket, (): (), ack: Ack| drop(ack.send("by myself")));
/// client.once("welcome", |socket: Socket, name: String| println!("{name} in {}", socket.namespace()));
/// client.on_any(|_: Socket, name: String, args: Raw| println!("{name} {:?}", args.json));
/// client.on_failure(|_: Socket, failure: EventFailure| println!("{failure}"));
/// client.on_connect(|socket: Socket| println!("connected as {:?}", socket.id()));
/// client.on_disconnect(|_: Socket, reason: Reason| println!("{reason}"));
/// client.off("later");
///
/// // What is sent.
/// client.emit("nothing", ())?;
/// client.volatile().emit("position", (48.1, 11.6))?;
/// assert_eq!(client.ask::<u32>("sum", (1, 2)).await?, 3);
/// let uploaded: String = client.ask("upload", ("cat", Bytes::from_static(b"\x89PNG"))).timeout(Duration::from_secs(5)).await?;
/// assert_eq!(uploaded, "cat: 4");
/// assert_eq!(client.ask::<u32>("quiz", ()).retries(2).await?, 42);
///
/// client.disconnect().await;
/// assert!(!client.is_connected() && client.waiting() == 0 && !client.is_over());
/// client.connect();
/// client.connected().await?;
/// # Ok(()) }
/// ```
///
/// # Handlers
/// A handler is a function or closure, plain or async, of `(Socket)`, `(Socket, A)` or `(Socket, A, Ack)`: see [`Handler`]. Its return value acknowledges the
/// event, if the server asked for that. An event can have several handlers; the first acknowledgement counts.
///
/// Handlers are called in the order of the events, in the task of the connection, so a plain one must not block. An async one that waits goes on in a task of its
/// own, beside the handlers of later events, up to 1,024 at a time. If a handler panics, the client leaves the server as with [`Client::close`](super::Client::close), and the panic is
/// logged.
#[derive(Clone)]
pub struct Socket {
    pub(super) shared: Arc<Shared>,
    pub(super) space: Arc<Space>,
}

impl Socket {
    /// Sends an event. While the namespace is not connected it is kept, and sent when it is; events of a namespace arrive in the order of the calls.
    ///
    /// `args` is anything that serde can write: a tuple is several arguments, `()` none. [`Bytes`] in it are sent as binary.
    ///
    /// An event that was handed to the system when the connection broke may be lost. If that matters, [`ask`](Self::ask).
    ///
    /// # Errors
    /// [`EmitError`]: the arguments cannot be written, the name is reserved, more waits than the limit allows
    /// ([`Builder::backlog_limit`](super::Builder::backlog_limit)), or the client is gone.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.emit_with(name, &args, Emit::new())
    }

    /// For events that are dropped unless they can be sent at once: for what is soon replaced, such as positions.
    pub const fn volatile(&self) -> Emission<'_> {
        Emission { socket: self, how: Emit::new().volatile() }
    }

    /// For events that may be compressed, or not: what is compressed already only costs time. See [`Compression`](crate::Compression).
    pub const fn compress(&self, compress: bool) -> Emission<'_> {
        Emission { socket: self, how: Emit::new().compress(compress) }
    }

    fn emit_with(&self, name: &str, args: &impl Serialize, how: Emit) -> Result<(), EmitError> {
        let packet = Packet::new(args)?;
        packet.check(name)?;
        let (namespace, cost) = (self.space.number, name.len() + packet.cost());
        let command = Command::Emit { namespace, name: name.into(), packet, how, cost };
        self.shared.send_counted(cost, self.shared.limit(), command)
    }

    /// Sends an event and returns the server's acknowledgement, when the result is awaited. The event waits for the connection as in [`emit`](Self::emit).
    ///
    /// # Errors
    /// Those of [`Ask`].
    pub fn ask<T>(&self, name: &str, args: impl Serialize) -> Ask<T> {
        let packet = Packet::new(&args).map_err(EmitError::from).and_then(|packet| {
            packet.check(name)?;
            Ok(packet)
        });
        Ask::new(self.clone(), name, packet)
    }

    /// Calls `handler` for each event of this name.
    pub fn on<M>(&self, name: &str, handler: impl Handler<Self, M>) -> &Self {
        self.space.handlers.on(name, false, handler);
        self
    }

    /// Calls `handler` for the next event of this name.
    pub fn once<M>(&self, name: &str, handler: impl Handler<Self, M>) -> &Self {
        self.space.handlers.on(name, true, handler);
        self
    }

    /// Removes the handlers of this name.
    pub fn off(&self, name: &str) -> &Self {
        self.space.handlers.off(name);
        self
    }

    /// Calls `hook` for each event, with its name and arguments, before the handlers of that name.
    pub fn on_any<M>(&self, hook: impl Hook<(Self, String, Raw), M>) -> &Self {
        self.space.handlers.on_any(hook);
        self
    }

    /// Calls `hook` each time the namespace is connected: also after a reconnection, when the server knows nothing of what it was told before.
    pub fn on_connect<M>(&self, hook: impl Hook<(Self,), M>) -> &Self {
        self.space.handlers.on_connect(hook);
        self
    }

    /// Calls `hook` each time the namespace was connected and is not any more.
    pub fn on_disconnect<M>(&self, hook: impl Hook<(Self, Reason), M>) -> &Self {
        self.space.handlers.on_disconnect(hook);
        self
    }

    /// Calls `hook` for each attempt to connect that failed, and when the server refuses the namespace.
    pub fn on_connect_error<M>(&self, hook: impl Hook<(Self, ConnectError), M>) -> &Self {
        self.space.handlers.on_connect_error(hook);
        self
    }

    /// Calls `hook` for each event whose arguments are not of the type that a handler takes. The server is told, if it asked for an acknowledgement.
    pub fn on_failure<M>(&self, hook: impl Hook<(Self, EventFailure), M>) -> &Self {
        self.space.handlers.on_failure(hook);
        self
    }

    /// Another namespace on the same connection, to be joined.
    pub fn of(&self, name: &str) -> Of {
        Of::new(&self.shared, name)
    }

    /// What happens to this namespace from now on, as a stream, besides the handlers. For what happens before, see
    /// [`Builder::events`](super::Builder::events).
    #[must_use]
    pub fn events(&self) -> Events {
        self.space.handlers.events(self.shared.events_limit)
    }

    /// Replaces the credentials: from the next CONNECT on.
    pub fn set_auth(&self, auth: impl Serialize) {
        self.space.set_auth(Auth::value(&auth));
    }

    /// Replaces the credentials by a function that is called at each CONNECT: from the next one on.
    pub fn set_auth_with<F, U, T, E>(&self, function: F)
    where
        F: Fn() -> U + Send + Sync + 'static,
        U: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        self.space.set_auth(Auth::function(function));
    }

    /// Joins the namespace again: after [`disconnect`](Self::disconnect), a refusal, or when the server removed the client. It does not wait; see
    /// [`connected`](Self::connected).
    pub fn connect(&self) {
        self.shared.send(Command::Connect(self.space.number));
    }

    /// Waits until the namespace is connected. While the server is away this waits on.
    ///
    /// # Errors
    /// [`ConnectError`]: the client does not try to connect any more.
    pub async fn connected(&self) -> Result<(), ConnectError> {
        self.outcome(u32::MAX).await
    }

    /// As [`connected`](Self::connected), with an error after so many attempts that failed.
    pub(super) async fn outcome(&self, patience: u32) -> Result<(), ConnectError> {
        let (reply, outcome) = oneshot::channel();
        self.shared.send(Command::Wait { namespace: self.space.number, patience, reply });
        outcome.await.unwrap_or(Err(ConnectError::Closed))
    }

    /// Leaves the namespace, and does not join again before [`connect`](Self::connect). If it was the last one, the connection is closed. Returns when
    /// the server was told, after a few seconds at most.
    ///
    /// Events that were sent before go before it. But servers on Node ignore events that they read together with it, so [`ask`](Self::ask) for the last one.
    pub async fn disconnect(&self) {
        self.leave(Some(self.space.number)).await;
    }

    pub(super) async fn leave(&self, namespace: Option<sansocket::socketio::Namespace>) {
        let (reply, left) = oneshot::channel();
        self.shared.send(Command::Disconnect { namespace, reply });
        // An error: the task is gone, and the connection with it.
        let _ = left.await;
    }

    /// Whether the namespace is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.space.id().is_some()
    }

    /// Whether the client is gone: nothing can be sent any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared.is_over()
    }

    /// The id that the server gave to this client, while the namespace is connected.
    #[must_use]
    pub fn id(&self) -> Option<Arc<str>> {
        self.space.id()
    }

    /// The name of the namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.space.name
    }

    /// How many bytes wait to be sent, in all namespaces. The limit is [`Builder::backlog_limit`](super::Builder::backlog_limit).
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting()
    }
}

impl Endpoint for Socket {
    type Request = Request;

    fn acknowledge(&self, request: Request, json: &[u8], files: &[Bytes]) -> Result<(), EmitError> {
        if !request.take() {
            tracing::debug!("not acknowledged a second time");
            return Ok(());
        }
        let packet = Packet { json: json.to_vec(), files: files.to_vec() };
        let cost = packet.cost();
        // Twice the room of events: a client that is busy sending can still answer.
        let limit = self.shared.limit().saturating_mul(2);
        let command = Command::Acknowledge { request: request.inner, packet, cost };
        self.shared.send_counted(cost, limit, command).inspect_err(|error| tracing::warn!("not acknowledged: {error}"))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.namespace())
            .field("is_connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

/// How an event is sent: from [`Socket::volatile`] and [`Socket::compress`].
///
/// ```
/// # use sansocket_tokio::{Bytes, EmitError, client::Client};
/// # fn send(client: &Client, jpeg: Bytes) -> Result<(), EmitError> {
/// client.compress(false).volatile().emit("picture", jpeg)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it does nothing until something is sent"]
pub struct Emission<'s> {
    socket: &'s Socket,
    how: Emit,
}

impl Emission<'_> {
    /// As [`Socket::volatile`]: the event is dropped if the namespace is not connected, or older events of it wait.
    pub const fn volatile(mut self) -> Self {
        self.how = self.how.volatile();
        self
    }

    /// As [`Socket::compress`].
    pub const fn compress(mut self, compress: bool) -> Self {
        self.how = self.how.compress(compress);
        self
    }

    /// Sends an event, or drops it.
    ///
    /// # Errors
    /// As [`Socket::emit`]. An event that was dropped is not an error.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.socket.emit_with(name, &args, self.how)
    }
}
