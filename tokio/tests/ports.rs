//! What programs that moved here from the machines themselves relied on, seen by a client that speaks the protocol by hand.

use sansocket_tokio::{
    server::{Config, Reason, Server, Socket},
    websocket::{self, Message, WebSocket},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, duplex, split},
    net::TcpListener,
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};

const SOON: Duration = Duration::from_secs(10);

/// A server on a port of its own.
async fn listen(io: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let io = io.clone();
    tokio::spawn(async move { io.listen(listener).await });
    address
}

/// A client that has said what it was told to.
async fn client(address: SocketAddr, packets: &[&str]) -> WebSocket {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut ws = websocket::connect(url).await.unwrap();
    for packet in packets {
        ws.send(*packet).await.unwrap();
    }
    ws
}

/// The next packet, without the ids that servers make up.
async fn packet(ws: &mut WebSocket) -> Option<String> {
    match timeout(SOON, ws.next()).await.expect("in time").ok()?? {
        Message::Text(text) => Some(text.split_once("{\"sid\"").map_or(text.clone(), |(head, _)| head.to_owned())),
        Message::Binary(bytes) => Some(format!("{} bytes", bytes.len())),
    }
}

async fn packets(ws: &mut WebSocket, n: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..n {
        all.extend(packet(ws).await);
    }
    all
}

/// As in the JavaScript server: otherwise clients take it for a lost connection, and come back.
#[tokio::test]
async fn a_client_whose_connection_is_closed_is_sent_away_from_all_namespaces_first() {
    let io = Server::new(Config::new());
    let left = Arc::new(Mutex::new(Vec::new()));
    for namespace in [io.of("/"), io.of("/custom")] {
        namespace.on("server-close", |socket: Socket| socket.disconnect(true));
        let left = left.clone();
        namespace.on_disconnect(move |socket: Socket, reason: Reason| {
            left.lock().unwrap().push((socket.namespace_name().to_owned(), reason));
        });
    }
    let address = listen(&io).await;
    let mut ws = client(address, &["40", "40/custom"]).await;
    assert_eq!(packets(&mut ws, 3).await, ["0", "40", "40/custom,"]);
    ws.send("42[\"server-close\"]").await.unwrap();
    assert_eq!(packets(&mut ws, 2).await, ["41", "41/custom,"]);
    while packet(&mut ws).await.is_some() {}
    let mut left = left.lock().unwrap().clone();
    left.sort_by(|a, b| a.0.cmp(&b.0));
    let reason = Reason::ServerNamespaceDisconnect;
    assert_eq!(left, [("/".into(), reason), ("/custom".into(), reason)]);
}

/// A frame of a client with a text.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(n @ ..126) => frame.push(0x80 | n),
        _ => {
            frame.push(0x80 | 127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// A client whose socket holds 4 KiB in each direction, and that reads when it is told to. What it says waits for the server.
fn slow_client(io: &Server) -> (ReadHalf<DuplexStream>, UnboundedSender<Vec<u8>>) {
    let (client, stream) = duplex(4096);
    let io = io.clone();
    tokio::spawn(async move { io.serve(stream, None).await });
    let (source, mut sink) = split(client);
    let (say, mut said) = unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        while let Some(bytes) = said.recv().await {
            // The server may be gone.
            let _ = sink.write_all(&bytes).await;
        }
    });
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    say.send(request.into()).unwrap();
    say.send(frame("40")).unwrap();
    (source, say)
}

fn patient_echo() -> Server {
    let config = Config::new().ping_interval(Duration::from_millis(300)).ping_timeout(Duration::from_secs(1));
    let io = Server::new(config);
    io.on("message", |socket: Socket, text: String| socket.emit("message-back", text));
    io
}

/// Its answers to pings stand behind what it said before, which is not read while much waits for it.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_and_answers_pings_lives() {
    let io = patient_echo();
    let (mut source, say) = slow_client(&io);
    let text = format!("42[\"message\",\"{}\"]", "x".repeat(100_000));
    for _ in 0..14 {
        say.send(frame(&text)).unwrap();
    }
    let (mut received, mut pings) = (Vec::<u8>::new(), 0);
    while received.len() < 14 * 100_000 {
        sleep(Duration::from_millis(50)).await;
        let mut some = [0; 4096];
        let n = source.read(&mut some).await.unwrap();
        assert!(n > 0, "ended after {} bytes and {pings} pings", received.len());
        received.extend(&some[..n]);
        let seen = received.windows(3).filter(|bytes| bytes.starts_with(b"\x81\x012")).count();
        for _ in pings..seen {
            say.send(frame("3")).unwrap();
        }
        pings = seen;
    }
    assert!(pings > 0);
    assert_eq!(io.counters().websocket_sessions, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_is_dropped_when_it_took_nothing_for_the_ping_timeout() {
    let io = patient_echo();
    let (mut source, say) = slow_client(&io);
    for _ in 0..3 {
        say.send(frame(&format!("42[\"message\",\"{}\"]", "x".repeat(100_000)))).unwrap();
    }
    source.read_exact(&mut vec![0; 50_000]).await.unwrap();
    assert_eq!(io.counters().websocket_sessions, 1);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(io.counters().websocket_sessions, 0);
}
