//! Messages of any size, in memory that grows with what arrives and is given back.

use sansocket::{
    drive::{
        Deadlines, Error, Failed, Side, Timer, Transport, WebSocket,
        tokio::{Clock, Stream},
    },
    ws::{CloseCode, Incoming, Kind, Limits, Timeouts},
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const LEAST: usize = 64;

async fn echo<T: Transport, C: Timer, D: Side>(
    ws: &mut WebSocket<T, C, D, Vec<u8>, Vec<u8>>,
) -> Result<(), Error<Failed<T>>> {
    while let Some((incoming, reply)) = ws.next_growing(LEAST).await? {
        if let Incoming::Message(message) = incoming {
            reply.feed_growing(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(())
}

/// Both roles grow, both give the memory back.
#[tokio::test]
async fn every_size_comes_back() {
    for pipe in [1, 100, 1 << 20] {
        let (near, far) = duplex(pipe);
        let server = tokio::spawn(async move {
            let mut ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST]);
            ws.opened();
            echo(&mut ws).await.unwrap();
            (ws.inbox().replace(Vec::new()).unwrap().len(), ws.reply().replace_outbox(Vec::new()).unwrap().len())
        });
        let random = |bytes: &mut [u8]| bytes.fill(7);
        let mut ws = WebSocket::client(Stream::new(far), Clock::new(), random, vec![0; LEAST], vec![0; LEAST]);
        ws.opened();
        for size in [0, 1, 57, 58, 60, 61, 62, 63, 64, 65, 66, 125, 126, 1000, 3, 65_535, 65_536, 100_000, 8, 0] {
            let sent: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            ws.reply().feed_growing(Kind::Binary, &sent).await.unwrap();
            let (incoming, _) = ws.next_growing(LEAST).await.unwrap().unwrap();
            assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == sent), "{size}, pipe of {pipe}");
        }
        ws.close(CloseCode::NORMAL, "").await.unwrap();
        assert_eq!(server.await.unwrap(), (LEAST, LEAST));
    }
}

/// What a header announces costs nothing; what arrives costs at most twice as much.
#[tokio::test]
async fn memory_grows_with_what_arrives() {
    let (near, mut far) = duplex(1 << 20);
    let mut ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST])
        .with_limits(Limits::new().message(1 << 40).frame(1 << 40));
    ws.opened();
    far.write_all(b"\x82\xff\0\0\0\x80\0\0\0\0\0\0\0\0").await.unwrap();
    far.write_all(&[0; 1000]).await.unwrap();
    // The future is dropped again and again.
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(10), ws.next_growing(LEAST)).await.is_err());
    }
    assert_eq!(ws.inbox().held(), 1000);
    assert!(ws.inbox().replace(vec![0; 2048]).unwrap().len() <= 2048);
}

/// While a large message arrives, pings are sent.
#[tokio::test]
async fn pings_are_sent_meanwhile() {
    let (near, mut far) = duplex(1 << 20);
    let deadlines = Deadlines::new().others(Timeouts::new().ping_interval(50).idle(0).pong(60_000));
    let mut ws = WebSocket::server(Stream::new(near), Clock::new(), vec![0; LEAST], vec![0; LEAST])
        .with_limits(Limits::new().message(1 << 20).frame(1 << 20))
        .with_deadlines(deadlines);
    ws.opened();
    tokio::spawn(async move { ws.next_growing(LEAST).await.map(|_| ()) });
    far.write_all(b"\x82\xff\0\0\0\0\0\x01\0\0\0\0\0\0").await.unwrap();
    let mut seen = vec![0; 6];
    for _ in 0..20 {
        far.write_all(&[0; 10]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    far.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen[..2], [0x89, 4]);
}
