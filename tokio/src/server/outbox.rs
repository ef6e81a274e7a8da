//! What waits for one client.

use super::{counters::Counted, frames::Frames, sink::Sink};
use crate::sync::{Mutex, MutexGuard};
use bytes::Bytes;
use sansocket::socketio::{Flags, Policy, Pushed, Queue, QueueSlot};
use std::{
    io,
    mem::take,
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker},
};

/// Packets for this client alone are joined up to this many bytes.
const TOGETHER: usize = 4096;
/// Bytes that wait above which nothing is read from the client: its own questions must not be what drops it.
const MUCH: usize = 64 * 1024;

pub(crate) type Waiting = Queue<Frames, Vec<QueueSlot<Frames>>>;

/// The packets that wait for one client, as frames. A broadcast's frames are shared by all their receivers.
///
/// The task that writes announces, by [`State::is_asleep`], that it found nothing. Whoever appends then wakes it, once. Both happen under the lock of
/// the state, so no wake-up is lost, and a task that is at work is not woken.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    counted: Arc<Counted>,
}

#[derive(Debug)]
struct State {
    queue: Waiting,
    /// Packets for this client alone, behind those of the queue, not shared and so not cut into slots.
    tail: Vec<u8>,
    /// How much of the tail is written.
    written: usize,
    limit: usize,
    policy: Policy,
    /// Wakes whoever writes: the task of a WebSocket, or the GET that waits.
    waker: Option<Waker>,
    /// What whoever writes is still to be told.
    told: Option<Told>,
    /// Whoever writes found nothing to write, and waits to be woken.
    is_asleep: bool,
    /// The socket takes nothing more at present.
    is_blocked: bool,
    /// Too much waited, or for too long: the client is to be dropped.
    is_slow: bool,
    /// The connection is over.
    is_closed: bool,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Queued,
    Dropped,
    /// The client is too slow and is dropped, or is gone.
    Closed,
}

/// What whoever writes is woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// Packets wait.
    Packets,
    /// There may be something that is not a packet.
    Session,
}

impl State {
    fn waiting(&self) -> usize {
        self.queue.bytes() + self.tail.len() - self.written
    }

    /// The waker of before, which is to be dropped without the lock.
    fn register(&mut self, context: &Context<'_>) -> Option<Waker> {
        // Behind the end nobody has to be woken, and a waker would hold its task for as long as the application has a socket.
        let is_here = self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_here || self.is_closed { None } else { self.waker.replace(context.waker().clone()) }
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.tail.len() == self.written
    }

    /// Nothing waits: whoever writes sleeps from now on. Idle connections hold no memory.
    fn rest(&mut self) {
        self.is_blocked = false;
        if !self.is_closed {
            self.is_asleep = true;
        }
        self.tail = Vec::new();
        self.written = 0;
        if self.queue.slots() > 0 {
            let _ = self.queue.replace(Vec::new());
        }
    }

    /// Moves the tail into the queue, in front of what is appended next.
    fn seal(&mut self, counted: &Counted) {
        let rest = self.tail.len() - self.written;
        // What the protocol said beyond the limit stays where it is, until there is room for it.
        let has_room = self.queue.is_empty() || self.queue.bytes() + rest <= self.limit;
        if self.tail.is_empty() || (self.policy == Policy::DropNewest && !has_room) {
            return;
        }
        let mut tail = Bytes::from(take(&mut self.tail));
        let tail = tail.split_off(take(&mut self.written));
        if !tail.is_empty() {
            let _ = self.push(tail.into(), Flags::NONE, counted);
        }
    }

    /// Appends to the queue, behind which there is no tail.
    fn push(&mut self, frames: Frames, flags: Flags, counted: &Counted) -> Put {
        self.queue.reserve();
        let waited = self.queue.len();
        let pushed = self.queue.push(frames, flags, !self.is_blocked);
        // Whatever was in it and is not any more.
        let kept = self.queue.len();
        counted.dropped.add((waited + 1).saturating_sub(kept));
        match pushed {
            Pushed::Queued => Put::Queued,
            Pushed::Dropped => Put::Dropped,
            Pushed::Overflow => {
                self.is_slow = true;
                Put::Closed
            }
        }
    }

    /// There is no room for an event, and it is dropped for that.
    fn is_full(&self, len: usize) -> bool {
        let waiting = self.waiting();
        self.policy == Policy::DropNewest && waiting > 0 && waiting + len > self.limit
    }
}

impl Outbox {
    pub(crate) fn new(limit: usize, policy: Policy, counted: &Arc<Counted>) -> Self {
        let state = State {
            queue: Queue::new(Vec::new(), limit, policy),
            tail: Vec::new(),
            written: 0,
            limit,
            policy,
            waker: None,
            told: None,
            is_asleep: false,
            is_blocked: false,
            is_slow: false,
            is_closed: false,
        };
        Self { state: Mutex::new(state), counted: counted.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends frames that others have too.
    pub(crate) fn share(&self, frames: &Frames, flags: Flags) -> Put {
        let mut state = self.lock();
        if state.is_closed || state.is_slow {
            return Put::Closed;
        }
        if state.is_full(frames.as_ref().len()) {
            self.counted.dropped.add(1);
            return Put::Dropped;
        }
        state.seal(&self.counted);
        let put = state.push(frames.clone(), flags, &self.counted);
        self.done(state);
        put
    }

    /// Appends an event for this client alone.
    pub(crate) fn append(&self, frames: &[u8], flags: Flags) -> Put {
        let state = self.lock();
        if state.is_full(frames.len()) && !state.is_closed && !state.is_slow {
            self.counted.dropped.add(1);
            return Put::Dropped;
        }
        self.append_to(state, frames, flags)
    }

    fn append_to(&self, mut state: MutexGuard<'_, State>, frames: &[u8], flags: Flags) -> Put {
        if state.is_closed || state.is_slow {
            return Put::Closed;
        }
        // The tail has no flags.
        let is_together = !flags.is_volatile() && flags.may_compress() && state.tail.len() + frames.len() <= TOGETHER;
        let put = if is_together && state.waiting() + frames.len() <= state.limit {
            state.tail.extend_from_slice(frames);
            Put::Queued
        } else {
            state.seal(&self.counted);
            state.push(Bytes::copy_from_slice(frames).into(), flags, &self.counted)
        };
        self.done(state);
        put
    }

    /// Appends what the protocol has to say, such as an acknowledgement or a heartbeat. Where events are dropped for want of room, this is not: without it
    /// the connection would break. It cannot be much, since nothing is read while much waits.
    pub(crate) fn append_protocol(&self, frames: &[u8]) -> Put {
        let mut state = self.lock();
        if state.is_closed || state.is_slow || !state.is_full(frames.len()) {
            return self.append_to(state, frames, Flags::NONE);
        }
        state.tail.extend_from_slice(frames);
        self.done(state);
        Put::Queued
    }

    /// Wakes whoever writes, if it sleeps.
    fn done(&self, mut state: MutexGuard<'_, State>) {
        if take(&mut state.is_asleep) || state.is_slow {
            let told = if state.is_slow { Told::Session } else { Told::Packets };
            tell(state, told);
        }
    }

    /// Wakes whoever writes: there may be something that is not a packet.
    pub(crate) fn wake(&self) {
        let mut state = self.lock();
        state.is_asleep = false;
        tell(state, Told::Session);
    }

    /// Has this task woken, in place of the one before: from now on by [`wake`](Self::wake), and by whoever appends behind a
    /// [`poll_flush`](Self::poll_flush) or [`drain`](Self::drain) that found nothing. A session has one that writes; its last GET has its answer when its
    /// WebSocket begins.
    pub(crate) fn wakes(&self, context: &Context<'_>) {
        let before = self.lock().register(context);
        drop(before);
    }

    /// As [`wakes`](Self::wakes), and gives what this task was told since it asked last.
    pub(crate) fn told(&self, context: &Context<'_>) -> Option<Told> {
        let mut state = self.lock();
        let before = state.register(context);
        let told = state.told.take();
        drop(state);
        drop(before);
        told
    }

    /// Writes what waits, in as few calls as it can. Ready when nothing waits; then whoever appends wakes this task. `written` counts the bytes.
    pub(crate) fn poll_flush<K: Sink>(
        &self,
        context: &mut Context<'_>,
        sink: &mut K,
        written: &mut usize,
    ) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        loop {
            let State { queue, tail, written: of_tail, .. } = &mut *state;
            let rest = &tail[*of_tail..];
            if queue.is_empty() && rest.is_empty() {
                let done = sink.poll_done(context, written);
                if done.is_pending() {
                    state.is_blocked = true;
                } else {
                    state.rest();
                }
                return done;
            }
            let n = match sink.poll_take(context, queue, rest, written) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => n,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    state.is_blocked = true;
                    return Poll::Pending;
                }
            };
            let of_queue = n.min(state.queue.bytes());
            state.queue.consume(of_queue);
            state.written += n - of_queue;
            if sink.is_preparing() || !state.is_empty() {
                // Others have their turn.
                drop(state);
                sink.prepare();
                state = self.lock();
            }
        }
    }

    /// Counts bytes that went out.
    pub(crate) fn count(&self, written: usize) {
        self.counted.here().bytes_out.add(written);
    }

    /// Whoever writes is at work, and looks at the queue before it sleeps: it need not be woken.
    pub(crate) fn stay_awake(&self) {
        self.lock().is_asleep = false;
    }

    /// Gives the queue to a GET that may take some of it. Afterwards whoever appends wakes that GET.
    pub(crate) fn drain<R>(&self, take: impl FnOnce(&mut Waiting) -> R) -> R {
        let mut state = self.lock();
        state.seal(&self.counted);
        let result = take(&mut state.queue);
        if state.queue.is_empty() {
            let _ = state.queue.replace(Vec::new());
        }
        state.is_asleep = !state.is_closed;
        result
    }

    /// Whether volatile packets are dropped at present. Of a WebSocket its own task knows.
    pub(crate) fn set_blocked(&self, is_blocked: bool) {
        self.lock().is_blocked = is_blocked;
    }

    /// So much waits that nothing is to be read until some went out.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.lock().waiting() > MUCH
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    /// The client is too slow, and is to be dropped.
    pub(crate) fn is_slow(&self) -> bool {
        self.lock().is_slow
    }

    /// The client takes nothing of what it is sent: drops all of it.
    pub(crate) fn give_up(&self) {
        let mut state = self.lock();
        state.is_slow = true;
        self.counted.dropped.add(state.queue.len());
        state.queue.clear();
        state.tail = Vec::new();
        state.written = 0;
    }

    /// The connection is over: nothing is appended any more. What waits can still be written.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        tell(state, Told::Session);
    }
}

/// Wakes whoever writes.
fn tell(mut state: MutexGuard<'_, State>, told: Told) {
    state.told = state.told.max(Some(told));
    let waker = state.waker.take();
    drop(state);
    // Without the lock: the last of its wakers drops a task.
    if let Some(waker) = waker {
        waker.wake();
    }
}
