//! One session: the composed machine, what waits for its client, and its sockets.

use super::{
    Handshake, Socket,
    admission::Judged,
    dispatch::caught,
    engine::EngineSocket,
    handlers::Late,
    inner::Inner,
    line::Line,
    outbox::Outbox,
    random,
    serve::Received,
    space::{Names, Seat},
};
use crate::{
    AskError,
    args::Raw,
    sync::{
        Mutex, MutexGuard, Notify,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};
use sansocket::{
    endpoint::{Batch, Input, ServerEnd, ServerLink, Step},
    engineio::{self, Transport},
    socketio::{AckSlot, Collector, Reason, server::Session as Io},
    time::Instant,
    ws::Agreed,
};
use std::{
    collections::{HashMap, VecDeque},
    mem::take,
    ops::Deref,
    sync::{Arc, PoisonError},
};
use tokio::sync::oneshot;

/// What a client speaks above Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SocketIo,
    /// Engine.IO itself.
    Engine,
}

pub(crate) type End = ServerEnd<Names, Vec<AckSlot>>;
/// A part of a binary event that has not come to its end.
pub(super) type Kept = Option<Box<Collector<Vec<u8>>>>;
pub(crate) type Answered = Result<Raw, AskError>;

/// A session, held by the tasks that carry its bytes. Its sockets hold only its [`Line`], so an application may keep them.
///
/// Locks, in the order in which they may be taken: `turn` by the tasks that carry bytes, for as long as they work; then `stack`, for one call of the
/// machine; then that of the outbox. Handlers run under `turn` alone, so they may call everything: what they call takes `stack` and the outbox, never
/// `turn`.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) line: Arc<Line>,
    pub(crate) id: engineio::Sid,
    kind: Kind,
    stack: Mutex<Stack>,
    /// Never waited for by a thread.
    pub(super) turn: Mutex<Kept>,
    /// A task waits for its turn, until [`changed`](Self::changed).
    pub(super) is_turn_awaited: AtomicBool,
    /// The seat in the namespace that the client asks for in this step. Its lock may be taken under that of the stack.
    pinned: Mutex<Option<Seat>>,
    /// There is one. Both are changed under the lock of the stack or under `turn`.
    is_pinned: AtomicBool,
    /// Somebody wanted a turn while another had it.
    pub(super) is_turn_due: AtomicBool,
    /// A request or a probe came to its end, or the session did, or a handler, or a turn that another waits for.
    pub(crate) changed: Notify,
    /// Milliseconds for which the clock of the session stood still, because nothing was read from its client.
    pub(super) paused: AtomicU64,
    /// Handlers that wait for something, and the bytes of the events that wait for them.
    pub(super) handlers: AtomicUsize,
    pub(super) late: AtomicUsize,
    pub(super) span: tracing::Span,
}

impl Deref for Session {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) machine: Machine,
    pub(crate) sockets: Vec<Socket>,
    /// In a box of its own: idle connections hold nothing of it.
    rare: Option<Box<Rare>>,
    pub(super) next_token: u32,
}

/// What mostly is empty.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// Namespaces that the client was sent away from, and whose handlers are still to be called.
    pub(crate) departed: Vec<Socket>,
    /// Clients that were checked, and are to be told that they are in, or why not.
    pub(crate) judged: Vec<Judged>,
    /// Events that wait until fewer handlers do.
    pub(crate) late: VecDeque<Late>,
    pub(super) asked: HashMap<u32, oneshot::Sender<Answered>>,
}

impl Stack {
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.departed.is_empty() && self.judged.is_empty() && self.late.is_empty() && self.asked.is_empty()
    }
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "mostly it is the large one")]
pub(crate) enum Machine {
    SocketIo(End),
    Engine(Box<ServerLink>),
}

impl Machine {
    pub(crate) fn link(&mut self) -> &mut ServerLink {
        match self {
            Self::SocketIo(end) => end.link_mut(),
            Self::Engine(link) => link,
        }
    }
}

impl Session {
    pub(crate) fn new(
        inner: &Arc<Inner>,
        kind: Kind,
        transport: Transport,
        handshake: Handshake,
        agreed: Option<Agreed>,
    ) -> Arc<Self> {
        let config = &inner.config;
        let now = inner.clock.now();
        let id = engineio::Sid::from_random(random());
        let link = ServerLink::open(transport, id, config.engine(), config.frames(), now).with_compression(agreed);
        // The id is a secret, and stays out of logs.
        let span = tracing::info_span!("session", address = handshake.address.map(tracing::field::display));
        let outbox = Outbox::new(config.max_queue, config.policy, &inner.counted);
        outbox.set_blocked(transport == Transport::Polling);
        Arc::new_cyclic(|this| {
            let machine = match kind {
                Kind::SocketIo => {
                    let connect_by = now.after_millis(super::config::millis(config.connect_timeout).into());
                    let io = Io::new(Names(this.clone()), Vec::new(), connect_by).with_limits(config.limits());
                    Machine::SocketIo(ServerEnd::with_session(link, io))
                }
                Kind::Engine => Machine::Engine(Box::new(link)),
            };
            let stack = Stack { machine, sockets: Vec::new(), rare: None, next_token: 0 };
            Self {
                line: Line::new(inner, outbox, handshake, this.clone()),
                id,
                kind,
                stack: Mutex::new(stack),
                turn: Mutex::new(None),
                is_turn_awaited: AtomicBool::new(false),
                pinned: Mutex::new(None),
                is_pinned: AtomicBool::new(false),
                is_turn_due: AtomicBool::new(false),
                changed: Notify::new(),
                paused: AtomicU64::new(0),
                handlers: AtomicUsize::new(0),
                late: AtomicUsize::new(0),
                span,
            }
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link, for requests and for the end of its socket.
    pub(crate) fn link<R>(&self, act: impl FnOnce(&mut ServerLink) -> R) -> R {
        act(self.lock().machine.link())
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What whoever has the turn does. Whether more may be left.
    pub(super) fn take_turn(self: &Arc<Self>, kept: &mut Kept, input: &mut Input<'_, Received>, most: usize) -> bool {
        let _entered = self.span.enter();
        let now = self.now();
        let (mut left, mut is_held) = (most, false);
        let mut batch = Batch::new(Vec::new());
        let mut collector = kept.take().map_or_else(|| Collector::new(Vec::new()), |kept| *kept);
        loop {
            while left > 0 {
                // The answers to what has arrived must not be what drops a client that reads them.
                is_held = has_packets(input) && self.outbox.is_backed_up() && !self.link(|link| link.is_over());
                let input = if is_held { &mut Input::Time } else { &mut *input };
                // Handlers are guarded where they are called; this is for values of the application that panic when they are dropped.
                match caught(|| self.step(input, &mut collector, &mut batch, now)) {
                    Some(false) => break,
                    Some(true) => {}
                    None => self.panicked(),
                }
                left -= 1;
            }
            if left == 0 || !self.outbox.is_slow() || self.link(|link| link.is_over()) {
                break;
            }
            self.link(ServerLink::handle_eof);
        }
        if collector.is_open() {
            *kept = Some(Box::new(collector));
        }
        let (is_over, is_gone, transport) = self.link(|link| (link.is_over(), link.is_gone(), link.transport()));
        if is_over || transport == Transport::Polling {
            // A GET that waits looks whether something is to be said: a ping, or the end.
            self.outbox.wake();
        }
        if is_gone {
            self.forget();
        }
        left == 0 || is_held
    }

    /// Nobody finds it any more, and nothing more is sent.
    fn forget(&self) {
        if self.inner.forget(self) {
            self.inner.transport_counter(self.link(|link| link.transport())).sub(1);
            self.outbox.close();
            self.changed.notify_waiters();
        }
    }

    /// Ends it at once, whatever its client was still to be told.
    pub(crate) fn cut(self: &Arc<Self>) {
        self.link(ServerLink::handle_error);
        self.outbox.give_up();
        self.work();
        self.forget();
    }

    /// One step; `false` when nothing is left to do.
    fn step(
        self: &Arc<Self>,
        input: &mut Input<'_, Received>,
        collector: &mut Collector<Vec<u8>>,
        batch: &mut Batch<Vec<u8>>,
        now: Instant,
    ) -> bool {
        let mut guard = self.lock();
        if let Some(rare) = &mut guard.rare {
            if let Some(socket) = rare.departed.pop() {
                drop(guard);
                self.leave(&socket, Reason::ServerNamespaceDisconnect);
                return true;
            }
            if let Some(judged) = rare.judged.pop() {
                drop(guard);
                self.judge(judged);
                return true;
            }
            if !self.is_busy()
                && let Some(late) = rare.late.pop_front()
            {
                drop(guard);
                self.handle_late(late);
                return true;
            }
            if rare.is_empty() {
                guard.rare = None;
            }
        }
        let step = match &mut guard.machine {
            Machine::SocketIo(end) => end.step(input, collector, batch, now),
            Machine::Engine(link) => {
                let event = link.step(input, batch, now);
                self.queue(batch);
                drop(guard);
                return self.engine_event(event);
            }
        };
        self.queue(batch);
        drop(guard);
        // Whoever is not asked for by an event is asked for by nobody: the client broke the protocol.
        let asked = self.unpin();
        match step {
            Step::Idle => return false,
            Step::Again => {}
            Step::Event(event, files) => self.handle(event, files, asked),
            Step::Closed(reason) => self.closed(reason),
        }
        true
    }

    /// Appends what the machine wrote, while its lock is held: so packets stand in the order in which the machine wrote them.
    fn queue(&self, batch: &mut Batch<Vec<u8>>) {
        if !batch.written().is_empty() {
            self.outbox.append_protocol(batch.written());
            batch.clear();
        }
    }

    fn engine_event(self: &Arc<Self>, event: Option<engineio::Event<'_>>) -> bool {
        match event {
            None => return false,
            Some(engineio::Event::Message(message)) => EngineSocket(self.clone()).message(message),
            Some(engineio::Event::Closed(reason)) => tracing::info!("ended: {reason}"),
            Some(_) => {}
        }
        true
    }

    /// Closes the connection.
    pub(crate) fn close(&self, reason: Reason) {
        let now = self.now();
        match &mut self.lock().machine {
            Machine::SocketIo(end) => end.close(reason, now),
            Machine::Engine(link) => link.close(now),
        }
        self.stir();
    }

    /// Has the task of the session look at it.
    pub(crate) fn stir(&self) {
        self.is_turn_due.store(true, Ordering::SeqCst);
        self.outbox.wake();
        self.changed.notify_waiters();
    }

    /// The seat in the namespace that the client asks for in this step.
    pub(crate) fn pin(&self, seat: Seat) {
        // The one before is dropped without the lock: its client broke the protocol, and did not join.
        let _before = self.pinned.lock().unwrap_or_else(PoisonError::into_inner).replace(seat);
        self.is_pinned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn unpin(&self) -> Option<Seat> {
        if !self.is_pinned.load(Ordering::Relaxed) {
            return None;
        }
        self.is_pinned.store(false, Ordering::Relaxed);
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn closed(&self, reason: Reason) {
        let (fault, link_fault) = match &mut self.lock().machine {
            Machine::SocketIo(end) => (end.fault(), end.link().fault()),
            Machine::Engine(_) => (None, None),
        };
        match (fault, link_fault) {
            _ if self.outbox.is_slow() => tracing::info!("ended: does not read what it is sent"),
            (Some(fault), _) => tracing::info!("ended: parse error: {fault}"),
            (_, Some(fault)) => tracing::info!("ended: {reason}: {fault}"),
            _ => tracing::info!("ended: {reason}"),
        }
        let (sockets, late, asked) = {
            let stack = &mut *self.lock();
            let (late, asked) = stack.rare.as_mut().map(|rare| (take(&mut rare.late), take(&mut rare.asked))).unzip();
            (take(&mut stack.sockets), late, asked)
        };
        self.late.store(0, Ordering::Relaxed);
        for socket in sockets {
            socket.left(reason);
        }
        drop((late, asked));
    }
}

/// Whether `input` still holds packets. The end of a POST's body is no packet: it is read even while answers wait to be fetched, since a client may
/// fetch them only after the answer to its POST.
fn has_packets(input: &Input<'_, Received>) -> bool {
    match input {
        Input::Socket(_) => true,
        Input::Post(packets) => !packets.rest().is_empty(),
        Input::Time => false,
    }
}
