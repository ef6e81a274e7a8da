//! The acknowledgements that one end of a connection waits for.
//!
//! Every operation is O(1), or O(log n) if a deadline is involved. Where flash is dear there is no heap, and the soonest deadline costs a look at each
//! slot. The slots hold all data: the free list, a list for each namespace in the order of the requests, hash chains by id, and a binary heap by deadline.

mod chain;
mod heap;
mod list;

#[cfg(test)]
mod tests;

use super::{Namespace, SlotCapacity};
use crate::time::Instant;
pub(super) use list::AckList;
use list::NIL;

/// The ids of sessions, of servers and clients, are below this number, the ids of broadcasts ([`AckIds`](super::server::AckIds)) are not. So acknowledgements of the two are never
/// confused. Both fit into the signed 32-bit integers of small clients.
pub(super) const BROADCASTS: u64 = 1 << 30;

/// Asks the peer to acknowledge an event. See [`server::Session`](super::server::Session) and [`client::Session`](super::client::Session).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExpectAck {
    /// A number that the caller chooses. It is returned with the acknowledgement.
    pub token: u32,
    /// When the request fails (`Event::AckFailed`). Without a deadline the slot is in use until the acknowledgement arrives or the client leaves the
    /// namespace.
    pub deadline: Option<Instant>,
}

/// Why no acknowledgement arrived.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckError {
    /// The deadline passed. If the acknowledgement arrives later, it has no token.
    TimedOut,
    /// The client left the namespace, or the connection ended.
    Disconnected,
    /// The event made room for newer ones and was never sent ([`WhenFull::DropOldest`](crate::endpoint::client::WhenFull::DropOldest)). Clients only.
    Dropped,
}

/// Memory for one acknowledgement that a session waits for: 32 bytes. Lend an array, a slice or a `Vec` of [`EMPTY`](Self::EMPTY), with as many slots
/// as acknowledgements can be in flight. At most 65,535 are used. The next deadline is found in a heap, and on targets whose words are shorter than
/// 64 bits by a look at each slot: they have few slots, and little flash for a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckSlot {
    /// [`Instant::FAR_FUTURE`] if there is no deadline.
    deadline: Instant,
    id: u32,
    token: u32,
    namespace: Namespace,
    state: State,
    /// Neighbours in the list that the slot is in.
    next: u16,
    prev: u16,
    /// The first slot of the hash chain with this slot's number. This slot may be in another chain.
    bucket: u16,
    /// Next slot of the hash chain that this slot is in.
    chain: u16,
    /// The slot at this place of the heap.
    heap: u16,
    /// The place of this slot in the heap.
    heap_at: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// The packet waits in a queue and was not sent yet, so no answer counts.
    Queued,
    Waiting,
    /// The client left the namespace. This was not reported yet.
    Lost,
}

impl AckSlot {
    /// A slot that is not in use.
    pub const EMPTY: Self = Self {
        deadline: Instant::FAR_FUTURE,
        id: 0,
        token: 0,
        namespace: Namespace(0),
        state: State::Free,
        next: NIL,
        prev: NIL,
        bucket: NIL,
        chain: NIL,
        heap: NIL,
        heap_at: NIL,
    };
}

/// The table of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acks<A> {
    slots: A,
    /// The next id is at least this.
    next: u32,
    /// Slots that became free, in the order in which they did.
    free: AckList,
    /// Requests that failed because no answer can arrive, in the order of the requests.
    lost: AckList,
    /// The slots from this one on, wrapping around, were not used since the table was last empty.
    fresh: u16,
    fresh_left: u16,
    used: u16,
    heap_len: u16,
    /// Slots looked at, for tests of cost.
    #[cfg(test)]
    looked_at: core::cell::Cell<usize>,
}

/// A free slot, and the id for a request in it. The slot is not taken yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacancy {
    at: u16,
    id: u32,
}

impl Vacancy {
    pub(super) fn id(self) -> u64 {
        u64::from(self.id)
    }
}

impl<A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Acks<A> {
    /// An empty table. The contents of `slots` are dropped.
    pub(super) fn new(mut slots: A) -> Self {
        slots.as_mut().fill(AckSlot::EMPTY);
        let mut acks = Self {
            slots,
            next: 0,
            free: AckList::EMPTY,
            lost: AckList::EMPTY,
            fresh: 0,
            fresh_left: 0,
            used: 0,
            heap_len: 0,
            #[cfg(test)]
            looked_at: core::cell::Cell::new(0),
        };
        acks.forget_free();
        acks
    }

    pub(super) fn into_slots(self) -> A {
        self.slots
    }

    /// The number of requests that wait, or that failed and were not reported yet.
    pub(super) const fn used(&self) -> u16 {
        self.used
    }

    /// A free slot, and the next id whose remainder by the number of slots is the slot's index. So each hash chain has at most one slot whose request was
    /// made since the last [`replace`](Self::replace), whatever a client answers and leaves unanswered. Ids begin with 0, 1, 2.
    ///
    /// # Errors
    /// [`SlotCapacity`] if all slots are in use.
    pub(super) fn vacancy(&self) -> Result<Vacancy, SlotCapacity> {
        let size = self.size();
        let at = if self.fresh_left > 0 { self.fresh } else { self.free.first() };
        if at == NIL {
            return Err(SlotCapacity { needed: usize::from(size).saturating_add(1), available: usize::from(size) });
        }
        let size = u32::from(size);
        let step = u32::from(at).wrapping_add(size).wrapping_sub(self.next.checked_rem(size).unwrap_or(0));
        let step = step.checked_rem(size).unwrap_or(0);
        let wrapped = |id: u32| if u64::from(id) < BROADCASTS { id } else { u32::from(at) };
        let mut id = wrapped(self.next.wrapping_add(step));
        // A request may still wait with this id, after 2^30 ids or after `replace`.
        while self.find(id).is_some() {
            id = wrapped(id.wrapping_add(size));
        }
        Ok(Vacancy { at, id })
    }

    /// Takes the slot for the request that was sent with its id. `list` is the list of `namespace`.
    pub(super) fn take(&mut self, vacancy: Vacancy, namespace: Namespace, list: &mut AckList, expect: ExpectAck) {
        let next = vacancy.id.wrapping_add(1);
        self.next = if u64::from(next) < BROADCASTS { next } else { 0 };
        self.put(vacancy.at, vacancy.id, namespace, list, expect);
    }

    /// As [`take`](Self::take), for a request that waits in a queue. `list` holds requests of this kind alone.
    pub(super) fn queue(&mut self, vacancy: Vacancy, namespace: Namespace, list: &mut AckList, expect: ExpectAck) {
        self.take(vacancy, namespace, list, expect);
        self.with(vacancy.at, |slot| slot.state = State::Queued);
    }

    /// The request with this id, which waits in a queue, was sent: moves it from the list `queued` to the list `sent`.
    pub(super) fn sent(&mut self, namespace: Namespace, queued: &mut AckList, sent: &mut AckList, id: u64) {
        if let Some(at) = self.place(namespace, id, State::Queued) {
            self.unlink(queued, at);
            self.link(sent, at);
            self.with(at, |slot| slot.state = State::Waiting);
        }
    }

    /// The request with this id, which waits in a queue, is not sent any more. Frees the slot and returns the token.
    pub(super) fn unqueue(&mut self, namespace: Namespace, list: &mut AckList, id: u64) -> Option<u32> {
        let at = self.place(namespace, id, State::Queued)?;
        self.end(list, at)
    }

    /// Whether the request with this id waits in a queue.
    pub(super) fn is_queued(&self, namespace: Namespace, id: u64) -> bool {
        self.place(namespace, id, State::Queued).is_some()
    }

    /// The token of the request with this id in `namespace`, if it was sent and waits.
    pub(super) fn token(&self, namespace: Namespace, id: u64) -> Option<u32> {
        self.get(self.place(namespace, id, State::Waiting)?).map(|slot| slot.token)
    }

    /// The namespace of the request with this id, while it waits.
    pub(super) fn namespace(&self, id: u32) -> Option<Namespace> {
        self.get(self.find(id)?).filter(|slot| slot.state == State::Waiting).map(|slot| slot.namespace)
    }

    /// The acknowledgement for `id` arrived. Frees the slot and returns the token.
    pub(super) fn answered(&mut self, namespace: Namespace, list: &mut AckList, id: u64) -> Option<u32> {
        let at = self.place(namespace, id, State::Waiting)?;
        self.end(list, at)
    }

    fn place(&self, namespace: Namespace, id: u64, state: State) -> Option<u16> {
        let at = self.find(u32::try_from(id).ok()?)?;
        self.get(at).filter(|slot| slot.namespace == namespace && slot.state == state).map(|_| at)
    }

    /// Frees the slot `at` of `list`.
    fn end(&mut self, list: &mut AckList, at: u16) -> Option<u32> {
        let token = self.get(at)?.token;
        self.stop_waiting(at);
        self.unlink(list, at);
        self.release(at);
        Some(token)
    }

    /// The oldest request of `list` fails.
    pub(super) fn lose_first(&mut self, list: &mut AckList) {
        let at = list.first();
        self.stop_waiting(at);
        self.unlink(list, at);
        self.with(at, |slot| slot.state = State::Lost);
        let mut lost = self.lost;
        self.link(&mut lost, at);
        self.lost = lost;
    }

    /// All requests of `list` fail. Cost: O(log n) for each.
    pub(super) fn lose(&mut self, list: &mut AckList) {
        while list.first() != NIL {
            self.lose_first(list);
        }
    }

    /// The age of the oldest request of `list`, as the number of ids since. `None` if the list is empty.
    pub(super) fn age(&self, list: &AckList) -> Option<u32> {
        self.get(list.first()).map(|slot| self.age_of(slot))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.lost.first() != NIL {
            return Some(Instant::from_millis(0));
        }
        self.get(self.soonest()).map(|slot| slot.deadline)
    }

    /// Reports the next failed request, its namespace, id and token, and frees its slot.
    pub(super) fn next_lost(&mut self) -> Option<(Namespace, u64, u32)> {
        let at = self.lost.first();
        let &AckSlot { namespace, id, token, .. } = self.get(at)?;
        let mut lost = self.lost;
        self.unlink(&mut lost, at);
        self.lost = lost;
        self.release(at);
        Some((namespace, u64::from(id), token))
    }

    /// The request with the earliest deadline, if it has passed at `now`: its namespace, id and token.
    pub(super) fn timed_out(&self, now: Instant) -> Option<(Namespace, u64, u32)> {
        let slot = self.get(self.soonest())?;
        (slot.deadline <= now).then_some((slot.namespace, u64::from(slot.id), slot.token))
    }

    /// Moves all requests into other slots. `lists` are the lists of all namespaces. Cost: O(n log n).
    pub(super) fn replace<'l>(&mut self, slots: A, lists: impl Iterator<Item = &'l mut AckList>) -> Result<A, A> {
        if slots.as_ref().len() < usize::from(self.used) {
            return Err(slots);
        }
        let mut new = Self::new(slots);
        new.next = self.next;
        new.forget_free();
        for list in lists {
            new.carry(self, list);
        }
        let mut lost = self.lost;
        new.carry(self, &mut lost);
        new.lost = lost;
        #[cfg(test)]
        new.looked_at.set(new.looked_at.get() + self.looked_at.get());
        Ok(core::mem::replace(self, new).slots)
    }

    /// Moves a list of another table into this one.
    fn carry(&mut self, from: &Self, list: &mut AckList) {
        let mut at = core::mem::replace(list, AckList::EMPTY).first();
        while let Some(&AckSlot { id, namespace, token, deadline, state, next, .. }) = from.get(at) {
            let to = self.fresh;
            self.put(to, id, namespace, list, ExpectAck { token, deadline: Some(deadline) });
            if state == State::Lost {
                self.stop_waiting(to);
            }
            self.with(to, |slot| slot.state = state);
            at = next;
        }
    }

    fn put(&mut self, at: u16, id: u32, namespace: Namespace, list: &mut AckList, expect: ExpectAck) {
        if self.fresh_left > 0 {
            debug_assert_eq!(at, self.fresh);
            self.fresh = self.fresh.saturating_add(1).checked_rem(self.size()).unwrap_or(0);
            self.fresh_left = self.fresh_left.saturating_sub(1);
        } else {
            let mut free = self.free;
            self.unlink(&mut free, at);
            self.free = free;
        }
        self.used = self.used.saturating_add(1);
        let ExpectAck { token, deadline } = expect;
        self.with(at, |slot| {
            (slot.id, slot.token, slot.namespace, slot.state) = (id, token, namespace, State::Waiting);
            slot.deadline = deadline.unwrap_or(Instant::FAR_FUTURE);
            slot.heap_at = NIL;
        });
        self.link(list, at);
        self.enchain(at);
        if deadline.is_some_and(|deadline| deadline != Instant::FAR_FUTURE) {
            self.push_heap(at);
        }
    }

    /// Removes a slot from the hash chains and the heap.
    fn stop_waiting(&mut self, at: u16) {
        self.unchain(at);
        self.remove_from_heap(at);
    }

    /// Frees a slot that was removed from its list.
    fn release(&mut self, at: u16) {
        self.with(at, |slot| slot.state = State::Free);
        self.used = self.used.saturating_sub(1);
        if self.used == 0 {
            self.forget_free();
        } else {
            let mut free = self.free;
            self.link(&mut free, at);
            self.free = free;
        }
    }

    /// All slots are free, so the next id can be the next number.
    fn forget_free(&mut self) {
        let size = self.size();
        self.free = AckList::EMPTY;
        self.fresh_left = size;
        let at = self.next.checked_rem(u32::from(size)).unwrap_or(0);
        self.fresh = u16::try_from(at).unwrap_or(0);
    }

    fn age_of(&self, slot: &AckSlot) -> u32 {
        self.next.wrapping_sub(slot.id).wrapping_sub(1) & 0x3fff_ffff
    }

    fn size(&self) -> u16 {
        u16::try_from(self.slots.as_ref().len()).unwrap_or(NIL)
    }

    fn get(&self, at: u16) -> Option<&AckSlot> {
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + 1);
        self.slots.as_ref().get(usize::from(at)).filter(|_| at != NIL)
    }

    fn with(&mut self, at: u16, change: impl FnOnce(&mut AckSlot)) {
        if at != NIL
            && let Some(slot) = self.slots.as_mut().get_mut(usize::from(at))
        {
            change(slot);
        }
    }
}
