//! WebSockets of applications: handshakes, messages of all sizes, limits.

mod support;

use sansocket_tokio::{
    Bytes,
    net::DialError,
    websocket::{
        self, AcceptError, Acceptor, CloseCode, Config, ConnectError, Connector, Error, Message, PeerError, Role,
        Status,
    },
};
use support::{Result, bare, pair, pair_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Payloads of every length form, and around the sizes of the memory.
fn messages() -> Vec<Message> {
    let sizes = [0, 1, 125, 126, 4083, 4096, 4097, 16_384, 16_385, 65_535, 65_536, 200_000, 3 << 20];
    let mut messages = Vec::new();
    for size in sizes {
        messages.push(Message::from((0..size).map(|n| n as u8).collect::<Vec<_>>()));
        messages.push(Message::from("h\u{e9}\u{1f980}".chars().cycle().take(size / 3).collect::<String>()));
    }
    messages
}

/// Serves one client, which gets everything back. Returns what was seen at the end.
async fn echo(listener: TcpListener) -> Result<Option<websocket::Closed>> {
    let mut ws = websocket::accept(listener.accept().await?.0).await?;
    while let Some(message) = ws.next().await? {
        ws.send(message).await?;
    }
    Ok(ws.closed().cloned())
}

async fn echo_server() -> Result<(String, JoinHandle<Result<Option<websocket::Closed>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    Ok((url, tokio::spawn(echo(listener))))
}

#[tokio::test]
async fn messages_of_every_size_come_back_over_tcp() -> Result {
    let (url, server) = echo_server().await?;
    let mut ws = websocket::connect(url).await?;
    for message in messages() {
        ws.send(message.clone()).await?;
        assert!(ws.next().await? == Some(message));
    }
    let closed = ws.close_with(CloseCode(4321), "done").await?;
    assert_eq!((closed.code, closed.is_clean), (CloseCode(4321), true));
    let closed = server.await??.ok_or("closed")?;
    assert_eq!((closed.code, &*closed.reason, closed.is_clean), (CloseCode(4321), "done", true));
    Ok(())
}

#[tokio::test]
async fn messages_of_every_size_pass_a_narrow_pipe_in_both_directions() -> Result {
    let (mut client, mut server) = pair(777).await?;
    let (from_client, from_server) = (messages(), messages());
    let talk = async {
        for message in &from_client {
            client.send(message.clone()).await?;
        }
        for message in &from_server {
            assert!(client.next().await?.as_ref() == Some(message));
        }
        Result::Ok(())
    };
    let answer = async {
        for message in &from_client {
            assert!(server.next().await?.as_ref() == Some(message));
        }
        for message in &from_server {
            server.feed(message.clone()).await?;
        }
        server.flush().await?;
        Result::Ok(())
    };
    let (talked, answered) = tokio::join!(talk, answer);
    talked.and(answered)
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() -> Result {
    let (mut ws, mut peer) = bare(Role::Client, 1 << 20, &Config::new());
    // Text cut inside of a character, with a ping between; then bytes in 100 frames, some of them empty.
    peer.write_all(b"\x01\x02h\xc3\x89\x01p\x80\x01\xa9").await?;
    assert_eq!(ws.next().await?, Some("h\u{e9}".into()));
    let mut pong = [0; 7];
    peer.read_exact(&mut pong).await?;
    assert_eq!(pong[..2], [0x8a, 0x81]);
    let mut expected = Vec::new();
    for n in 0..100_u8 {
        let len = if n % 10 == 3 { 0 } else { 100 };
        let first = if n == 0 { 2 } else { 0 } | if n == 99 { 0x80 } else { 0 };
        peer.write_all(&[first, len]).await?;
        peer.write_all(&vec![n; usize::from(len)]).await?;
        expected.extend(vec![n; usize::from(len)]);
    }
    assert_eq!(ws.next().await?, Some(expected.into()));
    Ok(())
}

#[tokio::test]
async fn fed_messages_leave_in_one_write() -> Result {
    let (mut ws, mut peer) = bare(Role::Server, 1 << 20, &Config::new());
    for text in ["a", "b", "c"] {
        ws.feed(text).await?;
    }
    ws.flush().await?;
    let mut all = [0; 64];
    assert_eq!(peer.read(&mut all).await?, 9);
    assert_eq!(&all[..9], b"\x81\x01a\x81\x01b\x81\x01c");
    Ok(())
}

/// The limit holds in both roles; the peer is told 1009, and finds it although it is still sending.
#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection() -> Result {
    for is_client in [true, false] {
        let config = Config::new().max_message(1000);
        let (client, server) = pair_with(1 << 16, config).await?;
        let (mut speaker, mut judge) = if is_client { (client, server) } else { (server, client) };
        speaker.send(vec![7; 1000]).await?;
        assert_eq!(judge.next().await?, Some(vec![7; 1000].into()));
        speaker.send(vec![7; 1001]).await?;
        let judged = tokio::spawn(async move {
            let error = judge.next().await;
            let again = judge.next().await;
            assert!(matches!(again, Err(Error::Peer(_))), "{again:?}");
            assert_eq!(judge.closed().map(|c| (c.code, c.is_clean)), Some((CloseCode::MESSAGE_TOO_BIG, false)));
            error
        });
        assert_eq!(speaker.next().await?, None);
        assert_eq!(speaker.closed().map(|c| c.code), Some(CloseCode::MESSAGE_TOO_BIG));
        drop(speaker);
        let error = judged.await?.unwrap_err();
        assert!(matches!(error, Error::Peer(PeerError::MessageTooLarge | PeerError::FrameTooLarge)), "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn over_tcp_the_close_frame_reaches_a_peer_that_is_still_sending() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let acceptor = Acceptor::new().config(Config::new().max_message(1000));
        let mut ws = acceptor.accept(listener.accept().await?.0).await?;
        let result = ws.next().await;
        assert!(matches!(result, Err(Error::Peer(_))), "{result:?}");
        Result::Ok(())
    });
    let mut ws = websocket::connect(url).await?;
    // More than the system holds, so the server ends while this is on its way.
    ws.send(vec![7; 20_000_000]).await?;
    assert_eq!(ws.next().await?, None);
    assert_eq!(ws.closed().map(|c| c.code), Some(CloseCode::MESSAGE_TOO_BIG));
    drop(ws);
    server.await?
}

#[tokio::test]
async fn text_that_is_not_utf8_is_the_peers_fault() -> Result {
    let (mut ws, mut peer) = bare(Role::Client, 1024, &Config::new());
    peer.write_all(b"\x81\x02\xc3\x28").await?;
    let mut close = [0; 8];
    let (result, read) = tokio::join!(ws.next(), async {
        let read = peer.read_exact(&mut close).await;
        drop(peer);
        read
    });
    assert!(matches!(result, Err(Error::Peer(PeerError::InvalidUtf8))), "{result:?}");
    read?;
    assert_eq!(close[..2], [0x88, 0x82]);
    Ok(())
}

#[tokio::test]
async fn both_ends_agree_on_a_subprotocol() -> Result {
    let cases: [(&[&str], &[&str], Option<&str>); 5] = [
        (&["a", "b"], &["b", "a"], Some("b")),
        (&["a", "b"], &["x", "a"], Some("a")),
        (&["a"], &["A"], None),
        (&["a"], &[], None),
        (&[], &["a"], None),
    ];
    for (theirs, ours, agreed) in cases {
        let (near, far) = duplex(1024);
        let connector = Connector::new("ws://server").protocols(theirs.iter().copied());
        let acceptor = Acceptor::new().protocols(ours.iter().copied());
        let (client, server) = tokio::join!(connector.connect_over(near), acceptor.accept(far));
        assert_eq!((client?.protocol(), server?.protocol()), (agreed, agreed));
    }
    Ok(())
}

#[tokio::test]
async fn the_function_sees_the_request_and_chooses() -> Result {
    let (near, far) = duplex(1 << 16);
    let long = "x".repeat(6000);
    let connector = Connector::new("ws://server:81/a%20b?c=d")
        .header("X-Long", long.clone())
        .origin("https://example.org")
        .protocols(["one", "two"]);
    // Longer than the memory of either end.
    let acceptor = Acceptor::new().header("X-Answer", "y".repeat(5000)).protocols(["one"]);
    let mut calls = 0;
    let accepted = acceptor.accept_with(far, |offer| {
        calls += 1;
        assert_eq!((offer.path(), offer.query()), ("/a%20b", "c=d"));
        assert_eq!((offer.header("x-long"), offer.header("y")), (Some(&*long), None));
        assert_eq!(offer.origin(), Some("https://example.org"));
        assert_eq!(offer.protocols().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(offer.request().authority().map(|a| a.host()), Some(&b"server"[..]));
        assert!(!offer.choose("three") && offer.choose("two"));
        Ok(())
    });
    let (client, server) = tokio::join!(connector.connect_over(near), accepted);
    let (mut client, mut server) = (client?, server?);
    assert_eq!((client.protocol(), server.protocol(), calls), (Some("two"), Some("two"), 1));
    server.send("first").await?;
    assert_eq!(client.next().await?, Some("first".into()));
    Ok(())
}

#[tokio::test]
async fn a_client_is_refused_by_function_or_by_origin() -> Result {
    for (origin, expected) in [(None, 404), (Some("https://a"), 404), (Some("https://b"), 403)] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut connector = Connector::new(format!("ws://{}/", listener.local_addr()?));
        if let Some(origin) = origin {
            connector = connector.origin(origin);
        }
        let server = tokio::spawn(async move {
            let acceptor = Acceptor::new().origins(["https://a"]);
            acceptor.accept_with(listener.accept().await?.0, |_| Err(Status(404))).await.map_err(Into::into)
        });
        match connector.connect().await {
            Err(ConnectError::Refused { status, location: None }) => assert_eq!(status, expected),
            other => panic!("{other:?}"),
        }
        let error: Result<_> = server.await?;
        let error = error.unwrap_err();
        match error.downcast_ref::<AcceptError>() {
            Some(AcceptError::Refused(status)) => assert_eq!(status.0, expected),
            _ => panic!("{error:?}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so() -> Result {
    // A browser opens the address; then something that is not HTTP; then nobody speaks.
    for (request, status) in [("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426"), ("\x16\x03\x01 hello\r\n\r\n", "400")] {
        let (mut near, far) = duplex(4096);
        near.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        let (accepted, read) = tokio::join!(websocket::accept(far), async {
            near.read_to_string(&mut answer).await?;
            drop(near);
            Result::Ok(())
        });
        read?;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(matches!(accepted, Err(AcceptError::Request(_) | AcceptError::Head(_))), "{accepted:?}");
    }
    let (near, far) = duplex(64);
    drop(near);
    assert!(matches!(websocket::accept(far).await, Err(AcceptError::Lost(Error::Gone))));
    Ok(())
}

#[tokio::test]
async fn a_client_learns_why_there_is_no_websocket() -> Result {
    let answers = [
        ("HTTP/1.1 302 Found\r\nLocation: https://b/\r\nContent-Length: 0\r\n\r\n", "302, and leads to https://b/"),
        ("HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "Accept"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "not HTTP"),
        ("", "gone"),
    ];
    for (answer, expected) in answers {
        let (near, mut far) = duplex(4096);
        let connector = Connector::new("ws://server");
        let (connected, served) = tokio::join!(connector.connect_over(near), async {
            let mut request = [0; 1024];
            let n = far.read(&mut request).await?;
            assert!(request[..n].starts_with(b"GET / HTTP/1.1\r\nHost: server\r\n"));
            far.write_all(answer.as_bytes()).await?;
            drop(far);
            Result::Ok(())
        });
        served?;
        let error = connected.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (url, part) in [("ftp://a/", "wss://"), ("ws://a b/", ""), ("ws://a/#b", "")] {
        let error = websocket::connect(url).await.unwrap_err();
        assert!(matches!(error, ConnectError::Url(_)) && error.to_string().contains(part), "{error}");
    }
    let bad = Connector::new("ws://server").header("Sec-WebSocket-Key", "mine");
    let error = bad.connect_over(duplex(64).0).await.unwrap_err();
    assert!(matches!(error, ConnectError::Request(_)), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn nobody_listens() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    drop(listener);
    match websocket::connect(format!("ws://{address}/")).await {
        Err(ConnectError::Dial(DialError::Refused { address: tried, .. })) => assert_eq!(tried, address),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[cfg(not(feature = "rustls"))]
#[tokio::test]
async fn without_rustls_the_error_names_the_feature() {
    let error = websocket::connect("wss://127.0.0.1:1/").await.unwrap_err();
    assert!(matches!(error, ConnectError::Dial(DialError::NoTls { .. })), "{error:?}");
    assert!(error.to_string().contains("feature `rustls`"), "{error}");
}

/// The bytes on the wire are those of the role, and what comes with the handshake is not lost.
#[tokio::test]
async fn a_stream_that_was_upgraded_elsewhere() -> Result {
    let (mut ws, mut peer) = bare(Role::Server, 1024, &Config::new());
    peer.write_all(b"\x82\x81\0\0\0\0\x07").await?;
    assert_eq!(ws.next().await?, Some(Message::Binary(Bytes::from_static(&[7]))));
    ws.send([8]).await?;
    let mut answer = [0; 3];
    peer.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"\x82\x01\x08");
    let (mut ws, mut peer) = bare(Role::Client, 1024, &Config::new());
    ws.send("a").await?;
    let mut sent = [0; 7];
    peer.read_exact(&mut sent).await?;
    assert_eq!((sent[0], sent[1], sent[6] ^ sent[2]), (0x81, 0x81, b'a'));
    Ok(())
}

#[tokio::test]
async fn frames_that_follow_the_handshake_in_the_same_bytes_are_messages() -> Result {
    let (mut near, far) = duplex(4096);
    near.write_all(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\0\0\0\0hello",
    )
    .await?;
    assert_eq!(websocket::accept(far).await?.next().await?, Some("hello".into()));
    Ok(())
}

#[tokio::test]
async fn a_tcp_socket_sends_small_messages_at_once() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    // A second handle of the same socket.
    let far = far?.0.into_std()?;
    let handle = far.try_clone()?;
    assert!(!handle.nodelay()?);
    let connector = Connector::new("ws://a");
    let (client, server) = tokio::join!(connector.connect_over(near?), websocket::accept(TcpStream::from_std(far)?));
    let _open = (client?, server?);
    assert!(handle.nodelay()?);
    Ok(())
}
