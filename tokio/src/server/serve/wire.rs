//! A socket: reading into memory that all of a thread share, writing, and hanging up.

use super::{
    Io, Writing,
    packing::{Packing, Unpacker, give_unpacker, lent_unpacker},
};
use crate::{
    Compression,
    server::{outbox::Waiting, sink::Sink},
};
use sansocket::{
    endpoint::{Grow, What},
    ws::{Agreed, Inbox, MayInflate},
};
use std::{
    cell::Cell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
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

/// What was received: memory that is lent while there is something in it, and so is what unpacks.
pub(crate) type Received = MayInflate<Vec<u8>, Unpacker>;

/// A socket, and what was read of it.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    pub(crate) inbox: Inbox<Received>,
    memory: Memory,
    /// Its messages are compressed.
    packing: Option<Box<Packing>>,
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
        Self { stream, inbox: Inbox::new(MayInflate::new(Vec::new())), memory: Memory::None, packing: None }
    }

    /// What the handshake of its WebSocket has agreed on.
    pub(crate) fn agree(&mut self, agreed: Option<Agreed>, settings: Option<Compression>) {
        let packing = agreed.zip(settings).map(|(agreed, settings)| Box::new(Packing::new(agreed, settings)));
        if let Some(packing) = &packing
            && packing.agreed.has_receive_takeover()
        {
            // It stays: there is none before.
            let _ = self.inbox.replace_inflater(packing.own_unpacker());
        }
        self.packing = packing;
    }

    pub(crate) fn agreed(&self) -> Option<Agreed> {
        self.packing.as_ref().map(|packing| packing.agreed)
    }

    /// The inbox, with what unpacks if there is something to unpack. Afterwards call [`give_back`](Self::give_back) before anything is awaited.
    pub(crate) fn received(&mut self) -> &mut Inbox<Received> {
        if let Some(packing) = &self.packing
            && self.inbox.held() > 0
            && self.inbox.inflater().is_none()
        {
            // There was none, and without takeover any memory is enough.
            let _ = self.inbox.replace_inflater(lent_unpacker());
            let _ = self.inbox.agree(Some(packing.agreed));
        }
        &mut self.inbox
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
        if self.packing.is_some() {
            self.give_unpacker_back();
        }
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

    /// Gives back what unpacks. In the middle of a message, and with takeover, it stays, in memory that is not larger than needed.
    fn give_unpacker_back(&mut self) {
        match self.inbox.replace_inflater(None) {
            Ok(Some(unpacker)) => give_unpacker(unpacker),
            Ok(None) => {}
            Err(_) => {
                let least = self.inbox.held_unpacked();
                // While a large message arrives its memory stays, or each read would copy it.
                let most = if self.inbox.is_unpacking() { (4 * least).max(1024) } else { least };
                if self.inbox.inflater().is_some_and(|unpacker| unpacker.size() > most) {
                    let _ = self.inbox.replace_unpacked(vec![0; most]);
                }
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

impl<S: Io> Sink for Wire<S> {
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        queue: &Waiting,
        rest: &[u8],
        written: &mut usize,
    ) -> Poll<io::Result<usize>> {
        let Some(packing) = &mut self.packing else { return self.stream.poll_take(context, queue, rest, written) };
        ready!(packing.poll_write(context, &mut self.stream, written))?;
        Poll::Ready(Ok(packing.take(queue, rest)))
    }

    fn is_preparing(&self) -> bool {
        self.packing.is_some()
    }

    fn prepare(&mut self) {
        if let Some(packing) = &mut self.packing {
            packing.press_taken();
        }
    }

    fn poll_done(&mut self, context: &mut Context<'_>, written: &mut usize) -> Poll<io::Result<()>> {
        match &mut self.packing {
            Some(packing) => packing.poll_write(context, &mut self.stream, written),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_flush_stream(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
}
