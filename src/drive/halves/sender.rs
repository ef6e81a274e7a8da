use super::{
    Lock, Shared,
    held::{Held, locked},
    shared::{Goal, Output, State, Written},
    wakers::CROWDED_MS,
};
use crate::{
    drive::{Error, Side, Timer, Transmit, core::Core, error::End, race::race},
    time::Instant,
    ws::{CloseCode, Kind, Outbox},
};
use core::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::{Poll, Waker},
};

/// How long the writer may be late with noticing that its deadline has passed, in milliseconds, before others end the connection.
const LATE_MS: u64 = 1000;

/// The sending half of a connection. [`WebSocket::split`](crate::drive::WebSocket::split) shows both.
///
/// Clones send on the same connection, from several tasks. One of them writes at a time, and the others wait for it. Up to four of them are woken; each further
/// one looks again every 10 ms, and takes the place of one that has waited for a shorter time, so none starves. One that sends without a pause lets another one
/// go first after each message. Only one may send a message in parts at a time: the messages of the others are refused meanwhile.
///
/// # Cancel safety
/// A frame enters the send memory as a whole. If the future of a call is dropped before that, nothing of it is sent. If it is dropped later, the rest of the
/// frame is sent by the receiving half if that is in a call, otherwise by the next call of either half.
///
/// A future that was polled and is neither polled again nor dropped may stop the other senders. They fail one second after
/// [`Deadlines::write`](crate::drive::Deadlines::write).
///
/// # The end
/// An error that ends the connection for the receiving half ends it here too, with the same error, or [`Error::Ended`] if the transport's own error was
/// returned there. This also holds the other way round. If the receiving half is dropped, nobody answers pings any more: then all calls but
/// [`close`](Self::close) return `Error::Ended`. Senders may be dropped at any time.
pub struct Sender<C, L> {
    pub(super) lock: L,
    pub(super) timer: C,
}

impl<C: Clone, L: Clone> Clone for Sender<C, L> {
    fn clone(&self) -> Self {
        Self { lock: self.lock.clone(), timer: self.timer.clone() }
    }
}

impl<C, L> fmt::Debug for Sender<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<W, D, B, C, L> Sender<C, L>
where
    W: Transmit,
    D: Side,
    B: AsMut<[u8]>,
    C: Timer,
    L: Lock<Value = Shared<W, D, B>>,
{
    /// Sends a whole message, and waits until the transport has taken all of it, and the control frames that are owed.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<W::Error>> {
        self.append(true, |core, outbox| core.append(outbox, |ws, out| ws.send(kind, payload, out))).await
    }

    /// As [`send`](Self::send), for text.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error<W::Error>> {
        self.send(Kind::Text, text.as_bytes()).await
    }

    /// Writes a message into the send memory. It waits while that has no room, and while another call writes. [`flush`](Self::flush) sends it, and each other
    /// call that writes, so several messages leave in one write. The receiving half is not woken for it.
    ///
    /// # Errors
    /// [`Error::Outbox`] if the message is larger than the memory: send it in parts ([`feed_part`](Self::feed_part)), or replace the memory. [`Error::State`]
    /// after a close, and inside a message that is sent in parts. [`Error::Order`] before the handshake. Nothing was sent. The others end the connection:
    /// [`Error::Stalled`], [`Error::Transport`], those of the [receiving half](super::Receiver::next), and [`Error::Lock`].
    pub async fn feed(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<W::Error>> {
        self.append(false, |core, outbox| core.append(outbox, |ws, out| ws.send(kind, payload, out))).await
    }

    /// As [`feed`](Self::feed), for a part of a message, in a frame of its own. See [`Connection::send_chunk`](crate::ws::Connection::send_chunk). Several
    /// calls make up a message, so drop none of their futures if the message is to be complete, and send parts from one clone only.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn feed_part(&mut self, kind: Kind, payload: &[u8], is_last: bool) -> Result<(), Error<W::Error>> {
        self.append(false, |core, outbox| core.append(outbox, |ws, out| ws.send_chunk(kind, payload, is_last, out)))
            .await
    }

    /// Sends a ping of your own, with at most 125 bytes. The receiving half returns its pong. Not needed to keep the connection alive: that is done by itself.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error<W::Error>> {
        self.append(true, |core, outbox| {
            let is_appended = core.append(outbox, |ws, out| ws.ping(payload, out))?;
            core.shows_pongs |= is_appended;
            Ok(is_appended)
        })
        .await
    }

    /// Waits until the transport has taken everything that was to be sent when the call began, and what is owed.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub async fn flush(&mut self) -> Result<(), Error<W::Error>> {
        let mut goal = Goal::new(true);
        self.perform(false, |state, outbox| state.reach(&mut goal, outbox)).await
    }

    /// Sends a close frame, and waits until the transport has taken it. The receiving half then returns what still arrives, and at last `None`; it keeps the
    /// deadline for the peer's close frame. If it was dropped, drop the transport.
    ///
    /// The connection is closing from the first poll on. If the future is dropped later, the frame is sent as [above](Self#cancel-safety).
    ///
    /// # Errors
    /// [`Error::State`] if the code or the reason must not be sent, or after a close. Nothing was changed. The others as in [`feed`](Self::feed).
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<W::Error>> {
        // Before the output is there: a close waits for nobody.
        let now = self.timer.now();
        locked(&self.lock, |shared, woken| {
            shared.state.check(true)?;
            shared.state.core.close(now, code, reason)?;
            // It writes the frame if this future is dropped.
            shared.state.wakers.take_receiver(woken);
            Ok(())
        })?;
        let mut goal = Goal::new(true);
        self.perform(true, |state, outbox| state.reach(&mut goal, outbox)).await
    }

    /// Moves what waits to be sent to `storage`, and returns the old memory. It waits while another call writes.
    ///
    /// `Ok(Err(storage))`: it is too small for what waits. Nothing was changed.
    ///
    /// # Errors
    /// As [`feed`](Self::feed). `storage` is dropped.
    pub async fn replace_outbox(&mut self, storage: B) -> Result<Result<B, B>, Error<W::Error>> {
        match enter(&self.lock, &mut self.timer, false, &mut |_, _| Ok(false)).await? {
            Some((mut held, _)) => Ok(held.replace(storage)),
            None => Ok(Err(storage)),
        }
    }

    async fn append(
        &mut self,
        flushes: bool,
        mut write: impl FnMut(&mut Core<D::Role>, &mut Outbox<B, D::Keys>) -> Result<bool, Error<W::Error>>,
    ) -> Result<(), Error<W::Error>> {
        let mut goal = Goal::new(false);
        let mut is_appended = false;
        self.perform(false, |state, outbox| {
            if !is_appended {
                is_appended = write(&mut state.core, outbox)?;
                state.count(outbox);
            }
            if is_appended && flushes { state.reach(&mut goal, outbox) } else { Ok(is_appended) }
        })
        .await
    }

    /// Takes the output and calls `job`, then writes until `job` returns true; it is called again after each write. An error of `job` is returned, and what is in
    /// the outbox stays there.
    async fn perform(&mut self, is_farewell: bool, mut job: impl Job<D, B, W::Error>) -> Result<(), Error<W::Error>> {
        let Self { lock, timer } = self;
        let Some((mut held, mut by)) = enter(lock, timer, is_farewell, &mut job).await? else { return Ok(()) };
        loop {
            let written = write(lock, timer, &mut held, is_farewell, by).await;
            let now = timer.now();
            let is_done = held.with(|state, outbox, woken| {
                state.settle(outbox, written, now, woken)?;
                state.check(is_farewell)?;
                let is_done = job(state, outbox)?;
                by = state.core.write_by(now);
                Ok(is_done)
            })?;
            if is_done {
                return Ok(());
            }
        }
    }
}

/// What a sender does with the output. True: it needs it no more.
trait Job<D: Side, B, E>: FnMut(&mut State<D::Role>, &mut Outbox<B, D::Keys>) -> Result<bool, Error<E>> {}

impl<D: Side, B, E, F> Job<D, B, E> for F where
    F: FnMut(&mut State<D::Role>, &mut Outbox<B, D::Keys>) -> Result<bool, Error<E>>
{
}

/// What a sender finds when it asks for the output.
enum Entry<W, D: Side, B> {
    /// All was done without a write.
    Done,
    Writes(Output<W, D, B>, Instant),
    /// Another one writes, which has to take a byte until then.
    Waits(Instant),
    /// Another one was promised the output, and may go first.
    Yields,
}

/// Waits for the output, and calls `job` in the section that takes it. `None`: it is done.
async fn enter<'l, L, W, D, B, C>(
    lock: &'l L,
    timer: &mut C,
    is_farewell: bool,
    job: &mut impl Job<D, B, W::Error>,
) -> Result<Option<(Held<'l, L, W, D, B>, Instant)>, Error<W::Error>>
where
    W: Transmit,
    D: Side,
    B: AsMut<[u8]>,
    C: Timer,
    L: Lock<Value = Shared<W, D, B>>,
{
    // On executors that run last who was woken first, one is not enough.
    let mut yields = 2_u8;
    // The deadline that was found to have passed, and when.
    let mut late: Option<(Instant, Instant)> = None;
    let since = timer.now();
    loop {
        let now = timer.now();
        let entry = locked(lock, |Shared { state, output }, _| {
            state.check(is_farewell)?;
            let Some(Output { outbox, .. }) = output else { return Ok(Entry::Waits(state.core.write_by(now))) };
            if yields > 0 && state.sender_defers() {
                state.defer();
                return Ok(Entry::Yields);
            }
            state.is_promised = false;
            if job(state, outbox)? {
                return Ok(Entry::Done);
            }
            let by = state.core.write_by(now);
            Ok(output.take().map_or(Entry::Done, |output| Entry::Writes(output, by)))
        })?;
        match entry {
            Entry::Done => return Ok(None),
            Entry::Writes(output, by) => return Ok(Some((Held::of_sender(lock, output), by))),
            Entry::Yields => {
                yields = yields.saturating_sub(1);
                yield_once().await;
            }
            Entry::Waits(by) => {
                yields = 0;
                let until = match late {
                    _ if now < by => by,
                    Some((of, since)) if of == by => {
                        let until = since.after_millis(LATE_MS);
                        if now >= until {
                            return locked(lock, |shared, woken| Err(shared.state.fail(End::Stalled, woken)));
                        }
                        until
                    }
                    _ => {
                        late = Some((by, now));
                        now.after_millis(LATE_MS)
                    }
                };
                let back = poll_fn(|cx| poll_back(lock, is_farewell, cx.waker(), since));
                if race(pin!(back), pin!(timer.sleep_until(until))).await == Some(Back::Crowded) {
                    timer.sleep_until(until.min(now.after_millis(CROWDED_MS))).await;
                }
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Back {
    Yes,
    /// There is no slot for a waker.
    Crowded,
}

/// Ready when the output is back or the connection over.
fn poll_back<L, W, D, B>(lock: &L, is_farewell: bool, waker: &Waker, since: Instant) -> Poll<Back>
where
    D: Side,
    B: AsMut<[u8]>,
    L: Lock<Value = Shared<W, D, B>>,
{
    locked::<_, _, ()>(lock, |Shared { state, output }, woken| {
        state.check(is_farewell)?;
        Ok(match output {
            Some(_) => Poll::Ready(Back::Yes),
            None if state.wakers.leave_sender(waker, since, woken) => Poll::Pending,
            None => Poll::Ready(Back::Crowded),
        })
    })
    .unwrap_or(Poll::Ready(Back::Yes))
}

/// One write, until `by`, or until the connection is over.
async fn write<L, W, D, B, C>(
    lock: &L,
    timer: &mut C,
    held: &mut Held<'_, L, W, D, B>,
    is_farewell: bool,
    by: Instant,
) -> Written<W::Error>
where
    W: Transmit,
    D: Side,
    B: AsMut<[u8]>,
    C: Timer,
    L: Lock<Value = Shared<W, D, B>>,
{
    let mut writing = pin!(held.write());
    let work = poll_fn(|cx| {
        if let Poll::Ready(result) = writing.as_mut().poll(cx) {
            return Poll::Ready(Some(result));
        }
        let watch = locked::<_, _, ()>(lock, |Shared { state, .. }, woken| {
            state.check(is_farewell)?;
            state.wakers.leave_writer(cx.waker(), woken);
            Ok(())
        });
        if watch.is_ok() { Poll::Pending } else { Poll::Ready(None) }
    });
    race(pin!(work), pin!(timer.sleep_until(by))).await.flatten()
}

/// Lets other tasks run once.
async fn yield_once() {
    let mut is_first = true;
    poll_fn(|cx| {
        if core::mem::take(&mut is_first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
