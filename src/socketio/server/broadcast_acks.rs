//! Acknowledgements of a broadcast: from every member that it reached.

use super::rooms::Member;
use crate::{bytes::Capacity, socketio::acks::BROADCASTS, time::Instant};

/// The ids of the broadcasts of one namespace that want acknowledgements ([`broadcast`](super::broadcast)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckIds(u64);

impl AckIds {
    /// None was given out.
    #[must_use]
    pub const fn new() -> Self {
        Self(BROADCASTS)
    }

    /// The next one. After 2^30 they come again.
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

/// Who was asked by one broadcast, and who answered, in lent slots.
///
/// An answer counts when it comes from a member that was asked, with the id of this broadcast, and once. What was answered is the
/// caller's to keep. Cost: a lookup is O(1) on average while a quarter of the slots is free, 8 bytes a slot.
///
/// ```
/// use sansocket::{socketio::server::{AckIds, AskedSlot, BroadcastAcks, rooms::Member}, time::Instant};
///
/// let mut ids = AckIds::new();
/// let id = ids.next_id();
/// let mut acks = BroadcastAcks::new(id, Instant::from_millis(5000), [AskedSlot::EMPTY; 8]);
/// for member in [Member(1), Member(2)] { // of `rooms.select(..)`, while the packet is queued for each
///     acks.ask(member)?;
/// }
/// // `socketio::Event::Ack { id, token: None, .. }` in the session of member 2
/// assert!(acks.answered(Member(2), id));
/// assert!(!acks.answered(Member(2), id), "once");
/// assert!(!acks.answered(Member(3), id), "was not asked");
/// assert!(!acks.is_done(Instant::from_millis(4999)));
/// assert!(acks.is_done(Instant::from_millis(5000)));
/// assert!(acks.missing().eq([Member(1)]));
/// # Ok::<(), sansocket::Capacity>(())
/// ```
#[derive(Clone, Debug)]
pub struct BroadcastAcks<S> {
    id: u64,
    deadline: Instant,
    slots: S,
    asked: usize,
    waiting: usize,
}

/// Room for one member that was asked.
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
    /// Nobody.
    pub const EMPTY: Self = Self { member: 0, reply: Reply::Free };
}

impl<S: AsMut<[AskedSlot]> + AsRef<[AskedSlot]>> BroadcastAcks<S> {
    /// Nobody was asked yet. What `slots` held is forgotten.
    pub fn new(id: u64, deadline: Instant, mut slots: S) -> Self {
        slots.as_mut().fill(AskedSlot::EMPTY);
        Self { id, deadline, slots, asked: 0, waiting: 0 }
    }

    /// Notes that `member` was sent the expect. Twice is once.
    ///
    /// # Errors
    /// [`Capacity`], in slots; nothing was changed.
    pub fn ask(&mut self, member: Member) -> Result<(), Capacity> {
        let available = self.slots.as_ref().len();
        let full = Capacity { needed: self.asked.saturating_add(1), available };
        let at = self.place(member).ok_or(full)?;
        let slot = self.slots.as_mut().get_mut(at).ok_or(full)?;
        if slot.reply == Reply::Free {
            *slot = AskedSlot { member: member.0, reply: Reply::Waiting };
            self.asked = self.asked.saturating_add(1);
            self.waiting = self.waiting.saturating_add(1);
        }
        Ok(())
    }

    /// An answer with `id` came from `member`: whether it is one to this broadcast, and the first.
    pub fn answered(&mut self, member: Member, id: u64) -> bool {
        id == self.id && self.settle(member, Reply::Came)
    }

    /// `member` disconnected: it is not waited for any more, and counts as missing.
    pub fn gone(&mut self, member: Member) {
        self.settle(member, Reply::Gone);
    }

    /// The id of the broadcast.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Until when answers count.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether nobody is waited for any more: all answered or are gone, or the deadline passed.
    #[must_use]
    pub fn is_done(&self, now: Instant) -> bool {
        self.waiting == 0 || now >= self.deadline
    }

    /// How many were asked.
    #[must_use]
    pub const fn asked(&self) -> usize {
        self.asked
    }

    /// Who did not answer.
    pub fn missing(&self) -> impl Iterator<Item = Member> {
        self.slots.as_ref().iter().filter(|s| matches!(s.reply, Reply::Waiting | Reply::Gone)).map(|s| Member(s.member))
    }

    /// The slots, for the next broadcast.
    pub fn into_slots(self) -> S {
        self.slots
    }

    fn settle(&mut self, member: Member, reply: Reply) -> bool {
        let Some(slot) = self.place(member).and_then(|at| self.slots.as_mut().get_mut(at)) else { return false };
        if slot.reply != Reply::Waiting {
            return false;
        }
        slot.reply = reply;
        self.waiting = self.waiting.saturating_sub(1);
        true
    }

    /// The slot of `member`, or the free one where it belongs. Slots are never freed singly, so the search may stop there.
    fn place(&self, member: Member) -> Option<usize> {
        let slots = self.slots.as_ref();
        // Fibonacci hashing: members are the caller's small numbers, not a stranger's.
        let hash = member.0.wrapping_mul(0x9e37_79b9);
        let start = usize::try_from(hash.checked_rem(u32::try_from(slots.len()).ok()?)?).ok()?;
        let is_it = |s: &AskedSlot| s.reply == Reply::Free || s.member == member.0;
        let (front, back) = slots.split_at_checked(start)?;
        match back.iter().position(is_it) {
            Some(at) => Some(start.wrapping_add(at)),
            None => front.iter().position(is_it),
        }
    }
}
