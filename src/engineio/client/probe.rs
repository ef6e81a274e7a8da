//! The upgrade of a session from polling to a WebSocket (Engine.IO protocol, "Upgrade").

use super::Session;
use crate::{
    bytes::Capacity,
    engineio::{Client, Packet, SendError, Sink, Transport, received},
    time::{Instant, millis},
    ws::{self, CloseCode, ReceiveError},
};

/// A WebSocket to which a session over polling may upgrade. The client sends `2probe`, the server answers `3probe`, the client stops polling, and
/// sends `5` when its last request was answered.
///
/// Until then the session uses polling. If the probe fails, the session goes on over polling and nothing is lost: what the server sent came by the
/// GETs, and what waits to be sent waits in your queue.
///
/// ```
/// use sansocket::engineio::{Event, Packets, Transport, client::{Config, Probe, Probed, Session}};
/// use sansocket::{time::Instant, ws::{Connection, Inbox, Limits, Outbox}};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let now = Instant::from_millis(0);
/// let mut engine = Session::open(Transport::Polling, &Config::new(), now);
/// let mut body = *br#"0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#;
/// assert_eq!(engine.poll_packets(&mut Packets::new(&mut body), now), Some(Event::Opened));
/// engine.begin_get(); // the next GET waits
///
/// // Open a WebSocket with `engine.write_query(Transport::WebSocket, ..)`. After its handshake:
/// assert!(engine.can_upgrade());
/// let (mut ws, mut inbox) = (Connection::client(Limits::new()), Inbox::new([0; 64]));
/// let mut outbox = Outbox::with_keys([0; 64], || [0; 4]); // take the keys from a secure generator
/// let mut probe = Probe::begin(&mut engine, now);
/// assert!(probe.poll_transmit(&mut engine, &mut ws.out(&mut outbox))?);
/// assert_eq!(&outbox.written()[6..], b"2probe");
/// outbox.consume(12);
///
/// inbox.space()?[..8].copy_from_slice(b"\x81\x063probe");
/// inbox.commit(8);
/// let probed = probe.poll_with(&mut engine, &mut inbox, &mut ws, now, |packet| println!("received {packet:?}"))?;
/// assert_eq!(probed, Probed::Pending);
/// assert!(!probe.poll_transmit(&mut engine, &mut ws.out(&mut outbox))?, "a GET is in progress");
/// assert_eq!(engine.poll_request(true), None);
/// engine.end_get(); // the server has answered it
/// assert!(probe.poll_transmit(&mut engine, &mut ws.out(&mut outbox))?);
/// assert_eq!(&outbox.written()[6..], b"5");
/// assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws, now)?, Probed::Upgraded);
/// assert_eq!(engine.transport(), Transport::WebSocket);
/// // From now on call `engine.poll_event(&mut inbox, &mut ws, now)`, and send the queue over `ws`.
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    step: Step,
    deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// `2probe` has to be sent.
    Fresh,
    /// Waits for `3probe`.
    Asked,
    /// Waits for the end of the requests in progress, to send `5`.
    Pausing,
    Done,
    Failed,
}

/// The state of a probe.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// In progress: it waits for the server, or for the end of the requests in progress.
    Pending,
    /// The session uses this WebSocket now.
    Upgraded,
    /// The probe failed, and the WebSocket sends a close frame. The session goes on over polling, unless it ended meanwhile.
    Failed,
}

impl Probe {
    /// Begins an upgrade over a WebSocket after its handshake. Its time is that for the open packet ([`Config::open_timeout`]). If the session
    /// [cannot upgrade](Session::can_upgrade), the probe fails at once.
    ///
    /// [`Config::open_timeout`]: super::Config::open_timeout
    #[must_use]
    pub const fn begin(session: &mut Session, now: Instant) -> Self {
        let step = if session.begin_upgrade() { Step::Fresh } else { Step::Failed };
        Self { step, deadline: now.after_millis(millis(session.open_timeout)) }
    }

    /// Handles the bytes received over the WebSocket, and the deadline. Call it after bytes arrived, when [`poll_timeout`](Self::poll_timeout) has
    /// come, and after [`poll_transmit`](Self::poll_transmit) wrote something. Anything but the one packet `3probe` makes the probe fail.
    ///
    /// # Errors
    /// [`Capacity`] if the inbox is too small for `3probe`, which takes 6 bytes. Nothing was changed.
    pub fn poll<S: ws::Storage>(
        &mut self,
        session: &mut Session,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
    ) -> Result<Probed, Capacity> {
        self.poll_with(session, inbox, ws, now, |_| {})
    }

    /// As [`poll`](Self::poll), and calls `seen` with each packet that arrived. For logs.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_with<S: ws::Storage>(
        &mut self,
        session: &mut Session,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
        mut seen: impl FnMut(Packet<'_>),
    ) -> Result<Probed, Capacity> {
        loop {
            match self.step {
                Step::Done => return Ok(Probed::Upgraded),
                Step::Failed => break,
                _ if session.is_closed() => break,
                Step::Fresh | Step::Asked | Step::Pausing => {}
            }
            match inbox.advance_to_message(ws) {
                Ok(true) => {}
                Ok(false) if now >= self.deadline => break,
                Ok(false) => return Ok(Probed::Pending),
                Err(ReceiveError::Capacity(e)) if e.needed <= ANSWER_MAX => return Err(e),
                // A longer message than the answer.
                Err(_) => break,
            }
            let packet = received::peek_packet(inbox).and_then(Result::ok);
            if let Some(packet) = packet {
                seen(packet);
            }
            if self.step != Step::Asked || packet != Some(Packet::Pong(b"probe")) {
                break;
            }
            let _ = inbox.take();
            self.step = Step::Pausing;
            session.is_pausing = true;
        }
        self.fail(session);
        ws.owe_close(CloseCode::NO_STATUS);
        Ok(Probed::Failed)
    }

    /// Writes `2probe`, or `5` when no request is in progress any more. Then the session uses the WebSocket, and [`poll`](Self::poll) returns
    /// [`Probed::Upgraded`]. `false`: nothing has to be sent now. Write no other packet over the WebSocket before. Call it until `false` after each
    /// [`poll`](Self::poll) and after each end of a request.
    ///
    /// # Errors
    /// [`Capacity`] if `out` has no room. Call again with more. `needed` is exact.
    pub fn poll_transmit<O: Sink<Client>>(&mut self, session: &mut Session, out: &mut O) -> Result<bool, Capacity> {
        let (packet, next): (&[u8], _) = match self.step {
            _ if session.is_closed() => return Ok(false),
            Step::Fresh => (b"2probe", Step::Asked),
            Step::Pausing if session.is_idle() => (b"5", Step::Done),
            _ => return Ok(false),
        };
        match out.packet(|w| w.push(packet)) {
            Ok(()) => {}
            Err(SendError::Capacity(e)) => return Err(e),
            Err(SendError::State(_) | SendError::Separator) => return Ok(false),
        }
        self.step = next;
        if next == Step::Done {
            session.transport = Transport::WebSocket;
            session.is_pausing = false;
        }
        Ok(true)
    }

    /// The WebSocket was lost. The session goes on over polling. Does nothing after [`Probed::Upgraded`]; then call
    /// [`Session::handle_eof`]. See the [module page](super) for an example.
    pub const fn fail(&mut self, session: &mut Session) {
        match self.step {
            Step::Done | Step::Failed => {}
            Step::Fresh | Step::Asked | Step::Pausing => {
                self.step = Step::Failed;
                session.is_pausing = false;
            }
        }
    }

    /// The deadline of the upgrade. `None` once it has succeeded or failed. See the [module page](super) for an example.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.step {
            Step::Fresh | Step::Asked | Step::Pausing => Some(self.deadline),
            Step::Done | Step::Failed => None,
        }
    }
}

/// The most memory that an answer to `2probe` can need, in several frames too.
const ANSWER_MAX: usize = 16;
