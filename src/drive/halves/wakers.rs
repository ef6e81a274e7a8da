//! Who waits for a change of the shared state.
//!
//! No wake-up is lost: who returns `Pending` has, in one critical section, found its condition false and left its waker. Each change that can make a condition
//! true happens in a critical section too, and takes out the wakers that it concerns. They are called after the section, since a waker may run code of others
//! that takes the lock.

use crate::time::Instant;
use core::task::Waker;

/// How many senders can leave a waker. One more looks again after [`CROWDED_MS`].
pub(super) const SLOTS: usize = 4;

/// How long a sender sleeps that finds no slot, in milliseconds.
pub(super) const CROWDED_MS: u64 = 10;

#[derive(Debug, Default)]
pub(super) struct Wakers {
    receiver: Option<Waker>,
    /// The sender that has the output. It waits for the transport, and wants to know if the connection ends.
    writer: Option<Waker>,
    /// Senders that wait for the output, and since when: the longest-waiting first, without gaps.
    senders: [Option<(Waker, Instant)>; SLOTS],
}

/// Wakers that were taken out.
#[derive(Debug, Default)]
pub(super) struct Woken {
    called: Wakers,
    /// To be dropped, which may run code of others too.
    dropped: Option<Waker>,
}

/// Leaves `waker` in `slot`. Another one that is there is called, so that it comes again if it still waits.
fn leave(slot: &mut Option<Waker>, waker: &Waker, woken: &mut Option<Waker>) {
    if slot.as_ref().is_none_or(|old| !old.will_wake(waker)) {
        pass(slot, woken);
        *slot = Some(waker.clone());
    }
}

fn pass(slot: &mut Option<Waker>, woken: &mut Option<Waker>) {
    if let Some(waker) = slot.take() {
        *woken = Some(waker);
    }
}

impl Woken {
    /// Calls the receiver, which has just been polled, once more.
    pub(super) fn call_receiver(&mut self, waker: &Waker) {
        self.called.receiver = Some(waker.clone());
    }

    pub(super) fn wake(self) {
        let Wakers { receiver, writer, senders } = self.called;
        receiver
            .into_iter()
            .chain(writer)
            .chain(senders.into_iter().flatten().map(|(waker, _)| waker))
            .for_each(Waker::wake);
    }
}

impl Wakers {
    pub(super) const fn new() -> Self {
        Self { receiver: None, writer: None, senders: [const { None }; SLOTS] }
    }

    pub(super) fn leave_receiver(&mut self, waker: &Waker, woken: &mut Woken) {
        leave(&mut self.receiver, waker, &mut woken.called.receiver);
    }

    pub(super) fn leave_writer(&mut self, waker: &Waker, woken: &mut Woken) {
        leave(&mut self.writer, waker, &mut woken.called.writer);
    }

    /// Who wrote does not wait any more.
    pub(super) fn drop_writer(&mut self, woken: &mut Woken) {
        pass(&mut self.writer, &mut woken.dropped);
    }

    /// Leaves the waker of a sender that waits since then. `false`: there is no slot. One that waits for a shorter time gives way, else those without a slot
    /// would find none for ever.
    pub(super) fn leave_sender(&mut self, waker: &Waker, since: Instant, woken: &mut Woken) -> bool {
        if self.senders.iter().flatten().any(|(old, _)| old.will_wake(waker)) {
            return true;
        }
        if self.senders.last().and_then(Option::as_ref).is_some_and(|(_, last)| *last <= since) {
            return false;
        }
        let mut moved = Some((waker.clone(), since));
        for slot in &mut self.senders {
            let is_next = slot.as_ref().zip(moved.as_ref()).is_none_or(|((_, old), (_, new))| old > new);
            if is_next {
                core::mem::swap(slot, &mut moved);
            }
        }
        // It looks again, and finds no slot.
        let [first, ..] = &mut woken.called.senders;
        *first = moved;
        true
    }

    pub(super) fn take_receiver(&mut self, woken: &mut Woken) {
        pass(&mut self.receiver, &mut woken.called.receiver);
    }

    /// Returns whether there was one.
    pub(super) fn take_senders(&mut self, woken: &mut Woken) -> bool {
        let found = self.senders.iter().any(Option::is_some);
        for (slot, woken) in self.senders.iter_mut().zip(&mut woken.called.senders) {
            if slot.is_some() {
                *woken = slot.take();
            }
        }
        found
    }

    pub(super) fn take_all(&mut self, woken: &mut Woken) {
        self.take_receiver(woken);
        self.take_senders(woken);
        pass(&mut self.writer, &mut woken.called.writer);
    }
}
