//! The drivers over Tokio's sockets.

use sansocket::{
    drive::{
        Transmit, WebSocket,
        tokio::{Clock, Stream},
    },
    http::Url,
    ws::{CloseCode, Incoming, Kind},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};

async fn serve(stream: TcpStream) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut ws = WebSocket::server(Stream::new(stream), Clock::new(), vec![0; 4096], vec![0; 4096]);
    ws.accept().await?;
    while let Some((incoming, reply)) = ws.next().await? {
        if let Incoming::Message(message) = incoming {
            reply.send(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_echo() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    let text = format!("ws://{address}/");
    let url = Url::parse(&text).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut ws = WebSocket::client(Stream::new(stream), Clock::new(), random, vec![0; 4096], vec![0; 4096]);
    ws.connect(&url).await.unwrap();
    ws.send_text("hello").await.unwrap();
    let (incoming, _) = ws.next().await.unwrap().unwrap();
    assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == b"hello" && m.kind() == Kind::Text));
    assert!(ws.close(CloseCode::NORMAL, "bye").await.unwrap().is_clean);
    server.await.unwrap().unwrap();
}

/// The close frame of the peer is answered before it is returned, and a peer that is gone at once is no error.
#[tokio::test]
async fn a_close_is_answered_before_it_is_told() {
    for stays in [false, true] {
        let (near, mut far) = tokio::io::duplex(256);
        let mut ws = WebSocket::server(Stream::new(near), Clock::new(), [0; 256], [0; 256]);
        ws.opened();
        far.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
        let mut rest = Vec::new();
        let far = stays.then_some(far);
        let (incoming, _) = ws.next().await.unwrap().unwrap();
        assert_eq!(incoming, Incoming::Close(CloseCode::NORMAL));
        assert!(ws.next().await.unwrap().is_none());
        assert!(ws.next().await.unwrap().is_none());
        assert_eq!(ws.reply().closed().code, CloseCode::NORMAL);
        assert_eq!(ws.reply().closed().is_clean, stays);
        if let Some(mut far) = far {
            drop(ws);
            far.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"\x88\x02\x03\xe8");
        }
    }
}

/// TLS and buffered streams keep what they take until a flush. Nobody flushes a driver's transport, so the stream must.
#[tokio::test]
async fn what_a_stream_keeps_is_sent() {
    let (near, far) = tokio::io::duplex(64);
    let server = tokio::spawn(async move {
        let mut ws = WebSocket::server(Stream::new(BufStream::new(near)), Clock::new(), [0; 4096], [0; 4096]);
        ws.accept().await.unwrap();
        while let Some((incoming, reply)) = ws.next().await.unwrap() {
            if let Incoming::Message(message) = incoming {
                reply.send(message.kind(), message.as_bytes()).await.unwrap();
            }
        }
    });
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut ws = WebSocket::client(Stream::new(BufStream::new(far)), Clock::new(), random, [0; 4096], [0; 4096]);
    let work = async {
        ws.connect(&Url::parse("ws://localhost/").unwrap()).await.unwrap();
        ws.send(Kind::Binary, &[7; 3000]).await.unwrap();
        let (incoming, _) = ws.next().await.unwrap().unwrap();
        assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == [7; 3000]));
        ws.close(CloseCode::NORMAL, "").await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("everything is sent");
    server.await.unwrap();
}

/// The future of a write is dropped while the stream still flushes: the bytes are sent once.
#[tokio::test]
async fn a_write_that_is_dropped_is_sent_once() {
    let (near, mut far) = tokio::io::duplex(16);
    let mut stream = Stream::new(BufStream::new(near));
    let first = tokio::time::timeout(Duration::from_millis(20), stream.write(&[1; 40])).await;
    assert!(first.is_err(), "only 16 of 40 bytes are out");
    let (n, all) = tokio::join!(stream.write(&[1; 60]), async {
        let mut bytes = [0; 40];
        far.read_exact(&mut bytes).await.unwrap();
        bytes
    });
    assert_eq!((n.unwrap(), all), (Some(40), [1; 40]), "the 40 bytes that were taken at first");
    drop(stream);
    assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0, "and nothing else");
}

/// The pongs of the driver's own pings are not shown, also after a ping of the application.
#[tokio::test(start_paused = true)]
async fn only_pongs_of_the_application_are_shown() {
    let (near, mut far) = tokio::io::duplex(256);
    let mut ws = WebSocket::server(Stream::new(near), Clock::new(), [0; 256], [0; 256]);
    ws.opened();
    ws.reply().ping(b"mine").await.unwrap();
    let answers = async {
        let mut frame = [0; 6];
        for expected in [&b"mine"[..], b"\0\0\0\x01", b"\0\0\0\x02"] {
            far.read_exact(&mut frame).await.unwrap();
            assert_eq!((&frame[..2], &frame[2..]), (&b"\x89\x04"[..], expected));
            far.write_all(&[b"\x8a\x84\0\0\0\0", expected].concat()).await.unwrap();
        }
        far.write_all(b"\x81\x81\0\0\0\0x").await.unwrap();
        far
    };
    let events = async {
        assert!(matches!(ws.next().await.unwrap().unwrap().0, Incoming::Pong(pong) if pong.as_bytes() == b"mine"));
        assert!(matches!(ws.next().await.unwrap().unwrap().0, Incoming::Message(_)));
    };
    tokio::join!(answers, events);
}
