//! Messages of any size, in memory that grows.

use super::{Error, Failed, Reply, Side, Timer, Transport, WebSocket, websocket::Look};
use crate::{
    bytes::Capacity,
    ws::{Growing, Inbox, Incoming, Kind, larger},
};
use core::iter::repeat_n;

/// Memory of `size` bytes, or of as many as the type can have.
fn memory<M: FromIterator<u8>>(size: usize) -> M {
    repeat_n(0, size).collect()
}

/// After an error of the inbox: whether larger memory was made. `None`: not needed yet, since more can be received.
fn grow<S: Growing>(inbox: &mut Inbox<S>, error: Capacity) -> Option<bool> {
    if inbox.is_unpacking() {
        return Some(inbox.grow_unpacked(larger(error)));
    }
    let error = inbox.space().err()?;
    Some(inbox.grow_raw(larger(error)))
}

fn shrink<S: Growing>(inbox: &mut Inbox<S>, least: usize) {
    if inbox.held() == 0 && inbox.size() > least {
        let _ = inbox.grow_raw(least);
    }
    let least = least.max(inbox.held_unpacked());
    // While a message arrives its memory stays: else each read would copy all of it.
    if !inbox.is_unpacking() && inbox.unpacked_size() > least {
        let _ = inbox.grow_unpacked(least);
    }
}

impl<T: Transport, C: Timer, D: Side, S, B> WebSocket<T, C, D, S, B>
where
    S: Growing,
    B: AsMut<[u8]> + FromIterator<u8>,
{
    /// As [`next`](Self::next), but a message may be larger than the receive memory, which then grows. For memory such as `Vec<u8>`, which can be made of
    /// any size.
    ///
    /// The memory grows with what arrives, not with what a frame header announces: whenever it is full, it is replaced by one of twice the size. The limit
    /// is that of [`Limits::message`](crate::ws::Limits::message). Before it waits for the next message, each of the two memories that holds nothing and is
    /// larger than `least` bytes is replaced by one of `least` bytes.
    ///
    /// If the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// As [`next`](Self::next). [`Error::Inbox`] only if `S` makes no memory of the size.
    ///
    /// ```
    /// use sansocket::{drive::{Error, Failed, Side, Timer, Transport, WebSocket}, ws::Incoming};
    ///
    /// /// Sends each message back, whatever its size. Between large messages it holds 32 KiB.
    /// async fn echo<T: Transport, C: Timer, D: Side>(
    ///     ws: &mut WebSocket<T, C, D, Vec<u8>, Vec<u8>>,
    /// ) -> Result<(), Error<Failed<T>>> {
    ///     while let Some((incoming, reply)) = ws.next_growing(16 * 1024).await? {
    ///         if let Incoming::Message(message) = incoming {
    ///             reply.feed_growing(message.kind(), message.as_bytes()).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub async fn next_growing(
        &mut self,
        least: usize,
    ) -> Result<Option<(Incoming<'_>, &mut Reply<T, C, D, B>)>, Error<Failed<T>>> {
        let found = loop {
            let is_write = match self.look(false) {
                Ok(Look::Found(found)) => break found,
                Ok(Look::Write) => true,
                Ok(Look::Read) => {
                    self.shrink(least);
                    false
                }
                Err(Error::Inbox(e)) => {
                    let is_write = self.reply.wait()?;
                    match if is_write { None } else { grow(&mut self.inbox, e) } {
                        // What was received may be enough now.
                        Some(true) => continue,
                        Some(false) => return Err(Error::Inbox(e)),
                        None => is_write,
                    }
                }
                Err(e) => return Err(e),
            };
            let result = if is_write { self.reply.write().await } else { self.reply.read(&mut self.inbox).await };
            // As in `next`.
            if !(is_write && self.reply.core.ws.has_received_close()) {
                result?;
            }
        };
        Ok(found.incoming(&mut self.inbox).map(|incoming| (incoming, &mut self.reply)))
    }

    fn shrink(&mut self, least: usize) {
        shrink(&mut self.inbox, least);
        let outbox = &mut self.reply.outbox;
        if outbox.is_empty() && outbox.size() > least {
            let _ = outbox.replace(memory(least));
        }
    }
}

impl<T: Transport, C: Timer, D: Side, B: AsMut<[u8]> + FromIterator<u8>> Reply<T, C, D, B> {
    /// As [`feed`](Self::feed), but a message may be larger than the send memory, which then grows to its size. [`WebSocket::next_growing`] makes it
    /// smaller again.
    ///
    /// # Errors
    /// As [`feed`](Self::feed). [`Error::Outbox`] only if `B` makes no memory of the size.
    pub async fn feed_growing(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        self.append(false, |reply| match reply.message(kind, payload) {
            Err(Error::Outbox(e)) if reply.outbox.replace(memory(e.needed)).is_ok() => reply.message(kind, payload),
            result => result,
        })
        .await
    }
}
