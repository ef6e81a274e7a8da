//! Deadlines and pings of a connection. A separate object, so that applications without deadlines do not pay for it.

use super::{CloseCode, Connection, Control, Form, Out, Role, SendError};
use crate::{
    bytes::Capacity,
    time::{Instant, millis},
};

/// The deadlines of a [`KeepAlive`], in milliseconds. 0 turns a deadline off.
///
/// ```
/// use sansocket::ws::Timeouts;
///
/// const TIMEOUTS: Timeouts = Timeouts::new().ping_interval(15_000).pong(5_000).idle(60_000).handshake(0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    handshake: u32,
    ping_interval: u32,
    pong: u32,
    idle: u32,
    close: u32,
}

impl Timeouts {
    /// The defaults: 10 s for the handshake, a ping every 30 s, 20 s for its pong, 10 s for the peer's close frame, no limit for an idle peer.
    #[must_use]
    pub const fn new() -> Self {
        Self { handshake: 10_000, ping_interval: 30_000, pong: 20_000, idle: 0, close: 10_000 }
    }

    /// The maximum time from [`KeepAlive::new`] to [`KeepAlive::opened`].
    #[must_use]
    pub const fn handshake(mut self, ms: u32) -> Self {
        self.handshake = ms;
        self
    }

    /// The time from one ping to the next. If the pong takes longer, the next ping follows it immediately. Other traffic does not postpone pings.
    #[must_use]
    pub const fn ping_interval(mut self, ms: u32) -> Self {
        self.ping_interval = ms;
        self
    }

    /// The maximum time from the moment a ping is due to its pong. It includes the time that the ping waits for room in the output. Bytes of an
    /// incomplete frame extend it, because the peer cannot send its pong inside a frame.
    #[must_use]
    pub const fn pong(mut self, ms: u32) -> Self {
        self.pong = ms;
        self
    }

    /// The maximum time without a byte from the peer.
    #[must_use]
    pub const fn idle(mut self, ms: u32) -> Self {
        self.idle = ms;
        self
    }

    /// The maximum time from the moment this end begins to close to the peer's close frame (RFC 6455 section 7.1.1: "a reasonable time").
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

/// A deadline of a connection. See [`KeepAlive`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// The handshake took too long. Close the transport; a server may answer with status 408 first.
    Handshake,
    /// A ping is due. Only [`KeepAlive::timeout_reason`] returns this. [`KeepAlive::handle_timeout`] marks the ping as owed instead.
    Ping,
    /// No pong arrived in time. A close frame with code 1008 is owed. Try to write it, then close the transport.
    Pong,
    /// No byte arrived in time. A close frame with code 1001 is owed. Write it, then close the transport.
    Idle,
    /// The peer's close frame did not arrive in time. Close the transport.
    Close,
}

/// Pings and deadlines of one connection: handshake, pong, idle peer, close (RFC 6455 sections 5.5.2 and 7.1.1).
///
/// In each turn of your loop:
/// 1. Call [`handle_input`](Self::handle_input) if bytes arrived, and [`handle_pong`](Self::handle_pong) for each pong.
/// 2. Call [`handle_timeout`](Self::handle_timeout). A ping may be owed then.
/// 3. Call [`poll_transmit`](Self::poll_transmit), which writes the ping.
/// 4. Wait no longer than until [`poll_timeout`](Self::poll_timeout).
///
/// If an owed ping has no room in the output, it stays owed. [`poll_timeout`](Self::poll_timeout) is then the deadline of its pong, so the loop does not
/// spin, and a peer that never reads times out. The same is true for [`engineio::server::Session`](crate::engineio::server::Session).
///
/// If `now` is earlier than in a previous call, the later time counts.
///
/// ```
/// use sansocket::{time::Instant, ws::{Connection, KeepAlive, Limits, Timeout, Timeouts}};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let mut keep = KeepAlive::new(Timeouts::new(), Instant::from_millis(0));
/// let mut ws = Connection::server(Limits::new());
/// let mut tx = [0; 256];
/// // The handshake is done, and later bytes arrive.
/// keep.opened(Instant::from_millis(5));
/// keep.handle_input(Instant::from_millis(700));
/// assert_eq!(keep.poll_timeout(), Some(Instant::from_millis(30_005)));
/// assert_eq!(keep.timeout_reason(), Some(Timeout::Ping));
/// // 30 s later a ping is owed.
/// assert_eq!(keep.handle_timeout(Instant::from_millis(30_005), &mut ws), None);
/// let mut out = ws.out(&mut tx);
/// while keep.poll_transmit(&mut ws, &mut out)? {}
/// assert_eq!(out.written(), b"\x89\x04\0\0\0\x01");
/// assert_eq!(keep.poll_timeout(), Some(Instant::from_millis(50_005)));
/// // No pong arrived.
/// assert_eq!(keep.handle_timeout(Instant::from_millis(50_005), &mut ws), Some(Timeout::Pong));
/// assert!(ws.wants_transmit());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    timeouts: Timeouts,
    phase: Phase,
    beat: Beat,
    /// The latest time of all calls.
    now: Instant,
    /// When the handshake began, when the peer's last byte arrived, or when this end began to close.
    since: Instant,
    /// When the latest ping was due, or when a byte of an incomplete frame extended the time for its pong. Before the first ping: when the
    /// handshake was done.
    asked: Instant,
    /// The number of the latest ping, which is its payload.
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Closing,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beat {
    /// Until the next ping.
    Idle,
    /// A ping is owed.
    Owed,
    /// Until its pong arrives.
    Asked,
}

/// A moment that never comes when it is turned off.
#[inline(never)]
const fn after(since: Instant, ms: u32) -> Instant {
    if ms == 0 { Instant::FAR_FUTURE } else { since.after_millis(millis(ms)) }
}

impl KeepAlive {
    /// The deadlines of a connection whose handshake begins at `now`.
    #[must_use]
    pub const fn new(timeouts: Timeouts, now: Instant) -> Self {
        Self { timeouts, phase: Phase::Handshake, beat: Beat::Idle, now, since: now, asked: now, number: 0 }
    }

    /// Call it when the handshake is done.
    pub fn opened(&mut self, now: Instant) {
        self.tick(now);
        if self.phase == Phase::Handshake {
            self.phase = Phase::Open;
            self.asked = self.now;
            self.since = self.now;
        }
    }

    /// Call it when bytes from the peer arrived.
    pub fn handle_input(&mut self, now: Instant) {
        self.tick(now);
        if self.phase == Phase::Open {
            self.since = self.now;
        }
    }

    /// Call it for each pong. Only the pong for the latest ping counts.
    pub fn handle_pong(&mut self, pong: &Control) {
        let _ = self.take_pong(pong);
    }

    /// As [`handle_pong`](Self::handle_pong). Returns whether it is the pong for the latest ping.
    pub(crate) fn take_pong(&mut self, pong: &Control) -> bool {
        let is_awaited = self.beat == Beat::Asked && pong.as_bytes() == self.number.to_be_bytes();
        if is_awaited {
            self.beat = Beat::Idle;
        }
        is_awaited
    }

    /// Writes the ping, if one is owed; otherwise returns `false`. Call it at the end of each turn, with [`Connection::poll_transmit`].
    ///
    /// # Errors
    /// [`Capacity`] with the exact need. Nothing was changed, and the ping is still owed.
    pub fn poll_transmit<R: Role, F: Form<Role = R>>(
        &mut self,
        ws: &mut Connection<R>,
        out: &mut Out<'_, F>,
    ) -> Result<bool, Capacity> {
        self.watch(ws);
        if !self.wants_transmit() {
            return Ok(false);
        }
        let number = self.number.wrapping_add(1);
        match ws.ping(&number.to_be_bytes(), out) {
            Ok(()) => {}
            Err(SendError::Capacity(e)) => return Err(e),
            // It is closing, which was noticed above.
            Err(SendError::State(_)) => return Ok(false),
        }
        self.number = number;
        self.beat = Beat::Asked;
        Ok(true)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) would write a ping.
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        self.phase == Phase::Open && self.beat == Beat::Owed
    }

    /// Marks a ping as owed if one is due, whatever other deadline has passed.
    #[cfg(feature = "drive")]
    pub(crate) fn handle_ping(&mut self, now: Instant) {
        self.tick(now);
        if matches!(self.next(), (at, Timeout::Ping) if self.has_come(at)) {
            self.beat = Beat::Owed;
            self.asked = self.now;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called next. `None` if no deadline is active. While a ping is owed, this is the deadline of
    /// its pong.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let (at, _) = self.next();
        if at == Instant::FAR_FUTURE { None } else { Some(at) }
    }

    /// The deadline that [`poll_timeout`](Self::poll_timeout) returns, for logs.
    #[must_use]
    pub fn timeout_reason(&self) -> Option<Timeout> {
        let (at, reason) = self.next();
        if at == Instant::FAR_FUTURE { None } else { Some(reason) }
    }

    /// Call it when the time of [`poll_timeout`](Self::poll_timeout) has come. Marks a ping as owed if one is due. Returns a deadline that has passed,
    /// once; `ws` then owes a close frame, if it can send one. An early or repeated call does nothing.
    pub fn handle_timeout<R: Role>(&mut self, now: Instant, ws: &mut Connection<R>) -> Option<Timeout> {
        self.tick(now);
        self.watch(ws);
        loop {
            let (at, reason) = self.next();
            if !self.has_come(at) {
                return None;
            }
            match reason {
                Timeout::Ping => {
                    self.beat = Beat::Owed;
                    self.asked = self.now;
                    continue;
                }
                // The pong cannot be sent inside a frame, so bytes of a frame are a sign of life.
                Timeout::Pong if ws.left_of_frame() > 0 && self.since > self.asked => {
                    self.asked = self.since;
                    continue;
                }
                Timeout::Pong => ws.owe_close(CloseCode::POLICY_VIOLATION),
                Timeout::Idle => ws.owe_close(CloseCode::GOING_AWAY),
                Timeout::Handshake | Timeout::Close => {}
            }
            note!("a deadline of the connection has passed: {:?}", reason);
            self.phase = Phase::Over;
            return Some(reason);
        }
    }

    fn has_come(&self, at: Instant) -> bool {
        at <= self.now && at != Instant::FAR_FUTURE
    }

    /// The next deadline and its kind. [`Instant::FAR_FUTURE`] if there is none.
    #[inline(never)]
    fn next(&self) -> (Instant, Timeout) {
        let Timeouts { handshake, ping_interval, pong, idle, close } = self.timeouts;
        let (since, ms, reason) = match self.phase {
            Phase::Over => return (Instant::FAR_FUTURE, Timeout::Close),
            Phase::Handshake => (self.since, handshake, Timeout::Handshake),
            Phase::Closing => (self.since, close, Timeout::Close),
            // Without a deadline for pongs, pings follow each other whether answered or not.
            Phase::Open if self.beat == Beat::Idle || pong == 0 => (self.asked, ping_interval, Timeout::Ping),
            Phase::Open => (self.asked, pong, Timeout::Pong),
        };
        let first = after(since, ms);
        if self.phase == Phase::Open {
            let idle = after(self.since, idle);
            if idle < first {
                return (idle, Timeout::Idle);
            }
        }
        (first, reason)
    }

    /// Whether the deadline is that of a handshake, of the opening or the closing one.
    #[cfg(feature = "drive")]
    pub(crate) const fn is_shaking(&self) -> bool {
        matches!(self.phase, Phase::Handshake | Phase::Closing)
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Notes when the connection began to close, and when it is over.
    /// Notices that the connection closes.
    pub(crate) fn watch<R: Role>(&mut self, ws: &Connection<R>) {
        if ws.is_closed() {
            self.phase = Phase::Over;
        } else if self.phase == Phase::Open && ws.is_closing() {
            self.phase = Phase::Closing;
            self.since = self.now;
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
        assert_eq!(keep.handle_timeout(at(now), ws), None);
        let mut memory = [0; 64];
        let mut out = ws.out(&mut memory);
        while keep.poll_transmit(ws, &mut out).unwrap() {}
        out.written().to_vec()
    }

    fn next(keep: &KeepAlive) -> Option<(Instant, Timeout)> {
        keep.poll_timeout().zip(keep.timeout_reason())
    }

    /// Nothing is due at a moment that never comes, also for pings that follow each other without a pong.
    #[test]
    fn what_saturates_never_comes() {
        let at = Instant::from_millis(5);
        for timeouts in [Timeouts::new().pong(0), Timeouts::new().idle(1).ping_interval(0)] {
            let mut keep = KeepAlive::new(timeouts, at);
            keep.opened(Instant::FAR_FUTURE);
            assert_eq!(keep.handle_timeout(Instant::FAR_FUTURE, &mut Connection::server(Limits::new())), None);
            assert_eq!(keep.poll_timeout(), None);
        }
        let mut keep = KeepAlive::new(Timeouts::new().pong(0), at);
        keep.opened(at);
        assert_eq!(keep.handle_timeout(Instant::FAR_FUTURE, &mut Connection::server(Limits::new())), None);
        assert!(keep.wants_transmit());
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
        assert_eq!(next(&keep), Some((at(400), Timeout::Pong)));
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
        assert_eq!(next(&keep), Some((at(15), Timeout::Handshake)));
        assert_eq!(keep.handle_timeout(at(14), &mut ws), None);
        assert_eq!(keep.handle_timeout(at(15), &mut ws), Some(Timeout::Handshake));
        assert!(!ws.wants_transmit(), "nothing is said in front of the handshake");

        let (mut keep, mut ws) = open(Timeouts::new().ping_interval(0).idle(10));
        keep.handle_input(at(7));
        assert_eq!(next(&keep), Some((at(17), Timeout::Idle)));
        assert_eq!(keep.handle_timeout(at(17), &mut ws), Some(Timeout::Idle));

        let (mut keep, mut ws) = open(Timeouts::new().close(10));
        ws.owe_close(CloseCode::NORMAL);
        assert_eq!(keep.handle_timeout(at(3), &mut ws), None);
        assert_eq!(next(&keep), Some((at(13), Timeout::Close)));
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

    /// The loop does not spin: what is waited for lies ahead, and a peer that never reads meets its deadline.
    #[test]
    fn a_ping_without_room_is_owed_still_and_its_pong_is_waited_for() {
        let (mut keep, mut ws) = open(Timeouts::new());
        assert_eq!(keep.handle_timeout(at(30_000), &mut ws), None);
        let before = keep.clone();
        for size in 0..6 {
            let mut memory = [0; 6];
            let mut out = ws.out(&mut memory[..size]);
            let refused = keep.poll_transmit(&mut ws, &mut out);
            assert_eq!(refused, Err(Capacity { needed: 6, available: size }));
            assert_eq!(keep, before);
            assert!(keep.wants_transmit());
            assert_eq!(next(&keep), Some((at(50_000), Timeout::Pong)));
        }
        // A pong for a ping that was never sent counts for nothing.
        keep.handle_pong(&Control::new(&0_u32.to_be_bytes()));
        assert_eq!(keep, before);
        let mut slow = keep.clone();
        assert_eq!(transmit(&mut slow, &mut ws, 40_000), b"\x89\x04\0\0\0\x01");
        assert_eq!(next(&slow), Some((at(50_000), Timeout::Pong)));
        assert_eq!(keep.handle_timeout(at(50_000), &mut ws), Some(Timeout::Pong));
        // With no time for pongs the next interval is waited for.
        let (mut keep, mut ws) = open(Timeouts::new().pong(0));
        assert_eq!(keep.handle_timeout(at(30_000), &mut ws), None);
        assert_eq!(next(&keep), Some((at(60_000), Timeout::Ping)));
        assert_eq!(keep.handle_timeout(at(60_000), &mut ws), None);
        assert_eq!(next(&keep), Some((at(90_000), Timeout::Ping)));
        assert_eq!(transmit(&mut keep, &mut ws, 60_000).len(), 6, "one, not two");
    }

    #[test]
    fn with_all_deadlines_off_nothing_ever_passes() {
        let all_off = Timeouts::new().handshake(0).ping_interval(0).pong(0).idle(0).close(0);
        let (mut keep, mut ws) = open(all_off);
        for closing in [false, true] {
            assert_eq!(keep.handle_timeout(Instant::FAR_FUTURE, &mut ws), None);
            assert_eq!(keep.poll_timeout(), None);
            if !closing {
                ws.close(CloseCode::NORMAL, "").unwrap();
            }
        }
        let mut keep = KeepAlive::new(all_off, at(0));
        assert_eq!(keep.handle_timeout(Instant::FAR_FUTURE, &mut Connection::server(Limits::new())), None);
    }

    /// Any calls with any times do what the same calls do with the greatest time so far.
    #[test]
    fn time_never_runs_backwards() {
        let mut seed = 1_u32;
        let mut random = move |n: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % n
        };
        for _ in 0..300 {
            let timeouts = Timeouts::new().handshake(random(90)).ping_interval(random(90)).pong(random(90));
            let timeouts = timeouts.idle(random(90)).close(random(90));
            let (mut a, mut ws_a) = (KeepAlive::new(timeouts, at(100)), Connection::server(Limits::new()));
            let (mut b, mut ws_b) = (a.clone(), ws_a.clone());
            let (mut base, mut latest) = (100, 100);
            for _ in 0..60 {
                base += u64::from(random(20));
                let now = base - u64::from(random(100));
                let call = random(6);
                if !(2..=4).contains(&call) {
                    latest = latest.max(now);
                }
                match call {
                    0 => (a.opened(at(now)), b.opened(at(latest))),
                    1 => (a.handle_input(at(now)), b.handle_input(at(latest))),
                    2 => {
                        let pong = Control::new(&a.number.to_be_bytes());
                        (a.handle_pong(&pong), b.handle_pong(&pong))
                    }
                    3 => {
                        let (mut m, mut n) = ([0; 6], [0; 6]);
                        let (mut out_a, mut out_b) = (ws_a.out(&mut m), ws_b.out(&mut n));
                        assert_eq!(a.poll_transmit(&mut ws_a, &mut out_a), b.poll_transmit(&mut ws_b, &mut out_b));
                        assert_eq!(m, n);
                        ((), ())
                    }
                    4 => {
                        if random(9) == 0 {
                            ws_a.owe_close(CloseCode::NORMAL);
                            ws_b.owe_close(CloseCode::NORMAL);
                        }
                        ((), ())
                    }
                    _ => {
                        assert_eq!(a.handle_timeout(at(now), &mut ws_a), b.handle_timeout(at(latest), &mut ws_b));
                        assert!(
                            a.poll_timeout().is_none_or(|due| due > at(latest)),
                            "nothing that has passed is waited for"
                        );
                        ((), ())
                    }
                };
                assert_eq!((&a, &ws_a), (&b, &ws_b));
            }
        }
    }

    /// Python's websockets, issue 1005: a message that takes longer than the time for a pong.
    #[test]
    fn bytes_of_one_long_frame_are_a_sign_of_life() {
        let (mut keep, mut ws) = open(Timeouts::new().ping_interval(100).pong(50));
        let mut head = *b"\x82\xfe\xff\xff\0\0\0\0";
        while let Ok(Some(_)) = ws.poll_event(&mut &mut head[..]) {}
        assert_eq!(transmit(&mut keep, &mut ws, 100).len(), 6);
        for now in (110..1000).step_by(40) {
            keep.handle_input(at(now));
            ws.poll_event(&mut &mut [0; 10][..]).unwrap();
            assert_eq!(keep.handle_timeout(at(now + 39), &mut ws), None, "{now}");
        }
        // Nothing comes any more.
        let last = at(110 + 22 * 40);
        assert_eq!(next(&keep), Some((last.after_millis(50), Timeout::Pong)));
        assert_eq!(keep.clone().handle_timeout(last.after_millis(50), &mut ws.clone()), Some(Timeout::Pong));
        // Or the pong, behind the frame.
        keep.handle_pong(&Control::new(&1_u32.to_be_bytes()));
        assert_eq!(keep.handle_timeout(last.after_millis(50), &mut ws), None);
        assert_eq!(keep.timeout_reason(), Some(Timeout::Ping));
    }
}
