use super::{Config, Failure, Line, Link, Seen, Task, link::sealed};
use crate::{
    endpoint::Grow,
    engineio::{self, Transport, client::Source},
    time::Instant,
    ws::{Inbox, MaskSource, Outbox},
};

/// A link over a WebSocket alone: one line, no polling code.
#[derive(Clone, Debug)]
pub struct WebSocketLink<'c> {
    config: &'c Config<'c>,
}

impl<'c> WebSocketLink<'c> {
    pub const fn new(config: &'c Config<'c>) -> Self {
        todo!()
    }
}

impl sealed::Sealed for WebSocketLink<'_> {}

impl Link for WebSocketLink<'_> {
    fn config(&self) -> &Config<'_> {
        self.config
    }
    fn start(&mut self, now: Instant) {
        todo!()
    }
    fn poll_task(&mut self) -> Option<Task> {
        todo!()
    }
    fn opened(&mut self, line: Line, nonce: [u8; 16], now: Instant) {
        todo!()
    }
    fn handle_error(&mut self, line: Line, now: Instant) {
        todo!()
    }
    fn handle_eof(&mut self, line: Line, now: Instant) {
        todo!()
    }
    fn advance<S: AsMut<[u8]>>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Grow> {
        todo!()
    }
    fn peek<'e, S: AsMut<[u8]>>(&self, line: Line, inbox: &'e mut Inbox<S>) -> Option<engineio::Message<'e>> {
        todo!()
    }
    fn take<'e, S: AsMut<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<S>,
        now: Instant,
    ) -> Option<engineio::Event<'e>> {
        todo!()
    }
    fn transmit<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<S, K>,
        source: &mut impl Source,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        todo!()
    }
    fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    fn handle_timeout(&mut self, now: Instant) -> Option<engineio::Event<'static>> {
        todo!()
    }
    fn close(&mut self, now: Instant) {
        todo!()
    }
    fn is_open(&self) -> bool {
        todo!()
    }
    fn is_over(&self) -> bool {
        todo!()
    }
    fn is_writable(&self) -> bool {
        todo!()
    }
    fn transport(&self) -> Transport {
        todo!()
    }
    fn failure(&self) -> Option<Failure> {
        todo!()
    }
}
