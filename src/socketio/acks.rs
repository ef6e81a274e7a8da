//! Acknowledgements that a session waits for.

use super::Namespace;
use crate::{bytes::Capacity, time::Instant};

/// Ids of sessions are below, ids of broadcasts ([`AckIds`](super::server::AckIds)) are at or above: an answer is never taken for that to another expect.
/// Both fit the 32-bit integers of small clients.
pub(super) const BROADCASTS: u64 = 1 << 30;

/// Asks for an acknowledgement, beside an event that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExpectAck {
    /// The caller's name for the expect, which comes back with the answer.
    pub token: u32,
    /// When it comes too late ([`Event::AckFailed`](super::server::Event::AckFailed)). Without a deadline the slot is taken until the answer comes or the
    /// namespace is left.
    pub deadline: Option<Instant>,
}

/// Why no acknowledgement comes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckError {
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

    pub(super) fn take(&mut self, vacancy: Vacancy, namespace: Namespace, expect: ExpectAck) {
        let ExpectAck { token, deadline } = expect;
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

    /// The token of the expect that `id` answers, whose slot is then free.
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

    /// The next expect that no answer comes to, whose slot is then free.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<(Namespace, u32, AckError)> {
        self.slots.as_mut().iter_mut().find_map(|slot| {
            let error = match slot.state {
                State::Lost => AckError::Disconnected,
                State::Waiting if slot.deadline.is_some_and(|d| d <= now) => AckError::TimedOut,
                _ => return None,
            };
            slot.state = State::Free;
            Some((slot.namespace, slot.token, error))
        })
    }
}

fn after(id: u32) -> u32 {
    let next = id.wrapping_add(1);
    if u64::from(next) < BROADCASTS { next } else { 0 }
}
