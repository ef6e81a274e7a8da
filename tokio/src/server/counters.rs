use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Threads that count in places of their own. Any more share them.
const PLACES: usize = 16;

/// One number that many tasks count up and down.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Relaxed);
    }

    pub(crate) fn sub(&self, n: usize) {
        self.0.fetch_sub(n as u64, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What is counted with each event, by some threads. On cache lines of their own: one that all threads write to would cost each event more than the rest
/// of its bookkeeping.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Traffic {
    pub(crate) events_in: Counter,
    pub(crate) events_out: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = THREADS.fetch_add(1, Relaxed) % PLACES;
}

#[derive(Debug, Default)]
pub(crate) struct Counted {
    traffic: [Traffic; PLACES],
    pub(crate) connections: Counter,
    pub(crate) polling: Counter,
    pub(crate) websocket: Counter,
    pub(crate) sessions: Counter,
    pub(crate) sockets: Counter,
    pub(crate) upgrades: Counter,
    pub(crate) dropped: Counter,
    pub(crate) handlers: Counter,
}

/// What a server has counted since it began.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// TCP connections that are open, of [`Server::listen`](super::Server::listen).
    pub connections: u64,
    /// Sessions over polling that are open.
    pub polling_sessions: u64,
    /// Sessions over a WebSocket that are open.
    pub websocket_sessions: u64,
    /// Sessions that were ever opened.
    pub sessions_opened: u64,
    /// Sockets that are connected, in all namespaces.
    pub sockets: u64,
    /// Namespaces, with those that were made for clients.
    pub namespaces: u64,
    /// Sessions that moved from polling to a WebSocket.
    pub upgrades: u64,
    /// Events that arrived.
    pub events_received: u64,
    /// Events that were sent: a broadcast counts once for each receiver.
    pub events_sent: u64,
    /// Bytes of WebSockets and of the bodies of requests that arrived.
    pub bytes_received: u64,
    /// Bytes of WebSockets and of the bodies of answers that were sent.
    pub bytes_sent: u64,
    /// Events that were dropped, because they were volatile or their receiver was slow.
    pub events_dropped: u64,
    /// Handlers that wait for something.
    pub handlers: u64,
}

impl Counted {
    /// Where this thread counts.
    pub(crate) fn here(&self) -> &Traffic {
        &self.traffic[PLACE.with(|place| *place)]
    }

    pub(crate) fn read(&self, namespaces: usize) -> Counters {
        let sum = |of: fn(&Traffic) -> &Counter| self.traffic.iter().map(|place| of(place).get()).sum();
        Counters {
            namespaces: namespaces as u64,
            connections: self.connections.get(),
            polling_sessions: self.polling.get(),
            websocket_sessions: self.websocket.get(),
            sessions_opened: self.sessions.get(),
            sockets: self.sockets.get(),
            upgrades: self.upgrades.get(),
            events_received: sum(|place| &place.events_in),
            events_sent: sum(|place| &place.events_out),
            bytes_received: sum(|place| &place.bytes_in),
            bytes_sent: sum(|place| &place.bytes_out),
            events_dropped: self.dropped.get(),
            handlers: self.handlers.get(),
        }
    }
}
