use super::{
    Client, ConnectError, Events,
    shared::Shared,
    space::{Space, Spaces},
    task::{self, Settings},
};
use crate::{
    Compression,
    net::{Stream, Tls},
    random,
};
use sansocket::{
    endpoint::client::{Config, Failure},
    engineio::Transport,
    http::Url,
    socketio::{Namespace, client::Backoff},
    ws::Limits,
};
use std::{fmt, future::Future, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    sync::mpsc::unbounded_channel,
};

const MIB: usize = 1 << 20;

/// A client that is to be started. From [`Client::builder`].
///
/// Handlers and streams that are added here see all that happens; those that are added to a running client may come too late for what the server sends at once.
///
/// ```no_run
/// use sansocket_tokio::client::{Client, Socket, Transport};
/// use std::time::Duration;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("https://chat.example.org/live?lang=en") // the namespace `/live`
///     .transports([Transport::WebSocket])
///     .header("Origin", "https://example.org")
///     .auth_with(|| async { Ok::<_, std::io::Error>(serde_json::json!({ "token": tokio::fs::read_to_string("token").await? })) })
///     .reconnection_delay_max(Duration::from_secs(30))
///     .on("news", |_: Socket, text: String| println!("{text}"))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "call `connect` or `start`"]
pub struct Builder {
    settings: Settings,
    pub(super) space: Arc<Space>,
    ask_timeout: Option<Duration>,
    backlog_limit: usize,
    events_limit: usize,
}

fn ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

impl Builder {
    pub(super) fn new(url: String) -> Self {
        // A URL that is not valid is told by `start`.
        let name = Config::parse(&url).map_or("/", |config| config.namespace()).to_owned();
        let settings = Settings {
            url,
            path: "/socket.io/".to_owned(),
            query: String::new(),
            fields: Vec::new(),
            transports: vec![Transport::Polling, Transport::WebSocket],
            tls: Tls::default(),
            dial: None,
            backoff: Backoff::new(),
            open_ms: 20_000,
            max_message: 16 * MIB,
            compression: None,
        };
        let space = Arc::new(Space::new(Namespace(0), &name));
        let ask_timeout = Some(Duration::from_secs(30));
        Self { settings, space, ask_timeout, backlog_limit: 16 * MIB, events_limit: 16 * MIB }
    }

    /// The path of the requests. By default `/socket.io/`. The path of the URL is the namespace, as in JavaScript.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.settings.path = path.into();
        self
    }

    /// Adds a pair to the query of each request. The query of the URL goes with each request as well.
    pub fn query(mut self, key: &str, value: &str) -> Self {
        let query = &mut self.settings.query;
        if !query.is_empty() {
            query.push('&');
        }
        percent_encode(key, query);
        query.push('=');
        percent_encode(value, query);
        self
    }

    /// Adds a header field to each request, such as `Cookie`, `Authorization` or `Origin`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.settings.fields.push((name.into(), value.into()));
        self
    }

    /// The transports, in order. By default polling, and then the upgrade to a WebSocket, as in JavaScript. With one of them there is no upgrade. If the
    /// first does not work, the next attempt to connect uses the next one.
    pub fn transports(mut self, transports: impl Into<Vec<Transport>>) -> Self {
        self.settings.transports = transports.into();
        self
    }

    /// Sets the certificates that are accepted for `https` and `wss`. Needs the feature `rustls`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.settings.tls = tls;
        self
    }

    /// Calls `dial` for each connection, instead of TCP and TLS to the host of the URL: for proxies, other sockets, and tests in memory.
    ///
    /// ```
    /// use sansocket_tokio::{client::Client, server::{self, Config, Server}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let io = Server::new(Config::new());
    /// io.on("sum", |_: server::Socket, (a, b): (u32, u32)| a + b);
    /// let client = Client::builder("http://server").dial_with(move || {
    ///     let (near, far) = tokio::io::duplex(4096);
    ///     let io = io.clone();
    ///     tokio::spawn(async move { io.serve(far, None).await });
    ///     async { Ok(near) }
    /// });
    /// let client = client.connect().await?;
    /// assert_eq!(client.ask::<u32>("sum", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn dial_with<F, U, S>(mut self, dial: F) -> Self
    where
        F: Fn() -> U + Send + Sync + 'static,
        U: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.settings.dial = Some(Arc::new(move || {
            let stream = dial();
            Box::pin(async move { Ok(Box::new(stream.await?) as Stream) })
        }));
        self
    }

    /// Whether to connect again when the connection was lost. By default yes.
    pub fn reconnection(mut self, is_wanted: bool) -> Self {
        self.settings.backoff = self.settings.backoff.limit(if is_wanted { u32::MAX } else { 0 });
        self
    }

    /// How often to try before the client gives up. By default for ever.
    pub fn reconnection_attempts(mut self, attempts: u32) -> Self {
        self.settings.backoff = self.settings.backoff.limit(attempts);
        self
    }

    /// The wait before the first attempt to connect again. It doubles with each. By default 1 s.
    pub fn reconnection_delay(mut self, delay: Duration) -> Self {
        self.settings.backoff = self.settings.backoff.delay(ms(delay));
        self
    }

    /// The longest wait between attempts. By default 5 s.
    pub fn reconnection_delay_max(mut self, delay: Duration) -> Self {
        self.settings.backoff = self.settings.backoff.max(ms(delay));
        self
    }

    /// How much of a wait is random, in percent: so clients do not all come at once after an outage. By default 50.
    pub fn jitter(mut self, percent: u8) -> Self {
        self.settings.backoff = self.settings.backoff.randomization(percent);
        self
    }

    /// The time within which an attempt must open a session. By default 20 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.open_ms = ms(timeout);
        self
    }

    /// How long [`ask`](super::Socket::ask) waits for an answer if it is not told otherwise. By default 30 s. `None`: for ever.
    pub fn ask_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.ask_timeout = timeout.into();
        self
    }

    /// How many bytes may wait to be sent, in all namespaces. By default 16 MiB. What is more is refused ([`EmitError::Full`](crate::EmitError::Full)).
    pub fn backlog_limit(mut self, bytes: usize) -> Self {
        self.backlog_limit = bytes;
        self
    }

    /// How many bytes of events that nobody has taken a stream ([`Socket::events`](super::Socket::events)) keeps; what is more is dropped and counted
    /// ([`Event::Missed`](super::Event::Missed)). And how many bytes of events wait when 1,024 async handlers have not finished; beyond that nothing is
    /// read. By default 16 MiB each.
    pub fn events_limit(mut self, bytes: usize) -> Self {
        self.events_limit = bytes;
        self
    }

    /// The largest message that the server may send, in bytes, and the most that its attachments may have together. By default 16 MiB. What is larger
    /// ends the connection.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.settings.max_message = bytes;
        self
    }

    /// Offers compression of messages over the WebSocket (permessage-deflate), also when a session over polling moves there. Without any call it is not
    /// offered. See [`Compression`] for what it costs, and [`Socket::compress`](super::Socket::compress) for events that are left out.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.compression = Some(compression);
        self
    }

    /// What will happen, from the beginning, as a stream. As [`Socket::events`](super::Socket::events). Call it after [`events_limit`](Self::events_limit).
    #[must_use]
    pub fn events(&self) -> Events {
        self.space.handlers.events(self.events_limit)
    }

    /// Starts the client, which connects in the background, and again and again if that fails.
    ///
    /// # Errors
    /// [`ConnectError`]: the URL or the credentials are not valid, or there is no Tokio runtime.
    pub fn start(self) -> Result<Client, ConnectError> {
        let Self { settings, space, ask_timeout, backlog_limit, events_limit } = self;
        Url::parse(&settings.url).map_err(ConnectError::Url)?;
        space.check()?;
        let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        random::check().map_err(|error| ConnectError::Random(Arc::new(error)))?;
        let (sender, commands) = unbounded_channel();
        let spaces = Spaces::new(Arc::clone(&space));
        let shared = Arc::new(Shared::new(spaces, sender, backlog_limit, events_limit, ask_timeout));
        runtime.spawn(task::run(settings, task::Finish(Arc::clone(&shared)), commands));
        let client = Client::new(shared, space);
        client.connect();
        Ok(client)
    }

    /// Starts the client and waits until it is connected.
    ///
    /// # Errors
    /// [`ConnectError`], also if the server cannot be reached now, on none of the transports. Then the client is gone. Use [`start`](Self::start) for one that
    /// tries on.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let transports = u32::try_from(self.settings.transports.len()).unwrap_or(u32::MAX).max(1);
        let client = self.start()?;
        let mut left = transports;
        loop {
            match client.outcome(1).await {
                Ok(()) => return Ok(client),
                // Another transport may work where this one does not.
                Err(ConnectError::Failed(failure)) if left > 1 && failure != Failure::Unreachable => left -= 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("namespace", &self.space.name).finish_non_exhaustive()
    }
}

impl Settings {
    /// The limits of what the server may send.
    pub(super) fn limits(&self) -> Limits {
        let max = u64::try_from(self.max_message).unwrap_or(u64::MAX);
        Limits::new().message(max).frame(max)
    }
}

/// Writes what RFC 3986 calls unreserved as it is.
fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
