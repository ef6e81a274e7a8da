//! Finds slots by deadline: a binary heap that is stored in the slots. Where flash is dear there is no heap: a board has few slots, and looks at each of
//! them.

use super::{AckSlot, Acks, State, list::NIL};
use crate::{bytes::IS_WIDE, time::Instant};
use core::cmp::Reverse;

impl<A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Acks<A> {
    /// The slot with the earliest deadline.
    pub(super) fn soonest(&self) -> u16 {
        if IS_WIDE { self.heap(0) } else { self.soonest_of_all() }
    }

    fn soonest_of_all(&self) -> u16 {
        let waits = |slot: &AckSlot| {
            matches!(slot.state, State::Queued | State::Waiting) && slot.deadline != Instant::FAR_FUTURE
        };
        let slots = (0..self.size()).filter(|&at| self.get(at).is_some_and(waits));
        slots.min_by_key(|&at| self.key(at)).unwrap_or(NIL)
    }

    pub(super) fn push_heap(&mut self, at: u16) {
        if !IS_WIDE {
            return;
        }
        let place = self.heap_len;
        self.heap_len = place.saturating_add(1);
        self.set_heap(place, at);
        self.sift_up(place);
    }

    /// Does nothing for a slot without a deadline.
    pub(super) fn remove_from_heap(&mut self, at: u16) {
        if !IS_WIDE {
            return;
        }
        let Some(place) = self.get(at).map(|slot| slot.heap_at).filter(|&place| place != NIL) else { return };
        let last = self.heap_len.saturating_sub(1);
        let moved = self.heap(last);
        self.heap_len = last;
        self.with(at, |slot| slot.heap_at = NIL);
        if place < last {
            self.set_heap(place, moved);
            self.sift_up(place);
            self.sift_down(place);
        }
    }

    fn sift_up(&mut self, mut place: u16) {
        while place > 0 {
            let parent = place.saturating_sub(1) / 2;
            if !self.is_before(place, parent) {
                return;
            }
            self.swap(place, parent);
            place = parent;
        }
    }

    fn sift_down(&mut self, mut place: u16) {
        loop {
            let left = place.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let child = if right < self.heap_len && self.is_before(right, left) { right } else { left };
            if child >= self.heap_len || !self.is_before(child, place) {
                return;
            }
            self.swap(place, child);
            place = child;
        }
    }

    fn swap(&mut self, one: u16, other: u16) {
        let (a, b) = (self.heap(one), self.heap(other));
        self.set_heap(one, b);
        self.set_heap(other, a);
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn is_before(&self, one: u16, other: u16) -> bool {
        self.key(self.heap(one)) < self.key(self.heap(other))
    }

    /// Sorts by deadline, then by age.
    fn key(&self, at: u16) -> (Instant, Reverse<u32>) {
        let key = |slot: &AckSlot| (slot.deadline, Reverse(self.age_of(slot)));
        self.get(at).map_or((Instant::FAR_FUTURE, Reverse(0)), key)
    }

    fn heap(&self, place: u16) -> u16 {
        if place < self.heap_len { self.get(place).map_or(NIL, |slot| slot.heap) } else { NIL }
    }

    fn set_heap(&mut self, place: u16, at: u16) {
        self.with(place, |slot| slot.heap = at);
        self.with(at, |slot| slot.heap_at = place);
    }
}
