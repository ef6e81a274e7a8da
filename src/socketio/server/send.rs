//! What the server's end of a connection sends.

use super::{Session, session::Phase};
use crate::{
    engineio::{self, Sink},
    json::Value,
    socketio::{AckRequest, AckSlot, Content, ExpectAck, Namespace, Namespaces, SendError, Sid, StateError, write},
};
use core::ops::Deref;

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Session<N, A> {
    /// Grants a namespace that was asked for; `sid` is the socket's public id in it.
    ///
    /// # Errors
    /// [`StateError::NotConnected`] when it was not asked for, or answered already; [`SendError::Capacity`] with the exact need.
    /// Nothing was changed: say it again.
    pub fn accept<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        sid: Sid,
        out: &mut O,
    ) -> Result<(), SendError> {
        let at = self.asked_for(namespace)?;
        let name = self.namespaces.name(namespace).ok_or(StateError::NotConnected)?;
        write::connected(&name, sid, out)?;
        drop(name);
        if let Some(socket) = self.sockets.get_mut(at) {
            socket.is_connected = true;
        }
        self.phase = Phase::Connected;
        Ok(())
    }

    /// Refuses a namespace that was asked for, with a message and perhaps one JSON value of data. The link stays, and the client may
    /// ask again.
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
        Ok(())
    }

    /// Tells the client that there is no namespace of this name.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need.
    pub fn refuse_unknown<O: Sink<engineio::Server>>(&self, name: &[u8], out: &mut O) -> Result<(), SendError> {
        write::refused(name, "Invalid namespace", None, out)
    }

    /// Sends an event, with all its attachments or not at all; with `expect` it asks for an acknowledgement.
    ///
    /// # Errors
    /// [`StateError::NotConnected`], [`StateError::ReservedName`], [`StateError::TooManyAttachments`]; [`SendError::Acks`] when no slot is
    /// free; [`SendError::Serialize`] if an argument has no form in JSON; [`SendError::Capacity`] with the exact need. Nothing was written, no
    /// slot was taken.
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
        let vacancy = self.acks.vacancy().map_err(SendError::Acks)?;
        write::event(&path, name, content, Some(vacancy.id()), out)?;
        drop(path);
        self.acks.take(vacancy, namespace, expect);
        Ok(())
    }

    /// Answers a request to acknowledge. Answer each once: the client ignores what it no longer waits for.
    ///
    /// # Errors
    /// [`StateError::Stale`] for a request of an earlier connection, else as [`emit`](Self::emit).
    pub fn ack<O: Sink<engineio::Server>>(
        &mut self,
        request: AckRequest,
        content: &impl Content,
        out: &mut O,
    ) -> Result<(), SendError> {
        if request.epoch != self.epoch {
            return Err(StateError::Stale.into());
        }
        write::ack(&self.name_of(request.namespace)?, request.id, content, out)
    }

    /// Takes a namespace away from the client; the link stays. The client does not come back by itself.
    ///
    /// # Errors
    /// [`StateError::NotConnected`], or [`SendError::Capacity`]; nothing was changed.
    pub fn disconnect<O: Sink<engineio::Server>>(
        &mut self,
        namespace: Namespace,
        out: &mut O,
    ) -> Result<(), SendError> {
        write::disconnect(&self.name_of(namespace)?, out)?;
        self.leave(namespace);
        Ok(())
    }

    /// Moves the acknowledgements that are waited for into other slots, more or fewer, and gives the old ones back.
    ///
    /// # Errors
    /// Gives the new ones back when they are too few; nothing was changed.
    pub fn replace_acks(&mut self, slots: A) -> Result<A, A> {
        self.acks.replace(slots)
    }

    fn asked_for(&self, namespace: Namespace) -> Result<usize, StateError> {
        let is_asked = |p: &super::session::Socket| p.namespace == namespace && !p.is_connected;
        if self.phase == Phase::Closed {
            return Err(StateError::NotConnected);
        }
        self.sockets.iter().position(is_asked).ok_or(StateError::NotConnected)
    }

    fn name_of(&self, namespace: Namespace) -> Result<impl Deref<Target = [u8]>, StateError> {
        if !self.is_connected(namespace) {
            return Err(StateError::NotConnected);
        }
        self.namespaces.name(namespace).ok_or(StateError::NotConnected)
    }
}
