//! Finds slots by id: hash chains whose heads are stored in the slots.

use super::{AckSlot, Acks, State, list::NIL};

impl<A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Acks<A> {
    /// The slot of the request with this id.
    pub(super) fn find(&self, id: u32) -> Option<u16> {
        let mut at = self.get(self.bucket(id))?.bucket;
        while let Some(slot) = self.get(at) {
            debug_assert!(matches!(slot.state, State::Queued | State::Waiting));
            if slot.id == id {
                return Some(at);
            }
            at = slot.chain;
        }
        None
    }

    pub(super) fn enchain(&mut self, at: u16) {
        let bucket = self.get(at).map_or(NIL, |slot| self.bucket(slot.id));
        let first = self.get(bucket).map_or(NIL, |slot| slot.bucket);
        self.with(at, |slot| slot.chain = first);
        self.with(bucket, |slot| slot.bucket = at);
    }

    pub(super) fn unchain(&mut self, at: u16) {
        let Some(&AckSlot { id, chain, .. }) = self.get(at) else { return };
        let bucket = self.bucket(id);
        let mut before = NIL;
        let mut here = self.get(bucket).map_or(NIL, |slot| slot.bucket);
        while here != at {
            let Some(slot) = self.get(here) else { return };
            (before, here) = (here, slot.chain);
        }
        if before == NIL {
            self.with(bucket, |slot| slot.bucket = chain);
        } else {
            self.with(before, |slot| slot.chain = chain);
        }
    }

    fn bucket(&self, id: u32) -> u16 {
        id.checked_rem(u32::from(self.size())).and_then(|at| u16::try_from(at).ok()).unwrap_or(NIL)
    }
}
