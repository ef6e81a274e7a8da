//! Compression through the drivers: what is agreed, messages of any size in memory that grows, and one connection after another.

use sansocket::{
    deflate::Tier,
    drive::{
        ClientSide, Error, Failed, ServerSide, Side, Timer, Transport, WebSocket, blocking,
        tokio::{Clock, Stream},
    },
    http::Url,
    ws::{CloseCode, Compression, Deflater, Growing, Incoming, Kind},
};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const LEAST: usize = 512;

fn deflater(tier: Tier) -> Deflater<Vec<u8>> {
    Deflater::new(tier, vec![0; tier.bytes()]).unwrap().with_threshold(32)
}

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Says back each message; the number of bytes that the memory holds at the end.
async fn serve<T: Transport, C: Timer, D: ServerSide, S: Growing>(
    ws: &mut WebSocket<T, C, D, S, Vec<u8>>,
) -> Result<(), Error<Failed<T>>> {
    ws.accept().await?;
    while let Some((incoming, reply)) = ws.next_growing(LEAST).await? {
        if let Incoming::Message(message) = incoming {
            reply.feed_growing(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn ask<T: Transport, C: Timer, D: Side, S: Growing>(
    ws: &mut WebSocket<T, C, D, S, Vec<u8>>,
    kind: Kind,
    sent: &[u8],
) {
    ws.reply().feed_growing(kind, sent).await.unwrap();
    let (incoming, _) = ws.next_growing(LEAST).await.unwrap().unwrap();
    assert!(
        matches!(incoming, Incoming::Message(m) if m.kind() == kind && m.as_bytes() == sent),
        "{} bytes",
        sent.len()
    );
}

/// Sizes around the ends of the memories, of content that gets much shorter, a little shorter, and not at all.
async fn ask_all<T: Transport, C: Timer, D: ClientSide, S: Growing>(ws: &mut WebSocket<T, C, D, S, Vec<u8>>) {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    for size in [0, 1, 31, 32, 33, 500, 511, 512, 513, 5_000, 32_767, 32_768, 40_960, 60_000, 3, 100_000, 200_000, 64] {
        let json: Vec<u8> = (0..).flat_map(|i| format!("{{\"n\":{i}}},").into_bytes()).take(size).collect();
        ask(ws, Kind::Text, &json).await;
        ask(ws, Kind::Text, &json).await;
        let noise: Vec<u8> = std::iter::repeat_with(&mut noise).take(size).collect();
        ask(ws, Kind::Binary, &noise).await;
    }
}

type Pair = (DuplexStream, DuplexStream);

fn url() -> Url<'static> {
    Url::parse("ws://localhost/").unwrap()
}

#[tokio::test]
async fn every_size_comes_back_with_every_agreement() {
    let all = [
        (Compression::new(), 40 * 1024, Tier::LARGE),
        (Compression::new().receive_window_bits(9).send_window_bits(8), 1024, Tier::TINY),
        (Compression::new().without_receive_takeover().without_send_takeover(), 0, Tier::MEDIUM),
        // Too little for the window that is allowed: a smaller one is asked for.
        (Compression::new(), 1500, Tier::SMALL),
    ];
    for (at_client, client_memory, client_tier) in all {
        for (at_server, server_memory, server_tier) in all {
            let (near, far): Pair = duplex(4096);
            let server = tokio::spawn(async move {
                let mut ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST])
                    .with_compression(at_server, vec![0; server_memory], deflater(server_tier));
                serve(&mut ws).await.unwrap();
                ws.inbox().replace(Vec::new()).unwrap().len()
            });
            let mut ws = WebSocket::client(Stream::new(far), Clock::new(), random, vec![0; LEAST], vec![0; LEAST])
                .with_compression(at_client, vec![0; client_memory], deflater(client_tier));
            let answer = ws.connect(&url()).await.unwrap();
            assert!(answer.fields().get("sec-websocket-extensions").is_some(), "{at_client:?} {at_server:?}");
            ask_all(&mut ws).await;
            ws.close(CloseCode::NORMAL, "").await.unwrap();
            assert_eq!(server.await.unwrap(), LEAST);
        }
    }
}

/// One end has it and the other has not.
#[tokio::test]
async fn without_an_agreement_all_goes_plain() {
    for is_at_client in [false, true] {
        let (near, far): Pair = duplex(4096);
        let server = tokio::spawn(async move {
            let ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST]);
            if is_at_client {
                serve(&mut { ws }).await.unwrap();
            } else {
                let memory = vec![0; 40 * 1024];
                serve(&mut ws.with_compression(Compression::new(), memory, deflater(Tier::SMALL))).await.unwrap();
            }
        });
        let mut ws = WebSocket::client(Stream::new(far), Clock::new(), random, vec![0; LEAST], vec![0; LEAST]);
        if is_at_client {
            let mut ws = ws.with_compression(Compression::new(), vec![0; 40 * 1024], deflater(Tier::SMALL));
            ws.connect(&url()).await.unwrap();
            ask_all(&mut ws).await;
            ws.close(CloseCode::NORMAL, "").await.unwrap();
        } else {
            ws.connect(&url()).await.unwrap();
            ask_all(&mut ws).await;
            ws.close(CloseCode::NORMAL, "").await.unwrap();
        }
        server.await.unwrap();
    }
}

/// The bytes on the wire: a compressed answer, then a connection that has agreed on nothing, in the same memory.
#[tokio::test]
async fn a_renewed_connection_agrees_anew() {
    let (near, mut far): Pair = duplex(4096);
    let mut ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST]).with_compression(
        Compression::new(),
        vec![0; 40 * 1024],
        deflater(Tier::TINY),
    );
    let head = |extensions: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
        )
    };
    let message = "la ".repeat(40);
    for (extensions, first) in [
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", 0xc1),
        ("", 0x81),
        ("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n", 0xc1),
    ] {
        far.write_all(head(extensions).as_bytes()).await.unwrap();
        ws.accept().await.unwrap();
        let mut seen = vec![0; 1024];
        let mut n = 0;
        while !seen[..n].ends_with(b"\r\n\r\n") {
            n += far.read(&mut seen[n..]).await.unwrap();
        }
        for _ in 0..2 {
            ws.send_text(&message).await.unwrap();
            let n = far.read(&mut seen).await.unwrap();
            assert_eq!(seen[0], first, "{extensions}");
            assert_eq!(n < 30, first == 0xc1, "{extensions}");
        }
        let (near, next): Pair = duplex(4096);
        far = next;
        ws.renew(Stream::new(near));
    }
}

/// The handshake was done elsewhere.
#[tokio::test]
async fn what_was_agreed_on_elsewhere_counts() {
    let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    let agreed = Compression::new().accept(offer);
    let (near, mut far): Pair = duplex(4096);
    let make = |memory| {
        WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST]).with_compression(
            Compression::new(),
            vec![0; memory],
            deflater(Tier::TINY),
        )
    };
    let mut ws = make(40 * 1024);
    ws.opened_with(agreed).unwrap();
    far.write_all(b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0").await.unwrap();
    let (incoming, _) = ws.next().await.unwrap().unwrap();
    assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == b"Hello"));

    let (near, _far): Pair = duplex(64);
    let ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST]);
    let mut ws = ws.with_compression(Compression::new(), vec![0; 100], deflater(Tier::TINY));
    assert!(ws.opened_with(agreed).is_err_and(|e| e.needed == 40 * 1024 && e.available == 100));
    assert!(matches!(ws.send_text("a").await, Err(Error::Order)), "nothing was changed");
}

/// How often memory of [`Counted`] was made.
static MADE: AtomicUsize = AtomicUsize::new(0);

struct Counted(Vec<u8>);

impl AsMut<[u8]> for Counted {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl FromIterator<u8> for Counted {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        MADE.fetch_add(1, Ordering::Relaxed);
        Self(bytes.into_iter().collect())
    }
}

/// Memory grows by doubling while a message arrives, and shrinks behind it: else each read would cost a copy of the message.
#[tokio::test]
async fn memory_to_unpack_in_is_kept_while_a_message_arrives() {
    let (near, far): Pair = duplex(64);
    let server = tokio::spawn(async move {
        let mut ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST])
            .with_compression(Compression::new(), Counted(Vec::new()), deflater(Tier::SMALL));
        serve(&mut ws).await.unwrap();
    });
    let mut ws = WebSocket::client(Stream::new(far), Clock::new(), random, vec![0; LEAST], vec![0; LEAST])
        .with_compression(Compression::new(), vec![0; 40 * 1024], deflater(Tier::SMALL));
    ws.connect(&url()).await.unwrap();
    let json: Vec<u8> = (0..).flat_map(|i| format!("{{\"n\":{i}}},").into_bytes()).take(1 << 20).collect();
    ask(&mut ws, Kind::Text, &json).await;
    ws.close(CloseCode::NORMAL, "").await.unwrap();
    server.await.unwrap();
    let made = MADE.load(Ordering::Relaxed);
    assert!((12..30).contains(&made), "made {made} times");
}

/// The halves and the drivers that block compress too.
#[tokio::test]
async fn halves_and_blocking_drivers_compress() {
    use std::sync::{Arc, Mutex};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let stream = blocking::Stream::tcp(stream).unwrap();
        let mut ws = blocking::WebSocket::server(stream, blocking::Clock::new(), vec![0; 4096], vec![0; 4096])
            .with_compression(Compression::new(), vec![0; 64 * 1024], deflater(Tier::MEDIUM));
        ws.accept().unwrap();
        while let Some((incoming, mut reply)) = ws.next().unwrap() {
            if let Incoming::Message(message) = incoming {
                reply.send(message.kind(), message.as_bytes()).unwrap();
            }
        }
    });
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut ws = WebSocket::client(Stream::new(stream), Clock::new(), random, vec![0; 4096], vec![0; 4096])
        .with_compression(Compression::new(), vec![0; 64 * 1024], deflater(Tier::MEDIUM));
    ws.connect(&url()).await.unwrap();
    let (half, shared) = ws.split(|stream| stream.split(|socket| socket.into_split()));
    let (mut receiver, mut sender) = half.join(Arc::new(Mutex::new(shared)));
    for text in ["short", &"a text that gets shorter ".repeat(400)] {
        sender.send_text(text).await.unwrap();
        let incoming = receiver.next().await.unwrap().unwrap();
        assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == text.as_bytes()));
    }
    sender.close(CloseCode::NORMAL, "").await.unwrap();
    while receiver.next().await.unwrap().is_some() {}
    server.join().unwrap();
}
