//! The session of a link, and how the last one ended.

use super::{Config, Failure};
use crate::{
    engineio::{
        Event, Message, PeerError, Reason, Transport,
        client::{self, Fault, Session},
    },
    http::Status,
    time::Instant,
    ws::{Inbox, PeerError as Large, Storage},
};

#[derive(Clone, Debug)]
pub(super) struct Life {
    engine: Option<Session>,
    failure: Option<Failure>,
    was_open: bool,
    /// The last event was returned.
    is_told: bool,
}

impl Life {
    pub(super) const fn new() -> Self {
        Self { engine: None, failure: None, was_open: false, is_told: true }
    }

    pub(super) fn begin(&mut self, transport: Transport, config: &Config<'_>, now: Instant) {
        let engine = client::Config::new().open_timeout(config.open_ms);
        let engine = Some(Session::open(transport, &engine, now));
        *self = Self { engine, failure: None, was_open: false, is_told: false };
    }

    /// The session, if it is not over.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        self.engine.as_mut().filter(|engine| !engine.is_closed())
    }

    /// As [`session`](Self::session), also after its end.
    pub(super) const fn engine(&mut self) -> Option<&mut Session> {
        self.engine.as_mut()
    }

    pub(super) fn is_running(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| !engine.is_closed())
    }

    pub(super) fn is_open(&self) -> bool {
        self.engine.as_ref().is_some_and(Session::is_open)
    }

    pub(super) fn is_writable(&self) -> bool {
        self.engine.as_ref().is_some_and(Session::is_writable)
    }

    pub(super) const fn was_open(&self) -> bool {
        self.was_open
    }

    pub(super) const fn is_told(&self) -> bool {
        self.is_told
    }

    pub(super) const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    pub(super) fn transport(&self) -> Option<Transport> {
        self.engine.as_ref().map(Session::transport)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.engine.as_ref().and_then(Session::poll_timeout)
    }

    /// The session is over, and its last event is to be returned.
    pub(super) fn has_end(&self) -> bool {
        !self.is_told && !self.is_running()
    }

    /// Ends the session for this reason. Does nothing if it is over.
    pub(super) fn fail(&mut self, failure: Failure) {
        if let Some(engine) = self.session() {
            engine.handle_error();
            self.failure = Some(failure);
        }
    }

    /// Whether a message was found and not taken.
    pub(super) fn has_message(&self) -> bool {
        self.engine.as_ref().is_some_and(Session::has_message)
    }

    /// The message that `take` would return.
    pub(super) fn peek<'e, S: Storage>(&self, inbox: &'e mut Inbox<S>) -> Option<Message<'e>> {
        self.engine.as_ref()?.peek(inbox)
    }

    /// The message that `take_body` would return.
    pub(super) fn peek_body<'b>(&self, body: &'b [u8], at: usize) -> Option<Message<'b>> {
        self.engine.as_ref()?.peek_body(body, at)
    }

    /// Takes an event of polling, or the end of the session.
    pub(super) fn take_body<'b>(&mut self, body: &'b mut [u8], at: &mut usize) -> Option<Event<'b>> {
        let event = self.engine.as_mut()?.take_body(body, at)?;
        self.note(&event);
        Some(event)
    }

    /// Takes an event of a WebSocket, or the end of the session.
    pub(super) fn take<'e, S: Storage>(&mut self, inbox: &'e mut Inbox<S>) -> Option<Event<'e>> {
        let event = self.engine.as_mut()?.take(inbox)?;
        self.note(&event);
        Some(event)
    }

    /// `refusal`: what is known of the cause when the time is up.
    pub(super) fn handle_timeout(&mut self, now: Instant, refusal: Option<Failure>) -> Option<Event<'static>> {
        let was_running = self.is_running();
        let event = self.engine.as_mut()?.handle_timeout(now)?;
        if was_running {
            self.failure = self.failure.or(refusal);
        }
        self.note(&event);
        Some(event)
    }

    /// Sees an event before it is returned.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Opened => {
                note!("the session is open");
                self.was_open = true;
            }
            Event::Message(_) => {}
            Event::Closed(reason) => {
                self.is_told = true;
                self.failure = self.failure.or_else(|| self.cause(*reason));
                match self.failure {
                    Some(failure) => note!("the session has ended: {}: {}", reason, failure),
                    None => note!("the session has ended: {}", reason),
                }
            }
        }
    }

    fn cause(&self, reason: Reason) -> Option<Failure> {
        let engine = self.engine.as_ref()?;
        let status = Status(if engine.transport() == Transport::WebSocket { 101 } else { 200 });
        Some(match (reason, engine.fault()) {
            (Reason::ForcedClose, _) => return None,
            (_, Some(Fault::Version3)) => Failure::Version,
            (_, Some(Fault::Open)) => Failure::NotEngineIo(status),
            (_, Some(Fault::Peer(PeerError::UnknownPacket))) if !self.was_open => Failure::NotEngineIo(status),
            (_, Some(Fault::Peer(PeerError::WebSocket(Large::FrameTooLarge | Large::MessageTooLarge)))) => {
                Failure::TooLarge
            }
            (_, Some(Fault::Peer(error))) => Failure::Engine(error),
            (_, Some(Fault::OpenTimeout)) => Failure::TimedOut,
            (_, Some(Fault::Status(status))) => Failure::NotEngineIo(Status(status)),
            (Reason::PingTimeout, None) => Failure::PingTimeout,
            (Reason::TransportClose, None) if self.was_open => Failure::Closed,
            (Reason::ParseError, None) => Failure::Engine(PeerError::UnknownPacket),
            (_, None) => Failure::Lost,
        })
    }
}
