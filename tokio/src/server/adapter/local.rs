use super::{Packet, ReplySender, Selection};
use crate::{
    EmitError,
    server::{Namespace, RemoteSocket, Socket, config::millis, inner::Inner},
};
use sansocket::socketio::Flags;
use std::{
    fmt,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

/// A server, as its adapter sees it. It does not keep the server alive.
#[derive(Clone)]
pub struct Node(Weak<Inner>);

impl Node {
    pub(crate) fn new(inner: &Arc<Inner>) -> Self {
        Self(Arc::downgrade(inner))
    }

    /// The sockets of this node in a namespace. `None`: nobody is in it here, or the server is gone.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Local> {
        let inner = self.0.upgrade()?;
        let space = inner.spaces.get(name)?;
        Some(Local(Namespace::new(&inner, space)))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

/// The sockets of this node in one namespace. What is done by it concerns no other node. See the [module](super).
#[derive(Clone, Debug)]
pub struct Local(pub(crate) Namespace);

impl Local {
    /// The name of the namespace, with its slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Sends an event. It is framed once, and its memory is shared by all receivers.
    ///
    /// # Errors
    /// [`EmitError`]: the name of the event is reserved, or it has too many attachments.
    pub fn broadcast(&self, selection: &Selection, packet: &Packet<'_>) -> Result<(), EmitError> {
        let frames = self.0.inner.for_many(packet.frames(self.name(), None)?, packet.flags());
        // Counted in one go: the other threads count too.
        let mut sent = 0;
        self.0.space.registry.for_each(selection, |socket| sent += usize::from(socket.share(&frames, packet.flags())));
        self.0.inner.counted.here().events_out.add(sent);
        Ok(())
    }

    /// Asks sockets. For each of them `replies` is given one reply: its answer, that it left, or, when `timeout` is over, that it did not answer. Then the
    /// clones of `replies` that were made here are dropped.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn ask(
        &self,
        selection: &Selection,
        packet: &Packet<'_>,
        timeout: Duration,
        replies: &ReplySender,
    ) -> Result<(), EmitError> {
        let Namespace { inner, space } = &self.0;
        let id = inner.ack_ids.lock().unwrap_or_else(PoisonError::into_inner).next_id();
        let frames = inner.for_many(packet.frames(self.name(), Some(id))?, packet.flags());
        let deadline = inner.clock.now().after_millis(millis(timeout).into());
        // A question that is dropped would wait for its deadline.
        let flags = Flags::NONE.compress(packet.flags().may_compress());
        let mut sent = 0;
        let share = |socket: &Socket| sent += usize::from(socket.share(&frames, flags));
        let asked = space.registry.ask(selection, id, deadline, replies, share);
        inner.counted.here().events_out.add(sent);
        if let Some(over) = asked {
            let (clock, space) = (inner.clock, space.clone());
            inner.spawn(async move {
                tokio::select! {
                    () = clock.sleep(Some(deadline)) => space.registry.end_question(id),
                    _ = over => {}
                }
            });
        }
        Ok(())
    }

    /// The sockets of a selection.
    #[must_use]
    pub fn sockets(&self, selection: &Selection) -> Vec<RemoteSocket> {
        let sockets = self.0.space.registry.select(selection);
        sockets.into_iter().map(RemoteSocket::local).collect()
    }

    /// Has sockets join a room. Those that are in as many rooms as they may be do not join it.
    pub fn join(&self, selection: &Selection, room: &str) {
        let config = &self.0.inner.config;
        self.0.space.registry.join_selected(selection, room, config.max_rooms, config.max_room_name);
    }

    /// Has sockets leave a room.
    pub fn leave(&self, selection: &Selection, room: &str) {
        self.0.space.registry.leave_selected(selection, room);
    }

    /// Sends sockets away. With `close` their connections are closed.
    pub fn disconnect(&self, selection: &Selection, close: bool) {
        for socket in self.0.space.registry.select(selection) {
            socket.disconnect(close);
        }
    }

    /// Calls what was given to [`Namespace::on_server_event`] for an event of another node.
    pub fn server_side_event(&self, packet: &Packet<'_>) {
        self.0.tell_server_event(packet);
    }
}
