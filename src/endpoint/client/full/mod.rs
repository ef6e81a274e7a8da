//! A link over polling and a WebSocket. `polling.rs` has the requests, `upgrade.rs` the way from one to the other.

mod polling;
mod upgrade;

use super::{Config, Failure, Line, Link, Seen, Task, WebSocketLink, exchange::Exchange, link::sealed};
use crate::{
    endpoint::Grow,
    engineio::{
        self, Transport,
        client::{Request, Source},
    },
    time::{Instant, earliest},
    ws::{Inbox, MaskSource, Outbox, Storage},
};
use upgrade::Upgrade;

/// How long the last requests of a session over polling may take, in milliseconds.
const FAREWELL_MS: u64 = 2_000;

/// A client over polling and a WebSocket, on up to three lines. About 600 bytes. See [`Link`] for its loop.
///
/// Over polling, [`Line::Get`] and [`Line::Post`] are connections that are kept for one request after another, and opened again when the server has
/// closed them. If the server offers a WebSocket and [`Config::transports`] lists one behind polling, [`Line::WebSocket`] is opened for it, and the
/// others are closed after the upgrade. If that fails at any step, the session goes on over polling. Nothing is lost or reordered.
///
/// The body of an answer is collected in the inbox of its line, so this must have room for the largest body. The limit is
/// [`Limits::message`](crate::ws::Limits::message).
///
/// If the connection of a GET ends before the answer is complete, the session is lost, also if no byte of it has come: a proxy may have lost the answer
/// on its way, and the server does not send its packets twice. A POST is sent again over the next connection if no byte of it was taken from the
/// outbox, else the session is lost as well: the server may have handled it (RFC 9110 section 9.2.2).
///
/// ```
/// use sansocket::endpoint::client::{Config, FullLink, Line, Link, Task};
/// use sansocket::{engineio::Transport, time::Instant};
///
/// let config = Config::parse("http://localhost:3000")?;
/// let mut link = FullLink::new(&config);
/// link.start(Instant::from_millis(0));
/// assert_eq!(link.poll_task(), Some(Task::Open(Line::Get)));
/// assert_eq!(link.transport(), Transport::Polling);
/// # Ok::<(), sansocket::http::UrlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FullLink<'c> {
    /// The session, and its WebSocket once it uses one.
    base: WebSocketLink<'c>,
    /// Which transport the current session began with.
    attempt: usize,
    get: Exchange,
    post: Exchange,
    /// The place of the next packet in the answer to the GET.
    at: usize,
    /// The length of the POST in progress.
    posted: usize,
    upgrade: Upgrade,
    farewell: Farewell,
}

/// The last requests of a session over polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    None,
    Until(Instant),
    Over,
}

impl<'c> FullLink<'c> {
    /// A link that is not started.
    #[must_use]
    pub const fn new(config: &'c Config<'c>) -> Self {
        Self {
            base: WebSocketLink::new(config),
            attempt: 0,
            get: Exchange::new(Line::Get),
            post: Exchange::new(Line::Post),
            at: 0,
            posted: 0,
            upgrade: Upgrade::None,
            farewell: Farewell::None,
        }
    }

    /// The transport of the attempt. Polling if none is listed.
    fn listed(&self) -> Transport {
        self.base.config.transports.get(self.attempt).copied().unwrap_or(Transport::Polling)
    }

    fn uses_websocket(&self) -> bool {
        self.transport() == Transport::WebSocket
    }

    /// Ends the session for this reason.
    fn fail(&mut self, failure: Failure) {
        self.base.life.fail(failure);
    }

    /// Opens the lines that the session needs, and closes those that it does not need any more.
    fn settle(&mut self, now: Instant) {
        if self.uses_websocket() {
            self.upgrade = Upgrade::None;
            self.get.close();
            self.post.close();
            return self.base.settle(now);
        }
        self.settle_upgrade(now);
        let has_ended = !self.base.life.is_running();
        let request = self.base.life.engine().and_then(|engine| engine.poll_request(true));
        if !has_ended {
            if request == Some(Request::Get) {
                self.get.want();
            }
            return;
        }
        let is_busy = request == Some(Request::Post) || self.post.is_busy();
        // After a failure only a close packet that the session demands is worth waiting for.
        let is_leaving = request == Some(Request::Post) || is_busy && self.base.life.failure().is_none();
        if self.farewell == Farewell::None && is_leaving {
            self.farewell = Farewell::Until(now.after_millis(FAREWELL_MS));
        }
        match self.farewell {
            Farewell::Until(end) if is_busy && now < end => {
                if request == Some(Request::Post) {
                    self.post.want();
                }
            }
            _ => {
                // The GET last: with it the server would give the session up.
                self.farewell = Farewell::Over;
                self.post.close();
                self.get.close();
            }
        }
    }

    const fn has_task(&self) -> bool {
        self.base.socket.has_task() || self.get.has_task() || self.post.has_task()
    }
}

impl sealed::Sealed for FullLink<'_> {}

impl Link for FullLink<'_> {
    fn config(&self) -> &Config<'_> {
        self.base.config
    }

    fn start(&mut self, now: Instant) {
        let was_refused = !self.base.life.was_open() && self.base.life.failure().is_some();
        let next = self.attempt.saturating_add(1);
        self.attempt = if was_refused && next < self.base.config.transports.len() { next } else { 0 };
        self.get.close();
        self.post.close();
        (self.at, self.posted) = (0, 0);
        (self.upgrade, self.farewell) = (Upgrade::None, Farewell::None);
        self.base.is_blocked = false;
        let transport = self.listed();
        self.base.life.begin(transport, self.base.config, now);
        if transport == Transport::WebSocket {
            self.base.socket.want();
        } else {
            self.base.socket.give_up();
            self.get.want();
        }
    }

    fn poll_task(&mut self) -> Option<Task> {
        self.base.socket.poll_task().or_else(|| self.get.poll_task()).or_else(|| self.post.poll_task())
    }

    fn opened<S: Storage, T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        outbox: &mut Outbox<T, K>,
        nonce: [u8; 16],
    ) {
        match line {
            Line::WebSocket => self.base.socket.opened(inbox, outbox, nonce),
            Line::Get => self.get.opened(inbox, outbox),
            Line::Post => {
                self.post.opened(inbox, outbox);
                self.repeat_post(outbox);
            }
        }
    }

    fn handle_error(&mut self, line: Line, now: Instant) {
        match line {
            Line::WebSocket if self.uses_websocket() => self.base.handle_error(line, now),
            Line::WebSocket => self.lose_upgrade(false),
            Line::Get | Line::Post => self.lose_request(line, false),
        }
        self.settle(now);
    }

    fn handle_eof(&mut self, line: Line, now: Instant) {
        match line {
            Line::WebSocket if self.uses_websocket() => self.base.handle_eof(line, now),
            Line::WebSocket => self.lose_upgrade(true),
            Line::Get | Line::Post => self.lose_request(line, true),
        }
        self.settle(now);
    }

    fn advance<S: Storage>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Grow> {
        let is_ready = match line {
            Line::WebSocket if self.uses_websocket() => return self.base.advance(line, inbox, now, seen),
            Line::WebSocket => self.advance_upgrade(inbox, now, seen).map(|()| false)?,
            Line::Get => self.advance_get(inbox, now, seen)?,
            Line::Post => self.advance_post(inbox).map(|()| false)?,
        };
        if is_ready {
            return Ok(true);
        }
        self.settle(now);
        Ok(!self.uses_websocket() && self.base.life.has_end())
    }

    fn peek<'e, S: Storage>(&self, line: Line, inbox: &'e mut Inbox<S>) -> Option<engineio::Message<'e>> {
        match line {
            Line::WebSocket => self.base.peek(line, inbox),
            Line::Get => self.base.life.peek_body(inbox.bytes(), self.at),
            Line::Post => None,
        }
    }

    fn take<'e, S: Storage>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<S>,
        now: Instant,
    ) -> Option<engineio::Event<'e>> {
        let event = match line {
            Line::Get if !self.uses_websocket() => self.base.life.take_body(inbox.bytes(), &mut self.at),
            _ => self.base.life.take(inbox),
        };
        if let Some(engineio::Event::Opened) = event
            && !self.uses_websocket()
        {
            // For the first messages.
            self.post.want();
        }
        self.settle(now);
        event
    }

    fn skip_message<S: Storage>(&mut self, line: Line, inbox: &mut Inbox<S>) -> bool {
        self.base.skip_message(line, inbox)
    }

    fn transmit<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<S, K>,
        source: &mut impl Source,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        match line {
            Line::WebSocket => {
                if !self.uses_websocket() {
                    self.transmit_upgrade(outbox, seen)?;
                }
                // Behind the packet that completes an upgrade the messages follow.
                if self.uses_websocket() {
                    self.base.transmit(line, outbox, source, now, seen)?;
                }
            }
            Line::Get => self.transmit_get(outbox)?,
            Line::Post => self.transmit_post(outbox, source, seen)?,
        }
        // Whatever the line is: those that are closed are not asked.
        self.want_post(source);
        self.settle(now);
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let farewell = if let Farewell::Until(end) = self.farewell { Some(end) } else { None };
        // A task is due at once.
        let task = self.has_task().then_some(Instant::from_millis(0));
        earliest(&[self.base.poll_timeout(), self.upgrade.poll_timeout(), farewell, task])
    }

    fn handle_timeout(&mut self, now: Instant) -> Option<engineio::Event<'static>> {
        self.handle_upgrade_timeout(now);
        let refusal = if self.uses_websocket() { self.base.socket.refusal() } else { None };
        let event = self.base.life.handle_timeout(now, refusal);
        self.settle(now);
        event
    }

    fn close(&mut self, now: Instant) {
        if let Some(session) = self.base.life.session() {
            session.close();
        }
        self.settle(now);
    }

    fn is_open(&self) -> bool {
        self.base.is_open()
    }

    fn is_over(&self) -> bool {
        self.base.is_over()
    }

    fn is_writable(&self) -> bool {
        self.base.is_writable()
    }

    fn transport(&self) -> Transport {
        self.base.life.transport().unwrap_or_else(|| self.listed())
    }

    fn failure(&self) -> Option<Failure> {
        self.base.failure()
    }
}
