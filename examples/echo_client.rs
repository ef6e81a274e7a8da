//! A WebSocket client that says back each message. Against Autobahn's fuzzing server it runs every case:
//! `cargo run --release --example echo_client -- --url ws://127.0.0.1:9001 --agent sansocket`.

use clap::Parser;
use sansocket::{
    deflate::Tier,
    drive::{
        AsClient, ClientSide, Deadlines, Error, WebSocket,
        tokio::{Clock, Stream},
    },
    http::Url,
    ws::{Compression, Deflater, Growing, Incoming, Limits, Timeouts},
};
use std::{io, process::ExitCode, time::Duration};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

/// Bytes that a connection receives into, and as many that it sends from, between large messages.
const MEMORY: usize = 16 * 1024;
/// The least memory for a window of 32 KiB.
const WINDOW: usize = 40 * 1024;

/// A WebSocket client that runs the cases of Autobahn's fuzzing server: getCaseCount, runCase, updateReports.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where the server is.
    #[arg(long, default_value = "ws://127.0.0.1:9001", value_name = "URL")]
    url: String,
    /// The name that stands in the report.
    #[arg(long, default_value = "sansocket", value_name = "NAME")]
    agent: String,
    /// Bytes of one message.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    max_message: u64,
    /// Offer compression (permessage-deflate).
    #[arg(long)]
    compress: bool,
}

/// A connection, as a side `D` that receives into `S`.
type Client<D = AsClient<fn(&mut [u8])>, S = Vec<u8>> = WebSocket<Stream<TcpStream>, Clock, D, S, Vec<u8>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let result = if options.compress {
        let deflater = || Deflater::new(Tier::LARGE, vec![0; Tier::LARGE.bytes()]).expect("as many bytes as it needs");
        run(&options, |ws| ws.with_compression(Compression::new(), vec![0; WINDOW], deflater())).await
    } else {
        run(&options, |ws| ws).await
    };
    match result {
        Ok(cases) => {
            println!("echo_client: {cases} cases");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("echo_client: {why}");
            ExitCode::from(2)
        }
    }
}

/// `with` adds to a connection before its handshake.
async fn run<D: ClientSide, S: Growing>(
    options: &Options,
    with: impl Fn(Client) -> Client<D, S>,
) -> Result<u32, String> {
    let base = options.url.trim_end_matches('/');
    let agent = encode(&options.agent);
    let mut ws = open(&format!("{base}/getCaseCount"), options, &with).await?;
    let cases = match ws.next().await {
        Ok(Some((Incoming::Message(message), _))) => {
            let text = String::from_utf8_lossy(message.as_bytes());
            text.parse().map_err(|_| format!("'{text}' is no number of cases"))?
        }
        Ok(_) => return Err("the server closed before it said how many cases there are".into()),
        Err(e) => return Err(e.to_string()),
    };
    // A server may serve one connection at a time.
    let _ = echo(&mut ws).await;
    hang_up(ws).await;
    for case in 1..=cases {
        let mut ws = open(&format!("{base}/runCase?case={case}&agent={agent}"), options, &with).await?;
        // How a case ends is the server's to judge.
        let _ = echo(&mut ws).await;
        hang_up(ws).await;
    }
    let mut ws = open(&format!("{base}/updateReports?agent={agent}"), options, &with).await?;
    let _ = echo(&mut ws).await;
    Ok(cases)
}

/// Sends back what comes, until the end.
async fn echo<D: ClientSide, S: Growing>(ws: &mut Client<D, S>) -> Result<(), Error<io::Error>> {
    while let Some((incoming, reply)) = ws.next_growing(MEMORY).await? {
        if let Incoming::Message(message) = incoming {
            reply.feed_growing(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(())
}

/// Connects and shakes hands.
async fn open<D: ClientSide, S: Growing>(
    url: &str,
    options: &Options,
    with: impl Fn(Client) -> Client<D, S>,
) -> Result<Client<D, S>, String> {
    let url = Url::parse(url).map_err(|e| format!("'{url}': {e}"))?;
    if url.scheme().is_secure() {
        return Err("this example has no TLS: say ws://".into());
    }
    let cannot = |e: String| format!("cannot connect to {}: {e}", url.authority());
    let stream = match timeout(Duration::from_secs(10), TcpStream::connect((url.host(), url.port()))).await {
        Ok(stream) => stream.map_err(|e| cannot(e.to_string()))?,
        Err(_) => return Err(cannot("no answer".into())),
    };
    let _ = stream.set_nodelay(true);
    let max = options.max_message;
    let fragments = u32::try_from(max / 64).unwrap_or(u32::MAX).max(1 << 16);
    let random: fn(&mut [u8]) = |bytes| getrandom::fill(bytes).expect("the system has randomness");
    let ws = WebSocket::client(Stream::new(stream), Clock::new(), random, vec![0; MEMORY], vec![0; MEMORY])
        .with_limits(Limits::new().message(max).frame(max).fragments(fragments))
        .with_deadlines(Deadlines::new().others(Timeouts::new()));
    let mut ws = with(ws);
    ws.connect(&url).await.map_err(|e| cannot(e.to_string()))?;
    Ok(ws)
}

/// The server ends the transport first (RFC 6455 section 7.1.1). What still arrives is dropped, or the system would drop what was sent last.
async fn hang_up<D: ClientSide, S: Growing>(mut ws: Client<D, S>) {
    let stream = ws.reply().transport().get_mut();
    let drain = async { while !matches!(stream.read(&mut [0; 4096]).await, Ok(0) | Err(_)) {} };
    let _ = timeout(Duration::from_secs(1), drain).await;
}

/// Percent-encodes what a query may not hold.
fn encode(text: &str) -> String {
    let encode = |b: u8| match b {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(encode).collect()
}
