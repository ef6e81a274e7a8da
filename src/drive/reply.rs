use super::{Error, Failed, Side, Timer, Transport, core::Core, error::End, race::race};
use crate::{
    time::Instant,
    ws::{CloseCode, Closed, Connection, Inbox, Kind, Outbox, Storage},
};
use core::{fmt, future::Future, pin::pin};

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
    /// The bytes of a [`Kind::Text`] message must be UTF-8. This is not checked: see [`Connection::send`].
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        self.append(true, move |reply| reply.message(kind, payload))
    }

    /// As [`send`](Self::send), for text.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn send_text(&mut self, text: &str) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        self.send(Kind::Text, text.as_bytes())
    }

    /// Writes a message into the send memory. It waits only while that has no room. The next `send`, [`flush`](Self::flush) or
    /// [`next`](super::WebSocket::next) sends it, so several messages leave in one write.
    ///
    /// A server's message that would fill more than half of the send memory is offered to the transport at once, if that is
    /// [vectored](super::Transmit::is_vectored). What the transport takes of it is never copied.
    ///
    /// # Errors
    /// [`Error::Outbox`] if the message is larger than the memory: send it in parts ([`feed_part`](Self::feed_part)), or replace the memory.
    /// [`Error::State`] after a close, and inside a message that is sent in parts. Nothing was sent. The others end the connection.
    pub fn feed(&mut self, kind: Kind, payload: &[u8]) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        self.append(false, move |reply| reply.message(kind, payload))
    }

    /// As [`feed`](Self::feed), for a part of a message, in a frame of its own. See [`Connection::send_chunk`]. Several calls make up a message, so drop none
    /// of their futures if the message is to be complete.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn feed_part(&mut self, kind: Kind, payload: &[u8], is_last: bool) -> Result<(), Error<Failed<T>>> {
        self.append(false, |reply| {
            reply.core.append(&mut reply.outbox, |ws, out| ws.send_chunk(kind, payload, is_last, out))
        })
        .await
    }

    /// Sends a ping of your own, with at most 125 bytes. Its pong is returned as [`Incoming::Pong`](crate::ws::Incoming::Pong). Not needed to keep the
    /// connection alive: that is done by itself.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        self.append(false, |reply| reply.core.append(&mut reply.outbox, |ws, out| ws.ping(payload, out))).await?;
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
        if self.core.end.is_none() {
            self.core.check()?;
        }
        while self.left()? {
            self.write().await?;
        }
        Ok(())
    }

    /// How the connection was closed. Call it after [`next`](super::WebSocket::next) has returned `None`.
    pub fn closed(&self) -> Closed {
        let closed = self.core.ws.closed();
        // A close frame that the transport did not take is not sent.
        Closed { is_clean: closed.is_clean && self.core.end.is_none() && self.outbox.is_empty(), ..closed }
    }

    /// The transport, to look at it or to change its settings, and to end it after the last call: a TLS connection ends with a message of its own. Do not
    /// read or write it before.
    pub const fn transport(&mut self) -> &mut T {
        &mut self.transport
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

    /// Calls `write` until it has had room, and then waits until everything was sent, if `flushes`.
    #[allow(clippy::manual_async_fn, reason = "an async function holds its arguments twice")]
    pub(super) fn append(
        &mut self,
        flushes: bool,
        mut write: impl FnMut(&mut Self) -> Result<bool, Error<Failed<T>>>,
    ) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        async move {
            let mut is_appended = false;
            loop {
                if !is_appended && self.core.end.is_none() {
                    self.core.check()?;
                    is_appended = write(self)?;
                }
                if is_appended && !flushes || !self.left()? {
                    return Ok(());
                }
                self.write().await?;
            }
        }
    }

    /// All that arrived is handled: whether to write what is owed, or else to read. A deadline may have passed although bytes kept arriving.
    pub(super) fn wait(&mut self) -> Result<bool, Error<Failed<T>>> {
        self.core.overdue(self.timer.now());
        self.left()
    }

    /// Whether something is to be written. At the end it fails for the reason, when the last frames were written.
    pub(super) fn left(&mut self) -> Result<bool, Error<Failed<T>>> {
        self.core.left(&mut self.outbox)
    }

    /// One read, or a deadline. Call it when all that was read is handled. It fails only for what the end of the connection does not say.
    pub(super) async fn read<S: Storage>(&mut self, inbox: &mut Inbox<S>) -> Result<(), Error<Failed<T>>> {
        let Self { transport, timer, core, .. } = self;
        let due = core.due();
        let space = inbox.space().map_err(Error::Inbox)?;
        let read = race(pin!(transport.read(space)), pin!(timer.sleep_until(due))).await;
        match read {
            Some(Ok(Some(0))) if core.ws.handle_eof().is_clean => {}
            Some(Ok(Some(0))) => core.fail(End::Eof),
            Some(Ok(Some(n))) => {
                inbox.commit(n);
                core.arrived(timer.now(), due);
            }
            Some(Err(e)) => {
                core.fail(End::Transport);
                return Err(Error::Transport(e));
            }
            Some(Ok(None)) | None => drop(core.idle(timer.now())),
        }
        Ok(())
    }

    /// One write. What it took is removed from the outbox in the same poll. It fails only for what the end of the connection does not say.
    pub(super) fn write(&mut self) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        self.write_until(Instant::FAR_FUTURE)
    }

    /// As `write`, but it waits until `until` at most.
    #[allow(clippy::manual_async_fn, reason = "an async function holds its arguments twice")]
    pub(super) fn write_until(&mut self, until: Instant) -> impl Future<Output = Result<(), Error<Failed<T>>>> {
        async move {
            let Self { transport, timer, core, outbox } = self;
            let by = core.write_by(timer.now());
            let written = race(pin!(transport.write(outbox.written())), pin!(timer.sleep_until(by.min(until)))).await;
            match written {
                Some(Ok(Some(n))) if n > 0 => {
                    outbox.consume(n);
                    core.has_written();
                    return Ok(());
                }
                Some(Ok(None)) | None if timer.now() < by => return Ok(()),
                _ => outbox.consume(usize::MAX),
            }
            match written {
                Some(Err(e)) => {
                    let is_first = core.end.is_none();
                    core.fail(End::Transport);
                    if is_first { Err(Error::Transport(e)) } else { Ok(()) }
                }
                _ => {
                    core.stalled(timer.now());
                    Ok(())
                }
            }
        }
    }
}
