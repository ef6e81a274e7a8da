//! What the receiver decides between two waits. It awaits nothing.

use super::{
    Shared,
    shared::{Output, State, Written},
    wakers::Woken,
};
use crate::{
    bytes::Capacity,
    drive::{Error, Side, error::End},
    time::Instant,
    ws::{Advanced, Control, Inbox, MaskSource, Outbox, ReceiveError, Role, Storage},
};
use core::task::Waker;

/// What the last wait has brought.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Not known.
    Nothing,
    /// Bytes.
    Input,
    /// There was nothing to read when its deadline had come.
    Silence,
}

/// What to do next.
pub(super) enum Look {
    /// The inbox returns it.
    Item,
    Pong(Control),
    /// A message is too large for the inbox.
    Full(Capacity),
    End,
    Wait {
        /// Whether to read.
        reads: bool,
        until: Instant,
    },
}

/// What to do next, and what to write with.
type Looked<W, D, B, E> = Result<(Look, Option<Output<W, D, B>>), Error<E>>;

impl<W, D: Side, B: AsMut<[u8]>> Shared<W, D, B> {
    /// If a output is returned, there is something to write: at once and without waiting before a return, or during the wait.
    pub(super) fn look<S: Storage, E>(
        &mut self,
        inbox: &mut Inbox<S>,
        in_parts: bool,
        heard: Heard,
        now: Instant,
        woken: &mut Woken,
    ) -> Looked<W, D, B, E> {
        let Self { state, output } = self;
        if !state.core.is_open {
            return Err(Error::Order);
        }
        state.hear(heard, now, woken);
        if state.core.end.is_none() {
            let found = state.advance(inbox, in_parts, output.as_mut().map(|output| &mut output.outbox), woken);
            if let Some(found) = found {
                // A pong, or the answer to a close frame: the application may not call again for long.
                let is_urgent = state.core.is_urgent;
                return Ok((found, output.take_if(|output| is_urgent && !output.outbox.is_empty())));
            }
            // The deadline of a closing handshake begins though another one has the output.
            state.core.keep.watch(&state.core.ws);
            if state.core.overdue(now).is_some() {
                state.wakers.take_all(woken);
            }
        }
        state.core.is_urgent = false;
        let mut until = state.core.due();
        let reads = !state.is_over();
        if !reads {
            // After a failure this is a short time for all.
            let by = state.core.write_by(now);
            if !state.has_left() || now >= by || state.core.is_cut {
                return state.conclude(woken).map(|look| (look, None));
            }
            until = by;
        }
        if state.has_left()
            && let Some(Output { outbox, .. }) = output
        {
            match state.owe(outbox) {
                Err(e) if outbox.is_empty() && reads => return Err(Error::Outbox(e)),
                Err(_) if outbox.is_empty() => return state.conclude(woken).map(|look| (look, None)),
                _ => {}
            }
            if reads {
                // What is owed may have changed when it is due.
                until = state.core.due();
            }
        }
        let output = output.take_if(|output| !output.outbox.is_empty() && !state.receiver_defers());
        if output.is_some() && reads {
            until = until.min(state.core.write_by(now));
        }
        Ok((Look::Wait { reads, until }, output))
    }

    /// Whether there is something to do for a receiver that waits. If not, its waker is left.
    pub(super) fn watch(
        &mut self,
        has_output: bool,
        reads: bool,
        until: Instant,
        waker: &Waker,
        woken: &mut Woken,
    ) -> bool {
        let Self { state, output } = self;
        let can_write = !has_output && output.is_some() && state.has_left();
        let is_done = !reads && !has_output && !state.has_left();
        let is_over = reads && state.is_over();
        let is_early = reads && state.core.due() < until;
        if can_write && state.receiver_defers() {
            state.defer();
            woken.call_receiver(waker);
            return false;
        }
        if can_write || is_done || is_over || is_early {
            return true;
        }
        state.wakers.leave_receiver(waker, woken);
        false
    }
}

impl<R: Role> State<R> {
    /// Nothing more is read.
    fn is_over(&self) -> bool {
        self.core.ws.is_closed() || self.core.end.is_some()
    }

    /// How the connection ended.
    fn conclude<E>(&mut self, woken: &mut Woken) -> Result<Look, Error<E>> {
        if self.core.ws.has_received_close() {
            if self.has_left() {
                // Nobody writes it any more.
                let _ = self.fail::<()>(End::Stalled, woken);
            }
            return Ok(Look::End);
        }
        self.core.check()?;
        Ok(Look::End)
    }

    /// What the last wait has brought.
    fn hear(&mut self, heard: Heard, now: Instant, woken: &mut Woken) {
        let ended = match heard {
            Heard::Nothing => None,
            Heard::Input => {
                self.core.arrived(now, self.core.due());
                None
            }
            Heard::Silence => self.core.idle(now),
        };
        if ended.is_some() {
            self.wakers.take_all(woken);
        }
    }

    /// Reads what stands in the inbox, up to the next item. Pongs go into `outbox`, unless another one has it: that one writes them.
    fn advance<S: Storage, B: AsMut<[u8]>, K: MaskSource<R>>(
        &mut self,
        inbox: &mut Inbox<S>,
        in_parts: bool,
        mut outbox: Option<&mut Outbox<B, K>>,
        woken: &mut Woken,
    ) -> Option<Look> {
        loop {
            let ws = &mut self.core.ws;
            let found = if in_parts { inbox.advance_part(ws) } else { inbox.advance(ws) };
            let is_ping = matches!(found, Ok(Some(Advanced::Ping(_))));
            if (is_ping || found.is_ok() && self.core.ws.has_received_close())
                && let Some(outbox) = &mut outbox
            {
                self.core.is_urgent = true;
                // Without room the pong of the latest ping stays owed.
                let _ = self.owe(outbox);
            }
            match found {
                Ok(Some(Advanced::Ready)) => return Some(Look::Item),
                Ok(Some(Advanced::Ping(_))) => {}
                Ok(Some(Advanced::Pong(pong))) => {
                    // That of a ping of our own is not shown.
                    if !self.core.keep.take_pong(&pong) && self.core.shows_pongs {
                        return Some(Look::Pong(pong));
                    }
                }
                Ok(None) => return None,
                Err(ReceiveError::Capacity(e)) => return Some(Look::Full(e)),
                Err(ReceiveError::Peer(e)) => {
                    let _ = self.fail::<()>(End::Peer(e), woken);
                    return None;
                }
            }
        }
    }

    /// The outcome of a write of the receiver. What fails after the end is not told: the end is.
    pub(super) fn settle_late<B: AsMut<[u8]>, K, E>(
        &mut self,
        outbox: &Outbox<B, K>,
        written: Written<E>,
        now: Instant,
        woken: &mut Woken,
    ) -> Result<bool, Error<E>> {
        let is_late = self.is_over() || self.core.ws.has_received_close();
        let result = self.settle(outbox, written, now, woken);
        if result.is_err() && is_late {
            self.core.is_cut = true;
            return Ok(true);
        }
        result.map(|()| true)
    }
}
