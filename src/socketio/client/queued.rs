//! Acknowledgements of packets that wait in a queue before they are sent. They survive the loss of the link, and an answer that comes before the packet
//! was sent does not count.

use super::{Session, SocketSlot};
use crate::socketio::{AckSlot, ExpectAck, Namespace, Namespaces, SendError, StateError};

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    /// Takes a slot and an id for a packet that is not sent yet. If the namespace is not wanted, it takes a slot for it too.
    pub(crate) fn expect(&mut self, namespace: Namespace, expect: ExpectAck) -> Result<u64, SendError> {
        let at = self.slot_for(namespace).map_err(|_| StateError::NotConnected)?;
        let vacancy = self.acks.vacancy().map_err(SendError::Acks)?;
        self.claim(at, namespace);
        if let Some(socket) = self.sockets.as_mut().get_mut(at) {
            self.acks.queue(vacancy, namespace, &mut socket.queued, expect);
        }
        Ok(vacancy.id())
    }

    /// The packet with this id was sent: from now on the loss of the link loses its acknowledgement.
    pub(crate) fn mark_sent(&mut self, namespace: Namespace, id: u64) {
        if let Some(at) = self.at(namespace)
            && let Some(socket) = self.sockets.as_mut().get_mut(at)
        {
            self.acks.sent(namespace, &mut socket.queued, &mut socket.sent, id);
        }
    }

    /// Whether the acknowledgement with this id is still expected: it has not arrived, failed, or been forgotten.
    pub(crate) fn is_expected(&self, namespace: Namespace, id: u64) -> bool {
        self.acks.is_queued(namespace, id) || self.acks.token(namespace, id).is_some()
    }

    /// The acknowledgement with this id is not expected any more. Frees the slot and returns the token.
    pub(crate) fn forget(&mut self, namespace: Namespace, id: u64) -> Option<u32> {
        let at = self.at(namespace)?;
        let socket = self.sockets.as_mut().get_mut(at)?;
        let queued = self.acks.unqueue(namespace, &mut socket.queued, id);
        queued.or_else(|| self.acks.answered(namespace, &mut socket.sent, id))
    }

    /// As [`needs_auth`](Self::needs_auth), but names each namespace once for each CONNECT.
    pub(crate) fn next_auth(&mut self) -> Option<Namespace> {
        if !self.asks_auth || !self.is_usable() {
            return None;
        }
        let names = &self.namespaces;
        let is_next = |s: &&mut SocketSlot| s.owes_connect() && !s.is_auth_asked && names.name(s.namespace).is_some();
        let socket = self.sockets.as_mut().iter_mut().find(is_next)?;
        socket.is_auth_asked = true;
        Some(socket.namespace)
    }
}
