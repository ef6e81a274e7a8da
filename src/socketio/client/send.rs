//! The packets that a client sends.

use super::{
    Session, SocketSlot,
    socket::{State, slot_of},
};
use crate::{
    engineio::{Client, Sink},
    json::Args,
    socketio::{AckRequest, AckSlot, Content, ExpectAck, Namespace, Namespaces, SendError, StateError, write},
};
use core::ops::Deref;

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    /// The next namespace whose CONNECT waits for [`authorize`](Self::authorize). `None` without [`with_auth`](Self::with_auth).
    #[must_use]
    pub fn needs_auth(&self) -> Option<Namespace> {
        let is_next = |s: &&SocketSlot| s.owes_connect() && self.namespaces.name(s.namespace).is_some();
        let mut sockets = self.sockets.as_ref().iter();
        if self.asks_auth && self.is_usable() { sockets.find(is_next).map(|s| s.namespace) } else { None }
    }

    /// Writes the CONNECT of a namespace that [`needs_auth`](Self::needs_auth) named, with credentials (one JSON object) or without. After the loss of
    /// a link, what the server needs to recover the connection comes first; if the credentials have a member `pid` or `offset`, it is left out.
    ///
    /// # Errors
    /// [`StateError::NotConnected`] if CONNECT is not owed. [`StateError::AlreadyConnected`] if it was sent. [`StateError::NotAnObject`] if the
    /// credentials are anything else than one object. [`SendError::Serialize`] if they cannot be written as JSON. [`SendError::Capacity`] as
    /// [`connect`](super::connect). Nothing was written, and CONNECT is still owed.
    pub fn authorize<O: Sink<Client>>(
        &mut self,
        namespace: Namespace,
        auth: Option<&impl Args>,
        out: &mut O,
    ) -> Result<(), SendError> {
        let socket = self.socket(namespace).filter(|_| self.is_usable()).ok_or(StateError::NotConnected)?;
        if let State::Asked | State::Joined = socket.state {
            return Err(StateError::AlreadyConnected.into());
        }
        let socket = Some(socket).filter(|s| s.owes_connect()).ok_or(StateError::NotConnected)?;
        let name = self.namespaces.name(namespace).ok_or(StateError::NotConnected)?;
        write::connect(&name, socket.recovery(), auth, out)?;
        drop(name);
        self.wrote(namespace, State::Asked);
        Ok(())
    }

    /// Sends an event with all its attachments. With `expect` it asks for an acknowledgement. Cost, besides writing the packet: O(1), or O(log n)
    /// with a deadline while n acknowledgements are in flight. See [`Session`] for an example.
    ///
    /// # Errors
    /// [`StateError::NotConnected`]. [`StateError::ReservedName`]. [`StateError::TooManyAttachments`]. [`SendError::Acks`] if no slot is free.
    /// [`SendError::Serialize`] if an argument cannot be written as JSON. [`SendError::Capacity`] with the exact need. Nothing was written, and no slot
    /// was taken.
    #[inline]
    pub fn emit<O: Sink<Client>>(
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
        if let Some(socket) = slot_of(self.sockets.as_mut(), namespace) {
            self.acks.take(vacancy, namespace, &mut socket.sent, expect);
        }
        Ok(())
    }

    /// Acknowledges an event. Answer each request once: the server ignores further acknowledgements. See [`Session`] for an example.
    ///
    /// # Errors
    /// [`StateError::Stale`] if the request belongs to another session or to an earlier connection. [`StateError::NotConnected`] if the server has not
    /// answered CONNECT yet. Otherwise as [`emit`](Self::emit).
    pub fn ack<O: Sink<Client>>(
        &mut self,
        request: AckRequest,
        content: &impl Content,
        out: &mut O,
    ) -> Result<(), SendError> {
        let (namespace, id) = self.check_request(request)?;
        write::ack(&self.name_of(namespace)?, id, content, out)
    }

    /// Writes one packet that is owed: DISCONNECT, or CONNECT unless the session is [`with_auth`](Self::with_auth). Returns `false` if none is owed.
    /// Call it until `false`.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the exact need, or [`SendError::Link`]. The packet is still owed.
    pub fn poll_transmit<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        let Some((socket, name)) = self.owed() else { return Ok(false) };
        let namespace = socket.namespace;
        let (next, recovery) = match socket.state {
            State::Leaving => (State::Out, None),
            _ => (State::Asked, Some(socket.recovery())),
        };
        write::presence(&name, recovery, out)?;
        drop(name);
        self.wrote(namespace, next);
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) would write a packet.
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        self.owed().is_some()
    }

    /// The name of a namespace.
    pub(crate) fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        self.namespaces.name(namespace)
    }

    /// Checks that the request can still be answered, and returns its namespace and id.
    pub(crate) fn check_request(&self, request: AckRequest) -> Result<(Namespace, u64), SendError> {
        let AckRequest { namespace, id, socket } = request;
        if self.socket(namespace).is_none_or(|s| s.number != socket) {
            return Err(StateError::Stale.into());
        }
        Ok((namespace, id))
    }

    fn owed(&self) -> Option<(&SocketSlot, impl Deref<Target = [u8]>)> {
        let is_owed = |s: &SocketSlot| s.state == State::Leaving || (s.owes_connect() && !self.asks_auth);
        let mut sockets = self.sockets.as_ref().iter().filter(|s| self.is_usable() && is_owed(s));
        sockets.find_map(|s| Some((s, self.namespaces.name(s.namespace)?)))
    }

    fn wrote(&mut self, namespace: Namespace, state: State) {
        if let Some(socket) = self.socket_mut(namespace) {
            (socket.state, socket.is_auth_asked) = (state, false);
        }
    }

    fn name_of(&self, namespace: Namespace) -> Result<impl Deref<Target = [u8]>, StateError> {
        if !self.is_connected(namespace) {
            return Err(StateError::NotConnected);
        }
        self.namespaces.name(namespace).ok_or(StateError::NotConnected)
    }
}
