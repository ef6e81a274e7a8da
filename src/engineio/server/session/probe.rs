//! The upgrade of a session from polling to a WebSocket (Engine.IO protocol, "Upgrade").

use super::{Session, Upgrade};
use crate::{
    bytes::Capacity,
    engineio::{SendError, Sink, Transport},
    time::{Instant, millis},
    ws::{self, CloseCode, Kind, ReceiveError},
};

/// A WebSocket to which a session over polling may upgrade. The client sends `2probe`, the server answers `3probe`, and the client sends `5` when it
/// has stopped polling.
///
/// Until then the session uses polling. If the probe fails, the session goes on over polling and nothing is lost: a probe does not use the queue.
///
/// ```
/// use sansocket::{engineio::{Sid, Transport, server::{Config, Probe, Probed, Session}}, time::Instant, ws};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let now = Instant::from_millis(0);
/// let mut engine = Session::open_polling(Sid::from_random([0; 15]), Config::new(), now);
/// # engine.poll_transmit(&mut ws::Out::stored(&mut [0; 256]))?;
/// engine.end_poll(); // the open packet was sent
///
/// // A WebSocket with the id of the session was opened.
/// let (mut ws, mut inbox, mut tx) = (ws::Connection::server(ws::Limits::new()), ws::Inbox::new([0; 64]), [0; 64]);
/// let mut probe = Probe::begin(&mut engine, now).ok_or("cannot upgrade: close this WebSocket")?;
/// # let mut feed = |inbox: &mut ws::Inbox<[u8; 64]>, text: &[u8]| {
/// #     let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text].concat();
/// #     inbox.space().unwrap()[..frame.len()].copy_from_slice(&frame);
/// #     inbox.commit(frame.len());
/// # };
/// feed(&mut inbox, b"2probe");
/// assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws)?, Probed::Pending);
/// let mut out = ws.out(&mut tx);
/// while probe.poll_transmit(&mut out)? {}
/// assert_eq!(out.written(), b"\x81\x063probe");
///
/// feed(&mut inbox, b"5");
/// assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws)?, Probed::Upgraded);
/// assert_eq!(engine.transport(), Transport::WebSocket);
/// // From now on call `engine.poll_event(&mut inbox, &mut ws, now)`, and send the queue over `ws`.
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    step: Step,
    owes_pong: bool,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Waits for `2probe`.
    Waiting,
    /// Waits for `5`.
    Probed,
    /// `5` arrived, but a GET still waits.
    Accepted,
    Done,
    Failed,
}

/// The state of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// In progress.
    Pending,
    /// The session uses this WebSocket now.
    Upgraded,
    /// The probe failed, and the WebSocket sends a close frame. The session goes on over polling, unless it ended meanwhile.
    Failed,
}

impl Probe {
    /// Begins an upgrade. `None` if the session is over, uses a WebSocket, or has a probe in progress. Then close the new WebSocket; the session goes
    /// on.
    #[must_use]
    pub fn begin(session: &mut Session, now: Instant) -> Option<Self> {
        if session.is_closed() || session.transport != Transport::Polling || session.upgrade != Upgrade::None {
            return None;
        }
        session.upgrade = Upgrade::Probing { noop: Instant::FAR_FUTURE };
        Some(Self {
            step: Step::Waiting,
            owes_pong: false,
            deadline: now.after_millis(millis(session.config.upgrade_timeout)),
        })
    }

    /// Handles the bytes received over the WebSocket. Call it after bytes arrived, and after a waiting GET was answered: `5` may arrive while the GET
    /// waits.
    ///
    /// Then call [`poll_transmit`](Self::poll_transmit) until `false`, whatever this returns. A client may send `2probe` and `5` at once, so `3probe`
    /// may have to be sent after [`Probed::Upgraded`] too.
    ///
    /// # Errors
    /// [`Capacity`] if a message is larger than the inbox. No packet of a probe is longer than 6 bytes.
    pub fn poll<S: ws::Storage>(
        &mut self,
        session: &mut Session,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
    ) -> Result<Probed, Capacity> {
        loop {
            if self.step == Step::Done {
                return Ok(Probed::Upgraded);
            }
            if self.step == Step::Failed || session.is_closed() {
                return Ok(self.fail(session, ws));
            }
            if self.step == Step::Accepted {
                if session.is_polled {
                    return Ok(Probed::Pending);
                }
                self.step = Step::Done;
                session.transport = Transport::WebSocket;
                session.upgrade = Upgrade::None;
                return Ok(Probed::Upgraded);
            }
            match inbox.advance(ws) {
                Ok(Some(ws::Advanced::Ready)) => {}
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(Probed::Pending),
                Err(ReceiveError::Capacity(e)) => return Err(e),
                Err(ReceiveError::Peer(_)) => return Ok(self.fail(session, ws)),
            }
            self.step = match (self.step, inbox.peek()) {
                (Step::Waiting, Some((Kind::Text, b"2probe"))) => {
                    // Answer the GET that waits at once, and the next one after some time.
                    self.owes_pong = true;
                    session.upgrade = if session.is_polled {
                        Upgrade::NoopOwed
                    } else {
                        Upgrade::Probing { noop: Instant::FAR_FUTURE }
                    };
                    Step::Probed
                }
                (Step::Probed, Some((Kind::Text, b"5"))) => {
                    if session.is_polled {
                        session.upgrade = Upgrade::NoopOwed;
                    }
                    Step::Accepted
                }
                _ => return Ok(self.fail(session, ws)),
            };
            let _ = inbox.take();
        }
    }

    /// Writes `3probe` if it has to be sent. It goes before all other packets over the WebSocket. Call it until `false`. The noop that answers a
    /// waiting GET comes from [`Session::poll_transmit`].
    ///
    /// # Errors
    /// [`Capacity`] if `out` has no room. Call again with more. `needed` is exact.
    pub fn poll_transmit<O: Sink<ws::Server>>(&mut self, out: &mut O) -> Result<bool, Capacity> {
        if !self.owes_pong {
            return Ok(false);
        }
        match out.packet(|w| w.push(b"3probe")) {
            Ok(()) => {}
            Err(SendError::Capacity(e)) => return Err(e),
            Err(SendError::State(_) | SendError::Separator) => return Ok(false),
        }
        self.owes_pong = false;
        Ok(true)
    }

    /// The deadline of the upgrade. `None` once it has succeeded or failed.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        if matches!(self.step, Step::Done | Step::Failed) { None } else { Some(self.deadline) }
    }

    /// Fails the probe if its deadline has passed at `now`: then it returns [`Probed::Failed`], `ws` sends a close frame, and the session goes on.
    /// Call it until `None`. Early or repeated calls do nothing.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        session: &mut Session,
        ws: &mut ws::Connection<ws::Server>,
    ) -> Option<Probed> {
        self.poll_timeout().filter(|&deadline| now >= deadline).map(|_| self.fail(session, ws))
    }

    /// The WebSocket ended, or is given up. The session goes on over polling. Does nothing after [`Probed::Upgraded`] or [`Probed::Failed`]. See
    /// [`Probe`].
    pub fn fail(&mut self, session: &mut Session, ws: &mut ws::Connection<ws::Server>) -> Probed {
        match self.step {
            Step::Done => return Probed::Upgraded,
            Step::Failed => {}
            _ => session.upgrade = Upgrade::None,
        }
        self.step = Step::Failed;
        self.owes_pong = false;
        ws.owe_close(CloseCode::NO_STATUS);
        Probed::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engineio::{Sid, server::Config},
        ws::{Connection, Inbox, Limits, Out},
    };

    const fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    struct Link {
        engine: Session,
        ws: Connection<ws::Server>,
        inbox: Inbox<[u8; 64]>,
    }

    impl Link {
        fn new() -> Self {
            let engine = Session::open_polling(Sid::from_random([0; 15]), Config::new(), at(0));
            Self { engine, ws: Connection::server(Limits::new()), inbox: Inbox::new([0; 64]) }
        }

        fn feed(&mut self, probe: &mut Probe, text: &[u8]) -> Probed {
            let place = self.inbox.space().unwrap();
            let head = [0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
            place[..6].copy_from_slice(&head);
            place[6..6 + text.len()].copy_from_slice(text);
            self.inbox.commit(6 + text.len());
            probe.poll(&mut self.engine, &mut self.inbox, &mut self.ws).unwrap()
        }

        fn answer(&mut self, probe: &mut Probe) {
            let mut memory = [0; 64];
            let mut out = self.ws.out(&mut memory);
            while probe.poll_transmit(&mut out).unwrap() {}
            assert_eq!(out.written(), b"\x81\x063probe");
        }

        /// What the session owes over polling.
        fn owed(&mut self) -> std::vec::Vec<u8> {
            let mut memory = [0; 256];
            let mut out = Out::stored(&mut memory);
            while self.engine.poll_transmit(&mut out).unwrap() {}
            out.written().to_vec()
        }
    }

    #[test]
    fn the_get_that_waits_is_let_go_and_the_next_one_after_a_rest() {
        let mut link = Link::new();
        link.owed();
        let mut probe = Probe::begin(&mut link.engine, at(0)).unwrap();
        assert!(Probe::begin(&mut link.engine, at(0)).is_none(), "one at a time");
        assert_eq!(link.feed(&mut probe, b"2probe"), Probed::Pending);
        link.answer(&mut probe);
        assert_eq!(link.owed(), b"\x81\x016");
        link.engine.end_poll();
        link.engine.begin_poll(at(20)).unwrap();
        assert_eq!(link.engine.poll_timeout(), Some(at(120)));
        assert_eq!(link.engine.handle_timeout(at(119)), None);
        assert!(link.owed().is_empty());
        assert_eq!(link.engine.handle_timeout(at(120)), None);
        assert_eq!(link.owed(), b"\x81\x016");
        // `5` in front of the answer waits for it.
        assert_eq!(link.feed(&mut probe, b"5"), Probed::Pending);
        assert_eq!(link.owed(), b"\x81\x016");
        link.engine.end_poll();
        for _ in 0..2 {
            let probed = probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws);
            assert_eq!(probed, Ok(Probed::Upgraded), "and says so again");
        }
        assert_eq!(probe.handle_timeout(at(99_999), &mut link.engine, &mut link.ws), None);
        assert_eq!(probe.fail(&mut link.engine, &mut link.ws), Probed::Upgraded);
        assert!(!link.ws.wants_transmit() && link.engine.transport() == Transport::WebSocket);
        assert_eq!(link.engine.begin_poll(at(130)), Err(super::super::PollError::Upgraded));
        assert!(!link.engine.is_closed());
    }

    #[test]
    fn a_probe_that_fails_leaves_the_session_and_a_newer_probe_alone() {
        for wrong in [&b"5"[..], b"2", b"4x", b"3probe", b"", b"2probe\0"] {
            let mut link = Link::new();
            link.owed();
            let mut probe = Probe::begin(&mut link.engine, at(0)).unwrap();
            assert_eq!(link.feed(&mut probe, wrong), Probed::Failed, "{wrong:?}");
            assert!(link.ws.wants_transmit() && !link.engine.is_closed());
            let mut second = Probe::begin(&mut link.engine, at(1)).unwrap();
            // The old one may be told more than once.
            probe.fail(&mut link.engine, &mut link.ws);
            assert!(Probe::begin(&mut link.engine, at(1)).is_none());
            link.ws = Connection::server(Limits::new());
            link.inbox = Inbox::new([0; 64]);
            assert_eq!(link.feed(&mut second, b"2probe"), Probed::Pending);
            assert_eq!(second.handle_timeout(at(10_000), &mut link.engine, &mut link.ws), None);
            assert_eq!(second.handle_timeout(at(10_001), &mut link.engine, &mut link.ws), Some(Probed::Failed), "10 s");
            assert!(Probe::begin(&mut link.engine, at(10_002)).is_some());
        }
    }
}
