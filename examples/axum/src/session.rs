//! A session: the composed machine, its memory, its queue, and what the application does on it.

use sansocket::{
    endpoint::{self, Batch, Got, ServerEnd, ServerLink, Step},
    engineio::{self, Transport, server::Config},
    json::{Args, Raw},
    socketio::{
        self, AckSlot, Attachments, Binary, Collector, Flags, Namespace, Policy, Queue, QueueSlot, Reason, SendError,
        server::Event,
    },
    time::Instant,
    ws::Limits,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;
use tracing::debug;

const NAMES: [&str; 1] = ["/"];
const ROOT: Namespace = Namespace(0);
/// Bytes of a message, and of what may wait for one client.
pub const MAX: usize = 1_000_000;

type End = ServerEnd<[&'static str; 1], Vec<AckSlot>>;

/// All sessions, by their ids.
pub struct App {
    links: Mutex<HashMap<engineio::Sid, Arc<Link>>>,
    config: Config,
    /// Milliseconds that a client may take nothing of what it is sent.
    pub patience: u64,
    start: std::time::Instant,
}

/// One session. The queue has a lock of its own, which is held for nothing else: who broadcasts holds its own session.
pub struct Link {
    pub id: engineio::Sid,
    state: Mutex<State>,
    queue: Mutex<Queue<Arc<[u8]>, Vec<QueueSlot<Arc<[u8]>>>>>,
    /// Something is to be written, or the session ended.
    pub wake: Notify,
    /// A request came or went: the clock and the probe look again.
    pub changed: Notify,
}

struct State {
    end: End,
    collector: Collector<Vec<u8>>,
    /// What is answered in a turn.
    batch: Batch<Vec<u8>>,
}

pub type Input<'i> = endpoint::Input<'i, Vec<u8>>;

/// What a WebSocket may send.
pub const fn limits() -> Limits {
    Limits::new().message(MAX as u64).frame(MAX as u64)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}

fn random() -> [u8; 15] {
    let mut random = [0; 15];
    getrandom::fill(&mut random).expect("the system has randomness");
    random
}

impl App {
    pub fn new(ping_interval: u32, ping_timeout: u32) -> Self {
        let config = Config::new().ping_interval(ping_interval).ping_timeout(ping_timeout).max_payload(MAX as u32);
        let patience = u64::from(ping_interval) + u64::from(ping_timeout);
        Self { links: Mutex::default(), config, patience, start: std::time::Instant::now() }
    }

    pub fn now(&self) -> Instant {
        Instant::from_millis(self.start.elapsed().as_millis() as u64)
    }

    pub async fn sleep(&self, until: Option<Instant>) {
        match until {
            Some(at) => {
                tokio::time::sleep_until((self.start + std::time::Duration::from_millis(at.as_millis())).into()).await
            }
            None => std::future::pending().await,
        }
    }

    pub fn open(&self, transport: Transport) -> Arc<Link> {
        let id = engineio::Sid::from_random(random());
        let end = End::open(transport, id, self.config, limits(), NAMES, Vec::new(), self.now());
        let link = Arc::new(Link {
            id,
            state: Mutex::new(State { end, collector: Collector::new(Vec::new()), batch: Batch::new(Vec::new()) }),
            queue: Mutex::new(Queue::new(Vec::new(), MAX, Policy::DropVolatile)),
            wake: Notify::new(),
            changed: Notify::new(),
        });
        lock(&self.links).insert(id, link.clone());
        link
    }

    pub fn find(&self, id: &[u8]) -> Option<Arc<Link>> {
        lock(&self.links).get(&engineio::Sid::parse(id)?).cloned()
    }

    fn all(&self) -> Vec<Arc<Link>> {
        lock(&self.links).values().cloned().collect()
    }

    /// Sessions over polling, over WebSocket.
    pub fn count(&self) -> [usize; 2] {
        let links = self.all();
        let polling = links.iter().filter(|link| link.link(|l| l.transport()) == Transport::Polling).count();
        [polling, links.len() - polling]
    }

    /// Ends all sessions. The table is not held meanwhile: who broadcasts holds its session, and wants the table.
    pub fn shut_down(&self) {
        for link in self.all() {
            lock(&link.state).end.close(Reason::ServerShuttingDown, self.now());
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
}

impl Link {
    /// The link, for requests and for the end of its socket.
    pub fn link<R>(&self, act: impl FnOnce(&mut ServerLink) -> R) -> R {
        act(lock(&self.state).end.link_mut())
    }

    pub fn due(&self) -> Option<Instant> {
        lock(&self.state).end.poll_timeout()
    }

    /// Everything that can be done without waiting.
    pub fn work(&self, app: &App, mut input: Input<'_>) {
        let State { end, collector, batch } = &mut *lock(&self.state);
        if self.is_slow() {
            end.link_mut().handle_eof();
        }
        loop {
            let step = end.step(&mut input, collector, batch, app.now());
            let is_idle = matches!(step, Step::Idle);
            match step {
                Step::Event(event, files) => self.react(app, end, batch, event, files),
                Step::Closed(reason) => debug!(%reason, "closed"),
                Step::Again | Step::Idle => {}
            }
            if !batch.written().is_empty() {
                self.push(batch.written().into());
                batch.clear();
            }
            if is_idle {
                break;
            }
        }
        // Sessions at rest hold no memory.
        *batch = Batch::new(Vec::new());
        if collector.held() == 0 {
            let _ = collector.replace(Vec::new());
        }
        if end.link().transport() == Transport::Polling {
            if end.link().is_gone() {
                self.forget(app);
            }
            // A GET that waits looks whether something is to be said. A WebSocket's own task must not wake itself: it would never rest.
            self.wake.notify_one();
        }
    }

    /// The session is found no more.
    pub fn forget(&self, app: &App) {
        lock(&app.links).remove(&self.id);
    }

    /// Appends frames to what waits; a client for whom too much waits is found by its own task.
    fn push(&self, frames: Arc<[u8]>) {
        let mut queue = lock(&self.queue);
        queue.reserve();
        let _ = queue.push(frames, Flags::NONE, true);
        drop(queue);
        self.wake.notify_one();
    }

    pub fn is_slow(&self) -> bool {
        lock(&self.queue).is_closed()
    }

    /// The oldest packets, for one write; say with [`written`](Self::written) how much of them went out.
    pub fn front(&self) -> Vec<u8> {
        lock(&self.queue).slices().take(64).flatten().copied().collect()
    }

    pub fn written(&self, n: usize) {
        lock(&self.queue).consume(n);
    }

    /// What the GET that waits is answered, written into `memory`.
    pub fn poll_answer(&self, memory: &mut Vec<u8>) -> Got {
        lock(&self.state).end.link_mut().poll_answer(&mut *lock(&self.queue), memory)
    }

    /// The application: it says messages back, acknowledges, and passes on what is for the others.
    fn react(&self, app: &App, end: &mut End, batch: &mut Batch<Vec<u8>>, event: Event<'_>, files: Attachments<'_>) {
        let said = match event {
            Event::Connect { namespace, auth } => {
                let sid = socketio::Sid::from_random(random());
                let auth = Raw::trusted(auth.map_or(b"{}", |value| value.raw()));
                end.say(batch, |io, out| io.accept(namespace, sid, out))
                    .and_then(|()| end.say(batch, |io, out| io.emit(namespace, "auth", &auth, None, out)))
            }
            Event::UnknownNamespace { name } => end.say(batch, |io, out| io.refuse_unknown(name, out)),
            Event::Event(e) => {
                let payload = Binary(e.args(), files);
                match e.ack {
                    Some(request) => end.say(batch, |io, out| io.ack(request, &payload, out)),
                    None if e.is("message") => {
                        end.say(batch, |io, out| io.emit(e.namespace, "message-back", &payload, None, out))
                    }
                    None if e.is("broadcast") => self.broadcast(app, &payload),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        };
        if let Err(e) = said {
            debug!("not said: {e}");
        }
    }

    /// To all the others: encoded and framed once.
    fn broadcast<A: Args>(&self, app: &App, payload: &Binary<'_, A>) -> Result<(), SendError> {
        let mut batch = Batch::new(Vec::new());
        batch.write(|out| socketio::server::broadcast(&NAMES, ROOT, "broadcast-message", payload, None, out))?;
        let packet: Arc<[u8]> = batch.written().into();
        for other in lock(&app.links).values().filter(|other| other.id != self.id) {
            other.push(packet.clone());
        }
        Ok(())
    }
}
