//! What an application does on one connection.

use super::{App, Host, peer::Peer};
use sansocket::{
    engineio,
    socketio::{AckSlot, Await, Flags, Namespace, Payload, Reason, SendError, Server, json::Raw},
    time::Instant,
    ws::{Out, Stored},
};
use std::rc::Rc;
use tracing::debug;

/// A connection as the application acts on it while an event lives: everything but the memory that the event borrows.
pub struct Link<'l, A: App> {
    pub host: &'l Rc<Host<A>>,
    pub peer: &'l Rc<Peer>,
    pub guest: &'l mut A::Guest,
    pub io: &'l mut Server<A::Names, Vec<AckSlot>>,
    pub now: Instant,
    pub(super) replies: &'l mut Replies,
    pub(super) end: Option<Reason>,
}

/// What is answered in a turn, in memory that grows by what is needed.
pub(super) struct Replies {
    pub(super) memory: Vec<u8>,
    pub(super) len: usize,
}

impl Replies {
    /// Moves what was written into the queue.
    pub(super) fn flush(&mut self, peer: &Rc<Peer>) {
        let written = self.memory.get(..std::mem::take(&mut self.len)).unwrap_or_default();
        peer.push(written.into(), Flags::NONE);
    }
}

impl<A: App> Link<'_, A> {
    /// Says something. A server's packets at rest are its frames, so this is what goes out.
    pub fn say(
        &mut self,
        mut say: impl FnMut(&mut Server<A::Names, Vec<AckSlot>>, &mut Out<'_, Stored>) -> Result<(), SendError>,
    ) {
        loop {
            let Replies { memory, len } = &mut *self.replies;
            let mut out = Out::stored(&mut memory[*len..]);
            match say(self.io, &mut out) {
                Ok(()) => return *len += out.written().len(),
                Err(SendError::Capacity(_)) if *len > 0 => self.replies.flush(self.peer),
                // The need may be the least that helps: so at least double.
                Err(SendError::Capacity(e)) => memory.resize(e.needed.max(2 * memory.len()), 0),
                Err(SendError::Acks(e)) => {
                    let _ = self.io.replace_acks(vec![AckSlot::EMPTY; e.needed.max(2 * e.available)]);
                }
                Err(e) => return debug!("not said: {e}"),
            }
        }
    }

    /// Sends an event.
    pub fn emit(&mut self, namespace: Namespace, name: &str, payload: &impl Payload, question: Option<Await>) {
        self.say(|io, out| io.emit(namespace, name, payload, question, out));
    }

    /// Grants a namespace, in front of what others say from now on.
    pub fn accept(&mut self, namespace: Namespace, sid: engineio::Sid) {
        self.say(|io, out| io.accept(namespace, sid, out));
        self.flush();
    }

    /// Refuses a namespace.
    pub fn refuse(&mut self, namespace: Namespace, message: &str, data: Option<Raw<'_>>) {
        self.say(|io, out| io.refuse(namespace, message, data, out));
    }

    /// Has what was said stand in front of what others say from now on.
    pub fn flush(&mut self) {
        self.replies.flush(self.peer);
    }

    /// Ends the connection, all its namespaces first.
    pub fn close(&mut self) {
        let namespaces: Vec<Namespace> = self.io.namespaces().collect();
        for namespace in namespaces {
            self.say(|io, out| io.disconnect(namespace, out));
        }
        self.end = Some(Reason::ForcedServerClose);
    }
}
