//! What a session does with events, whatever carries its bytes.

use sansocket::json::Raw;
use sansocket::{
    engineio::{
        self, Payload, Sid, Transport,
        server::{Config, Session},
    },
    socketio::{
        self, AckSlot, Binary, Collector, Namespace, Queue, QueueSlot, SendError,
        server::{Event, Session as Io},
    },
    time::Instant,
    ws::{Out, Stored},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;
use tracing::debug;

const NAMES: [&str; 1] = ["/"];
const ROOT: Namespace = Namespace(0);
/// Milliseconds for a client to join.
const CONNECT_TIMEOUT: u64 = 45_000;
/// Bytes of a message, and of what may wait for one client.
pub const MAX: usize = 1_000_000;

/// All sessions, by their ids.
pub struct App {
    links: Mutex<HashMap<Sid, Arc<Link>>>,
    config: Config,
    start: std::time::Instant,
}

type Packets = Queue<Arc<[u8]>, Vec<QueueSlot<Arc<[u8]>>>>;

/// One session. The queue has a lock of its own, which is held for nothing else: who broadcasts holds its own session.
pub struct Link {
    pub id: Sid,
    pub state: Mutex<State>,
    queue: Mutex<Packets>,
    /// Something is to be written, or the session ended.
    pub wake: Notify,
    /// A request came or went, or the session ended: its clock looks again.
    pub changed: Notify,
}

pub struct State {
    pub engine: Session,
    io: Io<[&'static str; 1], Vec<AckSlot>>,
    collector: Collector<Vec<u8>>,
    /// The session must end, though the client did not say so.
    pub must_close: bool,
}

impl App {
    pub fn new(ping_interval: u32, ping_timeout: u32) -> Self {
        let config = Config::new().ping_interval(ping_interval).ping_timeout(ping_timeout).max_payload(MAX as u32);
        Self { links: Mutex::default(), config, start: std::time::Instant::now() }
    }

    pub fn now(&self) -> Instant {
        Instant::from_millis(self.start.elapsed().as_millis() as u64)
    }

    /// When a moment of the machines is for Tokio.
    pub fn at(&self, instant: Instant) -> tokio::time::Instant {
        (self.start + std::time::Duration::from_millis(instant.as_millis())).into()
    }

    pub fn open(&self, transport: Transport) -> Arc<Link> {
        let now = self.now();
        let id = sid();
        let engine = match transport {
            Transport::WebSocket => Session::open(id, self.config, now),
            _ => Session::open_polling(id, self.config, now),
        };
        let io = Io::new(NAMES, Vec::new(), now.after_millis(CONNECT_TIMEOUT));
        let state = State { engine, io, collector: Collector::new(Vec::new()), must_close: false };
        let link = Arc::new(Link {
            id,
            state: Mutex::new(state),
            queue: Mutex::new(Queue::new(Vec::new(), MAX, socketio::Policy::DropVolatile)),
            wake: Notify::new(),
            changed: Notify::new(),
        });
        self.lock().insert(id, link.clone());
        link
    }

    pub fn find(&self, id: &[u8]) -> Option<Arc<Link>> {
        self.lock().get(&Sid::parse(id)?).cloned()
    }

    /// The session is over.
    pub fn forget(&self, link: &Link) {
        self.lock().remove(&link.id);
        link.changed.notify_waiters();
        link.wake.notify_one();
    }

    /// Sessions over polling, over WebSocket.
    pub fn count(&self) -> [usize; 2] {
        let links: Vec<_> = self.lock().values().cloned().collect();
        let polling = links.iter().filter(|link| link.lock().engine.transport() == Transport::Polling).count();
        [polling, links.len() - polling]
    }

    /// Ends all sessions. The table is not held meanwhile: who broadcasts holds its session, and wants the table.
    pub fn shut_down(&self) {
        let links: Vec<_> = self.lock().values().cloned().collect();
        for link in links {
            link.lock().must_close = true;
            link.changed.notify_waiters();
            link.wake.notify_one();
        }
    }

    /// Waits until the close frames are written, for 5 s at most: hyper does not wait for connections that it handed over.
    pub async fn is_shut_down(&self) {
        for _ in 0..500 {
            if self.count()[1] == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sid, Arc<Link>>> {
        self.links.lock().expect("nobody panics with it")
    }

    /// Encoded and framed once for all but `link`.
    fn broadcast(&self, link: &Link, name: &str, content: &impl socketio::Content) {
        let mut memory = vec![0; 1024];
        let packet: Arc<[u8]> = loop {
            let mut out = Out::stored(&mut memory);
            match socketio::server::broadcast(&NAMES, ROOT, name, content, None, &mut out) {
                Ok(()) => break out.written().into(),
                Err(SendError::Capacity(e)) => memory.resize(e.needed, 0),
                Err(e) => return debug!("not sent: {e}"),
            }
        };
        for other in self.lock().values().filter(|other| other.id != link.id) {
            other.push(packet.clone());
        }
    }
}

impl Link {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// Appends frames to what waits; a client for whom too much waits is dropped.
    fn push(&self, frames: Arc<[u8]>) {
        let mut queue = self.queue.lock().expect("nobody panics with it");
        if queue.len() == queue.slots() {
            let slots = (2 * queue.slots()).max(4);
            let _ = queue.replace(vec![QueueSlot::EMPTY; slots]);
        }
        // One for whom too much waits is found by its own task.
        let _ = queue.push(frames, socketio::Flags::NONE, true);
        drop(queue);
        self.wake.notify_one();
    }

    pub fn is_slow(&self) -> bool {
        self.queue.lock().expect("nobody panics with it").is_closed()
    }

    /// What is to be written over a WebSocket.
    pub fn take_frames(&self) -> Vec<u8> {
        let mut queue = self.queue.lock().expect("nobody panics with it");
        let bytes: Vec<u8> = queue.slices().flatten().copied().collect();
        queue.clear();
        bytes
    }

    /// The answer to a GET; `None` when nothing waits.
    pub fn take_payload(&self) -> Option<Vec<u8>> {
        let mut queue = self.queue.lock().expect("nobody panics with it");
        if queue.is_empty() {
            return None;
        }
        let mut size = MAX;
        loop {
            let mut memory = vec![0; size];
            let mut payload = Payload::new(&mut memory);
            let mut taken = 0;
            for frames in queue.slices() {
                let n = payload.push_frames(frames).unwrap_or_else(|e| {
                    size = e.needed;
                    0
                });
                taken += n;
                if n < frames.len() {
                    break;
                }
            }
            if payload.is_empty() {
                continue;
            }
            let len = payload.written().len();
            queue.consume(taken);
            memory.truncate(len);
            return Some(memory);
        }
    }

    /// What Engine.IO owes goes behind what waits; the packet that ends a session over polling has a payload of its own.
    pub fn transmit(&self, engine: &mut Session) {
        let waits = !self.queue.lock().expect("nobody panics with it").is_empty();
        if engine.is_closed() && waits {
            return;
        }
        let mut memory = [0; engineio::server::OWED_MAX];
        let mut out = Out::stored(&mut memory);
        while let Ok(true) = engine.poll_transmit(&mut out) {
            self.push(out.written().into());
            out.clear();
        }
    }

    /// What the session makes of an event of Engine.IO; `true`: it is over.
    pub fn handle(&self, app: &App, state: &mut State, event: engineio::Event<'_>) -> bool {
        let State { io, collector, must_close, .. } = state;
        match io.handle_event(event) {
            Ok(Event::Closed(reason)) => {
                debug!(%reason, "closed");
                return true;
            }
            Ok(event) => loop {
                match collector.collect(event) {
                    Ok(None) => break,
                    Ok(Some((event, files))) => {
                        self.react(app, io, event, files);
                        let _ = collector.replace(Vec::new());
                        break;
                    }
                    Err(e) => drop(collector.replace(vec![0; e.needed.max(2 * e.available)])),
                }
            },
            Err(e) => {
                debug!("{e}");
                *must_close = true;
            }
        }
        false
    }

    /// Time has come to `now`; `true`: the session is over.
    pub fn tick(&self, state: &mut State, now: Instant) -> bool {
        while let Some(event) = state.io.handle_timeout(now) {
            state.must_close |= matches!(event, Event::ConnectTimeout);
        }
        state.must_close |= self.is_slow();
        state.engine.handle_timeout(now).is_some()
    }

    /// The application: it says messages back, acknowledges, and passes on what is for the others.
    fn react(
        &self,
        app: &App,
        io: &mut Io<[&'static str; 1], Vec<AckSlot>>,
        event: Event<'_>,
        files: socketio::Attachments<'_>,
    ) {
        match event {
            Event::Connect { namespace, auth } => {
                self.say(|out| io.accept(namespace, sid(), out));
                let auth = Raw::trusted(auth.map_or(b"{}", |value| value.raw()));
                self.say(|out| io.emit(namespace, "auth", &auth, None, out));
            }
            Event::UnknownNamespace { name } => self.say(|out| io.refuse_unknown(name, out)),
            Event::Event(e) => {
                let payload = Binary(e.args(), files);
                match e.ack {
                    Some(request) => self.say(|out| io.ack(request, &payload, out)),
                    None if e.is("message") => {
                        self.say(|out| io.emit(e.namespace, "message-back", &payload, None, out))
                    }
                    None if e.is("broadcast") => app.broadcast(self, "broadcast-message", &payload),
                    None => debug!("nobody handles it"),
                }
            }
            _ => {}
        }
    }

    /// Writes into the queue.
    fn say(&self, mut write: impl FnMut(&mut Out<'_, Stored>) -> Result<(), SendError>) {
        let mut memory = vec![0; 1024];
        loop {
            let mut out = Out::stored(&mut memory);
            match write(&mut out) {
                Ok(()) => return self.push(out.written().into()),
                Err(SendError::Capacity(e)) => memory.resize(e.needed.max(2 * memory.len()), 0),
                Err(e) => return debug!("not said: {e}"),
            }
        }
    }
}

impl State {
    /// The next moment at which a machine has something to do.
    pub fn due(&self) -> Option<Instant> {
        [self.engine.poll_timeout(), self.io.poll_timeout()].into_iter().flatten().min()
    }
}

/// An id that nobody can foresee.
fn sid() -> Sid {
    let mut random = [0; 15];
    getrandom::fill(&mut random).expect("the system has randomness");
    Sid::from_random(random)
}
