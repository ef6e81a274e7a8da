//! One session: the composed machine, its memory, and the application on it.

use super::{App, Host, peer::Peer, random};
use sansocket::{
    endpoint::{Grow, ServerEnd, ServerLink, Step, What},
    engineio::{self, Packets, Transport},
    json::Value,
    socketio::{
        self, AckSlot, Collector, Content, ExpectAck, Flags, Namespace, Reason, SendError, Sid, server::Session as Io,
    },
    time::Instant,
    ws::{Inbox, Out, Stored},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use tokio::sync::Notify;
use tracing::{debug, info};

/// Steps of a WebSocket's session that are done in one go. Then others have their turn.
const TURN: usize = 128;

/// What an endpoint speaks above Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SocketIo,
    /// Engine.IO itself: each message comes back.
    Echo,
}

/// A session, held by the tasks that carry its bytes.
pub struct Entry<A: App> {
    stack: RefCell<Stack<A>>,
    pub peer: Rc<Peer>,
    /// A request or a probe came to its end, or the session did.
    pub changed: Notify,
    id: engineio::Sid,
    /// Milliseconds for which the clock of the session stood still, because nothing was read from its client.
    pub paused: Cell<u64>,
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

/// Where packets come from.
pub enum Input<'i, 'b> {
    Socket(&'i mut Inbox<Vec<u8>>),
    Post(&'i mut Packets<'b>),
    Time,
}

/// A connection as the application acts on it while an event lives.
pub struct Link<'l, A: App> {
    pub peer: &'l Rc<Peer>,
    pub guest: &'l mut A::Guest,
    pub end: &'l mut ServerEnd<A::Names, Vec<AckSlot>>,
    pub now: Instant,
    replies: &'l mut Replies,
}

/// What is answered in a turn, in memory that grows.
struct Replies {
    memory: Vec<u8>,
    len: usize,
}

impl<A: App> Entry<A> {
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
        let stack = Stack { machine, collector: Collector::new(Vec::new()), guest: A::Guest::default() };
        Rc::new(Self {
            stack: RefCell::new(stack),
            peer: Rc::new(Peer::new(host.options.max_queue, host.flusher.clone())),
            changed: Notify::new(),
            id,
            paused: Cell::new(0),
        })
    }

    /// The link, for requests and for the end of its socket.
    pub fn link<R>(&self, act: impl FnOnce(&mut ServerLink) -> R) -> R {
        act(self.stack.borrow_mut().machine.link())
    }

    /// The time of this session.
    pub fn now(&self, host: &Host<A>) -> Instant {
        Instant::from_millis(host.clock.now().as_millis().saturating_sub(self.paused.get()))
    }

    /// When a machine has something to do; `None`: never.
    pub fn due(&self, host: &Host<A>) -> Option<tokio::time::Instant> {
        let stack = self.stack.borrow();
        let due = match &stack.machine {
            Machine::SocketIo(end) => end.poll_timeout(),
            Machine::Echo(link) => link.poll_timeout(),
        };
        due.map(|due| host.clock.at(due.after_millis(self.paused.get())))
    }

    /// Everything that can be done without waiting; of a WebSocket's session only so much that others do not wait long. Whether more is
    /// left.
    pub fn work(&self, host: &Rc<Host<A>>, mut input: Input<'_, '_>) -> bool {
        let now = self.now(host);
        let mut left = if matches!(input, Input::Socket(_)) { TURN } else { usize::MAX };
        let mut replies = Replies::borrow(host);
        {
            let stack = &mut *self.stack.borrow_mut();
            while left > 0 {
                replies.transmit(&self.peer, stack.machine.link());
                if !stack.step(host, &self.peer, &mut input, &mut replies, now) {
                    break;
                }
                left -= 1;
            }
            replies.flush(&self.peer);
            replies.transmit(&self.peer, stack.machine.link());
        }
        replies.give_back(host);
        self.settle(host);
        if self.link(|link| link.transport()) == Transport::Polling {
            // A GET that waits looks whether something is to be said.
            self.peer.wake.notify_one();
        }
        left == 0
    }

    /// Forgets a session that nobody needs to find.
    pub fn settle(&self, host: &Host<A>) {
        if self.link(|link| link.is_gone()) && host.sessions.borrow_mut().remove(&self.id).is_some() {
            self.changed.notify_waiters();
        }
    }
}

impl<A: App> Stack<A> {
    /// One step; `false` when nothing is left to do.
    fn step(
        &mut self,
        host: &Rc<Host<A>>,
        peer: &Rc<Peer>,
        input: &mut Input<'_, '_>,
        replies: &mut Replies,
        now: Instant,
    ) -> bool {
        let Self { machine, collector, guest } = self;
        let end = match machine {
            Machine::SocketIo(end) => end,
            Machine::Echo(link) => return echo(link, peer, input, replies, now),
        };
        let step = match input {
            Input::Socket(inbox) => match end.poll(inbox, collector, now) {
                Ok(Step::Idle) => Ok(end.handle_timeout(now)),
                step => step,
            },
            Input::Post(packets) => end.poll_post(packets, collector, now),
            Input::Time => Ok(end.handle_timeout(now)),
        };
        match step {
            Ok(Step::Idle) => return false,
            Ok(Step::Again) => return true,
            Ok(Step::Event(event, attachments)) => {
                host.app.react(&mut Link { peer, guest, end, now, replies }, event, attachments);
            }
            Ok(Step::Closed(reason)) => {
                // The id is a secret, and stays out of logs.
                match (end.fault(), end.link().fault()) {
                    _ if peer.is_slow() => info!("session ended: does not read what it is sent"),
                    (Some(fault), _) => info!("session ended: parse error: {fault}"),
                    (_, Some(fault)) => info!("session ended: {reason}: {fault}"),
                    _ => info!("session ended: {reason}"),
                }
                host.app.closed(&mut Link { peer, guest, end, now, replies }, reason);
            }
            Err(grow) => return grow_inbox(grow, input, collector),
        }
        if collector.held() == 0 {
            let _ = collector.replace(Vec::new());
        }
        true
    }
}

fn grow_inbox(grow: Grow, input: &mut Input<'_, '_>, collector: &mut Collector<Vec<u8>>) -> bool {
    let memory = vec![0; grow.to];
    match (grow.what, input) {
        (What::Inbox, Input::Socket(inbox)) => inbox.replace(memory).is_ok(),
        _ => collector.replace(memory).is_ok(),
    }
}

/// Sends each message back.
fn echo(
    link: &mut ServerLink,
    peer: &Rc<Peer>,
    input: &mut Input<'_, '_>,
    replies: &mut Replies,
    now: Instant,
) -> bool {
    let event = match input {
        Input::Socket(inbox) => match link.poll(inbox, now) {
            Ok(None) => link.handle_timeout(now),
            Ok(event) => event,
            Err(grow) => return inbox.replace(vec![0; grow.to]).is_ok(),
        },
        Input::Post(packets) => link.poll_post(packets, now),
        Input::Time => link.handle_timeout(now),
    };
    match event {
        None => return false,
        Some(engineio::Event::Message(message)) => replies.append(peer, |out| Ok(link.send(message, out)?)),
        Some(engineio::Event::Closed(reason)) => info!("session ended: {reason}"),
        Some(_) => {}
    }
    true
}

impl Replies {
    /// Takes the memory that all share.
    fn borrow<A: App>(host: &Host<A>) -> Self {
        let mut memory = std::mem::take(&mut *host.write_buffer.borrow_mut());
        memory.resize(memory.len().max(4096), 0);
        Self { memory, len: 0 }
    }

    /// Gives it back. An answer of megabytes leaves no megabytes behind.
    fn give_back<A: App>(mut self, host: &Host<A>) {
        self.memory.truncate(64 * 1024);
        self.memory.shrink_to(64 * 1024);
        *host.write_buffer.borrow_mut() = self.memory;
    }

    /// Appends what `write` writes. Without room, what is there goes into the queue first, and then the memory grows.
    fn append(&mut self, peer: &Rc<Peer>, mut write: impl FnMut(&mut Out<'_, Stored>) -> Result<(), SendError>) {
        loop {
            let mut out = Out::stored(&mut self.memory[self.len..]);
            let Err(e) = write(&mut out) else { return self.len += out.written().len() };
            match Grow::of(&e) {
                Some(_) if self.len > 0 => self.flush(peer),
                // It would overflow the queue; then there is no need to write it.
                Some(_) if needed(&e) > peer.limit() => return peer.overflow(),
                Some(grow) => self.memory.resize(grow.to, 0),
                None => return debug!("not said: {e}"),
            }
        }
    }

    /// Moves what was written into the queue.
    fn flush(&mut self, peer: &Rc<Peer>) {
        peer.push(self.memory[..std::mem::take(&mut self.len)].into(), Flags::NONE);
    }

    /// What is owed goes behind what was answered.
    fn transmit(&mut self, peer: &Rc<Peer>, link: &mut ServerLink) {
        let mut memory = [0; 256];
        while let Ok(n @ 1..) = link.transmit(&mut memory) {
            self.flush(peer);
            peer.push(memory[..n].into(), Flags::NONE);
        }
    }
}

/// Bytes that a packet needs.
fn needed(error: &SendError) -> usize {
    match error {
        SendError::Capacity(capacity) | SendError::Link(engineio::SendError::Capacity(capacity)) => capacity.needed,
        _ => 0,
    }
}

impl<A: App> Link<'_, A> {
    /// Says something. A server's packets at rest are its frames, so this is what goes out.
    pub fn say(
        &mut self,
        mut say: impl FnMut(&mut Io<A::Names, Vec<AckSlot>>, &mut Out<'_, Stored>) -> Result<(), SendError>,
    ) {
        let io = self.end.io();
        self.replies.append(self.peer, |out| {
            loop {
                let Err(e) = say(io, out) else { return Ok(()) };
                match Grow::of(&e) {
                    Some(Grow { what: What::Acks, to }) => drop(io.replace_acks(vec![AckSlot::EMPTY; to])),
                    _ => return Err(e),
                }
            }
        });
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

    /// Refuses a namespace.
    pub fn refuse(&mut self, namespace: Namespace, message: &str, data: Option<Value<'_>>) {
        self.say(|io, out| io.refuse(namespace, message, data, out));
    }

    /// Has what was said stand in front of what others say from now on.
    pub fn flush(&mut self) {
        self.replies.flush(self.peer);
    }

    /// The namespaces that the client is in.
    pub fn namespaces(&mut self) -> Vec<Namespace> {
        self.end.io().namespaces().collect()
    }

    /// Ends the connection, all its namespaces first.
    pub fn close(&mut self) {
        for namespace in self.namespaces() {
            self.say(|io, out| io.disconnect(namespace, out));
        }
        self.end.close(Reason::ForcedServerClose, self.now);
    }
}

/// The session of a request, if there is one.
pub fn find<A: App>(host: &Host<A>, sid: &[u8]) -> Option<Rc<Entry<A>>> {
    host.sessions.borrow().get(&engineio::Sid::parse(sid)?).cloned()
}

/// The public id of a socket.
pub fn sid() -> Sid {
    socketio::Sid::from_random(random())
}

impl<A: App> Entry<A> {
    /// A session over polling, which others may find, with its clock.
    pub fn open(host: &Rc<Host<A>>, kind: Kind) -> Rc<Self> {
        let entry = Self::new(host, kind, Transport::Polling);
        host.sessions.borrow_mut().insert(entry.id, entry.clone());
        tokio::task::spawn_local(entry.clone().watch(host.clone()));
        entry
    }

    /// The clock of a session, as long as it is over polling.
    async fn watch(self: Rc<Self>, host: Rc<Host<A>>) {
        while self.link(|link| link.transport() == Transport::Polling && !link.is_gone()) {
            tokio::select! {
                () = host.sleep(self.due(&host)) => {}
                () = self.changed.notified() => {}
                () = self.peer.slow.notified() => self.link(ServerLink::handle_eof),
            }
            if self.link(|link| link.transport()) == Transport::Polling {
                self.work(&host, Input::Time);
            }
        }
    }

    /// The value of `Set-Cookie` for the answer that opens this session.
    pub fn cookie(&self, name: &str) -> Vec<u8> {
        let mut cookie = vec![0; name.len() + 64];
        let n = engineio::server::write_cookie(name, &self.id, &mut cookie).unwrap_or(0);
        cookie.truncate(n);
        cookie
    }
}
