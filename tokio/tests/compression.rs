//! Compression between the server and the client: what goes compressed over the wire and what does not, and what a hostile client can do with it.

use sansocket::deflate::{Deflate, Tier};
use sansocket_tokio::{
    Bytes, Compression,
    client::{Client, Transport},
    server::{Config, Server, Socket},
};
use serde_json::{Value, json};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    time::timeout,
};

/// What went over a connection, in both directions.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<(Vec<u8>, Vec<u8>)>>);

/// A stream that notes what goes over it.
struct Tap(DuplexStream, Seen);

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        self.1.0.lock().unwrap().0.extend_from_slice(&buffer.filled()[before..]);
        read
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        if let Poll::Ready(Ok(n)) = &written {
            self.1.0.lock().unwrap().1.extend_from_slice(&bytes[..*n]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The first byte and the length of each frame behind the head of the handshake.
fn frames(bytes: &[u8]) -> Vec<(u8, usize)> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("the head of a handshake") + 4;
    let (mut rest, mut frames) = (&bytes[end..], Vec::new());
    while let [first, second, ..] = *rest {
        let (len, head) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes([rest[2], rest[3]])), 4),
            127 => (u64::from_be_bytes(rest[2..10].try_into().unwrap()).try_into().unwrap(), 10),
            len => (usize::from(len), 2),
        };
        let whole = head + len + if second & 0x80 == 0 { 0 } else { 4 };
        let Some(behind) = rest.get(whole..) else { break };
        frames.push((first, len));
        rest = behind;
    }
    frames
}

const COMPRESSED: u8 = 0x40;

impl Seen {
    /// Frames that the client got, and those that it sent.
    fn frames(&self) -> [Vec<(u8, usize)>; 2] {
        let seen = self.0.lock().unwrap();
        [frames(&seen.0), frames(&seen.1)]
    }

    fn are_compressed(&self) -> [bool; 2] {
        self.frames().map(|frames| frames.iter().any(|(first, _)| first & COMPRESSED != 0))
    }
}

fn echoing(compression: Option<Compression>) -> Server {
    let config = compression.into_iter().fold(Config::new(), Config::compression);
    let io = Server::new(config);
    io.on("echo", |_: Socket, value: Value| value);
    io.on("transport", |socket: Socket| socket.transport());
    io.on("bytes", |_: Socket, bytes: Bytes| bytes);
    io
}

/// A client, and what goes over its WebSocket.
async fn connect(io: &Server, compression: Option<Compression>, transports: &[Transport]) -> (Client, Seen) {
    let (io, all) = (io.clone(), Arc::new(Mutex::new(Vec::<Seen>::new())));
    let noted = Arc::clone(&all);
    let builder = Client::builder("http://server").transports(transports).dial_with(move || {
        let (near, far) = duplex(5000);
        let (io, seen) = (io.clone(), Seen::default());
        tokio::spawn(async move { io.serve(far, None).await });
        noted.lock().unwrap().push(seen.clone());
        async { Ok(Tap(near, seen)) }
    });
    let client = compression.into_iter().fold(builder, |builder, c| builder.compression(c)).connect().await.unwrap();
    while client.ask::<String>("transport", ()).await.unwrap() != "websocket" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What follows the upgrade goes over the WebSocket.
    client.ask::<Value>("echo", 0).await.unwrap();
    let is_websocket =
        |seen: &&Seen| String::from_utf8_lossy(&seen.0.lock().unwrap().1).contains("transport=websocket");
    let seen = all.lock().unwrap().iter().find(is_websocket).expect("a WebSocket").clone();
    (client, seen)
}

const WEBSOCKET: &[Transport] = &[Transport::WebSocket];
const BOTH: &[Transport] = &[Transport::Polling, Transport::WebSocket];

fn settings() -> [Compression; 4] {
    [
        Compression::new(),
        Compression::new().threshold(0).tier(Tier::TINY),
        Compression::new().takeover().tier(Tier::SMALL),
        Compression::new().within(20_000).threshold(100),
    ]
}

fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..n).map(|_| next()).collect()
}

async fn echo_all(client: &Client) {
    let words = |n: usize| (0..n).map(|i| json!({ "at": i, "word": "消息 message" })).collect::<Vec<_>>();
    for n in [0, 1, 30, 300, 5_000, 20, 12_000, 2] {
        let value = Value::from(words(n));
        assert_eq!(client.ask::<Value>("echo", &value).await.unwrap(), value);
    }
    for bytes in [vec![], vec![7; 300_000], noise(200_000), noise(3_000), vec![1; 1200]] {
        let bytes = Bytes::from(bytes);
        assert_eq!(client.ask::<Bytes>("bytes", &bytes).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn events_of_any_size_are_compressed_in_both_directions() {
    for at_server in settings() {
        for at_client in settings() {
            let io = echoing(Some(at_server));
            let (client, seen) = connect(&io, Some(at_client), WEBSOCKET).await;
            echo_all(&client).await;
            assert_eq!(seen.are_compressed(), [true, true], "{at_server:?} {at_client:?}");
            client.close().await;
        }
    }
}

#[tokio::test]
async fn a_session_that_moves_from_polling_agrees_on_it_too() {
    for compression in settings() {
        let io = echoing(Some(compression));
        let (client, seen) = connect(&io, Some(compression), BOTH).await;
        echo_all(&client).await;
        assert_eq!(seen.are_compressed(), [true, true], "{compression:?}");
        client.close().await;
    }
}

#[tokio::test]
async fn with_one_end_that_does_not_compress_all_goes_plain() {
    for (server, client) in [(Some(Compression::new()), None), (None, Some(Compression::new())), (None, None)] {
        let io = echoing(server);
        let (client, seen) = connect(&io, client, BOTH).await;
        echo_all(&client).await;
        assert_eq!(seen.are_compressed(), [false, false]);
        client.close().await;
    }
}

#[tokio::test]
async fn short_events_and_those_that_must_not_go_plain() {
    let text = "la ".repeat(2_000);
    for compression in [Compression::new(), Compression::new().takeover()] {
        let io = echoing(Some(compression));
        io.on("big", |socket: Socket, (text, may): (String, bool)| {
            let _ = socket.compress(may).emit("big", (text.clone(), may));
            let _ = socket.everybody().compress(may).emit("all", (text, may));
        });
        let (client, seen) = connect(&io, Some(compression), WEBSOCKET).await;
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        for event in ["big", "all"] {
            let sender = sender.clone();
            client.on(event, move |_: sansocket_tokio::client::Socket, (text, may): (String, bool)| {
                let _ = sender.send((text.len(), may));
            });
        }
        for may in [false, true, false] {
            client.compress(may).emit("big", (&text, may)).unwrap();
            for _ in 0..2 {
                assert_eq!(told.recv().await, Some((text.len(), may)));
            }
            client.ask::<Value>("echo", "short").await.unwrap();
        }
        let long = |frames: Vec<(u8, usize)>| -> Vec<bool> {
            let long = frames.into_iter().filter(|(first, len)| first & COMPRESSED != 0 || *len > 5_000);
            long.map(|(first, _)| first & COMPRESSED != 0).collect()
        };
        let [received, sent] = seen.frames().map(long);
        assert_eq!(sent, [false, true, false], "{compression:?}");
        assert_eq!(received, [false, false, true, true, false, false], "{compression:?}");
        client.close().await;
    }
}

/// Whatever receivers have agreed on, all get it; those without takeover get the same bytes.
#[tokio::test]
async fn a_broadcast_reaches_receivers_of_all_kinds() {
    let io = echoing(Some(Compression::new()));
    let news: Vec<Value> = (0..500).map(|i| json!({ "n": i })).collect();
    let mut clients = Vec::new();
    for compression in [None, Some(Compression::new()), Some(Compression::new()), Some(Compression::new().threshold(9))]
    {
        let (client, seen) = connect(&io, compression, WEBSOCKET).await;
        let (sender, told) = tokio::sync::mpsc::unbounded_channel();
        client.on("news", move |_: sansocket_tokio::client::Socket, news: Vec<Value>| drop(sender.send(news)));
        clients.push((client, seen, told));
    }
    for _ in 0..3 {
        io.emit("news", (&news,)).unwrap();
        io.volatile().emit("news", (&news,)).unwrap();
    }
    let mut lens = Vec::new();
    for (_, seen, told) in &mut clients {
        for _ in 0..3 {
            assert_eq!(told.recv().await.as_ref(), Some(&news));
        }
        let [received, _] = seen.frames();
        lens.push(received.iter().filter(|(_, len)| *len > 500).map(|(first, len)| (*first, *len)).next().unwrap());
    }
    assert_eq!(lens[0].0, 0x81);
    assert!(lens[1].0 == 0xc1 && lens[1].1 * 2 < lens[0].1 && lens[1] == lens[2] && lens[2] == lens[3], "{lens:?}");
}

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// A bare WebSocket to the server, which has answered the handshake and CONNECT.
async fn bare(io: &Server, offer: &str) -> (DuplexStream, String) {
    let (mut near, far) = duplex(1 << 20);
    let io = io.clone();
    tokio::spawn(async move { io.serve(far, None).await });
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
    );
    near.write_all(head.as_bytes()).await.unwrap();
    near.write_all(b"\x81\x82\0\0\0\x0040").await.unwrap();
    let mut seen = Vec::new();
    while !seen.windows(10).any(|w| w == b"40{\"sid\":\"A" || w.starts_with(b"40{\"sid\":")) {
        near.read_buf(&mut seen).await.unwrap();
    }
    let end = seen.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 2;
    (near, String::from_utf8(seen[..end].to_vec()).unwrap())
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The code of the close frame, behind which the server ends the connection.
async fn close_code(near: &mut DuplexStream) -> u16 {
    let mut seen = Vec::new();
    timeout(Duration::from_secs(20), near.read_to_end(&mut seen)).await.expect("it ends").unwrap();
    let at = seen.windows(2).rposition(|w| w == b"\x88\x02").expect("a close frame with a code");
    u16::from_be_bytes([seen[at + 2], seen[at + 3]])
}

#[tokio::test]
async fn a_compressed_frame_that_was_not_agreed_on_ends_its_session_alone() {
    for (compression, offer) in [(None, OFFER), (Some(Compression::new()), "")] {
        let io = echoing(compression);
        let (other, _) = connect(&io, None, WEBSOCKET).await;
        let (mut near, head) = bare(&io, offer).await;
        assert!(!head.to_ascii_lowercase().contains("extensions"), "{head}");
        near.write_all(b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0").await.unwrap();
        assert_eq!(close_code(&mut near).await, 1002);
        assert_eq!(other.ask::<u32>("echo", 7).await.unwrap(), 7);
    }
}

#[tokio::test]
async fn what_is_agreed_on_is_told_and_nonsense_is_not_unpacked() {
    for (compression, answer) in [
        (Compression::new(), "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        (Compression::new().takeover().receive_window_bits(10), "permessage-deflate; client_max_window_bits=10"),
    ] {
        let io = echoing(Some(compression));
        let (mut near, head) = bare(&io, OFFER).await;
        assert!(head.contains(&format!("Sec-WebSocket-Extensions: {answer}\r\n")), "{head}");
        // A block of a type that does not exist.
        near.write_all(&masked(0xc1, b"\x07")).await.unwrap();
        assert_eq!(close_code(&mut near).await, 1007);
    }
}

/// What would unpack to 300 MB is stopped at the limit.
#[tokio::test]
async fn a_bomb_ends_its_session_alone() {
    let mut deflate = Deflate::new(Tier::MEDIUM, vec![0; Tier::MEDIUM.bytes()]).unwrap();
    let (mut bomb, zeros, mut memory) = (Vec::new(), vec![b'0'; 1 << 20], vec![0; 1 << 16]);
    for _ in 0..300 {
        let n = deflate.compress(&zeros, true, &mut memory).unwrap();
        bomb.extend_from_slice(&memory[..n]);
        bomb.extend_from_slice(&sansocket::deflate::SYNC_TAIL);
    }
    for compression in [Compression::new(), Compression::new().takeover()] {
        let io = echoing(Some(compression));
        let (other, _) = connect(&io, Some(Compression::new()), WEBSOCKET).await;
        let (mut near, _) = bare(&io, OFFER).await;
        for piece in masked(0xc1, &bomb).chunks(30_000) {
            if near.write_all(piece).await.is_err() {
                break;
            }
        }
        assert_eq!(close_code(&mut near).await, 1009);
        assert_eq!(other.ask::<Value>("echo", "la ".repeat(1_000)).await.unwrap(), "la ".repeat(1_000));
    }
}

/// Messages that come byte by byte, from many connections in turn: what unpacks is lent to one after the other, and taken back.
#[tokio::test]
async fn messages_in_pieces_of_many_connections_do_not_mix() {
    let mut deflate = Deflate::new(Tier::TINY, vec![0; Tier::TINY.bytes()]).unwrap();
    for compression in [Compression::new(), Compression::new().takeover().receive_window_bits(9)] {
        let io = echoing(Some(compression));
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        io.on("say", move |_: Socket, (who, text): (usize, String)| drop(sender.send((who, text))));
        let mut ends = Vec::new();
        for who in 0..7 {
            let (near, _) = bare(&io, OFFER).await;
            let text = format!("number {who} ").repeat(90);
            let mut wire = Vec::new();
            for _ in 0..2 {
                deflate.forget();
                let mut memory = [0; 4000];
                let packet = format!("42[\"say\",{who},\"{text}\"]");
                let n = deflate.compress(packet.as_bytes(), true, &mut memory).unwrap();
                wire.extend(masked(0xc1, &memory[..n]));
            }
            ends.push((near, wire, text));
        }
        let longest = ends.iter().map(|(_, wire, _)| wire.len()).max().unwrap();
        for at in (0..longest).step_by(3) {
            for (near, wire, _) in &mut ends {
                near.write_all(&wire[at.min(wire.len())..(at + 3).min(wire.len())]).await.unwrap();
            }
            tokio::task::yield_now().await;
        }
        for _ in 0..2 * ends.len() {
            let (who, text) = timeout(Duration::from_secs(20), told.recv()).await.unwrap().unwrap();
            assert_eq!(text, ends[who].2);
        }
    }
}

/// WebSockets without Socket.IO, whole and in halves, with one end that compresses and with two.
#[tokio::test]
async fn websockets_compress_if_both_ends_do() {
    use sansocket_tokio::websocket::{Acceptor, Config, Connector, Message};
    let messages: Vec<Message> = vec![
        "short".into(),
        "la ".repeat(100_000).into(),
        noise(100_000).into(),
        vec![7; 1 << 20].into(),
        "消息".repeat(2_000).into(),
        "la ".repeat(1_000).into(),
    ];
    let both = settings().map(|c| (Some(c), Some(c)));
    for (at_client, at_server) in
        both.into_iter().chain([(Some(Compression::new()), None), (None, settings()[0].into())])
    {
        let config = |c: Option<Compression>| c.into_iter().fold(Config::new(), Config::compression);
        let (near, far) = duplex(5000);
        let seen = Seen::default();
        let connector = Connector::new("ws://server/").config(config(at_client));
        let acceptor = Acceptor::new().config(config(at_server));
        let (client, server) = tokio::join!(connector.connect_over(Tap(near, seen.clone())), acceptor.accept(far));
        let (client, mut server) = (client.unwrap(), server.unwrap());
        let echo = tokio::spawn(async move {
            while let Some(message) = server.next().await.unwrap() {
                server.send(message).await.unwrap();
            }
        });
        let (mut sender, mut receiver) = client.split();
        for message in &messages {
            let (sent, got) = tokio::join!(sender.send(message.clone()), receiver.next());
            sent.unwrap();
            assert!(got.unwrap().as_ref() == Some(message));
        }
        sender.close().await.unwrap();
        assert!(receiver.next().await.unwrap().is_none());
        echo.await.unwrap();
        let is_agreed = at_client.is_some() && at_server.is_some();
        assert_eq!(seen.are_compressed(), [is_agreed, is_agreed], "{at_client:?} {at_server:?}");
    }
}
