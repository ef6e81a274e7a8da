//! What the chat and the server share: sockets on Tokio around this crate's machines. One thread, one task a connection.
//!
//! `wire.rs` reads and writes sockets, `requests.rs` answers what comes before a WebSocket, `socket.rs` carries a session over one, `session.rs` has
//! the composed machine of a session, its memory, and the application on it.

mod requests;
mod session;
mod socket;
mod wire;

use session::Session;
pub use session::{Link, Peer, sid};

use sansocket::{
    endpoint::Batch,
    engineio::{self, Sid},
    http::Url,
    socketio::{self, Attachments, Namespaces, Reason, server::Event},
    time::Instant,
    ws,
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    rc::Rc,
    time::Duration,
};
use tokio::net::{TcpListener, lookup_host};
use tracing::{info, warn};

/// What an application is made of.
pub trait App: Sized + 'static {
    /// The namespaces that it has.
    type Names: Namespaces + Clone;
    /// What it knows of one connection.
    type Guest: Default;

    fn names(&self) -> Self::Names;

    /// The program begins to serve.
    fn start(_host: &Rc<Host<Self>>) {}

    /// The page at `path`, with its type.
    fn page(&self, path: &[u8]) -> Option<(&'static [u8], &'static str)>;

    /// Something happened on a connection: everything but its end.
    fn react(&self, link: &mut Link<'_, Self>, event: Event<'_>, attachments: Attachments<'_>);

    /// A connection is over, and with it all namespaces that it was in.
    fn closed(&self, link: &mut Link<'_, Self>, reason: Reason);
}

/// What every program says on its command line.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Address to listen on; `localhost` is both loopback addresses.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: String,
    /// Milliseconds between two heartbeats.
    #[arg(long, default_value_t = 25_000, value_name = "MS")]
    pub ping_interval: u32,
    /// Milliseconds that the answer to a heartbeat may take.
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    pub ping_timeout: u32,
    /// Milliseconds that a move from polling to a WebSocket may take.
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    pub upgrade_timeout: u32,
    /// Connections at a time, and sessions over polling.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub max_connections: usize,
    /// Bytes that may wait for one receiver; who reads more slowly is dropped.
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES")]
    pub max_queue: usize,
    /// What is logged on standard error: error, warn, info, debug.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub log: tracing::Level,
}

/// What the machines are told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the line with the addresses begins with.
    pub greeting: &'static str,
    /// Where Socket.IO is, with its slash at the end.
    pub path: String,
    /// Where Engine.IO itself is, which sends every message back.
    pub echo_path: Option<&'static str>,
    /// Pages of which origins may use polling; `*` is all.
    pub cors: Vec<String>,
    /// The name of a cookie that a session gives its client, for balancers.
    pub cookie: Option<String>,
    /// Milliseconds for a request, and for a client to join a namespace.
    pub handshake_timeout: u64,
    pub connect_timeout: u64,
    /// Bytes of one message of a client.
    pub max_payload: u32,
}

/// One origin of a list on the command line.
pub fn origin(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        _ if matches!(text, "" | "*") => Ok(text.into()),
        Ok(url) if url.path() == "/" && url.query().is_none() && !text.ends_with('/') => Ok(text.into()),
        _ => Err(format!("'{text}' is no origin; say it as https://example.com")),
    }
}

/// All that the connections share.
pub struct Host<A: App> {
    pub app: A,
    pub config: Config,
    options: Options,
    clock: Clock,
    connections: Cell<usize>,
    /// Those that began over polling, by their ids.
    sessions: RefCell<HashMap<Sid, Rc<Session<A>>>>,
    /// Memory that sockets are read into, lent to whoever has bytes in hand; and what is answered in a turn.
    read_buffer: RefCell<Vec<u8>>,
    batch: RefCell<Batch<Vec<u8>>>,
}

impl<A: App> Host<A> {
    fn engine(&self) -> engineio::server::Config {
        engineio::server::Config::new()
            .ping_interval(self.options.ping_interval)
            .ping_timeout(self.options.ping_timeout)
            .max_payload(self.config.max_payload)
            .upgrade_timeout(self.options.upgrade_timeout)
    }

    /// What a WebSocket may send.
    fn frames(&self) -> ws::Limits {
        let max = u64::from(self.config.max_payload);
        ws::Limits::new().message(max).frame(max)
    }

    fn limits(&self) -> socketio::server::Limits {
        let attachments = self.config.max_payload.saturating_mul(u32::from(socketio::MAX_ATTACHMENTS));
        socketio::server::Limits::new().attachment_bytes(attachments)
    }
}

/// The time, as the machines know it and as Tokio does.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Clock {
    pub fn now(self) -> Instant {
        Instant::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn at(self, instant: Instant) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0 + Duration::from_millis(instant.as_millis()))
    }

    /// Sleeps, for ever if there is no deadline.
    async fn sleep(self, until: Option<Instant>) {
        match until {
            Some(until) => tokio::time::sleep_until(self.at(until)).await,
            None => std::future::pending().await,
        }
    }
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// Runs a program named `name` to its end.
pub fn run<A: App>(name: &str, options: Options, config: Config, app: A) -> ExitCode {
    tracing_subscriber::fmt().with_max_level(options.log).with_writer(std::io::stderr).with_target(false).init();
    let result = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => tokio::task::LocalSet::new().block_on(&runtime, serve(name, options, config, app)),
        Err(e) => Err(format!("cannot start: {e}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(name, &sentence),
    }
}

/// One sentence, and the exit code for what the user can mend.
pub fn fail(name: &str, sentence: &str) -> ExitCode {
    eprintln!("{name}: {sentence}");
    ExitCode::from(2)
}

async fn serve<A: App>(name: &str, options: Options, config: Config, app: A) -> Result<(), String> {
    let listeners = listen(&options.listen).await?;
    let addresses = listeners.iter().filter_map(|l| l.local_addr().ok()).map(|a| format!("http://{a}/"));
    println!("{name}: {} {}", config.greeting, addresses.collect::<Vec<_>>().join(" or "));
    let host = Rc::new(Host {
        app,
        config,
        options,
        clock: Clock(std::time::Instant::now()),
        connections: Cell::new(0),
        sessions: RefCell::default(),
        read_buffer: RefCell::new(vec![0; 64 * 1024]),
        batch: RefCell::new(Batch::new(vec![0; 4096])),
    });
    App::start(&host);
    for listener in listeners {
        tokio::task::spawn_local(accept(listener, host.clone()));
    }
    stop_signal().await;
    info!("stopped");
    Ok(())
}

/// The address, or both of `localhost`; the port that the system chose for the first is that of the second.
async fn listen(address: &str) -> Result<Vec<TcpListener>, String> {
    let no_address = || format!("'{address}' is no address; say it as 127.0.0.1:3000");
    let found: Vec<SocketAddr> = match address.strip_prefix("localhost:") {
        // Both, whatever the machine's table of names says.
        Some(port) => {
            let port = port.parse().map_err(|_| no_address())?;
            vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
        }
        None => lookup_host(address).await.map_err(|_| no_address())?.take(1).collect(),
    };
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut trouble = no_address();
    for mut address in found {
        if let Some(Ok(first)) = listeners.first().map(TcpListener::local_addr) {
            address.set_port(first.port());
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 has no such address.
            Err(e) if e.kind() == std::io::ErrorKind::AddrNotAvailable => {
                trouble = format!("cannot listen on {address}: {e}")
            }
            Err(e) => return Err(format!("cannot listen on {address}: {e}")),
        }
    }
    if listeners.is_empty() { Err(trouble) } else { Ok(listeners) }
}

async fn accept<A: App>(listener: TcpListener, host: Rc<Host<A>>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let _ = stream.set_nodelay(true);
                if host.options.max_connections <= host.connections.get() {
                    warn!(%from, "refused: too many connections");
                    let busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    let _ = stream.try_write(busy);
                    continue;
                }
                host.connections.set(host.connections.get() + 1);
                let host = host.clone();
                tokio::task::spawn_local(async move {
                    requests::run(&host, stream, from).await;
                    host.connections.set(host.connections.get() - 1);
                });
            }
            Err(e) => {
                // Out of file descriptors, mostly: let some close.
                warn!("cannot accept: {e}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
