//! Acknowledgements that are waited for: of one session, and of all whom a broadcast reached.

use super::{Namespace, rooms::Member};
use crate::{bytes::Capacity, time::Instant};

/// Ids of sessions are below, ids of broadcasts ([`AckIds`]) are at or above: an answer is never taken for that to another question.
/// Both fit the 32-bit integers of small clients.
const BROADCASTS: u64 = 1 << 30;

/// Asks for an acknowledgement, beside an event that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Await {
    /// The caller's name for the question, which comes back with the answer.
    pub token: u32,
    /// When it comes too late ([`Event::Unanswered`](super::Event::Unanswered)). Without a deadline the slot is taken until the answer comes or the
    /// namespace is left.
    pub deadline: Option<Instant>,
}

/// Why no acknowledgement comes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Its deadline passed. An answer that comes later is told without a token.
    TimedOut,
    /// The client left the namespace, or the link ended.
    Disconnected,
}

/// Room for one acknowledgement that a session waits for. The caller sizes the table: an array, a slice, a `Vec` of
/// [`EMPTY`](Self::EMPTY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckSlot {
    id: u32,
    token: u32,
    deadline: Option<Instant>,
    namespace: Namespace,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Waiting,
    /// The namespace was left; that is not told yet.
    Lost,
}

impl AckSlot {
    /// Waits for nothing.
    pub const EMPTY: Self = Self { id: 0, token: 0, deadline: None, namespace: Namespace(0), state: State::Free };
}

/// The table of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acks<A> {
    slots: A,
    next: u32,
}

/// A slot that is found free, and the id to ask with; nothing is taken yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacancy {
    at: usize,
    id: u32,
}

impl Vacancy {
    pub(super) fn id(self) -> u64 {
        u64::from(self.id)
    }
}

impl<A> Acks<A> {
    pub(super) const fn new(slots: A) -> Self {
        Self { slots, next: 0 }
    }
}

impl<A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> Acks<A> {
    /// # Errors
    /// [`Capacity`] in slots.
    pub(super) fn vacancy(&self) -> Result<Vacancy, Capacity> {
        let slots = self.slots.as_ref();
        let Some(at) = slots.iter().position(|s| s.state == State::Free) else {
            return Err(Capacity { needed: slots.len().saturating_add(1), available: slots.len() });
        };
        let mut id = self.next;
        // After 2^30 questions ids come again; one may still wait.
        while slots.iter().any(|s| s.state == State::Waiting && s.id == id) {
            id = after(id);
        }
        Ok(Vacancy { at, id })
    }

    pub(super) fn take(&mut self, vacancy: Vacancy, namespace: Namespace, question: Await) {
        let Await { token, deadline } = question;
        if let Some(slot) = self.slots.as_mut().get_mut(vacancy.at) {
            *slot = AckSlot { id: vacancy.id, token, deadline, namespace, state: State::Waiting };
        }
        self.next = after(vacancy.id);
    }

    /// Moves what is waited for into other slots.
    pub(super) fn replace(&mut self, mut slots: A) -> Result<A, A> {
        let waiting = self.slots.as_ref().iter().filter(|s| s.state != State::Free);
        if slots.as_mut().len() < waiting.clone().count() {
            return Err(slots);
        }
        let mut waiting = waiting.copied();
        slots.as_mut().fill_with(|| waiting.next().unwrap_or(AckSlot::EMPTY));
        Ok(core::mem::replace(&mut self.slots, slots))
    }

    /// The token of the question that `id` answers, whose slot is then free.
    pub(super) fn answered(&mut self, namespace: Namespace, id: u64) -> Option<u32> {
        let is_it = |s: &&mut AckSlot| s.state == State::Waiting && u64::from(s.id) == id && s.namespace == namespace;
        let slot = self.slots.as_mut().iter_mut().find(is_it)?;
        slot.state = State::Free;
        Some(slot.token)
    }

    /// No answer will come: from `namespace`, or from anywhere.
    pub(super) fn lose(&mut self, namespace: Option<Namespace>) {
        for slot in self.slots.as_mut() {
            if slot.state == State::Waiting && namespace.is_none_or(|n| n == slot.namespace) {
                slot.state = State::Lost;
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let due = |slot: &AckSlot| match slot.state {
            State::Free => None,
            State::Waiting => slot.deadline,
            State::Lost => Some(Instant::from_millis(0)),
        };
        self.slots.as_ref().iter().filter_map(due).min()
    }

    /// The next question that no answer comes to, whose slot is then free.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<(Namespace, u32, NoAnswer)> {
        self.slots.as_mut().iter_mut().find_map(|slot| {
            let why = match slot.state {
                State::Lost => NoAnswer::Disconnected,
                State::Waiting if slot.deadline.is_some_and(|d| d <= now) => NoAnswer::TimedOut,
                _ => return None,
            };
            slot.state = State::Free;
            Some((slot.namespace, slot.token, why))
        })
    }
}

fn after(id: u32) -> u32 {
    let next = id.wrapping_add(1);
    if u64::from(next) < BROADCASTS { next } else { 0 }
}

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
/// use sansocket::{socketio::{AckIds, Asked, BroadcastAcks, rooms::Member}, time::Instant};
///
/// let mut ids = AckIds::new();
/// let id = ids.next_id();
/// let mut acks = BroadcastAcks::new(id, Instant::from_millis(5000), [Asked::EMPTY; 8]);
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
pub struct Asked {
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

impl Asked {
    /// Nobody.
    pub const EMPTY: Self = Self { member: 0, reply: Reply::Free };
}

impl<S: AsMut<[Asked]> + AsRef<[Asked]>> BroadcastAcks<S> {
    /// Nobody was asked yet. What `slots` held is forgotten.
    pub fn new(id: u64, deadline: Instant, mut slots: S) -> Self {
        slots.as_mut().fill(Asked::EMPTY);
        Self { id, deadline, slots, asked: 0, waiting: 0 }
    }

    /// Notes that `member` was sent the question. Twice is once.
    ///
    /// # Errors
    /// [`Capacity`], in slots; nothing was changed.
    pub fn ask(&mut self, member: Member) -> Result<(), Capacity> {
        let available = self.slots.as_ref().len();
        let full = Capacity { needed: self.asked.saturating_add(1), available };
        let at = self.place(member).ok_or(full)?;
        let slot = self.slots.as_mut().get_mut(at).ok_or(full)?;
        if slot.reply == Reply::Free {
            *slot = Asked { member: member.0, reply: Reply::Waiting };
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
        let is_it = |s: &Asked| s.reply == Reply::Free || s.member == member.0;
        let (front, back) = slots.split_at_checked(start)?;
        match back.iter().position(is_it) {
            Some(at) => Some(start.wrapping_add(at)),
            None => front.iter().position(is_it),
        }
    }
}
