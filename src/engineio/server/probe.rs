//! The move of a link from polling to a WebSocket (Engine.IO protocol, "Upgrade").

use super::{Session, Upgrade, millis};
use crate::{
    bytes::Capacity,
    engineio::{SendError, Sink, Transport},
    time::Instant,
    ws::{self, CloseCode, Kind, ReceiveError},
};

/// A WebSocket that a session over polling may move to: `2probe`, `3probe`, and `5` once the client has let go of polling.
///
/// Until then the session goes on over polling, and if the probe fails it stays there with nothing lost: the probe never touches the queue.
///
/// ```
/// use sansocket::{engineio::{server::{Probe, Probed, Session}, Config, Sid, Transport}, time::Instant, ws};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let now = Instant::from_millis(0);
/// let mut engine = Session::open_polling(Sid::from_random([0; 15]), Config::new(), now);
/// engine.end_poll(); // the open packet went out
///
/// // A WebSocket with the session's id came, and its handshake is done.
/// let (mut ws, mut inbox, mut tx) = (ws::Connection::server(ws::Limits::new()), ws::Inbox::new([0; 64]), [0; 64]);
/// let mut probe = Probe::begin(&mut engine, now).ok_or("one is under way: close this WebSocket")?;
/// # let mut feed = |inbox: &mut ws::Inbox<[u8; 64]>, text: &[u8]| {
/// #     let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text].concat();
/// #     inbox.space().unwrap()[..frame.len()].copy_from_slice(&frame);
/// #     inbox.filled(frame.len());
/// # };
/// feed(&mut inbox, b"2probe");
/// assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws)?, Probed::Pending);
/// let mut out = ws.out(&mut tx);
/// while probe.poll_transmit(&mut engine, now, &mut out)? {}
/// assert_eq!(out.written(), b"\x81\x063probe");
///
/// feed(&mut inbox, b"5");
/// assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws)?, Probed::Upgraded);
/// assert_eq!(engine.transport(), Transport::WebSocket);
/// // From here on: `engine.poll_event(&mut inbox, &mut ws, now)`, and the queue goes out over `ws`.
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    step: Step,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// For `2probe`.
    Waiting,
    PongOwed,
    /// For `5`.
    Answered,
    /// `5` came, while a GET waits still.
    Accepted,
    Over,
}

/// Where a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Under way.
    Pending,
    /// The session is over this WebSocket now.
    Upgraded,
    /// The WebSocket is to be closed, its close frame is owed. The session goes on over polling, unless that ended meanwhile.
    Failed,
}

impl Probe {
    /// Begins; `None` when the session is over, is over a WebSocket already, or has a probe under way: close the new WebSocket then, the
    /// session goes on.
    #[must_use]
    pub fn begin(session: &mut Session, now: Instant) -> Option<Self> {
        if session.is_closed() || session.transport != Transport::Polling || session.upgrade != Upgrade::None {
            return None;
        }
        session.upgrade = Upgrade::Probing { noop: Instant::FAR_FUTURE };
        Some(Self { step: Step::Waiting, deadline: now.after_millis(millis(session.config.upgrade_timeout)) })
    }

    /// Works on what came over the WebSocket. Call it after bytes came, and, when `5` came too early, after the GET that waited was
    /// answered.
    ///
    /// # Errors
    /// [`Capacity`] when a message is larger than the inbox; it can only be a wrong one.
    pub fn poll<S: AsMut<[u8]>>(
        &mut self,
        session: &mut Session,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<ws::Server>,
    ) -> Result<Probed, Capacity> {
        loop {
            if self.step == Step::Over || session.is_closed() {
                return Ok(self.fail(session, ws));
            }
            if self.step == Step::Accepted {
                if session.is_polled {
                    return Ok(Probed::Pending);
                }
                self.step = Step::Over;
                session.transport = Transport::WebSocket;
                session.upgrade = Upgrade::None;
                return Ok(Probed::Upgraded);
            }
            match inbox.advance(ws) {
                Ok(true) => {}
                Ok(false) => return Ok(Probed::Pending),
                Err(ReceiveError::Capacity(e)) => return Err(e),
                Err(ReceiveError::Peer(_)) => return Ok(self.fail(session, ws)),
            }
            self.step = match (self.step, inbox.peek()) {
                (Step::Waiting, Some((Kind::Text, b"2probe"))) => Step::PongOwed,
                (Step::Answered, Some((Kind::Text, b"5"))) => {
                    if session.is_polled {
                        session.upgrade = Upgrade::NoopOwed;
                    }
                    Step::Accepted
                }
                _ => Step::Over,
            };
            let _ = inbox.take();
        }
    }

    /// Writes `3probe` over the WebSocket when it is owed; a GET that waits is then let go by a noop, which the session owes.
    ///
    /// # Errors
    /// [`Capacity`]: it is owed still.
    pub fn poll_transmit<O: Sink<ws::Server>>(
        &mut self,
        session: &mut Session,
        now: Instant,
        out: &mut O,
    ) -> Result<bool, Capacity> {
        if self.step != Step::PongOwed {
            return Ok(false);
        }
        match out.packet(|w| w.push(b"3probe")) {
            Ok(()) => {}
            Err(SendError::Capacity(e)) => return Err(e),
            Err(SendError::State(_)) => return Ok(false),
        }
        self.step = Step::Answered;
        session.upgrade = Upgrade::Probing { noop: now };
        session.let_poll_go(now);
        Ok(true)
    }

    /// When the move must be done.
    #[must_use]
    pub const fn poll_timeout(&self) -> Instant {
        self.deadline
    }

    /// Time has come to `now`; `true`: it took too long, and the WebSocket is to be closed. The session goes on.
    pub fn handle_timeout(&mut self, now: Instant, session: &mut Session, ws: &mut ws::Connection<ws::Server>) -> bool {
        let is_late = now >= self.deadline && self.step != Step::Over;
        if is_late {
            self.fail(session, ws);
        }
        is_late
    }

    /// The WebSocket ended, or is given up: the session goes on over polling. Does nothing after [`Probed::Upgraded`].
    pub fn fail(&mut self, session: &mut Session, ws: &mut ws::Connection<ws::Server>) -> Probed {
        if session.transport == Transport::Polling {
            session.upgrade = Upgrade::None;
        }
        self.step = Step::Over;
        ws.owe_close(CloseCode::NO_STATUS);
        Probed::Failed
    }
}
