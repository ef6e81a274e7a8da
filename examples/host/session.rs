//! One session: the composed machine, its memory, what waits for its client, and the application on it.

use super::{App, Host, random};
use sansocket::{
    endpoint::{self, Batch, Got, ServerEnd, ServerLink, Step},
    engineio::{self, Transport},
    socketio::{
        AckSlot, Collector, Content, ExpectAck, Flags, Namespace, Policy, Pushed, Queue, QueueSlot, SendError, Sid,
        server::Session as Io,
    },
    time::Instant,
    ws::{Out, Stored},
};
use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    rc::Rc,
    time::Duration,
};
use tokio::{net::tcp::OwnedWriteHalf, sync::Notify};
use tracing::{debug, info};

/// Steps of a WebSocket's session that are done in one go. Then others have their turn.
const TURN: usize = 128;
/// Bytes of answers that are queued together.
const TOGETHER: usize = 4096;
/// Frames that one `write` takes.
const BATCH: usize = 64;
/// Bytes that wait for a receiver above which nothing is read from it: its own questions must not be what drops it.
const MUCH: usize = 64 * 1024;

/// What an endpoint speaks above Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SocketIo,
    /// Engine.IO itself: each message comes back.
    Echo,
}

pub type Input<'i> = endpoint::Input<'i, Vec<u8>>;

/// A session, held by the tasks that carry its bytes.
pub struct Session<A: App> {
    stack: RefCell<Stack<A>>,
    pub peer: Rc<Peer>,
    /// A request or a probe came to its end, or the session did.
    pub changed: Notify,
    pub id: engineio::Sid,
    /// Milliseconds for which the clock of the session stood still, because nothing was read from its client.
    paused: Cell<u64>,
}

struct Stack<A: App> {
    machine: Machine<A>,
    collector: Collector<Vec<u8>>,
    guest: A::Guest,
}

enum Machine<A: App> {
    SocketIo(ServerEnd<A::Names, Vec<AckSlot>>),
    Echo(ServerLink),
}

impl<A: App> Machine<A> {
    fn link(&mut self) -> &mut ServerLink {
        match self {
            Self::SocketIo(end) => end.link_mut(),
            Self::Echo(link) => link,
        }
    }
}

type Waiting = Queue<Rc<[u8]>, Vec<QueueSlot<Rc<[u8]>>>>;

/// A client as the others see it: the frames that wait for it. A broadcast's frame is shared by all.
pub struct Peer {
    queue: RefCell<Waiting>,
    /// Wakes the tasks that wait for packets.
    pub wake: Notify,
    is_slow: Cell<bool>,
}

/// A connection as the application acts on it while an event lives.
pub struct Link<'l, A: App> {
    pub peer: &'l Rc<Peer>,
    pub guest: &'l mut A::Guest,
    pub end: &'l mut ServerEnd<A::Names, Vec<AckSlot>>,
    pub now: Instant,
    batch: &'l mut Batch<Vec<u8>>,
}

impl<A: App> Session<A> {
    pub fn new(host: &Host<A>, kind: Kind, transport: Transport) -> Rc<Self> {
        let now = host.clock.now();
        let id = engineio::Sid::from_random(random());
        let link = ServerLink::open(transport, id, host.engine(), host.frames(), now);
        let machine = match kind {
            Kind::SocketIo => {
                let connect_by = now.after_millis(host.config.connect_timeout);
                let io = Io::new(host.app.names(), Vec::new(), connect_by).with_limits(host.limits());
                Machine::SocketIo(ServerEnd::with_session(link, io))
            }
            Kind::Echo => Machine::Echo(link),
        };
        let queue = Queue::new(Vec::new(), host.options.max_queue, Policy::Close);
        Rc::new(Self {
            stack: RefCell::new(Stack { machine, collector: Collector::new(Vec::new()), guest: A::Guest::default() }),
            peer: Rc::new(Peer { queue: RefCell::new(queue), wake: Notify::new(), is_slow: Cell::new(false) }),
            changed: Notify::new(),
            id,
            paused: Cell::new(0),
        })
    }

    /// A session over polling, which requests find by its id, with its clock.
    pub fn open(host: &Rc<Host<A>>, kind: Kind) -> Rc<Self> {
        let session = Self::new(host, kind, Transport::Polling);
        host.sessions.borrow_mut().insert(session.id, session.clone());
        tokio::task::spawn_local(session.clone().watch(host.clone()));
        session
    }

    /// The clock of a session, as long as it is over polling.
    async fn watch(self: Rc<Self>, host: Rc<Host<A>>) {
        while self.link(|link| link.transport() == Transport::Polling && !link.is_gone()) {
            tokio::select! {
                () = host.clock.sleep(self.due()) => {}
                () = self.changed.notified() => {}
                () = self.peer.wake.notified() => {}
            }
            if self.link(|link| link.transport()) == Transport::Polling {
                self.work(&host, Input::Time);
            }
        }
    }

    /// The link, for requests and for the end of its socket.
    pub fn link<R>(&self, act: impl FnOnce(&mut ServerLink) -> R) -> R {
        act(self.stack.borrow_mut().machine.link())
    }

    /// What the GET that waits is answered, written into `memory`.
    pub fn poll_answer(&self, memory: &mut Vec<u8>) -> Got {
        self.link(|link| link.poll_answer(&mut *self.peer.queue.borrow_mut(), memory))
    }

    /// The time of this session.
    pub fn now(&self, host: &Host<A>) -> Instant {
        Instant::from_millis(host.clock.now().as_millis().saturating_sub(self.paused.get()))
    }

    /// Stops the clock of the session for a time that is over.
    pub fn pause(&self, time: Duration) {
        self.paused.set(self.paused.get() + u64::try_from(time.as_millis()).unwrap_or(0));
    }

    /// When a machine has something to do; `None`: never.
    pub fn due(&self) -> Option<Instant> {
        let due = match &self.stack.borrow().machine {
            Machine::SocketIo(end) => end.poll_timeout(),
            Machine::Echo(link) => link.poll_timeout(),
        };
        due.map(|due| due.after_millis(self.paused.get()))
    }

    /// Everything that can be done without waiting; of a WebSocket's session only so much that others do not wait long. Whether more is
    /// left.
    pub fn work(&self, host: &Rc<Host<A>>, mut input: Input<'_>) -> bool {
        let now = self.now(host);
        let mut left = if matches!(input, Input::Socket(_)) { TURN } else { usize::MAX };
        let mut batch = host.batch.borrow_mut();
        loop {
            while left > 0 && self.stack.borrow_mut().step(host, &self.peer, &mut input, &mut batch, now) {
                left -= 1;
            }
            self.peer.send(&mut batch);
            if left == 0 || !self.peer.is_slow() || self.link(|link| link.is_over()) {
                break;
            }
            self.link(ServerLink::handle_eof);
        }
        if self.link(|link| link.transport()) == Transport::Polling {
            // A GET that waits looks whether something is to be said.
            self.peer.wake.notify_waiters();
        }
        if self.link(|link| link.is_gone()) && host.sessions.borrow_mut().remove(&self.id).is_some() {
            self.changed.notify_waiters();
        }
        left == 0
    }
}

impl<A: App> Stack<A> {
    /// One step; `false` when nothing is left to do.
    fn step(
        &mut self,
        host: &Rc<Host<A>>,
        peer: &Rc<Peer>,
        input: &mut Input<'_>,
        batch: &mut Batch<Vec<u8>>,
        now: Instant,
    ) -> bool {
        let Self { machine, collector, guest } = self;
        match machine {
            Machine::SocketIo(end) => match end.step(input, collector, batch, now) {
                Step::Idle => return false,
                Step::Again => {}
                Step::Event(event, attachments) => {
                    host.app.react(&mut Link { peer, guest, end, now, batch }, event, attachments);
                }
                Step::Closed(reason) => {
                    // The id is a secret, and stays out of logs.
                    match (end.fault(), end.link().fault()) {
                        _ if peer.is_slow() => info!("session ended: does not read what it is sent"),
                        (Some(fault), _) => info!("session ended: parse error: {fault}"),
                        (_, Some(fault)) => info!("session ended: {reason}: {fault}"),
                        _ => info!("session ended: {reason}"),
                    }
                    host.app.closed(&mut Link { peer, guest, end, now, batch }, reason);
                }
            },
            Machine::Echo(link) => match link.step(input, batch, now) {
                None => return false,
                Some(engineio::Event::Message(message)) => {
                    if let Err(e) = batch.write(|out| Ok(link.send(message, out)?)) {
                        debug!("not said: {e}");
                    }
                }
                Some(engineio::Event::Closed(reason)) => info!("session ended: {reason}"),
                Some(_) => {}
            },
        }
        if batch.written().len() > TOGETHER {
            peer.send(batch);
        }
        if collector.held() == 0 {
            let _ = collector.replace(Vec::new());
        }
        true
    }
}

impl Peer {
    /// Appends frames to the queue. If the queue is over its limit, the task of this connection closes it.
    pub fn push(&self, frames: Rc<[u8]>) {
        let mut queue = self.queue.borrow_mut();
        queue.reserve();
        if queue.push(frames, Flags::NONE, true) == Pushed::Overflow {
            self.is_slow.set(true);
        }
        self.wake.notify_waiters();
    }

    /// Appends what a turn has written.
    fn send(&self, batch: &mut Batch<Vec<u8>>) {
        if !batch.written().is_empty() {
            self.push(batch.written().into());
            batch.clear();
        }
    }

    /// Writes what waits, as much as the socket takes, in as few calls as it can. How many bytes that was.
    pub fn flush(&self, sink: &OwnedWriteHalf) -> io::Result<usize> {
        let mut queue = self.queue.borrow_mut();
        let mut written = 0;
        while !queue.is_empty() {
            let slices: Vec<IoSlice<'_>> = queue.slices().take(BATCH).map(IoSlice::new).collect();
            let result = match &slices[..] {
                [one] => sink.try_write(one),
                many => sink.try_write_vectored(many),
            };
            match result {
                Ok(n) => {
                    queue.consume(n);
                    written += n;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(written),
                Err(e) => return Err(e),
            }
        }
        // Idle connections hold none.
        let _ = queue.replace(Vec::new());
        Ok(written)
    }

    /// Whether something waits.
    pub fn is_waiting(&self) -> bool {
        !self.queue.borrow().is_empty()
    }

    /// So much waits that nothing is to be read until some went out.
    pub fn is_backed_up(&self) -> bool {
        self.queue.borrow().bytes() > MUCH
    }

    /// Too much waited, or for too long: the client is to be dropped.
    pub fn is_slow(&self) -> bool {
        self.is_slow.get()
    }

    /// The client takes nothing of what it is sent.
    pub fn give_up(&self) {
        self.is_slow.set(true);
        self.queue.borrow_mut().clear();
    }
}

impl<A: App> Link<'_, A> {
    /// Says something. A server's packets at rest are its frames, so this is what goes out.
    pub fn say(
        &mut self,
        say: impl FnMut(&mut Io<A::Names, Vec<AckSlot>>, &mut Out<'_, Stored>) -> Result<(), SendError>,
    ) {
        if let Err(e) = self.end.say(self.batch, say) {
            debug!("not said: {e}");
        }
    }

    /// Sends an event.
    pub fn emit(&mut self, namespace: Namespace, name: &str, payload: &impl Content, question: Option<ExpectAck>) {
        self.say(|io, out| io.emit(namespace, name, payload, question, out));
    }

    /// Grants a namespace, in front of what others say from now on.
    pub fn accept(&mut self, namespace: Namespace, sid: Sid) {
        self.say(|io, out| io.accept(namespace, sid, out));
        self.flush();
    }

    /// Has what was said stand in front of what others say from now on.
    pub fn flush(&mut self) {
        self.peer.send(self.batch);
    }
}

/// The public id of a socket.
pub fn sid() -> Sid {
    Sid::from_random(random())
}
