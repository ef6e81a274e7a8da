use super::{
    Half, Halved, Lock, Shared,
    held::{Held, locked},
    look::{Heard, Look},
};
use crate::{
    drive::{Error, Receive, Side, Timer, Transmit, error::End},
    time::Instant,
    ws::{Closed, Connection, Control, Inbox, Incoming, Storage},
};
use core::{
    fmt,
    future::{Future, pending, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
};

/// The receiving half of a connection. [`WebSocket::split`](crate::drive::WebSocket::split) shows both.
///
/// It also answers pings, sends pings of its own, keeps the deadlines, and writes what a dropped call of a [`Sender`](super::Sender) has left. All this happens
/// inside [`next`](Self::next), so be in it whenever there is nothing else to do. It never waits for a sender, and a peer that does not read what is sent does
/// not stop it from receiving. A pong in front of a message is offered to the transport once; what that does not take is sent by the next call of either half.
///
/// # Cancel safety
/// The future of a call may be dropped at each await point, and nothing is lost. It may be writing: a future that was polled and is neither polled again nor
/// dropped may stop the senders, which fail one second after [`Deadlines::write`](crate::drive::Deadlines::write).
///
/// In a struct, its type needs the bound [`Halved`] for what the lock protects:
///
/// ```
/// use sansocket::drive::{Halved, Lock, Receiver};
///
/// struct Inbound<R, C, L>
/// where
///     L: Lock,
///     L::Value: Halved,
/// {
///     receiver: Receiver<R, C, Vec<u8>, L>,
/// }
/// ```
///
/// # The end
/// An error that ends the connection for a sender ends it here too, with the same error, or [`Error::Ended`] if the transport's own error was returned there. A
/// message that has arrived and was not returned is lost then.
///
/// If the receiver is dropped, the senders fail at once: nobody answers the peer's pings any more. To go on sending, let a task call `next` until it returns
/// `None`.
pub struct Receiver<R, C, S, L>
where
    L: Lock,
    L::Value: Halved,
{
    pub(super) half: Half<R, C, S>,
    pub(super) ear: Ear<L>,
}

/// Tells the senders when it is dropped.
pub(super) struct Ear<L>(pub(super) L)
where
    L: Lock,
    L::Value: Halved;

impl<L> Drop for Ear<L>
where
    L: Lock,
    L::Value: Halved,
{
    fn drop(&mut self) {
        if let Some(gone) = self.0.with(Halved::leave) {
            gone.0.wake();
        }
    }
}

impl<R, C, S, L> fmt::Debug for Receiver<R, C, S, L>
where
    L: Lock,
    L::Value: Halved,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// What [`Receiver::ready`] found.
enum Found {
    /// The inbox returns it.
    Item,
    Pong(Control),
    End,
}

impl<R, W, D, C, S, B, L> Receiver<R, C, S, L>
where
    R: Receive,
    W: Transmit<Error = R::Error>,
    D: Side,
    C: Timer,
    S: Storage,
    B: AsMut<[u8]>,
    L: Lock<Value = Shared<W, D, B>>,
{
    /// Waits for the next message or close frame. Pings are answered and not returned. Pongs are returned after [`Sender::ping`](super::Sender::ping) was
    /// called. `None`: the connection is closed, see [`closed`](Self::closed).
    ///
    /// What is returned borrows the receiver, and nothing is copied. A sender can answer it.
    ///
    /// If the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// [`Error::Inbox`] if a message is larger than the receive memory. Nothing is lost: replace the memory ([`inbox`](Self::inbox)), call
    /// [`next_part`](Self::next_part), or [`skip_message`](Self::skip_message). [`Error::Outbox`] if the send memory has no room for a control frame.
    /// [`Error::Order`] before the handshake. The others end the connection: [`Error::Peer`], [`Error::Timeout`], [`Error::Stalled`], [`Error::Eof`],
    /// [`Error::Transport`], [`Error::Ended`], [`Error::Lock`].
    pub async fn next(&mut self) -> Result<Option<Incoming<'_>>, Error<R::Error>> {
        self.incoming(false).await
    }

    /// As [`next`](Self::next), but returns messages in parts as they arrive, so a message can have any length. See [`Inbox::poll_part`].
    ///
    /// # Errors
    /// As [`next`](Self::next), but never [`Error::Inbox`].
    pub async fn next_part(&mut self) -> Result<Option<Incoming<'_>>, Error<R::Error>> {
        self.incoming(true).await
    }

    /// How the connection was closed, after [`next`](Self::next) has returned `None`. Before that it is not clean; asking changes nothing.
    ///
    /// # Errors
    /// [`Error::Lock`].
    pub fn closed(&self) -> Result<Closed, Error<R::Error>> {
        locked(&self.ear.0, |Shared { state, .. }, _| {
            let closed = state.core.ws.closed();
            Ok(Closed { is_clean: closed.is_clean && state.core.end.is_none() && !state.has_left(), ..closed })
        })
    }

    /// Calls `look` with the state of the connection, for example to read the reason of the peer's close frame. `look` runs under the lock.
    ///
    /// # Errors
    /// [`Error::Lock`].
    ///
    /// ```
    /// # use sansocket::drive::{Error, Lock, Receive, Receiver, Shared, Side, Timer, Transmit};
    /// async fn reason<R, W, D, C, L>(receiver: &mut Receiver<R, C, Vec<u8>, L>) -> Result<String, Error<R::Error>>
    /// # where R: Receive, W: Transmit<Error = R::Error>, D: Side, C: Timer, L: Lock<Value = Shared<W, D, Vec<u8>>>,
    /// {
    ///     while receiver.next().await?.is_some() {}
    ///     receiver.connection(|ws| ws.close_reason().to_owned())
    /// }
    /// ```
    pub fn connection<X>(&self, look: impl FnOnce(&Connection<D::Role>) -> X) -> Result<X, Error<R::Error>> {
        locked(&self.ear.0, |Shared { state, .. }, _| Ok(look(&state.core.ws)))
    }

    /// Drops the message that is arriving. See [`Inbox::skip_message`].
    ///
    /// # Errors
    /// [`Error::Lock`].
    pub fn skip_message(&mut self) -> Result<(), Error<R::Error>> {
        locked(&self.ear.0, |Shared { state, .. }, _| {
            self.half.inbox.skip_message(&state.core.ws);
            Ok(())
        })
    }

    /// The receive memory, to see what it holds, or to replace it.
    pub const fn inbox(&mut self) -> &mut Inbox<S> {
        &mut self.half.inbox
    }

    async fn incoming(&mut self, in_parts: bool) -> Result<Option<Incoming<'_>>, Error<R::Error>> {
        Ok(match self.ready(in_parts).await? {
            Found::Item => self.half.inbox.take(),
            Found::Pong(pong) => Some(Incoming::Pong(pong)),
            Found::End => None,
        })
    }

    /// Waits until there is something to return. It lends nothing, so it can loop.
    async fn ready(&mut self, in_parts: bool) -> Result<Found, Error<R::Error>> {
        let Self { half: Half { reader, timer, inbox }, ear: Ear(lock) } = self;
        let mut heard = Heard::Nothing;
        loop {
            let now = timer.now();
            let (look, output) = locked(lock, |shared, woken| shared.look(inbox, in_parts, heard, now, woken))?;
            let mut held = output.map(|output| Held::of_receiver(lock, output));
            match look {
                Look::Item => return try_write(held, now).map(|()| Found::Item),
                Look::Pong(pong) => return try_write(held, now).map(|()| Found::Pong(pong)),
                Look::Full(e) => return try_write(held, now).and(Err(Error::Inbox(e))),
                Look::End => return Ok(Found::End),
                Look::Wait { reads, until } => {
                    heard = wait(lock, reader, timer, inbox, &mut held, reads, until).await?;
                }
            }
        }
    }
}

/// Offers what is urgent to the transport, without waiting for it.
fn try_write<L, W, D, B>(held: Option<Held<'_, L, W, D, B>>, now: Instant) -> Result<(), Error<W::Error>>
where
    W: Transmit,
    D: Side,
    B: AsMut<[u8]>,
    L: Lock<Value = Shared<W, D, B>>,
{
    let Some(mut held) = held else { return Ok(()) };
    // Who writes next polls the transport again, so nobody need be woken.
    let written = pin!(held.write()).poll(&mut Context::from_waker(Waker::noop()));
    match written {
        Poll::Ready(result) => {
            held.with(|state, outbox, woken| state.settle_late(outbox, Some(result), now, woken)).map(drop)
        }
        Poll::Pending => Ok(()),
    }
}

/// One read, one write, or a deadline, whichever comes first, or a change of the shared state.
async fn wait<R, W, D, C, S, B, L>(
    lock: &L,
    reader: &mut R,
    timer: &mut C,
    inbox: &mut Inbox<S>,
    held: &mut Option<Held<'_, L, W, D, B>>,
    reads: bool,
    until: Instant,
) -> Result<Heard, Error<R::Error>>
where
    R: Receive,
    W: Transmit<Error = R::Error>,
    D: Side,
    C: Timer,
    S: Storage,
    B: AsMut<[u8]>,
    L: Lock<Value = Shared<W, D, B>>,
{
    let has_output = held.is_some();
    let (read, written, is_due) = {
        let space = if reads { Some(inbox.space().map_err(Error::Inbox)?) } else { None };
        let mut reading = pin!(async {
            match space {
                Some(space) => reader.read(space).await,
                None => pending().await,
            }
        });
        let mut writing = pin!(async {
            match held {
                Some(held) => held.write().await,
                None => pending().await,
            }
        });
        let mut sleep = pin!(timer.sleep_until(until));
        poll_fn(|cx| {
            // Both each time: a peer that never stops to send does not keep us from writing.
            let written = writing.as_mut().poll(cx);
            let read = reading.as_mut().poll(cx);
            let is_ready = read.is_ready() || written.is_ready();
            let is_due = !is_ready && sleep.as_mut().poll(cx).is_ready();
            let is_ready = is_ready
                || is_due
                || locked::<_, _, ()>(lock, |shared, woken| {
                    Ok(shared.watch(has_output, reads, until, cx.waker(), woken))
                })
                .unwrap_or(true);
            if is_ready { Poll::Ready((ready(read), ready(written), is_due)) } else { Poll::Pending }
        })
        .await
    };
    let mut heard = if is_due { Heard::Silence } else { Heard::Nothing };
    if let Some(Ok(Some(n @ 1..))) = read {
        inbox.commit(n);
        heard = Heard::Input;
    }
    let now = timer.now();
    if let Some(held) = held {
        held.with(|state, outbox, woken| state.settle_late(outbox, written, now, woken))?;
    }
    match read {
        Some(Ok(Some(0))) => locked(lock, |Shared { state, .. }, woken| {
            if !state.core.ws.handle_eof().is_clean {
                let _ = state.fail::<()>(End::Eof, woken);
            }
            Ok(())
        })?,
        Some(Err(e)) => locked(lock, |Shared { state, .. }, woken| {
            let _ = state.fail::<()>(End::Transport, woken);
            if state.core.ws.has_received_close() { Ok(()) } else { Err(Error::Transport(e)) }
        })?,
        Some(Ok(None)) => heard = Heard::Silence,
        Some(Ok(Some(_))) | None => {}
    }
    Ok(heard)
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
