use super::{
    Config, Failure, Line, Link, Seen, Task,
    life::Life,
    link::sealed,
    socket::{Shaken, Socket},
    transmit::send_frames,
};
use crate::{
    endpoint::{Grow, What},
    engineio::{self, Transport, client::Source},
    time::{Instant, earliest},
    ws::{ConnectError, Inbox, MaskSource, Outbox, Storage},
};

/// A client over a WebSocket alone: one line, [`Line::WebSocket`], and no code for polling. At most 450 bytes. See [`Link`] for its loop.
///
/// ```
/// use sansocket::endpoint::client::{Config, Line, Link, Task, WebSocketLink};
/// use sansocket::time::Instant;
///
/// let config = Config::parse("wss://example.org")?;
/// let mut link = WebSocketLink::new(&config);
/// link.start(Instant::from_millis(0));
/// assert_eq!(link.poll_task(), Some(Task::Open(Line::WebSocket)));
/// # Ok::<(), sansocket::http::UrlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketLink<'c> {
    pub(super) config: &'c Config<'c>,
    pub(super) life: Life,
    pub(super) socket: Socket,
    /// The outbox had no room for a message.
    pub(super) is_blocked: bool,
}

impl<'c> WebSocketLink<'c> {
    /// A link that is not started.
    #[must_use]
    pub const fn new(config: &'c Config<'c>) -> Self {
        Self { config, life: Life::new(), socket: Socket::new(), is_blocked: false }
    }

    /// Closes the line when the session is over.
    pub(super) fn settle(&mut self, now: Instant) {
        if !self.life.is_running() {
            if let (Some(engine), Some(ws)) = (self.life.engine(), self.socket.ws()) {
                engine.owe_close(ws);
            }
            self.socket.close(now);
        }
    }

    fn lost(&mut self, failure: Failure, now: Instant) {
        self.life.fail(failure);
        self.settle(now);
    }
}

impl sealed::Sealed for WebSocketLink<'_> {}

impl Link for WebSocketLink<'_> {
    fn config(&self) -> &Config<'_> {
        self.config
    }

    fn start(&mut self, now: Instant) {
        self.life.begin(Transport::WebSocket, self.config, now);
        self.socket.want();
        self.is_blocked = false;
    }

    fn poll_task(&mut self) -> Option<Task> {
        self.socket.poll_task()
    }

    fn opened<S: Storage, T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        outbox: &mut Outbox<T, K>,
        nonce: [u8; 16],
    ) {
        if line == Line::WebSocket {
            self.socket.opened(inbox, outbox, nonce);
        }
    }

    fn handle_error(&mut self, line: Line, now: Instant) {
        if line == Line::WebSocket && !self.socket.is_down() {
            let failure = self.socket.lost();
            self.lost(failure, now);
        }
    }

    fn handle_eof(&mut self, line: Line, now: Instant) {
        if line != Line::WebSocket || self.socket.is_down() {
            return;
        }
        let is_open = self.socket.ws().is_some();
        let failure = self.socket.ended();
        match self.life.session().filter(|_| is_open) {
            Some(session) => session.handle_eof(),
            None => self.lost(failure, now),
        }
    }

    fn advance<S: Storage>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Grow> {
        if line != Line::WebSocket {
            return Ok(false);
        }
        if let Shaken::Failed(failure) = self.socket.shake(self.config, inbox)? {
            self.lost(failure, now);
        }
        let is_ready = match (self.life.engine(), self.socket.ws()) {
            (Some(engine), Some(ws)) => {
                let found = engine.advance_with(inbox, ws, now, |packet| seen(Seen::Received(packet)));
                found.map_err(|e| Grow::of_inbox(inbox, e))?
            }
            _ => self.life.has_end(),
        };
        if !self.life.is_running() {
            if !is_ready {
                self.socket.drain(inbox);
            }
            self.settle(now);
        }
        Ok(is_ready)
    }

    fn peek<'e, S: Storage>(&self, line: Line, inbox: &'e mut Inbox<S>) -> Option<engineio::Message<'e>> {
        if line == Line::WebSocket { self.life.peek(inbox) } else { None }
    }

    fn take<'e, S: Storage>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<S>,
        _now: Instant,
    ) -> Option<engineio::Event<'e>> {
        if line == Line::WebSocket { self.life.take(inbox) } else { None }
    }

    fn skip_message<S: Storage>(&mut self, line: Line, inbox: &mut Inbox<S>) -> bool {
        let Some(ws) = self.socket.ws().filter(|_| line == Line::WebSocket) else { return false };
        let is_arriving = inbox.is_arriving(ws);
        inbox.skip_message(ws);
        is_arriving
    }

    fn transmit<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<S, K>,
        source: &mut impl Source,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        if line != Line::WebSocket {
            return Ok(());
        }
        if self.life.engine().is_none() {
            return Ok(());
        }
        match self.socket.write_request(self.config, None, outbox) {
            Ok(()) => {}
            Err(ConnectError::Capacity(e)) => return Err(Grow::new(What::Output, e)),
            Err(e) => self.lost(Failure::Config(e), now),
        }
        let (Some(engine), Some(ws)) = (self.life.engine(), self.socket.ws()) else { return Ok(()) };
        self.is_blocked = send_frames(engine, ws, outbox, source, seen)?;
        self.settle(now);
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        // A task is due at once.
        let task = self.socket.has_task().then_some(Instant::from_millis(0));
        earliest(&[self.life.poll_timeout(), self.socket.poll_timeout(), task])
    }

    fn handle_timeout(&mut self, now: Instant) -> Option<engineio::Event<'static>> {
        let event = self.life.handle_timeout(now, self.socket.refusal());
        self.settle(now);
        event
    }

    fn close(&mut self, now: Instant) {
        if let Some(session) = self.life.session() {
            session.close();
        }
        self.settle(now);
    }

    fn is_open(&self) -> bool {
        self.life.is_open()
    }

    fn is_over(&self) -> bool {
        self.life.is_told()
    }

    fn is_writable(&self) -> bool {
        self.life.is_writable() && !self.is_blocked
    }

    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn failure(&self) -> Option<Failure> {
        self.life.failure()
    }
}
