use super::{Config, Failure};
use crate::{
    endpoint::Grow,
    engineio::{self, Packet, Transport, client::Source},
    time::Instant,
    ws::{Inbox, MaskSource, Outbox},
};

/// A connection (TCP or TLS) to the server. `line as usize` is an index for the caller's arrays: a [`WebSocketLink`](super::WebSocketLink) uses the
/// first only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    WebSocket,
    /// The GETs of polling.
    Get,
    /// The POSTs of polling.
    Post,
}

impl Line {
    pub const COUNT: usize = 3;
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Get, Self::Post];
}

/// What the caller has to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Open it, then call `opened`, or `handle_error`.
    Open(Line),
    /// Close it after what its outbox holds was written. Nothing more is read from it.
    Close(Line),
}

/// A packet that goes over the wire, for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'p> {
    Sent(Packet<'p>),
    Received(Packet<'p>),
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// One Engine.IO client with its transports, again and again: [`WebSocketLink`](super::WebSocketLink), [`FullLink`](super::FullLink). Sealed.
///
/// A line's inbox and outbox are reset by the first call of `advance` and `transmit` after `opened`.
pub trait Link: sealed::Sealed {
    fn config(&self) -> &Config<'_>;
    /// Begins a session with the first transport, or after a failed one with the next (all failed: the first again). Old lines were closed.
    fn start(&mut self, now: Instant);
    /// The next thing to do with a line. Until `None`.
    fn poll_task(&mut self) -> Option<Task>;
    /// The line is open. `nonce`: 16 bytes of good randomness (used for a WebSocket).
    fn opened(&mut self, line: Line, nonce: [u8; 16], now: Instant);
    /// The line could not be opened, or failed.
    fn handle_error(&mut self, line: Line, now: Instant);
    /// The line was ended by the server.
    fn handle_eof(&mut self, line: Line, now: Instant);
    /// Works on what was received. `true`: `take` has an event, of which `peek` shows the message.
    fn advance<S: AsMut<[u8]>>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Grow>;
    /// The message that `take` would give: for the room in a collector.
    fn peek<'e, S: AsMut<[u8]>>(&self, line: Line, inbox: &'e mut Inbox<S>) -> Option<engineio::Message<'e>>;
    fn take<'e, S: AsMut<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<S>,
        now: Instant,
    ) -> Option<engineio::Event<'e>>;
    /// Writes what this line has to send: a request, packets of `source` and owed ones.
    fn transmit<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        line: Line,
        outbox: &mut Outbox<S, K>,
        source: &mut impl Source,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow>;
    fn poll_timeout(&self) -> Option<Instant>;
    fn handle_timeout(&mut self, now: Instant) -> Option<engineio::Event<'static>>;
    /// Closes the session: what was taken from `source` is still sent, then the close frame or the close packet, then the lines are closed.
    fn close(&mut self, now: Instant);
    fn is_open(&self) -> bool;
    /// The session is over (or was not started) and its last event was told.
    fn is_over(&self) -> bool;
    /// Whether a packet could be sent at once (volatile).
    fn is_writable(&self) -> bool;
    fn transport(&self) -> Transport;
    /// Why the last session ended or failed to open. `None` if this end closed it.
    fn failure(&self) -> Option<Failure>;
}
