//! What waits to be written to one socket.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io::{self, IoSlice},
    rc::Rc,
};
use tokio::{net::TcpStream, sync::Notify};

/// Frames that one `write` takes.
const BATCH: usize = 64;

/// A connection as the others see it: its socket, and the frames that wait for it. A broadcast's frame is shared by all.
#[derive(Debug)]
pub struct Peer {
    pub stream: TcpStream,
    /// Wakes the connection's own task.
    pub wake: Notify,
    /// The socket takes no more now: the connection's own task waits until it does.
    pub is_blocked: Cell<bool>,
    /// Too much waits: to be dropped.
    pub is_slow: Cell<bool>,
    /// In the list of those to be flushed.
    pub is_listed: Cell<bool>,
    queue: RefCell<Queue>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Rc<[u8]>>,
    /// Bytes of the first that went out.
    sent: usize,
    bytes: usize,
}

impl Peer {
    pub fn new(stream: TcpStream, limit: usize) -> Self {
        Self {
            stream,
            wake: Notify::new(),
            is_blocked: Cell::new(false),
            is_slow: Cell::new(false),
            is_listed: Cell::new(false),
            queue: RefCell::default(),
            limit,
        }
    }

    /// Appends frames; a receiver for whom too much waits is marked and woken, and ends itself.
    pub fn push(&self, frames: Rc<[u8]>) {
        if self.is_slow.get() || frames.is_empty() {
            return;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.bytes + frames.len() > self.limit {
            self.is_slow.set(true);
            *queue = Queue::default();
            self.wake.notify_one();
            return;
        }
        queue.bytes += frames.len();
        queue.frames.push_back(frames);
    }

    /// Writes what waits, as much as the socket takes, in as few calls as it can.
    pub fn flush(&self) -> io::Result<()> {
        let mut queue = self.queue.borrow_mut();
        while !queue.frames.is_empty() {
            let slices: Vec<IoSlice<'_>> = queue
                .frames
                .iter()
                .take(BATCH)
                .enumerate()
                .map(|(i, f)| IoSlice::new(if i == 0 { &f[queue.sent..] } else { f }))
                .collect();
            let written = match &slices[..] {
                [one] => self.stream.try_write(one),
                many => self.stream.try_write_vectored(many),
            };
            match written {
                Ok(n) => queue.advance(n),
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
        if queue.frames.capacity() > BATCH {
            queue.frames.shrink_to(4);
        }
        Ok(())
    }
}

impl Queue {
    fn advance(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(first) = self.frames.front() {
            let left = first.len() - self.sent;
            if n < left {
                self.sent += n;
                return;
            }
            n -= left;
            self.sent = 0;
            self.frames.pop_front();
        }
    }
}
