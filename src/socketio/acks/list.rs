//! Linked lists of slots, in the order of insertion.

use super::{AckSlot, Acks};

/// No slot.
pub(super) const NIL: u16 = u16::MAX;

/// A list: its first slot, which links to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::socketio) struct AckList(u16);

impl AckList {
    pub(in crate::socketio) const EMPTY: Self = Self(NIL);

    pub(super) const fn first(&self) -> u16 {
        self.0
    }
}

impl<A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Acks<A> {
    /// Appends the slot `at`.
    pub(super) fn link(&mut self, list: &mut AckList, at: u16) {
        let last = self.get(list.0).map_or(at, |first| first.prev);
        self.with(at, |slot| (slot.prev, slot.next) = (last, NIL));
        if list.0 == NIL {
            list.0 = at;
        } else {
            self.with(last, |slot| slot.next = at);
            self.with(list.0, |slot| slot.prev = at);
        }
    }

    /// Removes the slot `at` from the list.
    pub(super) fn unlink(&mut self, list: &mut AckList, at: u16) {
        let Some(&AckSlot { prev, next, .. }) = self.get(at) else { return };
        debug_assert!(list.0 != NIL, "the slot is in this list");
        if list.0 == at {
            list.0 = next;
            self.with(next, |slot| slot.prev = prev);
        } else {
            self.with(prev, |slot| slot.next = next);
            let behind = if next == NIL { list.0 } else { next };
            self.with(behind, |slot| slot.prev = prev);
        }
    }
}
