//! embedded-tls under a driver, against rustls.

mod support;

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_tls::{Certificate, FlushPolicy, TlsClock, TlsConfig, TlsConnection, TlsContext, TlsError};
use sansocket::{
    drive::{Error, WebSocket, io_0_7::Async, sha1, tokio::Clock},
    http::Url,
    ws::{CloseCode, Incoming, Kind},
};
use sansocket_board::{Both, Memory, Pipes, Provider, Secure, pump};
use std::{
    cell::RefCell,
    pin::pin,
    time::{Duration, SystemTime},
};
use support::{Certificates, echo, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The date of this machine.
struct Date;

impl TlsClock for Date {
    fn now() -> Option<u64> {
        SystemTime::UNIX_EPOCH.elapsed().ok().map(|since| since.as_secs())
    }
}

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

/// What the driver lends.
struct Room {
    memory: Memory,
    rx: [u8; 2048],
    tx: [u8; 2048],
}

impl Room {
    fn new() -> Self {
        Self { memory: Memory::new(), rx: [0; 2048], tx: [0; 2048] }
    }
}

/// Echoes `sizes`, while each wait for an answer is dropped every millisecond.
async fn talk(
    port: u16,
    name: &str,
    authority: &[u8],
    room: &mut Room,
    sizes: &[usize],
) -> Result<(), Error<TlsError>> {
    let (reader, writer) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
    let (reader, writer) = (RefCell::new(FromTokio::new(reader)), RefCell::new(FromTokio::new(writer)));
    let Room { memory, rx, tx } = room;
    let mut tls = TlsConnection::new(Both::new(&reader, &writer), &mut memory.read, &mut memory.write);
    tls.set_flush_policy(FlushPolicy::Relaxed);
    let config = TlsConfig::new().with_server_name(name);
    let provider = Provider::<Date>::new(random, Certificate::X509(authority));
    tls.open(TlsContext::new(&config, provider)).await.map_err(Error::Transport)?;
    let pipes = Pipes::new(&mut memory.pipes);
    let (reader, writer) = tls.split();
    let pump = pin!(pump(reader, writer, &pipes));

    let mut ws = WebSocket::client(Secure::new(pump, &pipes), Clock::new(), random, &mut rx[..], &mut tx[..]);
    let text = format!("wss://localhost:{port}/");
    ws.connect_with(sha1, &Url::parse(&text).unwrap(), |connect| connect).await?;
    for &size in sizes {
        for (n, part) in vec![7; size].chunks(1500).enumerate() {
            ws.reply().feed_part(Kind::Binary, part, (n + 1) * 1500 >= size).await?;
        }
        ws.reply().flush().await?;
        let mut got = 0;
        loop {
            let Ok(incoming) = tokio::time::timeout(Duration::from_millis(1), ws.next_part()).await else { continue };
            let Some((Incoming::Part(part), _)) = incoming? else { panic!("no part") };
            assert!(part.as_bytes().iter().all(|&b| b == 7));
            got += part.as_bytes().len();
            if part.is_last() {
                break;
            }
        }
        assert_eq!(got, size);
    }
    let closed = ws.close(CloseCode::NORMAL, "").await?;
    assert!(closed.is_clean);
    Ok(())
}

/// Two connections one after another with the same memory.
#[tokio::test]
async fn an_echo_over_embedded_tls() {
    let certificates = Certificates::new();
    let port = serve(certificates.server(), echo).await;
    let mut room = Box::new(Room::new());
    for sizes in [&[5, 1500, 1][..], &[100_000]] {
        talk(port, "localhost", &certificates.authority, &mut room, sizes).await.unwrap();
    }
}

/// The bytes of both directions pass in pieces of one to n bytes, with pauses, so each read ends in the middle of a record.
#[tokio::test]
async fn an_echo_in_pieces() {
    let certificates = Certificates::new();
    let port = pieces(serve(certificates.server(), echo).await).await;
    let mut room = Box::new(Room::new());
    talk(port, "localhost", &certificates.authority, &mut room, &[5, 4000]).await.unwrap();
}

async fn pieces(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        near.set_nodelay(true).unwrap();
        let ((mut from, mut to), (mut back, mut forth)) = (near.split(), far.split());
        let up = async { tokio::io::copy(&mut from, &mut forth).await };
        let down = async {
            let mut bytes = [0; 16_384];
            for size in (1..).cycle() {
                let n = back.read(&mut bytes).await?;
                for piece in bytes[..n].chunks(1 + size % 97) {
                    to.write_all(piece).await?;
                    if size % 3 == 0 {
                        tokio::time::sleep(Duration::from_micros(300)).await;
                    }
                }
                if n == 0 {
                    break;
                }
            }
            std::io::Result::Ok(())
        };
        let _ = tokio::join!(up, down);
    });
    port
}

#[tokio::test]
async fn strangers_are_refused() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let port = serve(certificates.server(), echo).await;
    let mut room = Box::new(Room::new());
    let end = talk(port, "localhost", &others.authority, &mut room, &[5]).await;
    assert!(matches!(end, Err(Error::Transport(TlsError::InvalidSignature | TlsError::InvalidCertificate))), "{end:?}");
    let end = talk(port, "example.org", &certificates.authority, &mut room, &[5]).await;
    assert!(matches!(end, Err(Error::Transport(TlsError::InvalidCertificate))), "{end:?}");
}

/// Why there is a pump: what embedded-tls takes it keeps, so the request of the handshake does not leave.
#[tokio::test]
async fn embedded_tls_as_it_is() {
    let certificates = Certificates::new();
    let port = serve(certificates.server(), echo).await;
    let socket = FromTokio::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    let (mut read, mut write) = (vec![0; 16_640], vec![0; 16_640]);
    let mut tls = TlsConnection::new(socket, &mut read, &mut write);
    let config = TlsConfig::new().with_server_name("localhost");
    let provider = Provider::<Date>::new(random, Certificate::X509(&certificates.authority));
    tls.open(TlsContext::new(&config, provider)).await.unwrap();
    let mut ws = WebSocket::client(Async(tls), Clock::new(), random, [0; 1024], [0; 1024]);
    let url = Url::parse("wss://localhost/").unwrap();
    let connecting = ws.connect_with(sha1, &url, |connect| connect);
    assert!(tokio::time::timeout(Duration::from_millis(500), connecting).await.is_err());
}

/// The figures of README.md, on a machine of 64 bits.
#[test]
fn memory() {
    let (reader, writer) = tokio::io::duplex(64);
    let (reader, writer) = (RefCell::new(FromTokio::new(reader)), RefCell::new(FromTokio::new(writer)));
    let Memory { mut read, mut write, mut pipes } = Memory::<16_640, 1_280>::new();
    let buffers = [read.len(), write.len(), size_of_val(&pipes)];
    let mut tls = TlsConnection::new(Both::new(&reader, &writer), &mut read, &mut write);
    let connection = size_of_val(&tls);
    let config = TlsConfig::new();
    let context = TlsContext::new(&config, Provider::<Date>::new(random, Certificate::X509(&[])));
    let opening = size_of_val(&tls.open(context));
    let pipes = Pipes::new(&mut pipes);
    let (reader, writer) = tls.split();
    let mut pump = pin!(pump(reader, writer, &pipes));
    let pumping = size_of_val(&*pump);
    let mut ws = WebSocket::client(Secure::new(pump.as_mut(), &pipes), Clock::new(), random, [0; 0], [0; 0]);
    let driver = [size_of_val(&ws), size_of_val(&ws.next())];
    println!("buffers {buffers:?}, connection {connection}, opening {opening}, pump {pumping}, driver {driver:?}");
    assert_eq!(buffers, [16_640, 1_280, 2_048]);
    assert!(connection <= 1_400 && opening <= 6_400 && pumping <= 1_400 && driver[0] <= 600 && driver[1] <= 200);
}
