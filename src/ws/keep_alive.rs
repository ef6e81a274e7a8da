//! The deadlines of a connection. A machine of its own beside the connection: who needs none carries none.

use super::{CloseCode, Connection, Control, Form, Out, Role, SendError};
use crate::{
    bytes::Capacity,
    time::{Instant, millis},
};

/// What a [`KeepAlive`] waits for at most, in milliseconds. 0 turns a deadline off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    handshake: u32,
    ping_interval: u32,
    pong: u32,
    idle: u32,
    close: u32,
}

impl Timeouts {
    /// 10 s for the handshake, a ping every 30 s, 20 s for its pong, 10 s for the peer's close frame; a connection may be idle for ever.
    #[must_use]
    pub const fn new() -> Self {
        Self { handshake: 10_000, ping_interval: 30_000, pong: 20_000, idle: 0, close: 10_000 }
    }

    /// From the start to [`KeepAlive::opened`].
    #[must_use]
    pub const fn handshake(mut self, ms: u32) -> Self {
        self.handshake = ms;
        self
    }

    /// From one ping to the next, or to the answer of the one before if that takes longer. What else the peer sends changes nothing
    /// about it.
    #[must_use]
    pub const fn ping_interval(mut self, ms: u32) -> Self {
        self.ping_interval = ms;
        self
    }

    /// From a ping to its pong.
    #[must_use]
    pub const fn pong(mut self, ms: u32) -> Self {
        self.pong = ms;
        self
    }

    /// Without any byte of the peer.
    #[must_use]
    pub const fn idle(mut self, ms: u32) -> Self {
        self.idle = ms;
        self
    }

    /// From our close frame to the peer's (RFC 6455 section 7.1.1 says "a reasonable time").
    #[must_use]
    pub const fn close(mut self, ms: u32) -> Self {
        self.close = ms;
        self
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::new()
    }
}

/// Which deadline has passed, or is the next.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// The handshake took too long: drop the transport, a server after a 408.
    Handshake,
    /// A ping is due. Never told as passed: [`KeepAlive::poll_transmit`] writes the ping.
    Ping,
    /// No pong came: the connection is dead, or the peer is. A close frame is owed; write it if the transport takes it, then drop that.
    Pong,
    /// Nothing came for too long; a close frame is owed.
    Idle,
    /// The peer's close frame did not come: drop the transport.
    Close,
}

/// Pings, and the deadlines of handshake, pong, idle peer and close, for one connection (RFC 6455 sections 5.5.2 and 7.1.1).
///
/// ```
/// use sansocket::{time::Instant, ws::{Connection, KeepAlive, Limits, Timeout, Timeouts}};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let mut keep = KeepAlive::new(Timeouts::new(), Instant::from_millis(0));
/// let mut ws = Connection::server(Limits::new());
/// let mut tx = [0; 256];
/// // The handshake is done.
/// keep.opened(Instant::from_millis(5));
/// // Each turn: tell it what came, let it write what is due, wait until `poll_timeout` at most.
/// assert_eq!(keep.poll_timeout(), Some((Instant::from_millis(30_005), Timeout::Ping)));
/// let now = Instant::from_millis(30_005);
/// assert_eq!(keep.handle_timeout(now, &mut ws), None);
/// let mut out = ws.out(&mut tx);
/// while keep.poll_transmit(now, &mut ws, &mut out)? {}
/// assert_eq!(out.written(), b"\x89\x04\0\0\0\x01");
/// assert_eq!(keep.poll_timeout(), Some((Instant::from_millis(50_005), Timeout::Pong)));
/// // No pong came.
/// let now = Instant::from_millis(50_005);
/// assert_eq!(keep.handle_timeout(now, &mut ws), Some(Timeout::Pong));
/// assert!(ws.wants_transmit());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    timeouts: Timeouts,
    phase: Phase,
    /// When the next ping is due; with one that is not answered, not before that is.
    ping: Instant,
    /// When the pong must be here; far away when none is awaited.
    pong: Instant,
    /// When the peer has been idle, has closed, has shaken hands too slowly.
    limit: Instant,
    /// The number of the latest ping, its payload.
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Closing,
    Over,
}

const fn after(now: Instant, ms: u32) -> Instant {
    if ms == 0 { Instant::FAR_FUTURE } else { now.after_millis(millis(ms)) }
}

impl KeepAlive {
    /// A connection whose handshake begins.
    #[must_use]
    pub const fn new(timeouts: Timeouts, now: Instant) -> Self {
        Self {
            timeouts,
            phase: Phase::Handshake,
            ping: Instant::FAR_FUTURE,
            pong: Instant::FAR_FUTURE,
            limit: after(now, timeouts.handshake),
            number: 0,
        }
    }

    /// The handshake is done.
    pub const fn opened(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Handshake) {
            self.phase = Phase::Open;
            self.ping = after(now, self.timeouts.ping_interval);
            self.limit = after(now, self.timeouts.idle);
        }
    }

    /// Bytes came.
    pub const fn handle_input(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Open) {
            self.limit = after(now, self.timeouts.idle);
        }
    }

    /// A pong came: that of our ping counts, another one does not.
    pub fn handle_pong(&mut self, pong: &Control) {
        if pong.as_bytes() == self.number.to_be_bytes() {
            self.pong = Instant::FAR_FUTURE;
        }
    }

    /// Writes a ping if one is due, and notes when `ws` began to close; `false`: nothing is due. At the end of each turn, with
    /// [`Connection::poll_transmit`].
    ///
    /// # Errors
    /// [`Capacity`]: it is due still.
    pub fn poll_transmit<R: Role, F: Form<Role = R>>(
        &mut self,
        now: Instant,
        ws: &mut Connection<R>,
        out: &mut Out<'_, F>,
    ) -> Result<bool, Capacity> {
        self.watch(now, ws);
        if self.phase != Phase::Open || now < self.ping || self.pong < Instant::FAR_FUTURE {
            return Ok(false);
        }
        let number = self.number.wrapping_add(1);
        match ws.ping(&number.to_be_bytes(), out) {
            Ok(()) => {}
            Err(SendError::Capacity(e)) => return Err(e),
            Err(SendError::State(_)) => return Ok(false),
        }
        self.number = number;
        self.ping = after(now, self.timeouts.ping_interval);
        self.pong = after(now, self.timeouts.pong);
        Ok(true)
    }

    /// The next moment at which something is to be done, and what that is. [`Timeout::Ping`]: call [`poll_transmit`](Self::poll_transmit); the others:
    /// [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Timeout)> {
        let next = match self.phase {
            Phase::Over => return None,
            Phase::Handshake => (self.limit, Timeout::Handshake),
            Phase::Closing => (self.limit, Timeout::Close),
            Phase::Open => {
                let awaits = self.pong < Instant::FAR_FUTURE;
                let next = if awaits { (self.pong, Timeout::Pong) } else { (self.ping, Timeout::Ping) };
                if self.limit < next.0 { (self.limit, Timeout::Idle) } else { next }
            }
        };
        (next.0 < Instant::FAR_FUTURE).then_some(next)
    }

    /// Time has come to `now`. The deadline that passed is told once, and `ws` then owes a close frame, if it can send one. A call that is
    /// early or repeated does nothing.
    pub fn handle_timeout<R: Role>(&mut self, now: Instant, ws: &mut Connection<R>) -> Option<Timeout> {
        self.watch(now, ws);
        let what = match self.phase {
            Phase::Handshake if now >= self.limit => Timeout::Handshake,
            Phase::Closing if now >= self.limit => Timeout::Close,
            Phase::Open if now >= self.pong => Timeout::Pong,
            Phase::Open if now >= self.limit => Timeout::Idle,
            _ => return None,
        };
        match what {
            Timeout::Pong => ws.owe_close(CloseCode::POLICY_VIOLATION),
            Timeout::Idle => ws.owe_close(CloseCode::GOING_AWAY),
            _ => {}
        }
        self.phase = Phase::Over;
        Some(what)
    }

    /// Notes when the connection began to close, and when it is over.
    fn watch<R: Role>(&mut self, now: Instant, ws: &Connection<R>) {
        if ws.is_closed() {
            self.phase = Phase::Over;
        } else if self.phase == Phase::Open && ws.is_closing() {
            self.phase = Phase::Closing;
            self.limit = after(now, self.timeouts.close);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Limits, Server};
    use std::vec::Vec;

    const fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    /// A connection that shook hands at 0, and its deadlines.
    fn open(timeouts: Timeouts) -> (KeepAlive, Connection<Server>) {
        let mut keep = KeepAlive::new(timeouts, at(0));
        keep.opened(at(0));
        (keep, Connection::server(Limits::new()))
    }

    fn transmit(keep: &mut KeepAlive, ws: &mut Connection<Server>, now: u64) -> Vec<u8> {
        let mut memory = [0; 64];
        let mut out = ws.out(&mut memory);
        while keep.poll_transmit(at(now), ws, &mut out).unwrap() {}
        out.written().to_vec()
    }

    #[test]
    fn steady_inbound_traffic_never_suppresses_a_ping() {
        let (mut keep, mut ws) = open(Timeouts::new().ping_interval(100).pong(50).idle(1000));
        let mut pings = 0_u32;
        for now in 0..1000 {
            keep.handle_input(at(now));
            assert_eq!(keep.handle_timeout(at(now), &mut ws), None);
            let frames = transmit(&mut keep, &mut ws, now);
            if !frames.is_empty() {
                assert_eq!(now % 100, 0);
                pings += 1;
                assert_eq!(frames, [&b"\x89\x04"[..], &pings.to_be_bytes()].concat());
                keep.handle_pong(&Control::new(&pings.to_be_bytes()));
            }
        }
        assert_eq!(pings, 9);
    }

    #[test]
    fn only_the_pong_of_our_ping_counts() {
        let (mut keep, mut ws) = open(Timeouts::new().ping_interval(100).pong(300));
        assert_eq!(transmit(&mut keep, &mut ws, 100).len(), 6);
        assert_eq!(keep.poll_timeout(), Some((at(400), Timeout::Pong)));
        keep.handle_input(at(399));
        for other in [&b""[..], b"\0\0\0\0", b"\0\0\0\x01x"] {
            keep.handle_pong(&Control::new(other));
        }
        // The next one waits for the answer, and then goes at once.
        assert!(transmit(&mut keep, &mut ws, 250).is_empty());
        let mut late = keep.clone();
        late.handle_pong(&Control::new(&1_u32.to_be_bytes()));
        assert_eq!(transmit(&mut late, &mut ws, 399).len(), 6);
        assert_eq!(keep.handle_timeout(at(399), &mut ws), None);
        assert_eq!(keep.handle_timeout(at(400), &mut ws), Some(Timeout::Pong));
        assert_eq!(keep.handle_timeout(at(400), &mut ws), None, "once");
        assert_eq!(keep.poll_timeout(), None);
        assert!(ws.wants_transmit(), "a close frame is owed");
    }

    #[test]
    fn each_deadline_is_told_when_it_has_come() {
        let mut ws = Connection::server(Limits::new());
        let mut keep = KeepAlive::new(Timeouts::new().handshake(10), at(5));
        assert_eq!(keep.poll_timeout(), Some((at(15), Timeout::Handshake)));
        assert_eq!(keep.handle_timeout(at(14), &mut ws), None);
        assert_eq!(keep.handle_timeout(at(15), &mut ws), Some(Timeout::Handshake));
        assert!(!ws.wants_transmit(), "nothing is said in front of the handshake");

        let (mut keep, mut ws) = open(Timeouts::new().ping_interval(0).idle(10));
        keep.handle_input(at(7));
        assert_eq!(keep.poll_timeout(), Some((at(17), Timeout::Idle)));
        assert_eq!(keep.handle_timeout(at(17), &mut ws), Some(Timeout::Idle));

        let (mut keep, mut ws) = open(Timeouts::new().close(10));
        ws.owe_close(CloseCode::NORMAL);
        assert_eq!(keep.handle_timeout(at(3), &mut ws), None);
        assert_eq!(keep.poll_timeout(), Some((at(13), Timeout::Close)));
        keep.handle_input(at(8));
        assert_eq!(keep.handle_timeout(at(13), &mut ws), Some(Timeout::Close));

        let (mut keep, mut ws) = open(Timeouts::new().close(10));
        ws.owe_close(CloseCode::NORMAL);
        keep.handle_timeout(at(0), &mut ws);
        ws.handle_eof();
        assert_eq!(keep.handle_timeout(at(10), &mut ws), None, "it is over, and in time");
        let (keep, _) = open(Timeouts::new().ping_interval(0));
        assert_eq!(keep.poll_timeout(), None, "all are off");
    }

    #[test]
    fn a_ping_without_room_is_due_still() {
        let (mut keep, mut ws) = open(Timeouts::new());
        let before = keep.clone();
        for size in 0..6 {
            let mut memory = [0; 6];
            let mut out = ws.out(&mut memory[..size]);
            let refused = keep.poll_transmit(at(30_000), &mut ws, &mut out);
            assert_eq!(refused, Err(Capacity { needed: 6, available: size }));
            assert_eq!(keep, before);
        }
    }
}
