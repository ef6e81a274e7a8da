//! What an application does on one connection.

use super::{App, Host, peer::Peer};
use sansocket::json::Value;
use sansocket::{
    engineio::Transport,
    socketio::{AckSlot, Content, ExpectAck, Flags, Namespace, Reason, SendError, Sid, server::Session},
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
    pub io: &'l mut Session<A::Names, Vec<AckSlot>>,
    pub now: Instant,
    pub transport: Transport,
    pub(super) replies: &'l mut Replies,
    pub(super) end: Option<Reason>,
}

/// What is answered in a turn, in memory that grows by what is needed.
pub(super) struct Replies {
    pub(super) memory: Vec<u8>,
    pub(super) len: usize,
}

impl Replies {
    /// Takes the memory that all share.
    pub(super) fn borrow<A: App>(host: &Host<A>) -> Self {
        let mut memory = std::mem::take(&mut *host.write_buffer.borrow_mut());
        memory.resize(memory.len().max(4096), 0);
        Self { memory, len: 0 }
    }

    /// Gives it back. An answer of megabytes leaves no megabytes behind.
    pub(super) fn give_back<A: App>(mut self, host: &Host<A>) {
        self.memory.truncate(64 * 1024);
        self.memory.shrink_to(64 * 1024);
        *host.write_buffer.borrow_mut() = self.memory;
    }

    /// Appends what `write` writes. Without room, what is there goes into the queue first, and then the memory grows.
    pub(super) fn append(
        &mut self,
        peer: &Rc<Peer>,
        mut write: impl FnMut(&mut Out<'_, Stored>) -> Result<(), SendError>,
    ) {
        loop {
            let mut out = Out::stored(&mut self.memory[self.len..]);
            match write(&mut out) {
                Ok(()) => return self.len += out.written().len(),
                Err(SendError::Capacity(_)) if self.len > 0 => self.flush(peer),
                // The need may be the least that helps: so at least double.
                Err(SendError::Capacity(e)) => self.memory.resize(e.needed.max(2 * self.memory.len()), 0),
                Err(e) => return debug!("not said: {e}"),
            }
        }
    }

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
        mut say: impl FnMut(&mut Session<A::Names, Vec<AckSlot>>, &mut Out<'_, Stored>) -> Result<(), SendError>,
    ) {
        self.replies.append(self.peer, |out| {
            loop {
                match say(self.io, out) {
                    Err(SendError::Acks(e)) => {
                        let _ = self.io.replace_acks(vec![AckSlot::EMPTY; e.needed.max(2 * e.available)]);
                    }
                    result => return result,
                }
            }
        });
    }

    /// Sends an event.
    pub fn emit(&mut self, namespace: Namespace, name: &str, content: &impl Content, expect: Option<ExpectAck>) {
        self.say(|io, out| io.emit(namespace, name, content, expect, out));
    }

    /// Grants a namespace, in front of what others say from now on.
    pub fn accept(&mut self, namespace: Namespace, sid: Sid) {
        self.say(|io, out| io.accept(namespace, sid, out));
        self.flush();
    }

    /// Refuses a namespace.
    pub fn refuse(&mut self, namespace: Namespace, message: &str, data: Option<Value<'_>>) {
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
