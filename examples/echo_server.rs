//! A WebSocket server that says back each message: `cargo run --release --example echo_server -- --listen 127.0.0.1:9001`.
//!
//! A connection holds 32 KiB, and as much more as a message needs while it is there. With `--compress`, one that has agreed on compression holds 265 KiB
//! more: a window of 40 KiB to unpack in, and 225 KiB to compress with.

use clap::Parser;
use sansocket::{
    deflate::Tier,
    drive::{
        Deadlines, Error, ServerSide, WebSocket,
        tokio::{Clock, Stream},
    },
    ws::{Closed, Compression, Deflater, Growing, Incoming, Limits, Timeouts},
};
use std::{io, process::ExitCode, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tracing::{debug, info, warn};

/// Bytes that a connection receives into, and as many that it sends from.
const MEMORY: usize = 16 * 1024;
/// The least memory for a window of 32 KiB.
const WINDOW: usize = 40 * 1024;

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
    /// Accept compression (permessage-deflate)
    #[arg(long)]
    compress: bool,
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
            Ok((mut stream, from)) => {
                let _ = stream.set_nodelay(true);
                let options = options.clone();
                tokio::spawn(async move {
                    match serve(&mut stream, &options).await {
                        Ok(Closed { code, is_clean: true, .. }) => info!(%from, "closed with {}", code.0),
                        Ok(Closed { code, .. }) => info!(%from, "closed with {}, not cleanly", code.0),
                        Err(e) => info!(%from, "{e}"),
                    }
                    hang_up(stream).await;
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

/// One connection, from its handshake to its end.
async fn serve(stream: &mut TcpStream, options: &Options) -> Result<Closed, Error<io::Error>> {
    let max = options.max_message;
    // As many fragments as 64 MiB have at 64 bytes each, and more for more.
    let fragments = u32::try_from(max / 64).unwrap_or(u32::MAX).max(1 << 16);
    let timeouts = Timeouts::new().ping_interval(options.ping_interval);
    let ws = WebSocket::server(Stream::new(stream), Clock::new(), vec![0; MEMORY], vec![0; MEMORY])
        .with_limits(Limits::new().message(max).frame(max).fragments(fragments))
        .with_deadlines(Deadlines::new().others(timeouts));
    if options.compress {
        let deflater = Deflater::new(Tier::LARGE, vec![0; Tier::LARGE.bytes()]).map_err(Error::Outbox)?;
        echo(ws.with_compression(Compression::new(), vec![0; WINDOW], deflater)).await
    } else {
        echo(ws).await
    }
}

async fn echo<D: ServerSide, S: Growing>(
    mut ws: WebSocket<Stream<&mut TcpStream>, Clock, D, S, Vec<u8>>,
) -> Result<Closed, Error<io::Error>> {
    ws.accept().await?;
    debug!("open");
    while let Some((incoming, reply)) = ws.next_growing(MEMORY).await? {
        if let Incoming::Message(message) = incoming {
            reply.feed_growing(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(ws.reply().closed())
}

/// Ends the transport, a server's first (RFC 6455 section 7.1.1). What still arrives is dropped, or the system would drop what was sent last.
async fn hang_up(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let drain = async { while !matches!(stream.read(&mut [0; 4096]).await, Ok(0) | Err(_)) {} };
    let _ = timeout(Duration::from_secs(1), drain).await;
}
