//! What waits for one client, whatever way it goes.

use sansocket::{
    endpoint::{Answer, Got, ServerLink},
    socketio::{Flags, Policy, Pushed, Queue, QueueSlot},
};
use std::{
    cell::{Cell, OnceCell, RefCell},
    io::{self, IoSlice},
    rc::Rc,
};
use tokio::{net::tcp::OwnedWriteHalf, sync::Notify};
use tracing::debug;

/// Frames that one `write` takes.
const BATCH: usize = 64;
/// Bytes that wait for a receiver above which nothing is read from it: its own questions must not be what drops it.
const MUCH: usize = 64 * 1024;

type Packets = Queue<Rc<[u8]>, Vec<QueueSlot<Rc<[u8]>>>>;

/// A client as the others see it: the frames that wait for it, and its socket. A broadcast's frame is shared by all.
#[derive(Debug)]
pub struct Peer {
    /// The socket, once there is one: a session over polling has none, and its packets wait for a GET.
    sink: OnceCell<OwnedWriteHalf>,
    /// Wakes the task that waits for packets, or for the socket.
    pub wake: Notify,
    /// Too much waited.
    pub slow: Notify,
    /// Nobody takes packets now: the socket is full, or no GET waits.
    pub is_blocked: Cell<bool>,
    /// In the list of those to be flushed.
    is_listed: Cell<bool>,
    /// Bytes that the socket took.
    pub written: Cell<u64>,
    is_given_up: Cell<bool>,
    limit: usize,
    queue: RefCell<Packets>,
    flusher: Rc<Flusher>,
}

impl Peer {
    pub fn new(limit: usize, flusher: Rc<Flusher>) -> Self {
        Self {
            sink: OnceCell::new(),
            wake: Notify::new(),
            slow: Notify::new(),
            is_blocked: Cell::new(false),
            is_listed: Cell::new(false),
            written: Cell::new(0),
            is_given_up: Cell::new(false),
            limit,
            queue: RefCell::new(Queue::new(Vec::new(), limit, Policy::DropVolatile)),
            flusher,
        }
    }

    /// From now on the packets leave through this socket.
    pub fn set_sink(self: &Rc<Self>, sink: OwnedWriteHalf) {
        let _ = self.sink.set(sink);
        self.is_blocked.set(false);
        self.flusher.list(self);
    }

    /// The socket.
    pub fn sink(&self) -> Option<&OwnedWriteHalf> {
        self.sink.get()
    }

    /// The body of the answer to the GET that waits, or another answer; `None` while there is nothing to say.
    pub fn take_payload(&self, link: &mut ServerLink) -> Option<Result<Vec<u8>, Answer<'static>>> {
        let mut queue = self.queue.borrow_mut();
        let mut body = vec![0; link.body_room(queue.bytes())];
        loop {
            match link.poll_get(queue.slices(), &mut body) {
                Ok(Got::Waits) => return None,
                Ok(Got::Over) => return Some(Err(Got::GONE)),
                Ok(Got::Payload { taken, len }) => {
                    queue.consume(taken);
                    if queue.is_empty() {
                        let _ = queue.replace(Vec::new());
                    }
                    body.truncate(len);
                    return Some(Ok(body));
                }
                Err(grow) => body.resize(grow.to, 0),
            }
        }
    }

    /// Appends frames, which leave when the tasks that are ready have run; a receiver for whom too much waits is woken, and ends
    /// itself.
    pub fn push(self: &Rc<Self>, frames: Rc<[u8]>, flags: Flags) {
        if frames.is_empty() || self.is_given_up.get() {
            return;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.len() == queue.slots() {
            // As a `Vec` grows; the limit in bytes bounds what waits.
            let slots = (2 * queue.slots()).max(2);
            let _ = queue.replace(vec![QueueSlot::EMPTY; slots]);
        }
        match queue.push(frames, flags, !self.is_blocked.get()) {
            Pushed::Queued => self.flusher.list(self),
            Pushed::Dropped => {}
            Pushed::Overflow => self.overflow(),
        }
    }

    /// Bytes that may wait.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// More than [`limit`](Self::limit) would wait: the client is to be dropped.
    pub fn overflow(&self) {
        self.give_up();
        self.wake.notify_one();
        self.slow.notify_one();
    }

    /// Too much waited: to be dropped.
    pub fn is_slow(&self) -> bool {
        self.is_given_up.get() || self.queue.borrow().is_closed()
    }

    /// The client takes nothing of what it is sent.
    pub fn give_up(&self) {
        self.is_given_up.set(true);
    }

    /// So much waits that nothing is to be read until some went out; `wake` tells when.
    pub fn is_backed_up(&self) -> bool {
        self.queue.borrow().bytes() > MUCH
    }

    /// Writes what waits, as much as the socket takes, in as few calls as it can.
    pub fn flush(&self) -> io::Result<()> {
        let Some(sink) = self.sink.get() else {
            self.wake.notify_one();
            return Ok(());
        };
        let mut queue = self.queue.borrow_mut();
        let was_backed_up = queue.bytes() > MUCH;
        while !queue.is_empty() {
            let slices: Vec<IoSlice<'_>> = queue.slices().take(BATCH).map(IoSlice::new).collect();
            let written = match &slices[..] {
                [one] => sink.try_write(one),
                many => sink.try_write_vectored(many),
            };
            match written {
                Ok(n) => {
                    queue.consume(n);
                    self.written.set(self.written.get() + n as u64);
                    if was_backed_up && queue.bytes() <= MUCH {
                        self.wake.notify_one();
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if !self.is_blocked.replace(true) {
                        self.wake.notify_one();
                    }
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
        }
        self.is_blocked.set(false);
        // Idle connections hold none.
        let _ = queue.replace(Vec::new());
        Ok(())
    }
}

/// Those to whom something is to be written: what several tasks say to one then leaves in one write.
#[derive(Debug, Default)]
pub struct Flusher {
    peers: RefCell<Vec<Rc<Peer>>>,
    wake: Notify,
}

impl Flusher {
    fn list(&self, peer: &Rc<Peer>) {
        if !peer.is_blocked.get() && !peer.is_listed.replace(true) {
            self.peers.borrow_mut().push(peer.clone());
            self.wake.notify_one();
        }
    }

    /// The task that flushes.
    pub async fn run(flusher: Rc<Self>) {
        let mut peers = Vec::new();
        loop {
            flusher.wake.notified().await;
            tokio::task::yield_now().await;
            std::mem::swap(&mut peers, &mut *flusher.peers.borrow_mut());
            for peer in peers.drain(..) {
                peer.is_listed.set(false);
                if let Err(e) = peer.flush() {
                    // Its own task meets the same error when it reads.
                    debug!("cannot write: {e}");
                }
            }
        }
    }
}
