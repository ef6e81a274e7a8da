//! Questions to several sockets that are not over.

use super::{
    Socket,
    adapter::{Reply, ReplySender},
};
use crate::{AskError, args::Raw};
use sansocket::{
    socketio::{
        Namespace, Sid,
        server::{AskedSlot, BroadcastAcks, rooms::Member},
    },
    time::Instant,
};
use std::collections::HashMap;
use tokio::sync::oneshot;

/// Those of one namespace, by the ids of the acknowledgements. Under the lock of its registry: so whoever leaves is asked and missed, or not asked.
#[derive(Debug, Default)]
pub(super) struct Questions(HashMap<u64, Question>);

#[derive(Debug)]
struct Question {
    /// Decides which acknowledgements count.
    acks: BroadcastAcks<Vec<AskedSlot>>,
    /// Those who were asked, and neither answered nor left.
    waiting: HashMap<u32, Sid>,
    replies: ReplySender,
    /// Dropped when the question is over.
    _over: oneshot::Sender<()>,
}

/// A namespace has its own questions.
const HERE: Namespace = Namespace(0);

impl Questions {
    /// Puts a question to sockets. The result is ready when it is over.
    pub(super) fn add(
        &mut self,
        id: u64,
        deadline: Instant,
        asked: &[(Member, Socket)],
        replies: &ReplySender,
    ) -> oneshot::Receiver<()> {
        // A quarter is free, so that each is found soon.
        let slots = vec![AskedSlot::EMPTY; asked.len() + asked.len() / 3 + 1];
        let mut acks = BroadcastAcks::new(HERE, id, deadline, slots);
        let mut waiting = HashMap::with_capacity(asked.len());
        for (member, socket) in asked {
            if acks.ask(*member).is_ok() {
                waiting.insert(member.0, socket.id());
            }
        }
        let (over, is_over) = oneshot::channel();
        self.0.insert(id, Question { acks, waiting, replies: replies.clone(), _over: over });
        is_over
    }

    /// A socket acknowledged something.
    pub(super) fn answered(&mut self, member: Member, id: u64, answer: impl FnOnce() -> Raw) {
        let Some(question) = self.0.get_mut(&id) else { return };
        if !question.acks.answered(HERE, member, id) {
            return;
        }
        let is_heard = question.settle(member, || Ok(answer()));
        if !is_heard || question.waiting.is_empty() {
            self.0.remove(&id);
        }
    }

    /// A socket leaves.
    pub(super) fn gone(&mut self, member: Member) {
        self.0.retain(|_, question| {
            question.acks.gone(member);
            question.settle(member, || Err(AskError::Disconnected)) && !question.waiting.is_empty()
        });
    }

    /// The time for a question is over.
    pub(super) fn end(&mut self, id: u64) {
        let Some(Question { waiting, replies, .. }) = self.0.remove(&id) else { return };
        for socket in waiting.into_values() {
            replies.reply(Reply { socket: Some(socket), result: Err(AskError::TimedOut) });
        }
    }
}

impl Question {
    /// Tells what became of a socket that was asked. `false`: nobody wants to know.
    fn settle(&mut self, member: Member, result: impl FnOnce() -> Result<Raw, AskError>) -> bool {
        match self.waiting.remove(&member.0) {
            Some(socket) => self.replies.reply(Reply { socket: Some(socket), result: result() }),
            None => true,
        }
    }
}
