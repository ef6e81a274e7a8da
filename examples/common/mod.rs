//! What the chat and the server share: their command line, the addresses they listen on, the runtime, and an end that clients are told.

use sansocket::http::Url;
use sansocket_tokio::{
    Compression,
    server::{Config, Policy, Server},
};
use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZero,
    process::ExitCode,
    time::Duration,
};
use tokio::{
    net::{TcpListener, lookup_host},
    runtime::{Builder, Runtime},
};
use tracing::info;

/// What both programs say on their command line.
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
    /// Connections at a time, and sessions.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub max_connections: usize,
    /// Bytes that may wait for one receiver; who reads more slowly is dropped.
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES")]
    pub max_queue: usize,
    /// Compress messages over WebSockets with the clients that offer it (permessage-deflate), those of 1,024 bytes and more
    #[arg(long)]
    pub compress: bool,
    /// Threads that serve; all cores if not given.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZero<usize>>,
    /// What is logged on standard error: error, warn, info, debug.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub log: tracing::Level,
}

/// Milliseconds of the command line.
pub fn millis(n: u32) -> Duration {
    Duration::from_millis(n.into())
}

/// One origin of a list on the command line.
pub fn origin(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        _ if matches!(text, "" | "*") => Ok(text.into()),
        Ok(url) if url.path() == "/" && url.query().is_none() && !text.ends_with('/') => Ok(text.into()),
        _ => Err(format!("'{text}' is no origin; say it as https://example.com")),
    }
}

impl Options {
    /// What the server is told, with the origins whose pages may use it.
    pub fn config(&self, origins: &[String]) -> Config {
        let config = Config::new()
            .ping_interval(millis(self.ping_interval))
            .ping_timeout(millis(self.ping_timeout))
            .upgrade_timeout(millis(self.upgrade_timeout))
            .max_connections(self.max_connections)
            .max_sessions(self.max_connections)
            .queue(self.max_queue, Policy::Close);
        let config = if self.compress { config.compression(Compression::new()) } else { config };
        origins.iter().filter(|origin| !origin.is_empty()).fold(config, |config, origin| match &**origin {
            "*" => config.any_origin(),
            origin => config.origin(origin),
        })
    }

    fn runtime(&self) -> std::io::Result<Runtime> {
        match self.threads.map(NonZero::get) {
            Some(1) => Builder::new_current_thread().enable_all().build(),
            Some(n) => Builder::new_multi_thread().worker_threads(n).enable_all().build(),
            None => Builder::new_multi_thread().enable_all().build(),
        }
    }

    /// Runs a program named `name` to its end. `greeting` is what the line with the addresses begins with.
    pub fn run(self, name: &str, greeting: &str, io: Server) -> ExitCode {
        tracing_subscriber::fmt().with_max_level(self.log).with_writer(std::io::stderr).with_target(false).init();
        let result = match self.runtime() {
            // In a task of its own: the thread that waits for it is none of those that serve.
            Ok(runtime) => {
                let served = runtime.spawn(serve(format!("{name}: {greeting}"), self.listen, io));
                runtime.block_on(served).unwrap_or_else(|error| Err(format!("cannot go on: {error}")))
            }
            Err(error) => Err(format!("cannot start: {error}")),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(sentence) => fail(name, &sentence),
        }
    }
}

/// One sentence, and the exit code for what the user can mend.
pub fn fail(name: &str, sentence: &str) -> ExitCode {
    eprintln!("{name}: {sentence}");
    ExitCode::from(2)
}

async fn serve(greeting: String, address: String, io: Server) -> Result<(), String> {
    let stopped = stop_signal();
    let listeners = listen(&address).await?;
    let addresses = listeners.iter().filter_map(|l| l.local_addr().ok()).map(|a| format!("http://{a}/"));
    println!("{greeting} {}", addresses.collect::<Vec<_>>().join(" or "));
    for listener in listeners {
        let io = io.clone();
        tokio::spawn(async move { io.listen(listener).await });
    }
    stopped.await;
    io.close().await;
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

/// Waits until the program is told to end. The signals are caught from this call on, not from the first wait.
fn stop_signal() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).and_then(|end| Ok((end, signal(SignalKind::interrupt())?)))
    };
    async move {
        #[cfg(unix)]
        if let Ok((mut end, mut interrupt)) = signals {
            tokio::select! { _ = end.recv() => {}, _ = interrupt.recv() => {} }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}
