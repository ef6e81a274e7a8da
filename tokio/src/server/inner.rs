//! What all connections of a server share.

use super::{
    Config, Handshake,
    adapter::Adapter,
    counters::{Counted, Counters},
    engine::OnMessage,
    frames::Frames,
    page::Pages,
    session::{Kind, Session},
    space::Spaces,
};
use crate::Compression;
use crate::sync::{
    Mutex, MutexGuard, Notify, RwLock,
    atomic::{AtomicBool, Ordering},
};
use bytes::Bytes;
use sansocket::{
    endpoint::Answer,
    engineio::{Sid, Transport},
    socketio::{Flags, server::AckIds},
    time::Instant,
    ws::Agreed,
};
use std::{
    borrow::Borrow,
    collections::HashSet,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock, PoisonError},
    time::Duration,
};
use tokio::runtime::Handle;

/// The server itself, behind all handles to it.
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) spaces: Spaces,
    pub(crate) counted: Arc<Counted>,
    pub(crate) adapter: Box<dyn Adapter>,
    /// The ids of questions to several sockets, in all namespaces.
    pub(crate) ack_ids: Mutex<AckIds>,
    pub(crate) on_message: RwLock<Option<OnMessage>>,
    pub(crate) pages: RwLock<Option<Pages>>,
    /// All sessions, by their secret ids.
    sessions: Mutex<HashSet<ById>>,
    is_closing: AtomicBool,
    /// Tasks that may have something to write still: the end of the server waits for them.
    pub(crate) writing: super::counters::Counter,
    /// The server closes, or something ended that it waits for.
    pub(crate) closing: Notify,
    runtime: OnceLock<Handle>,
}

/// A session, in a set of them that is searched by ids.
struct ById(Arc<Session>);

impl Borrow<Sid> for ById {
    fn borrow(&self) -> &Sid {
        &self.0.id
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

/// The time, as the machines know it and as Tokio does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(tokio::time::Instant);

impl Clock {
    pub(crate) fn now(self) -> Instant {
        Instant::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// `None`: never.
    pub(crate) fn at(self, instant: Instant) -> Option<tokio::time::Instant> {
        self.0.checked_add(Duration::from_millis(instant.as_millis()))
    }

    /// Sleeps, for ever if there is no deadline.
    pub(crate) async fn sleep(self, until: Option<Instant>) {
        match until.and_then(|until| self.at(until)) {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

impl Inner {
    pub(crate) fn new(config: Config, adapter: Box<dyn Adapter>) -> Arc<Self> {
        Arc::new(Self {
            spaces: Spaces::new(config.max_dynamic_namespaces),
            config,
            clock: Clock(tokio::time::Instant::now()),
            counted: Arc::default(),
            adapter,
            ack_ids: Mutex::default(),
            on_message: RwLock::new(None),
            pages: RwLock::new(None),
            sessions: Mutex::default(),
            is_closing: AtomicBool::new(false),
            writing: super::counters::Counter::default(),
            closing: Notify::new(),
            runtime: OnceLock::new(),
        })
    }

    fn sessions(&self) -> MutexGuard<'_, HashSet<ById>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task: on the runtime of whoever calls, or else on the one that the first connection came from.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(work)),
            Err(_) => drop(self.runtime.get_or_init(Handle::current).spawn(work)),
        }
    }

    /// Opens a session. `agreed`: the compression of its WebSocket.
    pub(crate) fn open(
        self: &Arc<Self>,
        kind: Kind,
        transport: Transport,
        handshake: Handshake,
        agreed: Option<Agreed>,
    ) -> Result<Arc<Session>, Answer<'static>> {
        let _ = self.runtime.get_or_init(Handle::current);
        let session = Session::new(self, kind, transport, handshake, agreed);
        {
            let mut sessions = self.sessions();
            if self.is_closing() || sessions.len() >= self.config.max_sessions {
                return Err(Answer::Busy);
            }
            sessions.insert(ById(session.clone()));
        }
        self.counted.sessions.add(1);
        self.transport_counter(transport).add(1);
        if transport == Transport::Polling {
            self.spawn(session.clone().watch());
        }
        Ok(session)
    }

    /// Frames for many receivers, which may compress them once.
    pub(crate) fn for_many(&self, frames: Bytes, flags: Flags) -> Frames {
        let is_worth = |compression: Compression| !compression.has_takeover() && frames.len() >= compression.minimum();
        if flags.may_compress() && self.config.compression.is_some_and(is_worth) {
            Frames::compressed_once(frames)
        } else {
            frames.into()
        }
    }

    pub(crate) fn transport_counter(&self, transport: Transport) -> &super::counters::Counter {
        match transport {
            Transport::WebSocket => &self.counted.websocket,
            _ => &self.counted.polling,
        }
    }

    pub(crate) fn find(&self, sid: &[u8]) -> Option<Arc<Session>> {
        self.sessions().get(&Sid::parse(sid)?).map(|ById(session)| session.clone())
    }

    /// Forgets a session that is over. `false`: it was forgotten before.
    pub(crate) fn forget(&self, session: &Session) -> bool {
        let mut sessions = self.sessions();
        let is_known = sessions.remove(&session.id);
        if is_known && sessions.is_empty() {
            self.closing.notify_waiters();
        }
        is_known
    }

    pub(crate) fn all_sessions(&self) -> Vec<Arc<Session>> {
        self.sessions().iter().map(|ById(session)| session.clone()).collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counted.read(self.spaces.len())
    }

    /// The server closes, and has no sessions any more.
    pub(crate) fn is_done(&self) -> bool {
        self.is_closing() && self.sessions().is_empty()
    }

    /// Waits until a server that closes has said everything, or until its time is over.
    pub(crate) async fn ended(&self) {
        let ended = async {
            loop {
                let mut closing = std::pin::pin!(self.closing.notified());
                closing.as_mut().enable();
                if self.is_done() && self.writing.get() == 0 {
                    return;
                }
                closing.await;
            }
        };
        let _ = tokio::time::timeout(self.config.close_timeout, ended).await;
    }

    /// Something ended that a closing server may wait for.
    pub(crate) fn told_end(&self) {
        if self.is_closing() {
            self.closing.notify_waiters();
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// From here on no session is opened.
    pub(crate) fn begin_to_close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.closing.notify_waiters();
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.config)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
