use super::wakers::{Wakers, Woken};
use crate::{
    bytes::Capacity,
    drive::{Error, Side, core::Core, error::End},
    time::Instant,
    ws::{MaskSource, Outbox, Role},
};
use core::fmt;

/// What the halves of a connection share: its state, the sending side of its transport, and the send memory. Put it into a [`Lock`](super::Lock) of yours, and
/// pass that to [`Half::join`](super::Half::join).
///
/// The transport and the send memory are moved into the future of the call that writes, and back. So lend the send memory as a slice or a `Vec`: an array would
/// be copied, and make the futures larger.
pub struct Shared<W, D: Side, B> {
    pub(super) state: State<D::Role>,
    /// `None`: who writes has it.
    pub(super) output: Option<Output<W, D, B>>,
}

/// What is needed to write. Only who has it writes.
pub(super) struct Output<W, D: Side, B> {
    pub(super) writer: W,
    pub(super) outbox: Outbox<B, D::Keys>,
}

impl<W, D: Side, B> fmt::Debug for Shared<W, D, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("ws", &self.state.core.ws)
            .field("is_writing", &self.output.is_none())
            .finish_non_exhaustive()
    }
}

impl<W, D: Side, B: AsMut<[u8]>> Shared<W, D, B> {
    pub(super) fn new(core: Core<D::Role>, writer: W, outbox: Outbox<B, D::Keys>) -> Self {
        let mut state = State::new(core);
        state.count(&outbox);
        Self { state, output: Some(Output { writer, outbox }) }
    }

    /// Who wrote lets go. A receiver need not be woken by itself.
    pub(super) fn put_back(&mut self, output: Output<W, D, B>, is_receiver: bool, woken: &mut Woken) {
        self.state.put_back(&output.outbox, is_receiver, woken);
        self.output = Some(output);
    }
}

/// The state of a connection, without what is needed to write.
#[derive(Debug)]
pub(super) struct State<R> {
    pub(super) core: Core<R>,
    /// How many bytes the transport has taken, and how many were appended to the outbox.
    sent: u64,
    queued: u64,
    pub(super) wakers: Wakers,
    /// The output came back while senders waited for it, so one of them goes first.
    pub(super) is_promised: bool,
    /// How often others have left the output to that sender since.
    deferrals: u8,
    /// The receiver was dropped.
    pub(super) is_deaf: bool,
}

/// What came of a write: `None` if time or the connection ended before it.
pub(super) type Written<E> = Option<Result<Option<usize>, E>>;

/// What a sender waits for: that bytes up to `until` were taken, and then the frames that were owed at that moment. Not what is owed later: a peer that sends
/// pings without end would hold the sender.
#[derive(Debug)]
pub(super) struct Goal {
    until: Option<u64>,
    is_last: bool,
    /// It is an error if what is owed has no room.
    is_strict: bool,
}

impl Goal {
    pub(super) const fn new(is_strict: bool) -> Self {
        Self { until: None, is_last: false, is_strict }
    }
}

fn held<B: AsMut<[u8]>, K>(outbox: &Outbox<B, K>) -> u64 {
    u64::try_from(outbox.held()).unwrap_or(u64::MAX)
}

impl<R: Role> State<R> {
    const fn new(core: Core<R>) -> Self {
        Self { core, sent: 0, queued: 0, wakers: Wakers::new(), is_promised: false, deferrals: 0, is_deaf: false }
    }

    /// Fails for a sender if the connection is over, and without a receiver, unless it closes.
    pub(super) fn check<E>(&self, is_farewell: bool) -> Result<(), Error<E>> {
        self.core.check()?;
        if self.is_deaf && !is_farewell && !self.core.ws.is_closing() { Err(Error::Ended) } else { Ok(()) }
    }

    /// Ends the connection for both halves, unless it is over.
    pub(super) fn fail<E>(&mut self, end: End, woken: &mut Woken) -> Error<E> {
        self.wakers.take_all(woken);
        self.core.fail(end);
        self.core.reason()
    }

    /// Whether something waits to be written.
    pub(super) fn has_left(&self) -> bool {
        self.queued != self.sent || self.core.ws.wants_transmit() || self.core.keep.wants_transmit()
    }

    /// Whether the receiver leaves the output to a sender. Else a peer that sends pings without a pause, and takes the pongs slowly, would keep all senders from
    /// writing.
    pub(super) const fn receiver_defers(&self) -> bool {
        self.is_promised && self.deferrals < 4
    }

    /// Whether a sender leaves the output to another one that waited.
    pub(super) const fn sender_defers(&self) -> bool {
        self.is_promised && self.deferrals < 8
    }

    /// Other tasks are to run once. The sender that was promised the output may have been dropped, so this is counted.
    pub(super) const fn defer(&mut self) {
        self.deferrals = self.deferrals.saturating_add(1);
    }

    /// Appends what is owed, as far as there is room.
    pub(super) fn owe<B: AsMut<[u8]>, K: MaskSource<R>>(&mut self, outbox: &mut Outbox<B, K>) -> Result<(), Capacity> {
        let result = self.core.owe(outbox);
        self.count(outbox);
        result
    }

    /// Bytes were appended.
    pub(super) fn count<B: AsMut<[u8]>, K>(&mut self, outbox: &Outbox<B, K>) {
        self.queued = self.sent.saturating_add(held(outbox));
    }

    /// Appends what is owed, and returns whether the goal is reached.
    pub(super) fn reach<B: AsMut<[u8]>, K: MaskSource<R>, E>(
        &mut self,
        goal: &mut Goal,
        outbox: &mut Outbox<B, K>,
    ) -> Result<bool, Error<E>> {
        if goal.until.is_some_and(|until| self.sent < until) {
            return Ok(false);
        }
        let owed = self.owe(outbox);
        if self.queued > self.sent && !goal.is_last {
            goal.is_last = goal.until.replace(self.queued).is_some();
            return Ok(false);
        }
        match owed {
            Err(e) if goal.is_strict && outbox.is_empty() => Err(Error::Outbox(e)),
            _ => Ok(true),
        }
    }

    /// The outcome of a write. Its bytes were removed from the outbox already, in the poll in which the transport took them.
    pub(super) fn settle<B: AsMut<[u8]>, K, E>(
        &mut self,
        outbox: &Outbox<B, K>,
        written: Written<E>,
        now: Instant,
        woken: &mut Woken,
    ) -> Result<(), Error<E>> {
        self.sent = self.queued.saturating_sub(held(outbox));
        match written {
            Some(Ok(Some(n))) if n > 0 => {
                self.core.has_written();
                Ok(())
            }
            Some(Err(e)) => {
                self.fail::<E>(End::Transport, woken);
                Err(Error::Transport(e))
            }
            Some(Ok(None)) | None if now < self.core.write_by(now) => Ok(()),
            Some(Ok(_)) | None => {
                self.wakers.take_all(woken);
                self.core.stalled(now);
                Err(self.core.reason())
            }
        }
    }

    fn put_back<B: AsMut<[u8]>, K>(&mut self, outbox: &Outbox<B, K>, is_receiver: bool, woken: &mut Woken) {
        self.sent = self.queued.saturating_sub(held(outbox));
        if self.sent == self.queued {
            // No write is under way, so none is late.
            self.core.has_written();
        }
        if self.wakers.take_senders(woken) {
            (self.is_promised, self.deferrals) = (true, 0);
        }
        if is_receiver {
            return;
        }
        self.wakers.drop_writer(woken);
        if self.has_left() || self.core.ws.is_closing() || self.core.end.is_some() {
            self.wakers.take_receiver(woken);
        }
    }
}

mod sealed {
    use super::Woken;

    pub trait Sealed {}
    impl<W, D: super::Side, B> Sealed for super::Shared<W, D, B> {}

    /// The wakers to call after the receiver was dropped.
    #[derive(Debug)]
    pub struct Gone(pub(in super::super) Woken);
}

/// [`Shared`] with any types; see [`WebSocket::split`](crate::drive::WebSocket::split). Sealed.
pub trait Halved: sealed::Sealed {
    #[doc(hidden)]
    fn come(&mut self);
    #[doc(hidden)]
    fn leave(&mut self) -> sealed::Gone;
}

impl<W, D: Side, B> Halved for Shared<W, D, B> {
    fn come(&mut self) {
        self.state.is_deaf = false;
    }

    fn leave(&mut self) -> sealed::Gone {
        let mut woken = Woken::default();
        self.state.is_deaf = true;
        self.state.wakers.take_all(&mut woken);
        sealed::Gone(woken)
    }
}
