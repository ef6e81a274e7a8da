//! One session: the machines above the transport, and what they do with events.

use super::{
    App, Host,
    link::{Link, Replies},
    peer::Peer,
    random,
};
use sansocket::{
    engineio::{self, Sid, Transport, server::Session},
    socketio::{
        AckSlot, Attachments, Collector, Flags, Reason,
        server::{Event, Session as Io},
    },
    time::Instant,
    ws::Out,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};
use tokio::sync::Notify;
use tracing::info;

/// How long a session is kept which this end closed, for its client's next GET to learn it.
const FAREWELL: Duration = Duration::from_secs(30);

/// What an endpoint speaks above Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SocketIo,
    /// Engine.IO itself: each message comes back.
    Echo,
}

/// A session, held by the tasks that carry its bytes.
pub struct Entry<A: App> {
    pub stack: RefCell<Stack<A>>,
    pub peer: Rc<Peer>,
    /// A request or a probe came to its end, or the session did.
    pub changed: Notify,
    is_over: Cell<bool>,
}

/// The machines of one session, side by side: what one lends, the others can act on.
pub struct Stack<A: App> {
    pub engine: Session,
    upper: Upper<A>,
}

#[expect(clippy::large_enum_variant, reason = "nearly every session is one of Socket.IO")]
enum Upper<A: App> {
    SocketIo { io: Io<A::Names, Vec<AckSlot>>, collector: Collector<Vec<u8>>, guest: A::Guest },
    Echo,
}

/// Why a session is to end, in the reference's word and for the log.
pub struct End {
    pub reason: Reason,
    pub why: String,
    /// The engine does not know yet.
    pub is_ours: bool,
}

impl End {
    pub fn link(reason: engineio::Reason, why: impl Into<String>) -> Self {
        Self { reason: Reason::Link(reason), why: why.into(), is_ours: false }
    }

    fn ours(reason: Reason, why: String) -> Self {
        Self { reason, why, is_ours: true }
    }
}

impl<A: App> Entry<A> {
    pub fn new(host: &Host<A>, kind: Kind, transport: Transport) -> Rc<Self> {
        let now = host.clock.now();
        let engine = match transport {
            Transport::WebSocket => Session::open(Sid::from_random(random()), host.engine(), now),
            _ => Session::open_polling(Sid::from_random(random()), host.engine(), now),
        };
        let upper = match kind {
            Kind::SocketIo => {
                let connect_by = now.after_millis(host.config.connect_timeout);
                Upper::SocketIo {
                    io: Io::new(host.app.names(), Vec::new(), connect_by).with_limits(host.limits()),
                    collector: Collector::new(Vec::new()),
                    guest: A::Guest::default(),
                }
            }
            Kind::Echo => Upper::Echo,
        };
        Rc::new(Self {
            stack: RefCell::new(Stack { engine, upper }),
            peer: Rc::new(Peer::new(host.options.max_queue, host.flusher.clone())),
            changed: Notify::new(),
            is_over: Cell::new(false),
        })
    }

    pub fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// What Engine.IO owes goes behind what waits; the packet that ends a session over polling has a payload of its own.
    pub fn transmit(&self, engine: &mut Session) {
        if !engine.wants_transmit() || engine.is_closed() && self.peer.has_packets() {
            return;
        }
        let mut memory = [0; engineio::server::OWED_MAX];
        let mut out = Out::stored(&mut memory);
        while let Ok(true) = engine.poll_transmit(&mut out) {
            self.peer.push(out.written().into(), Flags::NONE);
            out.clear();
        }
    }

    /// The session ends; the application is told, once. Who holds requests for it answers them.
    pub fn end(&self, host: &Rc<Host<A>>, end: End) {
        if self.is_over.replace(true) {
            return;
        }
        let End { reason, why, is_ours } = end;
        let mut stack = self.stack.borrow_mut();
        let is_polling = stack.engine.transport() == Transport::Polling;
        if is_ours && is_polling {
            stack.engine.close();
        }
        // The id is a secret, and stays out of logs.
        match stack.engine.fault() {
            Some(fault) => info!("session ended: {why}: {fault}"),
            None => info!("session ended: {why}"),
        }
        stack.closed(host, &self.peer, reason);
        if is_polling {
            self.transmit(&mut stack.engine);
        }
        let id = *stack.engine.sid();
        if is_ours && is_polling && (stack.engine.wants_transmit() || !stack.engine.is_polled()) {
            let host = host.clone();
            tokio::task::spawn_local(async move {
                tokio::time::sleep(FAREWELL).await;
                host.sessions.borrow_mut().remove(&id);
            });
        } else {
            host.sessions.borrow_mut().remove(&id);
        }
        self.changed.notify_waiters();
        self.peer.wake.notify_one();
    }
}

impl<A: App> Stack<A> {
    /// The next moment at which a machine has something to do.
    pub fn due(&self) -> Option<Instant> {
        let io = match &self.upper {
            Upper::SocketIo { io, .. } => io.poll_timeout(),
            Upper::Echo => None,
        };
        [self.engine.poll_timeout(), io].into_iter().flatten().min()
    }

    /// What the machines above Engine.IO make of one of its events.
    pub(super) fn handle(
        &mut self,
        host: &Rc<Host<A>>,
        peer: &Rc<Peer>,
        replies: &mut Replies,
        event: engineio::Event<'_>,
        now: Instant,
    ) -> Option<End> {
        let transport = self.engine.transport();
        let (io, collector, guest) = match &mut self.upper {
            Upper::SocketIo { io, collector, guest } => (io, collector, guest),
            Upper::Echo => return self.echo(peer, replies, event),
        };
        match io.handle_event(event) {
            Ok(Event::Closed(reason)) => Some(End::link(reason, reason.as_str())),
            Ok(event) => {
                let mut link = Link { host, peer, guest, io, now, transport, replies, end: None };
                collect(&mut link, collector, event);
                link.end.map(|reason| End::ours(reason, reason.to_string()))
            }
            // The reference's word for it.
            Err(e) => Some(End::ours(Reason::Link(engineio::Reason::ForcedClose), format!("parse error: {e}"))),
        }
    }

    /// Sends a message back.
    fn echo(&mut self, peer: &Rc<Peer>, replies: &mut Replies, event: engineio::Event<'_>) -> Option<End> {
        match event {
            engineio::Event::Message(message) => {
                replies.append(peer, |out| Ok(self.engine.send(message, out)?));
                None
            }
            engineio::Event::Closed(reason) => Some(End::link(reason, reason.as_str())),
            _ => None,
        }
    }

    /// Time has come to `now`.
    pub(super) fn tick(
        &mut self,
        host: &Rc<Host<A>>,
        peer: &Rc<Peer>,
        replies: &mut Replies,
        now: Instant,
    ) -> Option<End> {
        let transport = self.engine.transport();
        if let Upper::SocketIo { io, guest, .. } = &mut self.upper {
            while let Some(event) = io.handle_timeout(now) {
                if matches!(event, Event::ConnectTimeout) {
                    return Some(End::ours(Reason::ForcedServerClose, "joined nothing in time".into()));
                }
                let mut link = Link { host, peer, guest, io, now, transport, replies, end: None };
                host.app.react(&mut link, event, Attachments::NONE);
            }
        }
        match self.engine.handle_timeout(now) {
            Some(engineio::Event::Closed(reason)) => Some(End::link(reason, reason.as_str())),
            _ => None,
        }
    }

    /// Tells the application.
    fn closed(&mut self, host: &Rc<Host<A>>, peer: &Rc<Peer>, reason: Reason) {
        let transport = self.engine.transport();
        let mut replies = Replies { memory: Vec::new(), len: 0 };
        if let Upper::SocketIo { io, guest, .. } = &mut self.upper {
            let now = host.clock.now();
            let mut link = Link { host, peer, guest, io, now, transport, replies: &mut replies, end: None };
            host.app.closed(&mut link, reason);
        }
    }
}

/// Hands the event on when its attachments are there.
fn collect<A: App>(link: &mut Link<'_, A>, collector: &mut Collector<Vec<u8>>, event: Event<'_>) {
    loop {
        match collector.collect(event) {
            Ok(None) => return,
            Ok(Some((event, attachments))) => {
                let host = link.host;
                host.app.react(link, event, attachments);
                break;
            }
            Err(e) => {
                let _ = collector.replace(vec![0; e.needed.max(2 * e.available)]);
            }
        }
    }
    let _ = collector.replace(Vec::new());
}

/// The session of a request, if there is one.
pub fn find<A: App>(host: &Host<A>, sid: &[u8]) -> Option<Rc<Entry<A>>> {
    host.sessions.borrow().get(&Sid::parse(sid)?).cloned()
}
