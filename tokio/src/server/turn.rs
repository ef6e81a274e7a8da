//! Who works on a session: one task at a time, which does what others want too.

use super::{
    serve::Received,
    session::{Kept, Session},
};
use crate::sync::{MutexGuard, atomic::Ordering};
use sansocket::endpoint::Input;
use std::sync::{Arc, TryLockError};

/// Steps of a WebSocket's session that are done in one go. Then others have their turn.
const TURN: usize = 128;

type Turn<'s> = MutexGuard<'s, Kept>;

impl Session {
    /// Does everything that has to be done without bytes: deadlines, and the last events. If another task has its turn, that task does it.
    pub(crate) fn work(self: &Arc<Self>) {
        self.is_turn_due.store(true, Ordering::SeqCst);
        while self.is_turn_due.load(Ordering::SeqCst) {
            let Some(mut turn) = self.try_turn() else { return };
            self.is_turn_due.store(false, Ordering::SeqCst);
            self.take_turn(&mut turn, &mut Input::Time, usize::MAX);
            self.end_turn(turn);
        }
    }

    /// The turn, unless another has it.
    fn try_turn(&self) -> Option<Turn<'_>> {
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Waits until another has ended its turn, or something else has changed.
    pub(super) async fn turn_ended(&self) {
        let mut changed = std::pin::pin!(self.changed.notified());
        changed.as_mut().enable();
        // Before it is tried: whoever has it now tells.
        self.is_turn_awaited.store(true, Ordering::SeqCst);
        if let Some(turn) = self.try_turn() {
            return self.end_turn(turn);
        }
        changed.await;
    }

    fn end_turn(&self, turn: Turn<'_>) {
        drop(turn);
        if self.is_turn_awaited.load(Ordering::SeqCst) && self.is_turn_awaited.swap(false, Ordering::SeqCst) {
            self.changed.notify_waiters();
        }
    }

    /// Whether somebody wants a turn. Whoever asks takes it.
    pub(crate) fn is_turn_due(&self) -> bool {
        self.is_turn_due.swap(false, Ordering::SeqCst)
    }

    /// Handles bytes: of a WebSocket only so much that others do not wait long, and none while much waits for the client. Whether more may be left.
    pub(crate) async fn receive(self: &Arc<Self>, input: &mut Input<'_, Received>) -> bool {
        let most = if matches!(input, Input::Socket(_)) { TURN } else { usize::MAX };
        loop {
            if let Some(mut turn) = self.try_turn() {
                let is_more = self.take_turn(&mut turn, input, most);
                self.end_turn(turn);
                if self.is_turn_due.load(Ordering::SeqCst) {
                    self.work();
                }
                return is_more;
            }
            // In a box of its own: idle connections hold nothing of it.
            Box::pin(self.turn_ended()).await;
        }
    }
}
