//! A WebSocket client that says back each message. Against Autobahn's fuzzing server it runs every case:
//! `cargo run --release --example echo_client -- --url ws://127.0.0.1:9001 --agent sansocket`.

#[path = "echo/mod.rs"]
mod echo;

use clap::Parser;
use sansocket::{
    http::{HeadScanner, ResponseHead, Url},
    ws::{Client, Connect, Connection, Inbox, Incoming, Limits, MaskSource, ReceiveError, Timeouts},
};
use std::{process::ExitCode, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

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
}

/// Masking keys from the system's randomness, 1,024 at a time.
struct Keys {
    bytes: [u8; 4096],
    used: usize,
}

impl Keys {
    fn new() -> Self {
        Self { bytes: [0; 4096], used: 4096 }
    }
}

impl MaskSource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        if self.used == self.bytes.len() {
            getrandom::fill(&mut self.bytes).expect("the system has randomness");
            self.used = 0;
        }
        self.used += 4;
        self.bytes[self.used - 4..self.used].try_into().expect("four bytes")
    }
}

/// An open connection.
struct Link {
    stream: TcpStream,
    ws: Connection<Client>,
    inbox: Inbox<Vec<u8>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
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

async fn run(options: &Options) -> Result<u32, String> {
    let base = options.url.trim_end_matches('/');
    let agent = encode(&options.agent);
    let cases = case_count(&format!("{base}/getCaseCount"), options).await?;
    for case in 1..=cases {
        let mut link = open(&format!("{base}/runCase?case={case}&agent={agent}"), options).await?;
        // How a case ends is the server's to judge.
        let _ = echo::echo(&mut link.stream, &mut link.ws, Keys::new(), &mut link.inbox, Timeouts::new()).await;
        echo::hang_up(link.stream, false).await;
    }
    let mut link = open(&format!("{base}/updateReports?agent={agent}"), options).await?;
    let _ = echo::echo(&mut link.stream, &mut link.ws, Keys::new(), &mut link.inbox, Timeouts::new()).await;
    Ok(cases)
}

/// The number that the server says in one message.
async fn case_count(url: &str, options: &Options) -> Result<u32, String> {
    let Link { mut stream, mut ws, mut inbox } = open(url, options).await?;
    loop {
        match inbox.poll_message(&mut ws) {
            Ok(Some(Incoming::Message(message))) => {
                let text = std::str::from_utf8(message.as_bytes()).unwrap_or_default();
                return text.parse().map_err(|_| format!("'{text}' is no number of cases"));
            }
            Ok(Some(_)) => continue,
            Ok(None) => {}
            Err(ReceiveError::Peer(e)) => return Err(e.to_string()),
            Err(e) => return Err(e.to_string()),
        }
        let space = inbox.space().map_err(|e| e.to_string())?;
        match stream.read(space).await.map_err(|e| e.to_string())? {
            0 => return Err("the server closed before it said how many cases there are".into()),
            n => inbox.commit(n),
        }
    }
}

/// Connects and shakes hands. What comes behind the answer stays in the inbox.
async fn open(url: &str, options: &Options) -> Result<Link, String> {
    let url = Url::parse(url).map_err(|e| format!("'{url}': {e}"))?;
    if url.scheme().is_secure() {
        return Err("this example has no TLS: say ws://".into());
    }
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|e| e.to_string())?;
    let connect = Connect::for_url(&url, nonce);
    let stream = TcpStream::connect((url.host(), url.port()));
    let cannot = |e: String| format!("cannot connect to {}: {e}", url.authority());
    let mut stream = match timeout(Duration::from_secs(10), stream).await {
        Ok(stream) => stream.map_err(|e| cannot(e.to_string()))?,
        Err(_) => return Err(cannot("no answer".into())),
    };
    let _ = stream.set_nodelay(true);
    let mut tx = [0; 2048];
    let n = connect.write(&mut tx).map_err(|e| e.to_string())?;
    stream.write_all(&tx[..n]).await.map_err(|e| cannot(e.to_string()))?;
    let mut inbox = Inbox::new(vec![0; echo::MEMORY]);
    timeout(Duration::from_secs(10), shake(&connect, &mut stream, &mut inbox))
        .await
        .unwrap_or_else(|_| Err("no answer to the handshake".into()))
        .map_err(cannot)?;
    let max = options.max_message;
    let fragments = u32::try_from(max / 64).unwrap_or(u32::MAX).max(1 << 16);
    let ws = Connection::client(Limits::new().message(max).frame(max).fragments(fragments));
    Ok(Link { stream, ws, inbox })
}

async fn shake(connect: &Connect<'_>, stream: &mut TcpStream, inbox: &mut Inbox<Vec<u8>>) -> Result<(), String> {
    let mut head = HeadScanner::response(Default::default());
    loop {
        if let Some(n) = head.scan(inbox.bytes()).map_err(|e| e.to_string())? {
            let response = ResponseHead::parse(&mut inbox.bytes()[..n]).map_err(|e| e.to_string())?;
            let opened = connect.check(&response).map_err(|e| e.to_string())?.is_some();
            inbox.consume(n);
            if opened {
                return Ok(());
            }
            // Only to keep us waiting (1xx).
            head = HeadScanner::response(Default::default());
            continue;
        }
        let space = inbox.space().map_err(|e| e.to_string())?;
        match stream.read(space).await.map_err(|e| e.to_string())? {
            0 => return Err("the server closed before it answered".into()),
            n => inbox.commit(n),
        }
    }
}

/// Percent-encodes what a query may not hold.
fn encode(text: &str) -> String {
    let encode = |b: u8| match b {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(encode).collect()
}
