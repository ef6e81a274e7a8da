//! What a session says: the machine writes it, and it is appended to what waits, in the order in which it was written.

use super::{
    outbox::Put,
    scratch::{self, Scratch},
    session::{Answered, Machine, Session, Stack},
    space::Names,
};
use crate::EmitError;
use sansocket::{
    socketio::{AckSlot, Flags, Namespace, SendError, server::Session as Io},
    ws::{Out, Stored},
};
use std::time::Duration;
use tokio::sync::oneshot;

impl Session {
    /// Has the Socket.IO session write something, and appends it.
    pub(crate) fn say(
        &self,
        say: impl FnMut(&mut Io<Names, Vec<AckSlot>>, &mut Out<'_, Stored>) -> Result<(), SendError>,
    ) -> Result<(), EmitError> {
        self.say_then(say, |_| ())
    }

    /// As `say`, and calls `then` before anything else can happen to the session.
    pub(crate) fn say_then<R>(
        &self,
        say: impl FnMut(&mut Io<Names, Vec<AckSlot>>, &mut Out<'_, Stored>) -> Result<(), SendError>,
        then: impl FnOnce(&mut Stack) -> R,
    ) -> Result<R, EmitError> {
        scratch::with(|Scratch { batch, .. }| {
            let mut guard = self.lock();
            let Machine::SocketIo(end) = &mut guard.machine else { return Err(EmitError::Disconnected) };
            end.say(batch, say).map_err(EmitError::of)?;
            self.outbox.append_protocol(batch.written());
            Ok(then(&mut guard))
        })
    }

    /// Sends an event that is to be acknowledged.
    pub(crate) fn ask(
        &self,
        namespace: Namespace,
        event: &str,
        args: &(impl serde::Serialize + ?Sized),
        timeout: Duration,
    ) -> Result<oneshot::Receiver<Answered>, EmitError> {
        let deadline = Some(self.now().after_millis(super::config::millis(timeout).into()));
        let receiver = scratch::encoded(args, |content, batch| {
            let mut guard = self.lock();
            let token = guard.next_token;
            let Machine::SocketIo(end) = &mut guard.machine else { return Err(EmitError::Disconnected) };
            let expect = sansocket::socketio::ExpectAck { token, deadline };
            end.say(batch, |io, out| io.emit(namespace, event, content, Some(expect), out)).map_err(EmitError::of)?;
            self.inner.counted.here().events_out.add(1);
            if self.outbox.append(batch.written(), Flags::NONE) == Put::Closed {
                return Err(EmitError::Disconnected);
            }
            guard.next_token = token.wrapping_add(1);
            let (sender, receiver) = oneshot::channel();
            guard.rare().asked.insert(token, sender);
            Ok(receiver)
        })?;
        // Its deadline may be the nearest now.
        self.outbox.wake();
        self.changed.notify_waiters();
        Ok(receiver)
    }

    /// An answer arrived, or none will.
    pub(crate) fn answered(&self, token: u32, answer: Answered) {
        let sender = self.lock().rare().asked.remove(&token);
        if let Some(sender) = sender {
            // Whoever asked may have gone.
            let _ = sender.send(answer);
        }
    }
}
