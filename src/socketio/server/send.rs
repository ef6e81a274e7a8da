//! The packets that the server's end of a connection sends.

use super::{Session, session::Phase};
use crate::{
    engineio::{self, Sink},
    json::Value,
    socketio::{
        AckRequest, AckSlot, Content, ExpectAck, Namespace, Namespaces, SendError, Sid, StateError, event::number_of,
        write,
    },
};
use core::ops::Deref;

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Session<N, A> {
    /// Accepts a client into a namespace that it asked for. `sid` is the public id of the client's socket in this namespace. Use a new id for each
    /// socket: [`AckRequest`]s refer to the socket by it.
    ///
    /// # Errors
    /// [`StateError::NotConnected`] if the client did not ask for the namespace. [`StateError::AlreadyConnected`] if it was already accepted.
    /// [`SendError::Capacity`] with the exact need. Nothing was changed, so the call can be repeated.
    pub fn accept<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        sid: Sid,
        out: &mut O,
    ) -> Result<(), SendError> {
        let at = self.asked_for(namespace)?;
        let path = self.namespaces.name(namespace).ok_or(StateError::NotConnected)?;
        write::connected(&path, sid, out)?;
        drop(path);
        if let Some(socket) = self.sockets.get_mut(at) {
            socket.number = number_of(sid.as_bytes());
        }
        if let Phase::Waiting | Phase::TimedOut = self.phase {
            self.phase = Phase::Connected;
        }
        Ok(())
    }

    /// Refuses a namespace that the client asked for, with a message and optionally a JSON value as data. The connection stays open, and the client
    /// may ask again. See the [module page](super) for an example.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn refuse<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        message: &str,
        data: Option<Value<'_>>,
        out: &mut O,
    ) -> Result<(), SendError> {
        let at = self.asked_for(namespace)?;
        let name = self.namespaces.name(namespace).ok_or(StateError::NotConnected)?;
        write::refused(&name, message, data, out)?;
        drop(name);
        self.forget(at);
        note!("a client was refused namespace {}", namespace.0);
        Ok(())
    }

    /// Answers the client that no namespace has this name. See [`Session`] for an example.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need.
    pub fn refuse_unknown<O: Sink<engineio::Server>>(&self, name: &[u8], out: &mut O) -> Result<(), SendError> {
        write::refused(name, "Invalid namespace", None, out)
    }

    /// Sends an event with all its attachments. With `expect` it asks for an acknowledgement. Cost, besides writing the packet: O(1), or O(log n)
    /// with a deadline while n acknowledgements are in flight. See [`Session`] for an example.
    ///
    /// # Errors
    /// [`StateError::NotConnected`]. [`StateError::ReservedName`]. [`StateError::TooManyAttachments`]. [`StateError::TooManyAcks`] at the limit.
    /// [`SendError::Acks`] if no slot is free. [`SendError::Serialize`] if an argument cannot be written as JSON. [`SendError::Capacity`] with the
    /// exact need. Nothing was written, and no slot was taken.
    #[inline]
    pub fn emit<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        expect: Option<ExpectAck>,
        out: &mut O,
    ) -> Result<(), SendError> {
        let path = self.name_of(namespace)?;
        let Some(expect) = expect else { return write::event(&path, name, content, None, out) };
        if self.acks.used() >= self.limits.acks {
            return Err(StateError::TooManyAcks.into());
        }
        let vacancy = self.acks.vacancy().map_err(SendError::Acks)?;
        write::event(&path, name, content, Some(vacancy.id()), out)?;
        drop(path);
        if let Some(socket) = self.sockets.iter_mut().find(|s| s.namespace == namespace) {
            self.acks.take(vacancy, namespace, &mut socket.acks, expect);
        }
        Ok(())
    }

    /// Acknowledges an event. Answer each request once: the client ignores further acknowledgements. See [`Session`] for an example.
    ///
    /// # Errors
    /// [`StateError::Stale`] if the request belongs to another session, or the client has left the namespace since. Otherwise as
    /// [`emit`](Self::emit).
    pub fn ack<O: Sink<engineio::Server>>(
        &mut self,
        request: AckRequest,
        content: &impl Content,
        out: &mut O,
    ) -> Result<(), SendError> {
        let path = self.name_of(request.namespace)?;
        if self.sockets.iter().all(|s| s.namespace != request.namespace || s.number != request.socket) {
            return Err(StateError::Stale.into());
        }
        write::ack(&path, request.id, content, out)
    }

    /// Removes the client from a namespace. The connection stays open. The JavaScript client does not reconnect by itself after this. See the [module
    /// page](super) for an example.
    ///
    /// # Errors
    /// [`StateError::NotConnected`]. [`SendError::Capacity`] with the exact need. Nothing was changed.
    pub fn disconnect<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        out: &mut O,
    ) -> Result<(), SendError> {
        write::disconnect(&self.name_of(namespace)?, out)?;
        self.leave(namespace);
        Ok(())
    }

    /// Moves the acknowledgements in flight into other slots, more or fewer, and returns the old slots. Cost: O(n log n), so double the number of
    /// slots to grow.
    ///
    /// # Errors
    /// Returns the new slots if they are too few. Nothing was changed.
    pub fn replace_acks(&mut self, slots: A) -> Result<A, A> {
        self.acks.replace(slots, self.sockets.iter_mut().map(|s| &mut s.acks))
    }

    /// Ends the session and returns the slots.
    #[must_use]
    pub fn into_storage(self) -> A {
        self.acks.into_slots()
    }

    fn asked_for(&self, namespace: Namespace) -> Result<usize, StateError> {
        if matches!(self.phase, Phase::Closed) {
            return Err(StateError::NotConnected);
        }
        let at = self.sockets.iter().position(|s| s.namespace == namespace).ok_or(StateError::NotConnected)?;
        let is_asked = self.sockets.get(at).is_some_and(|s| s.number == 0);
        if is_asked { Ok(at) } else { Err(StateError::AlreadyConnected) }
    }

    fn name_of(&self, namespace: Namespace) -> Result<impl Deref<Target = [u8]>, StateError> {
        if !self.is_connected(namespace) {
            return Err(StateError::NotConnected);
        }
        self.namespaces.name(namespace).ok_or(StateError::NotConnected)
    }
}
