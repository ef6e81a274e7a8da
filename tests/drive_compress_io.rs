//! Compression through the Socket.IO drivers: what is agreed, packets of any size, and the bytes on the wire.

use sansocket::{
    deflate::{Deflate, Tier},
    drive::{
        Client, ClientMemory, Packing, Server, ServerMemory, Timer, Transport, blocking,
        tokio::{Clock, Stream},
    },
    endpoint::{
        self, Grow, What,
        client::{Config, Emit, Step},
    },
    socketio::{
        AckSlot, Attachments, Binary, Namespace, Placeholder,
        client::{Event, SocketSlot},
        server,
    },
    ws::{Compression, Deflater},
};
use std::{
    io::{Read, Write},
    pin::pin,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const ROOT: Namespace = Namespace(0);

type Fill = fn(&mut [u8]);

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn memory(size: usize) -> &'static mut [u8] {
    vec![0; size].leak()
}

fn deflater(tier: Tier) -> Deflater<&'static mut [u8]> {
    Deflater::new(tier, memory(tier.bytes())).unwrap().with_threshold(32)
}

fn of_server() -> ServerMemory<'static> {
    ServerMemory { rx: memory(8192), tx: memory(16384), files: memory(8192), acks: &mut [] }
}

/// Answers each question with what it asks, until the client leaves.
async fn serve<T: Transport, C: Timer, P: Packing>(mut server: Server<'_, T, C, Fill, P>) {
    let has_offered = server.accept().await.unwrap().fields().get("sec-websocket-extensions").is_some();
    assert!(has_offered);
    while let Some((step, io)) = server.next().await.unwrap() {
        match step {
            endpoint::Step::Event(server::Event::Connect { namespace, .. }, _) => io.accept(namespace).await.unwrap(),
            endpoint::Step::Event(server::Event::Event(e), files) => {
                if let Some(request) = e.ack {
                    io.ack(request, &Binary(e.args(), files)).await.unwrap();
                }
            }
            _ => {}
        }
    }
}

/// Asks with values around the ends of the windows, of content that gets much shorter, and with files that do not.
async fn ask_all<'m, T, D, A, C, P, E>(client: &mut Client<'m, T, D, A, C, Fill, P>)
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    P: Packing,
{
    let mut state = 1_u32;
    for size in [0, 1, 31, 32, 33, 255, 256, 257, 1000, 1024, 1500, 3000, 3, 1500] {
        let text: String = (0..).flat_map(|i| format!("<n {i}>").into_bytes()).map(char::from).take(size).collect();
        let expected = format!("\"{text}\"");
        let is_it = |json: &[u8]| json == expected.as_bytes();
        for _ in 0..2 {
            let it = client.ask(ROOT, "echo", &&*text, 5000, |ack, _| is_it(ack.args().raw()), |_, _| ()).await;
            assert_eq!(it, Ok(true), "{size}");
        }
        let noise: Vec<u8> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_le_bytes()[3]
            })
            .collect();
        let files: [&[u8]; 2] = [&noise, &[7; 100]];
        let content = Binary((Placeholder(0), Placeholder(1)), files.as_slice().into());
        let are = |got: Attachments<'_>| got.into_iter().eq(files);
        let got = client.ask(ROOT, "echo", &content, 5000, |_, got| are(got), |_, _| ()).await;
        assert_eq!(got, Ok(true), "{size}");
    }
}

/// What a client offers and a server accepts, in which memory each unpacks, and how each compresses.
const TERMS: [(Compression, usize, Tier); 4] = [
    (Compression::new(), 48 * 1024, Tier::LARGE),
    (Compression::new().receive_window_bits(9).send_window_bits(8), 8192, Tier::TINY),
    (Compression::new().without_receive_takeover().without_send_takeover(), 8192, Tier::MEDIUM),
    // Too little for the window that is allowed: a smaller one is asked for.
    (Compression::new(), 8192, Tier::SMALL),
];

#[tokio::test]
async fn every_packet_comes_back_with_every_agreement() {
    for (at_client, client_memory, client_tier) in TERMS {
        for (at_server, server_memory, server_tier) in TERMS {
            let config = Config::parse("ws://localhost").unwrap();
            let attempt = pin!(None);
            let lent = ClientMemory {
                rx: memory(8192),
                tx: memory(16384),
                files: memory(8192),
                acks: &mut [AckSlot::EMPTY; 2],
                sockets: &mut [SocketSlot::EMPTY; 1],
                backlog: memory(8192),
                attempt,
            };
            let dial = async || {
                let (near, far): (DuplexStream, DuplexStream) = duplex(1024);
                let random: Fill = random;
                let server = Server::new(Stream::new(near), Clock::new(), random, &["/"], of_server());
                let server = server.with_compression(at_server, memory(server_memory), deflater(server_tier));
                tokio::spawn(serve(server));
                Ok::<_, std::io::Error>(Stream::new(far))
            };
            let random: Fill = random;
            let client = Client::new(&config, &["/"], lent, dial, Clock::new(), random);
            let mut client = client.with_compression(at_client, memory(client_memory), deflater(client_tier));
            // Twice: a later connection begins anew.
            for _ in 0..2 {
                client.connect(ROOT).unwrap();
                ask_all(&mut client).await;
                assert!(client.leave().await);
            }
        }
    }
}

/// A request, and behind it packets in frames with a mask of zeroes. `offer` is the value of its field for extensions.
fn wire(offer: &str, packets: &[&str], deflate: Option<&mut Deflate<Vec<u8>>>) -> Vec<u8> {
    let mut all = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: {offer}\r\n\r\n"
    )
    .into_bytes();
    let mut deflate = deflate;
    for packet in packets {
        let (first, payload) = match &mut deflate {
            None => (0x81, packet.as_bytes().to_vec()),
            Some(deflate) => {
                let mut out = vec![0; packet.len() + 64];
                let n = deflate.compress(packet.as_bytes(), true, &mut out).unwrap();
                deflate.forget();
                out.truncate(n);
                (0xc1, out)
            }
        };
        let len = u16::try_from(payload.len()).unwrap();
        let length = if len < 126 { vec![0x80 | len as u8] } else { [&[0xfe][..], &len.to_be_bytes()].concat() };
        all.extend([&[first][..], &length, &[0; 4], &payload].concat());
    }
    all.extend(b"\x88\x80\0\0\0\0");
    all
}

/// The field for extensions in an answer, and the first bytes of the frames behind it with the lengths of their payloads.
fn read_answer(bytes: &[u8]) -> (Option<String>, Vec<(u8, usize)>) {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let field = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: ")).map(str::to_owned);
    let (mut rest, mut frames) = (&bytes[end..], Vec::new());
    while let [first, len, behind @ ..] = rest {
        let (len, behind) = match (len, behind) {
            (126, [a, b, behind @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), behind),
            (len, behind) => (usize::from(*len), behind),
        };
        frames.push((*first, len));
        rest = &behind[len..];
    }
    (field, frames)
}

/// Text whose second half repeats the first, at a distance that is far beyond a window of 256 bytes.
fn far() -> String {
    let half: String = (0..120_u32).map(|i| format!("{:03x}", i.wrapping_mul(2_654_435_761) >> 20)).collect();
    half.repeat(2)
}

/// A board of 1 KiB and a window of 256 bytes, and the offers that browsers make.
#[tokio::test]
async fn what_browsers_offer_is_served_in_small_memory() {
    let small = Compression::new().receive_window_bits(8).without_send_takeover();
    let own = "permessage-deflate; server_no_context_takeover";
    for (offer, expected) in [
        // Firefox cannot be told a window, so it keeps none.
        ("permessage-deflate", Some(format!("{own}; client_no_context_takeover"))),
        // Chromium.
        ("permessage-deflate; client_max_window_bits", Some(format!("{own}; client_max_window_bits=8"))),
        // Old Safaris.
        ("x-webkit-deflate-frame", None),
    ] {
        let is_small = offer.ends_with("bits");
        let question = format!("421[\"echo\",\"{}\"]", far());
        let mut deflate = Deflate::new(Tier::LARGE, vec![0; Tier::LARGE.bytes()]).unwrap();
        deflate.restart(if is_small { 8 } else { 15 });
        let sent = wire(offer, &["40", &question], expected.is_some().then_some(&mut deflate));
        assert!(is_small || expected.is_none() || sent.len() < 800, "it refers to what is far");
        let (near, mut far_end): (DuplexStream, DuplexStream) = duplex(1 << 16);
        let random: Fill = random;
        let lent = ServerMemory { rx: memory(1024), tx: memory(2048), files: &mut [], acks: &mut [] };
        let server = Server::new(Stream::new(near), Clock::new(), random, &["/"], lent);
        let served = serve(server.with_compression(small, memory(1024), deflater(Tier::TINY)));
        far_end.write_all(&sent).await.unwrap();
        served.await;
        let mut bytes = Vec::new();
        far_end.read_to_end(&mut bytes).await.unwrap();
        let (field, frames) = read_answer(&bytes);
        assert_eq!(field, expected, "{offer}");
        let answers: Vec<_> = frames.iter().filter(|(_, len)| *len > 200).collect();
        let first = if expected.is_some() { 0xc1 } else { 0x81 };
        assert!(matches!(answers[..], [(f, _)] if *f == first), "{offer}: {frames:?}");
    }
}

/// The drivers that block.
#[test]
fn a_blocking_server_compresses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let question = format!("421[\"echo\",\"{}\"]", "la ".repeat(100));
    client.write_all(&wire("permessage-deflate", &["40", &question], None)).unwrap();
    let random: Fill = random;
    let stream = blocking::Stream::tcp(listener.accept().unwrap().0).unwrap();
    let server = blocking::Server::new(stream, blocking::Clock::new(), random, &["/"], of_server());
    let mut server = server.with_compression(Compression::new(), memory(41_000), deflater(Tier::SMALL));
    server.accept().unwrap();
    while let Some((step, mut io)) = server.next().unwrap() {
        match step {
            endpoint::Step::Event(server::Event::Connect { namespace, .. }, _) => io.accept(namespace).unwrap(),
            endpoint::Step::Event(server::Event::Event(e), _) => io.ack(e.ack.unwrap(), &e.args()).unwrap(),
            _ => {}
        }
    }
    drop(server);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    let (field, frames) = read_answer(&bytes);
    assert_eq!(field.as_deref(), Some("permessage-deflate"));
    assert!(frames.iter().any(|(first, len)| *first == 0xc1 && *len < 60), "{frames:?}");
}

/// A message that does not fit beside the window: the client grows and takes it, or leaves it out.
#[tokio::test]
async fn a_message_that_does_not_fit_waits_for_memory() {
    for grows in [true, false] {
        let config = Config::parse("ws://localhost").unwrap();
        let attempt = pin!(None);
        let lent = ClientMemory {
            rx: memory(512),
            tx: memory(8192),
            files: &mut [],
            acks: &mut [AckSlot::EMPTY; 2],
            sockets: &mut [SocketSlot::EMPTY; 1],
            backlog: memory(8192),
            attempt,
        };
        let dial = async || {
            let (near, far): (DuplexStream, DuplexStream) = duplex(1024);
            let random: Fill = random;
            let server = Server::new(Stream::new(near), Clock::new(), random, &["/"], of_server());
            tokio::spawn(serve(server.with_compression(Compression::new(), memory(64 * 1024), deflater(Tier::SMALL))));
            Ok::<_, std::io::Error>(Stream::new(far))
        };
        let random: Fill = random;
        let client = Client::new(&config, &["/"], lent, dial, Clock::new(), random);
        let mut client = client.with_compression(Compression::new(), memory(320), deflater(Tier::TINY));
        client.connect(ROOT).unwrap();
        for (token, n) in [(1, 300), (2, 2)] {
            let text = "abc".repeat(n);
            client.io().emit_with(ROOT, "echo", &&*text, Emit::new().ask(token, None)).unwrap();
        }
        let (mut answers, mut grown) = (Vec::new(), 0);
        while answers.last() != Some(&(2, 8)) {
            match client.next().await {
                Ok((Step::Event(Event::Ack(ack), _), _)) => answers.push((ack.token.unwrap(), ack.args().raw().len())),
                Ok(_) => {}
                Err(Grow { what: What::Unpacked, to }) if grows => {
                    grown += 1;
                    client.replace_unpacked(memory(to)).unwrap();
                }
                Err(Grow { what: What::Unpacked, .. }) => assert!(client.skip_message()),
                Err(grow) => panic!("{grow:?}"),
            }
        }
        let expected: &[_] = if grows { &[(1, 902), (2, 8)] } else { &[(2, 8)] };
        assert_eq!((&answers[..], grown > 0), (expected, grows));
    }
}
