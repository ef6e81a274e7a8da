//! The acknowledgements of a broadcast, one from each receiver.

use super::rooms::Member;
use crate::{
    socketio::{Namespace, SlotCapacity, acks::BROADCASTS},
    time::Instant,
};

/// Makes the ids of broadcasts with acknowledgements ([`broadcast`](super::broadcast)). Use one counter for all namespaces of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckIds(u64);

impl AckIds {
    /// The first id is 2^30. Lower ids are used by sessions.
    #[must_use]
    pub const fn new() -> Self {
        Self(BROADCASTS)
    }

    /// The next id. The ids repeat after 2^30 calls.
    pub const fn next_id(&mut self) -> u64 {
        let id = self.0;
        self.0 = if id == 2 * BROADCASTS - 1 { BROADCASTS } else { id.wrapping_add(1) };
        id
    }
}

impl Default for AckIds {
    fn default() -> Self {
        Self::new()
    }
}

/// Keeps track of which members were asked to acknowledge a broadcast and which of them did, in lent slots of 8 bytes.
///
/// An acknowledgement counts once, if it comes from a member that was asked, in the namespace and with the id of the broadcast. The arguments of the
/// acknowledgements are not stored. Cost: O(1) on average for each member if a quarter of the slots is free.
///
/// ```
/// use sansocket::{socketio::{Namespace, server::{AckIds, AskedSlot, BroadcastAcks, rooms::Member}}, time::Instant};
///
/// const ROOT: Namespace = Namespace(0);
/// let mut ids = AckIds::new();
/// let id = ids.next_id();
/// let mut acks = BroadcastAcks::new(ROOT, id, Instant::from_millis(5000), [AskedSlot::EMPTY; 8]);
/// for member in [Member(1), Member(2)] { // those of `rooms.select(..)`
///     acks.ask(member)?;
/// }
/// // An `Event::Ack` with this namespace and id, without a token, in the session of member 2:
/// assert!(acks.answered(ROOT, Member(2), id));
/// assert!(!acks.answered(ROOT, Member(2), id), "once");
/// assert!(!acks.answered(ROOT, Member(3), id), "was not asked");
/// assert!(!acks.answered(Namespace(1), Member(1), id), "was not asked there");
/// assert!(!acks.is_done(Instant::from_millis(4999)));
/// assert!(acks.is_done(Instant::from_millis(5000)));
/// assert!(acks.missing().eq([Member(1)]));
/// acks.gone(Member(1)); // it left the namespace, so the broadcast does not wait for it
/// assert!(acks.is_done(Instant::from_millis(0)));
/// let slots = acks.into_storage();
/// # Ok::<(), sansocket::socketio::SlotCapacity>(())
/// ```
#[derive(Clone, Debug)]
pub struct BroadcastAcks<S> {
    namespace: Namespace,
    id: u64,
    deadline: Instant,
    slots: S,
    asked: usize,
    waiting: usize,
    /// Slots looked at, for tests of cost.
    #[cfg(test)]
    looked_at: core::cell::Cell<usize>,
}

/// Memory for one member that was asked: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedSlot {
    member: u32,
    reply: Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Free,
    Waiting,
    Came,
    Gone,
}

impl AskedSlot {
    /// A slot that is not in use.
    pub const EMPTY: Self = Self { member: 0, reply: Reply::Free };
}

impl<S: AsMut<[AskedSlot]> + AsRef<[AskedSlot]>> BroadcastAcks<S> {
    /// No member was asked yet. The contents of `slots` are dropped.
    pub fn new(namespace: Namespace, id: u64, deadline: Instant, mut slots: S) -> Self {
        slots.as_mut().fill(AskedSlot::EMPTY);
        Self {
            namespace,
            id,
            deadline,
            slots,
            asked: 0,
            waiting: 0,
            #[cfg(test)]
            looked_at: core::cell::Cell::new(0),
        }
    }

    /// Records that the broadcast was sent to `member`. Repeated calls for a member do nothing.
    ///
    /// # Errors
    /// [`SlotCapacity`] if all slots are in use. Nothing was changed. `needed` is the least that helps.
    pub fn ask(&mut self, member: Member) -> Result<(), SlotCapacity> {
        let available = self.slots.as_ref().len();
        let full = SlotCapacity { needed: self.asked.saturating_add(1), available };
        let at = self.slot_of(member).ok_or(full)?;
        let slot = self.slots.as_mut().get_mut(at).ok_or(full)?;
        if slot.reply == Reply::Free {
            *slot = AskedSlot { member: member.0, reply: Reply::Waiting };
            self.asked = self.asked.saturating_add(1);
            self.waiting = self.waiting.saturating_add(1);
        }
        Ok(())
    }

    /// Call this for an acknowledgement with `id` from `member` in `namespace`. Returns whether it is the first one from a member that was asked.
    pub fn answered(&mut self, namespace: Namespace, member: Member, id: u64) -> bool {
        namespace == self.namespace && id == self.id && self.settle(member, Reply::Came)
    }

    /// `member` left the namespace. The broadcast no longer waits for it, and it counts as missing. See [`BroadcastAcks`].
    pub fn gone(&mut self, member: Member) {
        self.settle(member, Reply::Gone);
    }

    /// The namespace of the broadcast.
    #[must_use]
    pub const fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// The id of the broadcast.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The time until which acknowledgements count.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the broadcast is complete: all members have answered or left, or the deadline has passed at `now`.
    #[must_use]
    pub fn is_done(&self, now: Instant) -> bool {
        self.waiting == 0 || now >= self.deadline
    }

    /// The number of members that were asked.
    #[must_use]
    pub const fn asked(&self) -> usize {
        self.asked
    }

    /// The members that were asked and have not answered.
    pub fn missing(&self) -> impl Iterator<Item = Member> {
        self.slots.as_ref().iter().filter(|s| matches!(s.reply, Reply::Waiting | Reply::Gone)).map(|s| Member(s.member))
    }

    /// Returns the slots, for the next broadcast. See [`BroadcastAcks`].
    #[must_use]
    pub fn into_storage(self) -> S {
        self.slots
    }

    fn settle(&mut self, member: Member, reply: Reply) -> bool {
        let Some(slot) = self.slot_of(member).and_then(|at| self.slots.as_mut().get_mut(at)) else { return false };
        if slot.reply != Reply::Waiting {
            return false;
        }
        slot.reply = reply;
        self.waiting = self.waiting.saturating_sub(1);
        true
    }

    /// The slot of `member`, or the free slot where it belongs. No slot is freed alone, so the search can stop at a free one.
    fn slot_of(&self, member: Member) -> Option<usize> {
        let slots = self.slots.as_ref();
        // The finalizer of MurmurHash3, so that all bits of the member count: the caller's numbers may have a pattern.
        let mut hash = member.0;
        hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
        hash ^= hash >> 16;
        let start = u64::from(hash).wrapping_mul(u64::try_from(slots.len()).ok()?) >> 32;
        let is_it = |s: &AskedSlot| {
            #[cfg(test)]
            self.looked_at.set(self.looked_at.get() + 1);
            s.reply == Reply::Free || s.member == member.0
        };
        let start = usize::try_from(start).ok()?;
        let (front, back) = slots.split_at_checked(start)?;
        match back.iter().position(is_it) {
            Some(at) => Some(start.wrapping_add(at)),
            None => front.iter().position(is_it),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that have their low or high bits in common spread over the slots as others do.
    #[test]
    fn members_of_any_pattern_cost_a_constant_each() {
        for n in [8_192_u32, 16_384, 32_768] {
            for shift in [0, 4, 8, 16] {
                let slots = std::vec![AskedSlot::EMPTY; 2 * n as usize];
                let mut acks = BroadcastAcks::new(Namespace(0), BROADCASTS, Instant::from_millis(1), slots);
                (0..n).for_each(|i| acks.ask(Member(i << shift)).unwrap());
                (0..n).for_each(|i| assert!(acks.answered(Namespace(0), Member(i << shift), BROADCASTS)));
                let each = acks.looked_at.get() / (2 * n as usize);
                assert!(each < 4, "{each} slots looked at for each of {n} members << {shift}");
                assert!(acks.is_done(Instant::from_millis(0)));
            }
        }
    }
}
