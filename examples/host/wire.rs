//! A socket: reading into memory that all share, writing, and hanging up.

use super::{App, Host};
use sansocket::{
    endpoint::{Grow, What},
    ws::Inbox,
};
use std::{future::poll_fn, io, pin::Pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// A socket, and what was read of it.
pub struct Wire {
    pub input: Reader,
    pub sink: OwnedWriteHalf,
}

/// What comes in.
pub struct Reader {
    source: OwnedReadHalf,
    pub inbox: Inbox<Vec<u8>>,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        let (source, sink) = stream.into_split();
        Self { input: Reader { source, inbox: Inbox::new(Vec::new()) }, sink }
    }

    /// Writes all, within 10 s.
    ///
    /// # Errors
    /// Some of it may be written: the connection is of no use any more.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(Duration::from_secs(10), self.sink.write_all(bytes)).await?
    }

    /// Closes so that what was said last arrives: without reading what the client still sends, the system would throw it away.
    pub async fn hang_up<A: App>(&mut self, host: &Host<A>) {
        self.input.forget(host);
        let _ = self.sink.shutdown().await;
        let drain = async {
            let mut left = 1_usize << 20;
            while left > 0
                && let Ok(n @ 1..) = self.input.read(host).await
            {
                left = left.saturating_sub(n);
                self.input.inbox.consume(n);
                self.input.give_back(host);
            }
        };
        let _ = timeout(Duration::from_secs(1), drain).await;
    }
}

impl Reader {
    /// Reads what comes; 0 at the end. The memory is the shared one, unless the inbox holds a part of something already.
    pub async fn read<A: App>(&mut self, host: &Host<A>) -> io::Result<usize> {
        // Not `readable` and `try_read`: this way a read that filled not all the memory is known to be the last for now, without another.
        poll_fn(|context| {
            if self.inbox.held() == 0 {
                let _ = self.inbox.replace(std::mem::take(&mut *host.read_buffer.borrow_mut()));
            }
            if let Err(e) = self.inbox.space() {
                let _ = self.inbox.replace(vec![0; Grow::new(What::Inbox, e).to]);
            }
            let mut space = ReadBuf::new(self.inbox.space().map_err(io::Error::other)?);
            let read = Pin::new(&mut self.source).poll_read(context, &mut space);
            let n = space.filled().len();
            if n > 0 {
                self.inbox.commit(n);
            } else {
                self.give_back(host);
            }
            read.map_ok(|()| n)
        })
        .await
    }

    /// Drops what was read. Who found a fault in it may still have it in the shared memory, which the others need.
    pub fn forget<A: App>(&mut self, host: &Host<A>) {
        self.inbox.reset();
        self.give_back(host);
    }

    /// Gives the shared memory back; what must stay moves into memory of the connection's own. Before anything is awaited: others read meanwhile.
    pub fn give_back<A: App>(&mut self, host: &Host<A>) {
        let mut shared = host.read_buffer.borrow_mut();
        let held = self.inbox.held();
        let is_lent = shared.is_empty();
        if is_lent || held == 0 {
            let own = if held == 0 { Vec::new() } else { vec![0; (2 * held).max(1024)] };
            match self.inbox.replace(own) {
                Ok(old) if is_lent => *shared = old,
                _ => {}
            }
        }
    }
}
