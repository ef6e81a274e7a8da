use super::{Error, Failed, Side, Timer, Transport, core::Core, error::End, race::race};
use crate::ws::{CloseCode, Closed, Connection, Kept, Kind, Out, Outbox, SendError};
use core::fmt;

/// The sending side of a [`WebSocket`](super::WebSocket). [`next`](super::WebSocket::next) returns it beside what arrived, which borrows the receiving side,
/// so you can answer a message without a copy of it.
///
/// # Cancel safety
/// A frame enters the send memory as a whole, without waiting. If the future of a call is dropped before that, nothing of it is sent; if it is dropped
/// later, the frame is sent by the next call of this object. [`feed`](Self::feed) ends at this moment, so with it you know.
pub struct Reply<T, C, D: Side, B> {
    pub(super) transport: T,
    pub(super) timer: C,
    pub(super) core: Core<D::Role>,
    pub(super) outbox: Outbox<B, D::Keys>,
}

impl<T, C, D: Side, B> fmt::Debug for Reply<T, C, D, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("ws", &self.core.ws).finish_non_exhaustive()
    }
}

impl<T: Transport, C: Timer, D: Side, B: AsMut<[u8]>> Reply<T, C, D, B> {
    /// Sends a whole message, and waits until the transport has taken all of it. As [`feed`](Self::feed) and [`flush`](Self::flush).
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        self.feed(kind, payload).await?;
        self.flush().await
    }

    /// As [`send`](Self::send), for text.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error<Failed<T>>> {
        self.send(Kind::Text, text.as_bytes()).await
    }

    /// Writes a message into the send memory. It waits only while that has no room. The next `send`, [`flush`](Self::flush) or
    /// [`next`](super::WebSocket::next) sends it, so several messages leave in one write.
    ///
    /// # Errors
    /// [`Error::Outbox`] if the message is larger than the memory: send it in parts ([`feed_part`](Self::feed_part)), or replace the memory.
    /// [`Error::State`] after a close, and inside a message that is sent in parts. Nothing was sent. The others end the connection.
    pub async fn feed(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        self.append(|ws, out| ws.send(kind, payload, out)).await
    }

    /// As [`feed`](Self::feed), for a part of a message, in a frame of its own. See [`Connection::send_chunk`]. Several calls make up a message, so drop none
    /// of their futures if the message is to be complete.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn feed_part(&mut self, kind: Kind, payload: &[u8], is_last: bool) -> Result<(), Error<Failed<T>>> {
        self.append(|ws, out| ws.send_chunk(kind, payload, is_last, out)).await
    }

    /// Sends a ping of your own, with at most 125 bytes. Its pong is returned as [`Incoming::Pong`](crate::ws::Incoming::Pong). Not needed to keep the
    /// connection alive: that is done by itself.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        self.append(|ws, out| ws.ping(payload, out)).await?;
        self.core.shows_pongs = true;
        self.flush().await
    }

    /// Begins the closing handshake, without waiting. [`next`](super::WebSocket::next) then returns what still arrives, and at last `None`.
    /// [`WebSocket::close`](super::WebSocket::close) waits for that.
    ///
    /// # Errors
    /// [`Error::State`] if the code or the reason must not be sent, or after a close. Nothing was changed.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<Failed<T>>> {
        self.core.close(self.timer.now(), code, reason)
    }

    /// Waits until the transport has taken everything: messages, pings, pongs, the close frame.
    ///
    /// # Errors
    /// [`Error::Stalled`], [`Error::Transport`]: the connection is over.
    pub async fn flush(&mut self) -> Result<(), Error<Failed<T>>> {
        self.core.check()?;
        self.drain().await
    }

    /// How the connection was closed. Call it after [`next`](super::WebSocket::next) has returned `None`.
    pub fn closed(&mut self) -> Closed {
        let closed = self.core.ws.handle_eof();
        // A close frame that the transport did not take is not sent.
        Closed { is_clean: closed.is_clean && self.core.end.is_none() && self.outbox.is_empty(), ..closed }
    }

    /// The state of the connection.
    pub const fn connection(&self) -> &Connection<D::Role> {
        &self.core.ws
    }

    /// Moves what waits to be sent to `storage`, and returns the old memory.
    ///
    /// # Errors
    /// Returns `storage` if it is too small for what waits. Nothing was changed.
    pub fn replace_outbox(&mut self, storage: B) -> Result<B, B> {
        self.outbox.replace(storage)
    }

    /// [`flush`](Self::flush), also when the connection is over and has a close frame to send.
    pub(super) async fn drain(&mut self) -> Result<(), Error<Failed<T>>> {
        loop {
            let owed = self.core.owe(&mut self.outbox);
            if self.outbox.is_empty() {
                self.core.is_urgent = false;
                return owed.map_err(Error::Outbox);
            }
            self.write().await?;
        }
    }

    async fn append(
        &mut self,
        mut write: impl FnMut(&mut Connection<D::Role>, &mut Out<'_, Kept<'_, D::Role, D::Keys>>) -> Result<(), SendError>,
    ) -> Result<(), Error<Failed<T>>> {
        self.core.check()?;
        while !self.core.append(&mut self.outbox, &mut write)? {
            self.write().await?;
        }
        Ok(())
    }

    /// One write. What it took is removed from the outbox in the same poll.
    async fn write(&mut self) -> Result<(), Error<Failed<T>>> {
        let Self { transport, timer, core, outbox } = self;
        let by = core.write_by(timer.now());
        let written = race(transport.write(outbox.written()), timer.sleep_until(by)).await;
        match written {
            Some(Ok(Some(n))) if n > 0 => {
                outbox.consume(n);
                core.has_written();
                Ok(())
            }
            Some(Ok(None)) if timer.now() < by => Ok(()),
            Some(Err(e)) => {
                core.fail::<Failed<T>>(End::Transport);
                Err(Error::Transport(e))
            }
            Some(Ok(_)) | None => Err(core.fail(End::Stalled)),
        }
    }
}
