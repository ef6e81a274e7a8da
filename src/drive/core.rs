//! What a WebSocket driver decides between two calls of its transport. It awaits nothing.

use super::{Deadlines, Error, error::End, overdue::Overdue};
use crate::{
    bytes::Capacity,
    time::Instant,
    ws::{
        Agreed, CloseCode, Connection, KeepAlive, Leniency, Limits, MaskSource, Out, Outbox, Role, SendError, Timeout,
    },
};

/// How long the close frame of a connection that is given up may take to be written, in milliseconds.
pub(super) const FAREWELL_MS: u64 = 1000;

#[derive(Clone, Debug)]
pub(super) struct Core<R> {
    pub ws: Connection<R>,
    pub keep: KeepAlive,
    deadlines: Deadlines,
    /// When the peer must have taken a byte. [`Instant::FAR_FUTURE`]: it has taken one since, or nothing waits.
    write_by: Instant,
    overdue: Overdue,
    pub end: Option<End>,
    /// The transport takes nothing any more, or nothing is to be said.
    pub is_cut: bool,
    /// The opening handshake was done.
    pub is_open: bool,
    /// A pong is owed or stands in the outbox: written before anything is returned.
    pub is_urgent: bool,
    /// The application has sent a ping of its own, so pongs are shown.
    pub shows_pongs: bool,
}

impl<R: Role> Core<R> {
    pub(super) fn new(deadlines: Deadlines, now: Instant) -> Self {
        let ws = Connection::new(Limits::new());
        let keep = KeepAlive::new(deadlines.others, now);
        Self {
            ws,
            keep,
            deadlines,
            write_by: Instant::FAR_FUTURE,
            overdue: Overdue::default(),
            end: None,
            is_cut: false,
            is_open: false,
            is_urgent: false,
            shows_pongs: false,
        }
    }

    /// The opening handshake is done.
    pub(super) fn opened(&mut self, now: Instant) {
        self.is_open = true;
        self.keep.opened(now);
    }

    /// The opening handshake has agreed on compression, or not.
    pub(super) fn agree(&mut self, agreed: Option<Agreed>) {
        self.ws = self.ws.renewed().with_compression(agreed);
    }

    /// Fails before the opening handshake, and if the connection is over for a reason that is not a closing handshake.
    pub(super) fn check<E>(&self) -> Result<(), Error<E>> {
        if self.is_open && self.end.is_none() { Ok(()) } else { Err(self.reason()) }
    }

    /// Why the connection is over, or not open yet.
    pub(super) fn reason<E>(&self) -> Error<E> {
        self.end.map_or(Error::Order, End::error)
    }

    /// Ends the connection, unless it is over.
    pub(super) fn fail(&mut self, end: End) {
        if self.end.is_none() {
            (self.end, self.write_by) = (Some(end), Instant::FAR_FUTURE);
        }
        self.is_cut |=
            matches!(end, End::Transport | End::Stalled | End::Eof | End::Timeout(Timeout::Handshake | Timeout::Close));
    }

    /// Begins the closing handshake. The deadline for the peer's answer counts from now.
    pub(super) fn close<E>(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), Error<E>> {
        self.check()?;
        self.ws.close(code, reason).map_err(Error::State)?;
        self.keep.tick(now);
        self.keep.watch(&self.ws);
        Ok(())
    }

    /// Appends pings, pongs and the close frame, as far as there is room.
    pub(super) fn owe<B: AsMut<[u8]>, K: MaskSource<R>>(&mut self, outbox: &mut Outbox<B, K>) -> Result<(), Capacity> {
        let mut out = self.ws.out(outbox);
        while self.ws.poll_transmit(&mut out)? || self.keep.poll_transmit(&mut self.ws, &mut out)? {}
        Ok(())
    }

    /// Appends what `write` writes. `Ok(false)`: there is no room until a part of the outbox was written.
    pub(super) fn append<B: AsMut<[u8]>, K: MaskSource<R>, E>(
        &mut self,
        outbox: &mut Outbox<B, K>,
        write: impl FnOnce(&mut Connection<R>, &mut Out<'_, crate::ws::Kept<'_, R, K>>) -> Result<(), SendError>,
    ) -> Result<bool, Error<E>> {
        let mut out = self.ws.out(outbox);
        match write(&mut self.ws, &mut out) {
            Ok(()) => Ok(true),
            Err(SendError::Capacity(e)) if outbox.is_empty() => Err(Error::Outbox(e)),
            Err(SendError::Capacity(_)) => Ok(false),
            Err(SendError::State(e)) => Err(Error::State(e)),
        }
    }

    /// Whether something is to be written: messages, pings, pongs, the close frame.
    pub(super) fn owes<B: AsMut<[u8]>, K: MaskSource<R>, E>(
        &mut self,
        outbox: &mut Outbox<B, K>,
    ) -> Result<bool, Error<E>> {
        let owed = self.owe(outbox);
        if !outbox.is_empty() {
            return Ok(true);
        }
        self.is_urgent = false;
        owed.map(|()| false).map_err(Error::Outbox)
    }

    /// As [`owes`](Self::owes). When the connection is over, the close frame, or the answer that refuses a client, is still written; then it fails for the reason.
    pub(super) fn left<B: AsMut<[u8]>, K: MaskSource<R>, E>(
        &mut self,
        outbox: &mut Outbox<B, K>,
    ) -> Result<bool, Error<E>> {
        let owed = if self.is_cut { Ok(false) } else { self.owes(outbox) };
        match self.end {
            Some(end) if !matches!(owed, Ok(true)) => Err(end.error()),
            _ => owed,
        }
    }

    /// When the write that begins or goes on now must have taken a byte. The handshakes have deadlines of their own, for all that they write.
    pub(super) fn write_by(&mut self, now: Instant) -> Instant {
        self.write_by = self.write_by.min(self.byte_by(now));
        if self.keep.is_shaking() { self.write_by.min(self.due()) } else { self.write_by }
    }

    /// The time of [`write_by`](Self::write_by) has come.
    pub(super) fn stalled(&mut self, now: Instant) {
        if self.keep.is_shaking() {
            self.idle(now);
        }
        self.fail(End::Stalled);
    }

    /// When a write that begins now must have taken a byte.
    pub(super) fn byte_by(&self, now: Instant) -> Instant {
        match self.deadlines.write {
            _ if self.end.is_some() => now.after_millis(FAREWELL_MS),
            0 => Instant::FAR_FUTURE,
            ms => now.after_millis(u64::from(ms)),
        }
    }

    /// The transport took bytes. After a failure the last frames get no more time by this; those of a Socket.IO server have a limit of their own.
    pub(super) fn has_written(&mut self) {
        if matches!(self.end, None | Some(End::Closed)) {
            self.write_by = Instant::FAR_FUTURE;
        }
    }

    /// When to stop waiting for bytes.
    pub(super) fn due(&self) -> Instant {
        self.keep.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    /// Bytes arrived at `now`. `due` was the deadline.
    pub(super) fn arrived(&mut self, now: Instant, due: Instant) {
        self.overdue.arrived(now, due);
        self.keep.handle_input(now);
    }

    /// All that arrived was handled, and more may wait. Returns a deadline that counts nevertheless.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<Timeout> {
        self.keep.handle_ping(now);
        self.overdue.begin(now);
        let counts = if self.keep.is_shaking() { self.overdue.counts(now) } else { self.overdue.has_waited() };
        if counts { self.idle(now) } else { None }
    }

    /// Nothing arrived until `now`. Returns a deadline that has passed.
    pub(super) fn idle(&mut self, now: Instant) -> Option<Timeout> {
        let timeout = self.keep.handle_timeout(now, &mut self.ws)?;
        self.fail(End::Timeout(timeout));
        Some(timeout)
    }

    /// A new connection with the same settings.
    pub(super) fn renew(&mut self, now: Instant) {
        self.ws = self.ws.renewed();
        self.keep = KeepAlive::new(self.deadlines.others, now);
        self.overdue = Overdue::default();
        (self.write_by, self.end) = (Instant::FAR_FUTURE, None);
        (self.is_cut, self.is_open, self.is_urgent, self.shows_pongs) = (false, false, false, false);
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.ws = Connection::new(limits).with_leniency(self.ws.leniency());
    }

    pub(super) fn set_leniency(&mut self, leniency: Leniency) {
        self.ws = self.ws.renewed().with_leniency(leniency);
    }

    pub(super) fn set_deadlines(&mut self, deadlines: Deadlines, now: Instant) {
        (self.deadlines, self.write_by) = (deadlines, Instant::FAR_FUTURE);
        self.keep = KeepAlive::new(deadlines.others, now);
        if self.is_open {
            self.keep.opened(now);
        }
    }
}
