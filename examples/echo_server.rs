//! A WebSocket server that says back each message: `cargo run --release --example echo_server -- --listen 127.0.0.1:9001`.
//!
//! `echo/mod.rs` is the loop over one connection. A connection holds 32 KiB, and as much more as a message needs while it is there.

#[path = "echo/mod.rs"]
mod echo;

use clap::Parser;
use sansocket::{
    http::{HeadError, HeadScanner, Request, Response},
    ws::{Accept, Connection, Inbox, Limits, NoKeys, Timeouts, refuse},
};
use std::{process::ExitCode, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tracing::{debug, info, warn};

/// A WebSocket server that says back each message.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:9001", value_name = "ADDRESS")]
    listen: String,
    /// Bytes of one message.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    max_message: u64,
    /// Milliseconds between two pings; 0 for none.
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    ping_interval: u32,
    /// What is logged on standard error: error, warn, info, debug.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    log: tracing::Level,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt().with_max_level(options.log).with_writer(std::io::stderr).with_target(false).init();
    let listener = match TcpListener::bind(&options.listen).await {
        Ok(listener) => listener,
        Err(e) => {
            eprintln!("echo_server: cannot listen on '{}': {e}", options.listen);
            return ExitCode::from(2);
        }
    };
    if let Ok(address) = listener.local_addr() {
        println!("echo_server: listening on ws://{address}/");
    }
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let _ = stream.set_nodelay(true);
                let options = options.clone();
                tokio::spawn(async move {
                    let end = serve(stream, &options).await;
                    info!(%from, "{end}");
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

/// One connection, from its handshake to its end, which is told in a sentence.
async fn serve(mut stream: TcpStream, options: &Options) -> String {
    let mut inbox = Inbox::new(vec![0; echo::MEMORY]);
    match timeout(Duration::from_secs(10), open(&mut stream, &mut inbox)).await {
        Ok(Ok(())) => debug!("open"),
        Ok(Err(why)) => {
            echo::hang_up(stream, true).await;
            return why;
        }
        Err(_) => return "no request in time".into(),
    }
    // As many fragments as 64 MiB have at 64 bytes each, and more for more.
    let fragments = u32::try_from(options.max_message / 64).unwrap_or(u32::MAX).max(1 << 16);
    let limits = Limits::new().message(options.max_message).frame(options.max_message).fragments(fragments);
    let mut ws = Connection::server(limits);
    let timeouts = Timeouts::new().ping_interval(options.ping_interval);
    let end = match echo::echo(&mut stream, &mut ws, NoKeys, &mut inbox, timeouts).await {
        Ok(closed) => format!("closed with {}{}", closed.code.0, if closed.is_clean { "" } else { ", not cleanly" }),
        Err(e) => format!("transport error: {e}"),
    };
    echo::hang_up(stream, true).await;
    end
}

/// The handshake. What comes behind the request stays in the inbox.
async fn open(stream: &mut TcpStream, inbox: &mut Inbox<Vec<u8>>) -> Result<(), String> {
    let mut head = HeadScanner::new(Default::default());
    let n = loop {
        match head.scan(inbox.bytes()) {
            Ok(Some(n)) => break n,
            Ok(None) => {}
            Err(e) => return Err(refuse_head(stream, e).await),
        }
        let space = inbox.space().map_err(|e| e.to_string())?;
        match stream.read(space).await.map_err(|e| format!("transport error: {e}"))? {
            0 => return Err("gone before its request".into()),
            n => inbox.commit(n),
        }
    };
    let mut tx = [0; 512];
    let (n_out, result) = match Request::parse(&inbox.bytes()[..n]) {
        Err(e) => return Err(refuse_head(stream, e).await),
        Ok(request) => match Accept::check(&request) {
            Ok(accept) => (accept.write(&[], &mut tx).unwrap_or(0), Ok(())),
            Err(e) => (refuse(e, &mut tx).unwrap_or(0), Err(e.to_string())),
        },
    };
    stream.write_all(&tx[..n_out]).await.map_err(|e| format!("transport error: {e}"))?;
    inbox.consume(n);
    result
}

async fn refuse_head(stream: &mut TcpStream, error: HeadError) -> String {
    let why = error.to_string();
    let fields: [(&str, &[u8]); 2] = [("Content-Type", b"text/plain; charset=utf-8"), ("Connection", b"close")];
    let mut tx = [0; 512];
    let response = Response { status: error.status(), fields: &fields, body: why.as_bytes() };
    let n = response.write(&mut tx).unwrap_or(0);
    let _ = stream.write_all(&tx[..n]).await;
    why
}
