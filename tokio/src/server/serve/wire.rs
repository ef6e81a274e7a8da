//! A socket: reading into memory that all of a thread share, writing, and hanging up.

use super::{Io, Writing};
use sansocket::{
    endpoint::{Grow, What},
    ws::Inbox,
};
use std::{
    cell::Cell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, ReadBuf},
    time::timeout,
};

const READ: usize = 64 * 1024;
/// The time for what is written in one go beside the queue.
const PATIENCE: Duration = Duration::from_secs(10);

thread_local! {
    /// Lent to whoever has bytes in hand. It is given back before anything is awaited.
    static SHARED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A socket, and what was read of it.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    pub(crate) inbox: Inbox<Vec<u8>>,
    memory: Memory,
}

/// The memory of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    None,
    Shared,
    Own,
}

impl<S: Io> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, inbox: Inbox::new(Vec::new()), memory: Memory::None }
    }

    /// Reads what comes; 0 at the end. The memory is the shared one, unless the inbox holds a part of something already.
    pub(crate) async fn read(&mut self) -> io::Result<usize> {
        poll_fn(|context| self.poll_read(context)).await
    }

    /// As [`read`](Self::read). After `Ready` call [`give_back`](Self::give_back) before anything is awaited.
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.held() == 0 && self.memory != Memory::Shared {
            return self.poll_read_shared(context);
        }
        if let Err(e) = self.inbox.space() {
            let old = self.inbox.replace(vec![0; Grow::new(What::Inbox, e).to]);
            if let (Memory::Shared, Ok(old)) = (self.memory, old) {
                SHARED.set(old);
            }
            self.memory = Memory::Own;
        }
        let mut space = ReadBuf::new(self.inbox.space().map_err(io::Error::other)?);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut space);
        let n = space.filled().len();
        if n > 0 {
            self.inbox.commit(n);
        } else {
            self.give_back();
        }
        read.map_ok(|()| n)
    }

    /// The inbox holds nothing: it gets the shared memory if something comes.
    fn poll_read_shared(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut shared = SHARED.take();
        if shared.is_empty() {
            shared = vec![0; READ];
        }
        let mut space = ReadBuf::new(&mut shared);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut space);
        let n = space.filled().len();
        if n == 0 {
            SHARED.set(shared);
            self.give_back();
        } else {
            // It holds nothing, so any memory is enough.
            let _ = self.inbox.replace(shared);
            self.memory = Memory::Shared;
            self.inbox.commit(n);
        }
        read.map_ok(|()| n)
    }

    /// Drops what was read.
    pub(crate) fn forget(&mut self) {
        self.inbox.reset();
        self.give_back();
    }

    /// Gives the shared memory back; what must stay moves into memory of the connection's own.
    pub(crate) fn give_back(&mut self) {
        if self.memory == Memory::None {
            return;
        }
        let held = self.inbox.held();
        let is_shared = self.memory == Memory::Shared;
        if !is_shared && held > 0 {
            return;
        }
        let own = if held == 0 { Vec::new() } else { vec![0; (2 * held).max(1024)] };
        let memory = if held == 0 { Memory::None } else { Memory::Own };
        if let Ok(old) = self.inbox.replace(own) {
            self.memory = memory;
            if is_shared {
                SHARED.set(old);
            }
        }
    }

    /// Writes all, within 10 s.
    ///
    /// # Errors
    /// Some of it may be written: the connection is of no use any more.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await?
    }

    /// Closes so that what was said last arrives: without reading what the client still sends, the system would throw it away.
    pub(crate) async fn hang_up(&mut self, writing: Writing) {
        self.forget();
        let drain = async {
            let _ = self.stream.shutdown().await;
            drop(writing);
            let mut left = 1_usize << 20;
            while left > 0
                && let Ok(n @ 1..) = self.read().await
            {
                left = left.saturating_sub(n);
                self.inbox.consume(n);
                self.give_back();
            }
        };
        let _ = timeout(Duration::from_secs(1), drain).await;
    }
}
