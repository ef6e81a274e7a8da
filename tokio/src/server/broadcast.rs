use super::{Namespace, Socket, registry::Selection, scratch};
use crate::EmitError;
use bytes::Bytes;
use sansocket::socketio::Flags;
use serde::Serialize;

/// Several sockets of a namespace, and how an event goes to them: made by [`Namespace::to`], [`Socket::to`] and the like.
///
/// The event is encoded once, and its memory is shared by all receivers.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until something is sent to it"]
pub struct Broadcast {
    namespace: Namespace,
    selection: Selection,
    flags: Flags,
}

impl Broadcast {
    pub(crate) fn new(namespace: Namespace) -> Self {
        Self { namespace, selection: Selection::default(), flags: Flags::NONE }
    }

    /// Reaches the sockets of this room, beside those of the rooms that were named before. Who is in several of them gets the event once. The id of a
    /// socket is a room too.
    pub fn to(mut self, room: impl Into<String>) -> Self {
        self.selection.rooms.push(room.into());
        self
    }

    /// Leaves out the sockets of this room.
    pub fn except(mut self, room: impl Into<String>) -> Self {
        self.selection.except.push(room.into());
        self
    }

    /// The event may be dropped for receivers that are not ready for it.
    pub fn volatile(mut self) -> Self {
        self.flags = self.flags.volatile();
        self
    }

    /// Whether the event may be compressed.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags = self.flags.compress(compress);
        self
    }

    /// Sends an event.
    ///
    /// # Errors
    /// [`EmitError`] if the arguments cannot be written. Nothing was sent.
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        let space = &self.namespace.space;
        scratch::frames(&space.name, event, None, &args, |frames| {
            let frames = Bytes::copy_from_slice(frames);
            space.registry.for_each(&self.selection, |socket| socket.share(&frames, self.flags));
        })
    }
}

impl Namespace {
    /// All sockets of the namespace that are in this room.
    #[doc(alias = "in")]
    pub fn to(&self, room: impl Into<String>) -> Broadcast {
        self.everybody().to(room)
    }

    /// All sockets of the namespace but those in this room.
    pub fn except(&self, room: impl Into<String>) -> Broadcast {
        self.everybody().except(room)
    }

    /// All sockets of the namespace.
    pub fn everybody(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// Sends an event to all sockets of the namespace.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.everybody().emit(event, args)
    }
}

impl Socket {
    /// The other sockets of the namespace that are in this room.
    #[doc(alias = "in")]
    pub fn to(&self, room: impl Into<String>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// The other sockets of the namespace.
    pub fn broadcast(&self) -> Broadcast {
        let namespace = Namespace::new(&self.line().inner, self.space().clone());
        Broadcast::new(namespace).except(self.id().as_str())
    }

    /// Sends an event that may be dropped if the client is not ready for it.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_volatile(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.emit_with(event, &args, Flags::NONE.volatile())
    }
}
