use super::{
    Answers, Namespace, RemoteSocket, Socket,
    adapter::{Adapter, AdapterError, Local, Memory, Selection, replies},
    scratch,
};
use crate::EmitError;
use sansocket::socketio::Flags;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Several sockets of a namespace, on all nodes of a cluster, and how something goes to them: made by [`Namespace::to`], [`Socket::to`] and the like.
///
/// An event is encoded once, and its memory is shared by all receivers. Each receiver gets it once, however many of the rooms it is in.
///
/// ```
/// use sansocket_tokio::server::{Config, Server, Socket};
///
/// let io = Server::new(Config::new());
/// io.on("move", |socket: Socket, (game, x, y): (String, u8, u8)| {
///     // All others in the room of the game, but those who watch.
///     let _ = socket.to(game).except("watching").volatile().emit("moved", (x, y));
/// });
/// io.to("lobby").to("games").emit("news", "a tournament begins")?;
/// io.to("lobby").join("tournament")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until something is sent to it"]
pub struct Broadcast {
    here: Local,
    selection: Selection,
    flags: Flags,
    is_local: bool,
    timeout: Option<Duration>,
}

impl Broadcast {
    pub(crate) fn new(namespace: Namespace) -> Self {
        let selection = Selection::default();
        Self { here: Local(namespace), selection, flags: Flags::NONE, is_local: false, timeout: None }
    }

    /// Reaches the sockets of this room, beside those of the rooms that were named before. The id of a socket is a room too.
    #[doc(alias = "in")]
    pub fn to(mut self, room: impl AsRef<str>) -> Self {
        self.selection.rooms.push(room.as_ref().to_owned());
        self
    }

    /// Leaves out the sockets of this room.
    pub fn except(mut self, room: impl AsRef<str>) -> Self {
        self.selection.except.push(room.as_ref().to_owned());
        self
    }

    /// The event may be dropped for receivers that are not ready for it. A question ([`ask`](Self::ask)) is never dropped.
    pub fn volatile(mut self) -> Self {
        self.flags = self.flags.volatile();
        self
    }

    /// Whether the event may be compressed.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags = self.flags.compress(compress);
        self
    }

    /// Only sockets of this node are reached.
    pub fn local(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// The time that answers may take. Without it that of [`Config::ask_timeout`](super::Config::ask_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn adapter(&self) -> &dyn Adapter {
        if self.is_local { &Memory } else { &*self.here.0.inner.adapter }
    }

    fn patience(&self) -> Duration {
        self.timeout.unwrap_or(self.here.0.inner.config.ask_timeout)
    }

    /// Sends an event. A tuple is several arguments, `()` none; bytes are sent as binary attachments.
    ///
    /// # Errors
    /// [`EmitError`] if the arguments cannot be written, or other nodes cannot be told.
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        scratch::packet(self.here.name(), event, &args, self.flags, true, |packet| {
            self.adapter().broadcast(&self.here, &self.selection, packet)
        })
    }

    /// Sends an event that each receiver acknowledges with a `T`, and gives their answers. See [`Answers`].
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    #[doc(alias = "emitWithAck")]
    pub fn ask<T: DeserializeOwned>(&self, event: &str, args: impl Serialize) -> Result<Answers<T>, EmitError> {
        let timeout = self.patience();
        let (sender, receiver) = replies();
        scratch::packet(self.here.name(), event, &args, self.flags, false, |packet| {
            self.adapter().ask(&self.here, &self.selection, packet, timeout, sender)
        })?;
        Ok(Answers::new(receiver, timeout))
    }

    /// The sockets of this node.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.here.0.space.registry.select(&self.selection)
    }

    /// The sockets of all nodes, with their rooms and what they published ([`Data::publish`](super::Data::publish)). Other nodes have the time of
    /// [`timeout`](Self::timeout).
    ///
    /// # Errors
    /// [`AdapterError`]: not all nodes answered.
    #[doc(alias = "fetchSockets")]
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, AdapterError> {
        self.adapter().fetch_sockets(&self.here, &self.selection, self.patience()).await
    }

    /// Has the sockets join a room.
    ///
    /// # Errors
    /// [`AdapterError`]: other nodes cannot be told.
    #[doc(alias = "socketsJoin")]
    pub fn join(&self, room: impl AsRef<str>) -> Result<(), AdapterError> {
        self.adapter().join(&self.here, &self.selection, room.as_ref())
    }

    /// Has the sockets leave a room.
    ///
    /// # Errors
    /// [`AdapterError`]: other nodes cannot be told.
    #[doc(alias = "socketsLeave")]
    pub fn leave(&self, room: impl AsRef<str>) -> Result<(), AdapterError> {
        self.adapter().leave(&self.here, &self.selection, room.as_ref())
    }

    /// Sends the sockets away: [`Socket::disconnect`].
    ///
    /// # Errors
    /// [`AdapterError`]: other nodes cannot be told.
    #[doc(alias = "disconnectSockets")]
    pub fn disconnect(&self, close: bool) -> Result<(), AdapterError> {
        self.adapter().disconnect(&self.here, &self.selection, close)
    }
}

impl Namespace {
    /// All sockets of the namespace that are in this room.
    #[doc(alias = "in")]
    pub fn to(&self, room: impl AsRef<str>) -> Broadcast {
        self.everybody().to(room)
    }

    /// All sockets of the namespace but those in this room.
    pub fn except(&self, room: impl AsRef<str>) -> Broadcast {
        self.everybody().except(room)
    }

    /// All sockets of the namespace.
    pub fn everybody(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// All sockets of the namespace on this node.
    pub fn local(&self) -> Broadcast {
        self.everybody().local()
    }

    /// All sockets of the namespace, for an event that may be dropped: [`Broadcast::volatile`].
    pub fn volatile(&self) -> Broadcast {
        self.everybody().volatile()
    }

    /// All sockets of the namespace, for an event that may be compressed, or not: [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.everybody().compress(compress)
    }

    /// All sockets of the namespace, for a question with its own time for the answers: [`Broadcast::timeout`].
    pub fn timeout(&self, timeout: Duration) -> Broadcast {
        self.everybody().timeout(timeout)
    }

    /// Sends an event to all sockets of the namespace.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.everybody().emit(event, args)
    }

    /// Sends an event that each socket of the namespace acknowledges: [`Broadcast::ask`].
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    #[doc(alias = "emitWithAck")]
    pub fn ask<T: DeserializeOwned>(&self, event: &str, args: impl Serialize) -> Result<Answers<T>, EmitError> {
        self.everybody().ask(event, args)
    }

    /// The sockets of the namespace on all nodes: [`Broadcast::fetch_sockets`].
    ///
    /// # Errors
    /// As [`Broadcast::fetch_sockets`].
    #[doc(alias = "fetchSockets")]
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, AdapterError> {
        self.everybody().fetch_sockets().await
    }

    /// Has all sockets of the namespace join a room.
    ///
    /// # Errors
    /// As [`Broadcast::join`].
    #[doc(alias = "socketsJoin")]
    pub fn sockets_join(&self, room: impl AsRef<str>) -> Result<(), AdapterError> {
        self.everybody().join(room)
    }

    /// Has all sockets of the namespace leave a room.
    ///
    /// # Errors
    /// As [`Broadcast::leave`].
    #[doc(alias = "socketsLeave")]
    pub fn sockets_leave(&self, room: impl AsRef<str>) -> Result<(), AdapterError> {
        self.everybody().leave(room)
    }

    /// Sends all sockets of the namespace away.
    ///
    /// # Errors
    /// As [`Broadcast::disconnect`].
    #[doc(alias = "disconnectSockets")]
    pub fn disconnect_sockets(&self, close: bool) -> Result<(), AdapterError> {
        self.everybody().disconnect(close)
    }

    /// The sockets of the namespace on this node.
    ///
    /// ```
    /// # use sansocket_tokio::server::{Config, Server};
    /// # let io = Server::new(Config::new());
    /// let admins = io.of("/admin");
    /// assert_eq!((admins.sockets().len(), admins.len(), admins.count("night shift")), (0, 0, 0));
    /// ```
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.everybody().sockets()
    }

    /// The socket of this id, if it is on this node.
    #[must_use]
    pub fn socket(&self, id: impl AsRef<str>) -> Option<Socket> {
        let id = id.as_ref();
        // Others may be in a room of this name.
        self.to(id).sockets().into_iter().find(|socket| socket.id().as_str() == id)
    }

    /// The number of sockets of this node that are in a room.
    #[must_use]
    pub fn count(&self, room: impl AsRef<str>) -> usize {
        self.space.registry.count(room.as_ref())
    }

    /// The number of sockets of the namespace on this node.
    #[must_use]
    pub fn len(&self) -> usize {
        self.space.registry.len()
    }

    /// Whether the namespace has no sockets on this node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Socket {
    /// The other sockets of the namespace that are in this room.
    #[doc(alias = "in")]
    pub fn to(&self, room: impl AsRef<str>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// The other sockets of the namespace that are not in this room.
    pub fn except(&self, room: impl AsRef<str>) -> Broadcast {
        self.broadcast().except(room)
    }

    /// All sockets of the namespace, this one too.
    ///
    /// ```
    /// # use sansocket_tokio::server::{Config, Server, Socket};
    /// let io = Server::new(Config::new());
    /// io.on("say", |socket: Socket, text: String| socket.everybody().emit("said", text));
    /// ```
    pub fn everybody(&self) -> Broadcast {
        Broadcast::new(Namespace::new(&self.line().inner, self.space().clone()))
    }

    /// The other sockets of the namespace.
    pub fn broadcast(&self) -> Broadcast {
        self.everybody().except(self.id())
    }
}
