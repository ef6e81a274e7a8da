//! The drivers over rustls.

mod support;

use sansocket::{
    drive::{
        Error, WebSocket,
        tokio::{Clock, Stream},
    },
    http::Url,
    ws::{CloseCode, Incoming, Kind, Limits},
};
use sansocket_tls::{Trust, client_config, connect, encrypt};
use std::{io, time::Duration};
use support::{Certificates, Outcome, Served, echo, serve};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

/// 25 lines would do for this, without the sizes.
#[tokio::test]
async fn an_echo() {
    let certificates = Certificates::new();
    let port = serve(certificates.server(), echo).await;
    let config = client_config(Trust::File(&certificates.ca()), None).unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let tls = connect(host, port, &config).await.unwrap();
        let memory = vec![0; 70_000];
        let mut ws = WebSocket::client(Stream::new(tls), Clock::new(), random, memory.clone(), memory);
        let text = format!("wss://{host}:{port}/");
        ws.connect(&Url::parse(&text).unwrap()).await.unwrap();
        for size in [0, 1, 125, 4096, 16_384, 65_536] {
            ws.send(Kind::Binary, &vec![3; size]).await.unwrap();
            let mut got = 0;
            while let Some((Incoming::Part(part), _)) = ws.next_part().await.unwrap() {
                got += part.as_bytes().len();
                if part.is_last() {
                    break;
                }
            }
            assert_eq!(got, size);
        }
        assert!(ws.close(CloseCode::NORMAL, "").await.unwrap().is_clean);
        // Behind it came the end of TLS, so nobody has cut the connection.
        let rest = ws.reply().transport().get_mut().read(&mut [0; 1]).await.unwrap();
        assert_eq!(rest, 0);
    }
}

/// Reads slowly, so that the socket of the other end is full all the time, and tells how much it got.
async fn slow(ws: Served) -> Outcome {
    let mut ws = ws.with_limits(Limits::new().message(1 << 30).frame(1 << 30));
    let mut got = 0;
    while let Some((Incoming::Part(part), reply)) = ws.next_part().await? {
        got += part.as_bytes().len();
        if got % (64 << 10) < part.as_bytes().len() {
            sleep(Duration::from_millis(100)).await;
        }
        if part.is_last() {
            reply.send_text(&got.to_string()).await?;
        }
    }
    Ok(())
}

/// TLS keeps the end of a large message back while the socket is full. It must get out though nothing is sent after it.
#[tokio::test]
async fn the_end_of_a_large_message() {
    const SIZE: usize = 1500 << 10;
    let certificates = Certificates::new();
    let port = serve(certificates.server(), slow).await;
    let config = client_config(Trust::File(&certificates.ca()), None).unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 << 10).unwrap();
    let socket = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let tls = encrypt(socket, "localhost", &config).await.unwrap();
    let mut ws = WebSocket::client(Stream::new(tls), Clock::new(), random, vec![0; 4096], vec![0; SIZE + 100]);
    let text = format!("wss://localhost:{port}/");
    ws.connect(&Url::parse(&text).unwrap()).await.unwrap();
    ws.send(Kind::Binary, &vec![1; SIZE]).await.unwrap();
    let answer = timeout(Duration::from_secs(20), ws.next()).await.expect("an answer").unwrap();
    assert!(matches!(answer, Some((Incoming::Message(m), _)) if m.as_bytes() == SIZE.to_string().as_bytes()));
}

#[tokio::test]
async fn strangers_are_refused() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let port = serve(certificates.server(), echo).await;
    let ours = certificates.ca();
    let other = others.ca();
    for (host, trust, says) in [
        ("localhost", Trust::File(&other), "invalid peer certificate: BadSignature"),
        ("localhost", Trust::Public, "invalid peer certificate: UnknownIssuer"),
        ("example.org", Trust::File(&ours), "not valid for name"),
        ("example.org", Trust::Anybody, ""),
    ] {
        let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let end = encrypt(socket, host, &client_config(trust, None).unwrap()).await;
        let end = end.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(end.contains(says) && end.is_empty() == says.is_empty(), "{host} {trust:?}: {end}");
    }
}

/// The server's process dies: TLS was not ended, which is an error and no close.
#[tokio::test]
async fn a_cut() {
    let certificates = Certificates::new();
    let to = serve(certificates.server(), echo).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        let _ = timeout(Duration::from_millis(500), tokio::io::copy_bidirectional(&mut near, &mut far)).await;
    });
    let config = client_config(Trust::File(&certificates.ca()), None).unwrap();
    let tls = connect("localhost", port, &config).await.unwrap();
    let mut ws = WebSocket::client(Stream::new(tls), Clock::new(), random, vec![0; 4096], vec![0; 4096]);
    ws.connect(&Url::parse("wss://localhost/").unwrap()).await.unwrap();
    let end = ws.next().await.map(|_| ());
    assert!(matches!(&end, Err(Error::Transport(e)) if e.kind() == io::ErrorKind::UnexpectedEof), "{end:?}");
    assert!(matches!(ws.next().await, Err(Error::Ended)));
}
