//! The Socket.IO client against servers that are written as bytes: what they choose, memory that is exchanged meanwhile, and connections with other terms one
//! after another. What the client compresses is unpacked by zlib.

use flate2::{Decompress, FlushDecompress};
use sansocket::{
    deflate::{Deflate, Tier},
    drive::{
        Client, ClientMemory, Packed,
        tokio::{Clock, Stream},
    },
    endpoint::{
        Grow, What,
        client::{Config, Emit, Step},
    },
    socketio::{
        AckSlot, Namespace,
        client::{Event, SocketSlot},
    },
    ws::{Compression, Deflater, accept_key},
};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const ROOT: Namespace = Namespace(0);
const OPEN: &str = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const JOINED: &str = r#"40{"sid":"b"}"#;

type Line = Stream<DuplexStream>;
type Dialing = Pin<Box<dyn Future<Output = io::Result<Line>>>>;
type Ours = Client<'static, Line, Box<dyn FnMut() -> Dialing>, Dialing, Clock, fn(&mut [u8]), Packed>;
/// What each server has heard.
type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

fn memory(size: usize) -> &'static mut [u8] {
    vec![0; size].leak()
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let head =
        if len < 126 { vec![first, len as u8] } else { [&[first, 126][..], &(len as u16).to_be_bytes()].concat() };
    [&head, payload].concat()
}

fn packed(deflate: &mut Deflate<Vec<u8>>, text: &str) -> Vec<u8> {
    let mut out = vec![0; 2 * text.len() + 100];
    let n = deflate.compress(text.as_bytes(), true, &mut out).unwrap();
    frame(0xc1, &out[..n])
}

/// The answer to a handshake with this field for extensions, and the packets that open the session.
fn opening(extensions: &str) -> Vec<u8> {
    let key = accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap();
    let field = if extensions.is_empty() { "" } else { &format!("Sec-WebSocket-Extensions: {extensions}\r\n") };
    let head = format!(
        "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{field}\r\n",
        str::from_utf8(&key).unwrap()
    );
    [head.into_bytes(), frame(0x81, OPEN.as_bytes()), frame(0x81, JOINED.as_bytes())].concat()
}

/// Says `bytes` behind the head of the request, and keeps what it hears.
async fn serve(mut socket: DuplexStream, bytes: Vec<u8>, heard: Heard, at: usize) {
    let mut memory = [0; 512];
    let mut has_answered = false;
    while let Ok(n @ 1..) = socket.read(&mut memory).await {
        let is_head = {
            let mut heard = heard.lock().unwrap();
            heard[at].extend(&memory[..n]);
            heard[at].windows(4).any(|w| w == b"\r\n\r\n")
        };
        if is_head && !std::mem::replace(&mut has_answered, true) && socket.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// A client whose connections are answered with `answers`, one after the other.
fn client(answers: Vec<Vec<u8>>, compression: Compression, unpacked: usize, tier: Tier) -> (Ours, Heard) {
    let heard = Heard::default();
    let theirs = heard.clone();
    let mut answers = answers.into_iter();
    let dial: Box<dyn FnMut() -> Dialing> = Box::new(move || {
        let (near, far) = duplex(1 << 16);
        let at = {
            let mut heard = theirs.lock().unwrap();
            heard.push(Vec::new());
            heard.len() - 1
        };
        tokio::spawn(serve(far, answers.next().unwrap_or_default(), theirs.clone(), at));
        Box::pin(async { Ok(Stream::new(near)) })
    });
    let lent = ClientMemory {
        rx: memory(2048),
        tx: memory(16384),
        files: &mut [],
        acks: vec![AckSlot::EMPTY; 2].leak(),
        sockets: vec![SocketSlot::EMPTY; 1].leak(),
        backlog: memory(8192),
        attempt: Pin::static_mut(Box::leak(Box::new(None))),
    };
    let config = Box::leak(Box::new(Config::parse("ws://localhost").unwrap()));
    let deflater = Deflater::new(tier, memory(tier.bytes())).unwrap().with_threshold(32);
    let fill: fn(&mut [u8]) = |bytes| bytes.fill(7);
    let client = Client::new(config, &["/"], lent, dial, Clock::new(), fill);
    let mut client = client.with_compression(compression, memory(unpacked), deflater);
    client.connect(ROOT).unwrap();
    (client, heard)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_chooses_what_was_not_offered_is_left() {
    for (field, is_good) in [
        ("", true),
        ("permessage-deflate; server_max_window_bits=9", true),
        ("permessage-deflate; server_max_window_bits=8", true),
        ("permessage-deflate", false),
        ("permessage-deflate; server_max_window_bits=10", false),
        ("permessage-deflate; server_max_window_bits", false),
        ("permessage-deflate; server_max_window_bits=9; client_max_window_bits", false),
        ("permessage-deflate; server_max_window_bits=9; client_max_window_bits=7", false),
        ("permessage-deflate; server_max_window_bits=9; other", false),
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=9", false),
        ("other", false),
    ] {
        let small = Compression::new().receive_window_bits(9);
        let (mut client, _) = client(vec![opening(field)], small, 2000, Tier::SMALL);
        let is_connected = loop {
            match client.next().await.unwrap() {
                (Step::Failed { .. }, _) => break false,
                (Step::Event(Event::Connected { .. }, _), _) => break true,
                _ => {}
            }
        };
        assert_eq!(is_connected, is_good, "{field}");
    }
}

/// A window of 32 KiB was offered, and the memory for it is gone when the server agrees.
#[tokio::test(start_paused = true)]
async fn memory_may_be_exchanged_during_the_handshake() {
    let mut deflate = Deflate::new(Tier::SMALL, vec![0; Tier::SMALL.bytes()]).unwrap();
    let event = format!("42[\"e\",\"{}\"]", "abcdefghij".repeat(60));
    let frames = [packed(&mut deflate, &event), frame(0x81, event.as_bytes()), packed(&mut deflate, &event)].concat();
    let bytes = [opening("permessage-deflate"), frames].concat();
    let (mut client, heard) = client(vec![bytes], Compression::new(), 64 * 1024, Tier::SMALL);
    let now = client.io().now();
    while heard.lock().unwrap().first().is_none_or(Vec::is_empty) {
        assert!(client.next_until(now).await.unwrap().is_none());
        tokio::task::yield_now().await;
    }
    client.replace_unpacked(memory(100)).unwrap();
    let (mut asked, mut events) = (Vec::new(), 0);
    while events < 3 {
        match client.next().await {
            Ok((Step::Event(Event::Event(e), _), _)) => {
                assert_eq!(e.args().raw().len(), 602);
                events += 1;
            }
            Ok((Step::Failed { failure, .. }, _)) => panic!("{failure}"),
            Ok(_) => {}
            Err(Grow { what: What::Unpacked, to }) => {
                asked.push(to);
                client.replace_unpacked(memory(to)).unwrap();
            }
            Err(grow) => panic!("{grow:?}"),
        }
    }
    assert_eq!(asked, [40 * 1024]);
}

/// The first byte and the payload of each frame behind the request, unmasked and unpacked.
fn messages(bytes: &[u8], window_bits: u8, has_takeover: bool) -> Vec<(u8, Vec<u8>)> {
    let mut rest = &bytes[bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4..];
    let mut zlib = Decompress::new_with_window_bits(false, window_bits);
    let mut all = Vec::new();
    while let [first, len, behind @ ..] = rest {
        let (len, behind) = match (len & 127, behind) {
            (126, [a, b, behind @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), behind),
            (len, behind) => (usize::from(len), behind),
        };
        let (key, behind) = behind.split_at(4);
        let mut payload: Vec<u8> = behind[..len].iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).collect();
        rest = &behind[len..];
        if first & 0x40 != 0 {
            if !has_takeover {
                zlib.reset(false);
            }
            payload.extend([0, 0, 0xff, 0xff]);
            let mut out = Vec::with_capacity(1 << 16);
            zlib.decompress_vec(&payload, &mut out, FlushDecompress::Sync).unwrap();
            payload = out;
        }
        all.push((*first, payload));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn each_connection_has_its_own_terms() {
    // The window of the client and whether it is kept, and the same of the server.
    let terms = [
        ("permessage-deflate", (15, true), (15, true)),
        ("", (15, true), (15, true)),
        ("permessage-deflate; client_max_window_bits=9; server_no_context_takeover", (9, true), (15, false)),
        ("permessage-deflate; client_no_context_takeover; server_max_window_bits=8", (15, false), (8, true)),
        ("permessage-deflate; server_max_window_bits=12", (15, true), (12, true)),
        ("", (15, true), (15, true)),
    ];
    let digits: String = (0..100_u32).map(|i| format!("{:x}", i.wrapping_mul(2_654_435_761))).collect();
    let event = format!("42[\"e\",\"{digits}\"]");
    let answers = terms.iter().map(|(field, _, (bits, is_kept))| {
        let mut deflate = Deflate::new(Tier::LARGE, vec![0; Tier::LARGE.bytes()]).unwrap().with_window_bits(*bits);
        let mut bytes = opening(field);
        for is_plain in [false, true, false] {
            let is_plain = is_plain || field.is_empty();
            bytes.extend(if is_plain { frame(0x81, event.as_bytes()) } else { packed(&mut deflate, &event) });
            if !is_kept {
                deflate.forget();
            }
        }
        bytes
    });
    let (mut client, heard) = client(answers.collect(), Compression::new(), 64 * 1024, Tier::LARGE);
    let text = "hello hello ".repeat(30);
    for _ in terms {
        let mut events = 0;
        while events < 3 {
            match client.next().await.unwrap() {
                (Step::Event(Event::Event(e), _), io) => {
                    assert_eq!(e.args().raw().len(), digits.len() + 2);
                    events += 1;
                    for may_compress in [true, events == 2] {
                        io.emit_with(ROOT, "up", &&*text, Emit::new().compress(may_compress)).unwrap();
                    }
                }
                (Step::Failed { failure, .. }, _) => panic!("{failure}"),
                _ => {}
            }
        }
        // The server does not answer the close frame.
        client.io().flush().await.unwrap();
        client.leave().await;
        client.connect(ROOT).unwrap();
    }
    let expected = format!("42[\"up\",\"{text}\"]");
    for (i, (field, (bits, is_kept), _)) in terms.into_iter().enumerate() {
        let messages = messages(&heard.lock().unwrap()[i], bits, is_kept);
        let events: Vec<_> = messages.iter().filter(|(_, payload)| payload.starts_with(b"42")).collect();
        assert!(events.iter().all(|(_, payload)| payload == expected.as_bytes()), "{field}");
        let firsts: Vec<_> = events.iter().map(|(first, _)| *first).collect();
        let packed = if field.is_empty() { 0x81 } else { 0xc1 };
        assert_eq!(firsts, [packed, 0x81, packed, packed, packed, 0x81], "{field}");
    }
}
