use crate::Compression;
use sansocket::{
    engineio::{self, server::Origins},
    socketio::{self, Policy},
    ws,
};
use std::time::Duration;

/// How a server behaves. Every value has a default.
///
/// ```
/// use sansocket_tokio::server::{Config, Server};
/// use std::time::Duration;
///
/// let config = Config::new().path("/realtime").ping_interval(Duration::from_secs(10)).origin("https://example.com");
/// let io = Server::new(config);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) path: String,
    pub(crate) engine_path: Option<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) is_any_origin: bool,
    pub(crate) has_credentials: bool,
    pub(crate) cookie: Option<String>,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) upgrade_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) ask_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) max_payload: u32,
    pub(crate) max_attachments: u8,
    pub(crate) max_attachment_bytes: Option<u32>,
    pub(crate) max_connections: usize,
    pub(crate) max_sessions: usize,
    pub(crate) max_queue: usize,
    pub(crate) policy: Policy,
    pub(crate) max_handlers: usize,
    pub(crate) max_asks: u16,
    pub(crate) max_rooms: usize,
    pub(crate) max_room_name: usize,
    pub(crate) max_namespaces: u8,
    pub(crate) max_dynamic_namespaces: usize,
    pub(crate) compression: Option<Compression>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// A span of time as the machines take it, in milliseconds.
pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

impl Config {
    /// The defaults, which are those of the JavaScript server where it has them.
    #[must_use]
    pub fn new() -> Self {
        Self {
            path: "/socket.io/".into(),
            engine_path: None,
            origins: Vec::new(),
            is_any_origin: false,
            has_credentials: false,
            cookie: None,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(45),
            request_timeout: Duration::from_secs(10),
            ask_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            max_payload: 1_000_000,
            max_attachments: socketio::MAX_ATTACHMENTS,
            max_attachment_bytes: None,
            max_connections: 100_000,
            max_sessions: 100_000,
            max_queue: 1 << 20,
            policy: Policy::Close,
            max_handlers: 256,
            max_asks: 1024,
            max_rooms: 1000,
            max_room_name: 256,
            max_namespaces: 8,
            max_dynamic_namespaces: 1000,
            compression: None,
        }
    }

    /// The path of the server, `/socket.io/` if not set. A slash at its end does not matter.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = normal(path);
        self
    }

    /// Offers Engine.IO itself at this path too, without Socket.IO: see [`Server::on_engine_message`](super::Server::on_engine_message).
    #[must_use]
    pub fn engine_path(mut self, path: &str) -> Self {
        self.engine_path = Some(normal(path));
        self
    }

    /// Compresses the messages of WebSockets with the clients that offer it (permessage-deflate): `perMessageDeflate` of the JavaScript server. Without any
    /// call nothing is compressed, as there: see [`Compression`] for what it costs. [`Socket::compress`](super::Socket::compress) and the like leave out
    /// single events. Whatever the connection comes from, the server negotiates: its own listener, hyper, axum; for WebSockets from elsewhere see
    /// [`Server::upgraded_with`](super::Server::upgraded_with).
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Lets pages of this origin, such as `https://example.com`, use the server: their requests are answered with the fields of CORS, and their
    /// WebSockets are accepted. Without any call only pages of the server's own origin may use it. Clients that are not browsers send no origin, and may.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Lets pages of any origin use the server. Do not combine it with cookies that stand for a user.
    #[must_use]
    pub fn any_origin(mut self) -> Self {
        self.is_any_origin = true;
        self
    }

    /// Lets the pages of [`origin`](Self::origin) send cookies and other credentials.
    #[must_use]
    pub fn credentials(mut self) -> Self {
        self.has_credentials = true;
        self
    }

    /// Gives each client a cookie of this name, by which a load balancer can keep it on one server.
    #[must_use]
    pub fn cookie(mut self, name: &str) -> Self {
        self.cookie = Some(name.into());
        self
    }

    /// The time between two heartbeats: 25 s if not set.
    #[must_use]
    pub fn ping_interval(mut self, time: Duration) -> Self {
        self.ping_interval = time;
        self
    }

    /// The time that the answer to a heartbeat, and every write to a WebSocket, may take: 20 s if not set. An answer to a request of the server's own HTTP
    /// may take 10 s.
    #[must_use]
    pub fn ping_timeout(mut self, time: Duration) -> Self {
        self.ping_timeout = time;
        self
    }

    /// The time that a client may take to move from polling to a WebSocket: 10 s if not set.
    #[must_use]
    pub fn upgrade_timeout(mut self, time: Duration) -> Self {
        self.upgrade_timeout = time;
        self
    }

    /// The time that a client has to join a namespace: 45 s if not set.
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// The time that a request, with its body, may take to arrive: 10 s if not set.
    #[must_use]
    pub fn request_timeout(mut self, time: Duration) -> Self {
        self.request_timeout = time;
        self
    }

    /// The time that a client has to acknowledge what it is asked, if the question has no time of its own: 30 s if not set.
    #[must_use]
    pub fn ask_timeout(mut self, time: Duration) -> Self {
        self.ask_timeout = time;
        self
    }

    /// The time that [`Server::close`](super::Server::close) waits for clients to take what waits for them: 5 s if not set.
    #[must_use]
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.close_timeout = time;
        self
    }

    /// The bytes of one message of a client: 1,000,000 if not set.
    #[must_use]
    pub fn max_payload(mut self, bytes: u32) -> Self {
        self.max_payload = bytes;
        self
    }

    /// The attachments of one packet of a client, at most 64, and their bytes together: 10, and 10 times [`max_payload`](Self::max_payload), if not set.
    #[must_use]
    pub fn max_attachments(mut self, number: u8, bytes: u32) -> Self {
        self.max_attachments = number;
        self.max_attachment_bytes = Some(bytes);
        self
    }

    /// The TCP connections at a time, for [`Server::listen`](super::Server::listen): 100,000 if not set. Further ones are answered with status 503.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// The sessions at a time: 100,000 if not set. Further clients are answered with status 503.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions;
        self
    }

    /// The bytes that may wait for one client, and what happens when it is more: 1 MiB and [`Policy::Close`] if not set. Broadcasts share their memory
    /// between their receivers.
    #[must_use]
    pub fn queue(mut self, bytes: usize, policy: Policy) -> Self {
        self.max_queue = bytes;
        self.policy = policy;
        self
    }

    /// The handlers of one client that may wait for something at a time: 256 if not set. While there are more, nothing is read from that client.
    #[must_use]
    pub fn max_handlers(mut self, handlers: usize) -> Self {
        self.max_handlers = handlers.max(1);
        self
    }

    /// The acknowledgements that may be awaited from one client at a time: 1,024 if not set.
    #[must_use]
    pub fn max_asks(mut self, asks: u16) -> Self {
        self.max_asks = asks;
        self
    }

    /// The rooms that one socket may be in, and the bytes of a room's name: 1,000 and 256 if not set.
    #[must_use]
    pub fn max_rooms(mut self, rooms: usize, name_bytes: usize) -> Self {
        self.max_rooms = rooms;
        self.max_room_name = name_bytes;
        self
    }

    /// The namespaces that one client may join, at most 8: 8 if not set.
    #[must_use]
    pub fn max_namespaces(mut self, namespaces: u8) -> Self {
        self.max_namespaces = namespaces;
        self
    }

    /// The namespaces that [`Server::of_matching`](super::Server::of_matching) may make for the names that clients ask for, at a time: 1,000 if not set.
    #[must_use]
    pub fn max_dynamic_namespaces(mut self, namespaces: usize) -> Self {
        self.max_dynamic_namespaces = namespaces;
        self
    }

    pub(crate) fn engine(&self) -> engineio::server::Config {
        engineio::server::Config::new()
            .ping_interval(millis(self.ping_interval))
            .ping_timeout(millis(self.ping_timeout))
            .max_payload(self.max_payload)
            .upgrade_timeout(millis(self.upgrade_timeout))
    }

    /// What a WebSocket may send.
    pub(crate) fn frames(&self) -> ws::Limits {
        let max = u64::from(self.max_payload);
        ws::Limits::new().message(max).frame(max)
    }

    pub(crate) fn limits(&self) -> socketio::server::Limits {
        let bytes = self.max_payload.saturating_mul(u32::from(self.max_attachments));
        socketio::server::Limits::new()
            .attachments(self.max_attachments)
            .attachment_bytes(self.max_attachment_bytes.unwrap_or(bytes))
            .namespaces(self.max_namespaces)
            .acks(self.max_asks)
    }

    /// Calls `act` with whose pages may use the server.
    pub(crate) fn with_origins<R>(&self, act: impl FnOnce(Origins<'_>) -> R) -> R {
        let list: Vec<&str> = self.origins.iter().map(String::as_str).collect();
        act(match &list[..] {
            _ if self.is_any_origin => Origins::Any,
            [] => Origins::Own,
            list => Origins::List(list),
        })
    }
}

/// The time after `time` from now, or one that nobody sees.
pub(crate) fn after(time: Duration) -> tokio::time::Instant {
    let now = tokio::time::Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365))
}

/// A path with one slash at either end.
fn normal(path: &str) -> String {
    match path.trim_matches('/') {
        "" => "/".into(),
        path => format!("/{path}/"),
    }
}
