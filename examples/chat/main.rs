//! A chat room in the browser: `cargo run --release --example chat`, then open the address that it prints.
//!
//! One thread, one task a connection. `connection.rs` is the loop of a Socket.IO server over this crate's machines, `hub.rs` the room,
//! `peer.rs` what waits to be written, `web.rs` the page and the handshake.

mod connection;
mod hub;
mod peer;
mod web;

use clap::Parser;
use hub::Hub;
use std::{process::ExitCode, rc::Rc, time::Duration};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tracing::{info, warn};

/// A chat room in the browser, over Socket.IO.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    listen: String,
    /// Milliseconds between two heartbeats.
    #[arg(long, default_value_t = 25_000, value_name = "MS")]
    ping_interval: u32,
    /// Milliseconds that the answer to a heartbeat may take.
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    ping_timeout: u32,
    /// Milliseconds for a request, and then for the client to join.
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    handshake_timeout: u64,
    /// Connections at a time.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    max_connections: usize,
    /// Messages that newcomers are shown.
    #[arg(long, default_value_t = 100, value_name = "N")]
    history: usize,
    /// Bytes that may wait for one receiver; who reads more slowly is dropped.
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES")]
    max_queue: usize,
    /// What is logged on standard error: error, warn, info, debug.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    log: tracing::Level,
}

fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt().with_max_level(options.log).with_writer(std::io::stderr).with_target(false).init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("cannot start: {e}")),
    };
    tokio::task::LocalSet::new().block_on(&runtime, serve(options))
}

/// One sentence, and the exit code for what the user can mend.
fn fail(sentence: &str) -> ExitCode {
    eprintln!("chat: {sentence}");
    ExitCode::from(2)
}

async fn serve(options: Options) -> ExitCode {
    let address = match lookup_host(&options.listen).await.map(|mut found| found.next()) {
        Ok(Some(address)) => address,
        _ => return fail(&format!("'{}' is no address; say it as 127.0.0.1:3000", options.listen)),
    };
    let (listener, address) = match TcpListener::bind(address).await.and_then(|l| l.local_addr().map(|a| (l, a))) {
        Ok(bound) => bound,
        Err(e) => return fail(&format!("cannot listen on {address}: {e}")),
    };
    println!("chat: open http://{address}/ in a browser");
    let hub = Rc::new(Hub::new(options));
    tokio::task::spawn_local(Hub::announce(hub.clone()));
    tokio::task::spawn_local(Hub::flush(hub.clone()));
    tokio::select! {
        () = accept(&listener, &hub) => {}
        () = stop_signal() => info!("stopped"),
    }
    ExitCode::SUCCESS
}

async fn accept(listener: &TcpListener, hub: &Rc<Hub>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let _ = stream.set_nodelay(true);
                if hub.options.max_connections <= hub.connections.get() {
                    warn!(%from, "refused: too many connections");
                    refuse(&stream);
                    continue;
                }
                hub.connections.set(hub.connections.get() + 1);
                let hub = hub.clone();
                tokio::task::spawn_local(async move {
                    connection::run(&hub, stream, from).await;
                    hub.connections.set(hub.connections.get() - 1);
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

fn refuse(stream: &TcpStream) {
    let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
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
