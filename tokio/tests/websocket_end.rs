//! How connections end: closing handshakes in every order, deadlines, peers that vanish.

mod support;

use sansocket_tokio::websocket::{
    self, AcceptError, CloseCode, Config, ConnectError, Connector, Error, Role, StateError, Timeout,
};
use std::time::Duration;
use support::{Result, bare, pair, pair_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn either_end_closes_and_both_know_code_and_reason() -> Result {
    for closes in [Role::Client, Role::Server] {
        let (client, server) = pair(4096).await?;
        let (mut first, mut other) = if closes == Role::Client { (client, server) } else { (server, client) };
        assert_eq!((first.closed(), other.closed()), (None, None));
        let (closed, seen) = tokio::join!(first.close_with(CloseCode(4001), "signed in elsewhere"), other.next());
        assert_eq!(seen?, None);
        let closed = closed?;
        assert_eq!((closed.code, closed.is_clean), (CloseCode(4001), true));
        assert_eq!(first.closed(), Some(&closed));
        let seen = other.closed().ok_or("open")?;
        assert_eq!((seen.code, &*seen.reason, seen.is_clean), (CloseCode(4001), "signed in elsewhere", true));
        // All later calls.
        for ws in [&mut first, &mut other] {
            assert_eq!(ws.next().await?, None);
            assert!(ws.close().await?.is_clean);
            assert!(matches!(ws.send("late").await, Err(Error::State(StateError::Closing))));
            assert!(matches!(ws.ping("late").await, Err(Error::State(_))));
            ws.flush().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn both_close_at_once() -> Result {
    let (mut client, mut server) = pair(4096).await?;
    let (a, b) =
        tokio::join!(client.close_with(CloseCode(4001), "client"), server.close_with(CloseCode(4002), "server"));
    let (a, b) = (a?, b?);
    assert_eq!((a.code, &*a.reason, a.is_clean), (CloseCode(4002), "server", true));
    assert_eq!((b.code, &*b.reason, b.is_clean), (CloseCode(4001), "client", true));
    Ok(())
}

#[tokio::test]
async fn messages_before_the_close_frame_arrive_and_those_behind_a_close_are_dropped() -> Result {
    let (mut client, mut server) = pair(1 << 16).await?;
    for n in 0..10 {
        client.send(format!("{n}")).await?;
        server.send(format!("{n}")).await?;
    }
    let closing = tokio::spawn(async move { client.close().await });
    for n in 0..10 {
        assert_eq!(server.next().await?, Some(format!("{n}").into()));
    }
    assert_eq!(server.next().await?, None);
    assert!(closing.await??.is_clean);
    Ok(())
}

#[tokio::test]
async fn a_close_that_may_not_be_sent_changes_nothing() -> Result {
    let (mut client, mut server) = pair(4096).await?;
    let long = "x".repeat(124);
    for (code, reason) in [(1005, "x"), (1006, ""), (999, ""), (5000, ""), (1000, &*long)] {
        let refused = client.close_with(CloseCode(code), reason).await;
        assert!(matches!(refused, Err(Error::State(StateError::InvalidClose))), "{code} {refused:?}");
        assert_eq!(client.closed(), None);
    }
    assert!(matches!(client.ping([0; 126]).await, Err(Error::State(StateError::ControlTooLong))));
    client.send("still open").await?;
    assert_eq!(server.next().await?, Some("still open".into()));
    Ok(())
}

#[tokio::test]
async fn a_dropped_close_goes_on_in_the_next_call() -> Result {
    let (mut client, mut server) = pair(4096).await?;
    assert!(timeout(Duration::ZERO, client.close_with(CloseCode(4001), "once")).await.is_err());
    let (again, seen) = tokio::join!(client.close_with(CloseCode(4002), "again"), server.next());
    assert_eq!((again?.code, seen?), (CloseCode(4001), None));
    assert_eq!(server.closed().map(|c| (c.code, &*c.reason)), Some((CloseCode(4001), "once")));
    Ok(())
}

/// The server ends the stream at the end of the closing handshake, though the `WebSocket` lives on.
#[tokio::test]
async fn the_stream_is_ended_after_the_closing_handshake() -> Result {
    for is_asked in [true, false] {
        let (mut ws, mut peer) = bare(Role::Server, 1024, &Config::new());
        let mut all = Vec::new();
        let talk = async {
            peer.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await?;
            peer.read_to_end(&mut all).await
        };
        let end = async {
            if is_asked {
                drop(ws.close().await?)
            } else {
                assert_eq!(ws.next().await?, None)
            }
            Result::Ok(())
        };
        let (talked, ended) = tokio::join!(talk, end);
        talked?;
        ended?;
        assert_eq!(all, b"\x88\x02\x03\xe8");
        assert!(ws.closed().is_some_and(|c| c.is_clean));
    }
    Ok(())
}

#[tokio::test]
async fn a_peer_that_goes_without_a_word_is_gone() -> Result {
    let (mut client, server) = pair(4096).await?;
    drop(server);
    assert!(matches!(client.next().await, Err(Error::Gone)));
    assert_eq!(client.closed().map(|c| (c.code, c.is_clean)), Some((CloseCode::ABNORMAL, false)));
    assert!(matches!(client.next().await, Err(Error::Gone)));
    assert!(client.send("to nobody").await.is_err());
    // In the middle of a frame.
    let (mut ws, mut peer) = bare(Role::Client, 1024, &Config::new());
    peer.write_all(b"\x82\x7e\x10\0half").await?;
    drop(peer);
    assert!(matches!(ws.next().await, Err(Error::Gone)));
    Ok(())
}

#[tokio::test]
async fn a_tcp_connection_that_is_reset_is_an_error_of_the_stream() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    let mut ws = websocket::from_upgraded(near?, Role::Client, &Config::new());
    let far = far?.0;
    ws.send("unread").await?;
    // Unread bytes make it a reset.
    far.readable().await?;
    drop(far);
    assert!(matches!(ws.next().await, Err(Error::Io(_))));
    assert!(matches!(ws.next().await, Err(Error::Over)));
    assert!(matches!(ws.send("late").await, Err(Error::Over)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_meets_the_write_deadline() -> Result {
    for role in [Role::Client, Role::Server] {
        let (mut ws, _peer) = bare(role, 100, &Config::new().write_timeout(seconds(7)));
        ws.send("it fits").await?;
        let start = Instant::now();
        assert!(matches!(ws.send(vec![7; 1000]).await, Err(Error::Stalled)));
        assert_eq!(start.elapsed().as_secs(), 7);
        assert!(matches!(ws.send("late").await, Err(Error::Stalled)));
        assert!(matches!(ws.next().await, Err(Error::Stalled)));
        assert!(ws.closed().is_some_and(|c| !c.is_clean));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_does_not_meet_the_write_deadline() -> Result {
    let (mut ws, mut peer) = bare(Role::Server, 100, &Config::new().write_timeout(seconds(7)).idle_timeout(seconds(0)));
    let reading = tokio::spawn(async move {
        let mut all = 0;
        while all < 1004 {
            sleep(seconds(6)).await;
            all += peer.read(&mut [0; 100]).await?;
        }
        Result::Ok(())
    });
    ws.send(vec![7; 1000]).await?;
    reading.await?
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_given_up_while_one_waits() -> Result {
    // It answers no ping.
    let config = Config::new().ping_interval(seconds(5)).pong_timeout(seconds(3));
    let (mut ws, mut peer) = bare(Role::Server, 1024, &config);
    let start = Instant::now();
    assert!(matches!(ws.next().await, Err(Error::Timeout(Timeout::Pong))));
    assert_eq!(start.elapsed().as_secs(), 8);
    let mut ping = [0; 2];
    peer.read_exact(&mut ping).await?;
    assert_eq!(ping[0], 0x89);
    // No pings; it is silent.
    let config = Config::new().ping_interval(seconds(0)).idle_timeout(seconds(9));
    let (mut ws, _peer) = bare(Role::Server, 1024, &config);
    let start = Instant::now();
    assert!(matches!(ws.next().await, Err(Error::Timeout(Timeout::Idle))));
    assert_eq!(start.elapsed().as_secs(), 9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn by_default_two_ends_that_say_nothing_stay_connected() -> Result {
    let (mut client, mut server) = pair(4096).await?;
    let a_day = async {
        tokio::select! {
            message = client.next() => panic!("{message:?}"),
            message = server.next() => panic!("{message:?}"),
            () = sleep(seconds(24 * 3600)) => {}
        }
    };
    a_day.await;
    client.send("still there").await?;
    assert_eq!(server.next().await?, Some("still there".into()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn by_default_a_peer_that_vanished_is_noticed_within_a_minute() -> Result {
    let (mut ws, _peer) = bare(Role::Client, 1024, &Config::new());
    let start = Instant::now();
    assert!(matches!(ws.next().await, Err(Error::Timeout(_))));
    assert!((30..=60).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn pings_of_the_peer_are_answered_inside_next() -> Result {
    let (mut ws, mut peer) = bare(Role::Server, 1024, &Config::new());
    let waiting = tokio::spawn(async move { ws.next().await });
    for n in b'a'..b'f' {
        peer.write_all(&[0x89, 0x81, 0, 0, 0, 0, n]).await?;
        let mut pong = [0; 3];
        peer.read_exact(&mut pong).await?;
        assert_eq!(pong, [0x8a, 1, n]);
    }
    peer.write_all(b"\x81\x82\0\0\0\0ok").await?;
    assert_eq!(waiting.await??, Some("ok".into()));
    Ok(())
}

#[tokio::test]
async fn a_ping_of_ones_own_is_sent_and_its_pong_is_not_shown() -> Result {
    let (mut ws, mut peer) = bare(Role::Server, 1024, &Config::new());
    ws.ping("there?").await?;
    let mut ping = [0; 8];
    peer.read_exact(&mut ping).await?;
    assert_eq!(&ping, b"\x89\x06there?");
    peer.write_all(b"\x8a\x86\0\0\0\0there?\x81\x83\0\0\0\0yes").await?;
    assert_eq!(ws.next().await?, Some("yes".into()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_close_frame_meets_its_deadline() -> Result {
    let (mut ws, mut peer) = bare(Role::Client, 1024, &Config::new().close_timeout(seconds(4)));
    let start = Instant::now();
    assert!(matches!(ws.close().await, Err(Error::Timeout(Timeout::Close))));
    assert_eq!(start.elapsed().as_secs(), 4);
    assert_eq!(ws.closed().map(|c| (c.code, c.is_clean)), Some((CloseCode::ABNORMAL, false)));
    let mut close = [0; 8];
    peer.read_exact(&mut close).await?;
    assert_eq!(close[0], 0x88);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn handshakes_have_a_deadline_in_both_roles() -> Result {
    let config = Config::new().handshake_timeout(seconds(3));
    let (near, far) = duplex(1024);
    let start = Instant::now();
    let connector = Connector::new("ws://server").config(config.clone());
    let connected = connector.connect_over(near).await;
    assert!(matches!(connected, Err(ConnectError::Lost(Error::Timeout(Timeout::Handshake)))), "{connected:?}");
    assert_eq!(start.elapsed().as_secs(), 3);
    drop(far);
    // It sends a byte each second.
    let (mut near, far) = duplex(1024);
    let slow = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\n" {
            sleep(seconds(1)).await;
            near.write_all(&[*byte]).await?;
        }
        Result::Ok(())
    });
    let start = Instant::now();
    let accepted = websocket::Acceptor::new().config(config).accept(far).await;
    assert!(matches!(accepted, Err(AcceptError::Lost(Error::Timeout(Timeout::Handshake)))), "{accepted:?}");
    assert!((3..=4).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    slow.abort();
    Ok(())
}

/// `Duration::ZERO` is off, for each of them.
#[tokio::test(start_paused = true)]
async fn without_deadlines_nothing_ends() -> Result {
    let zero = Duration::ZERO;
    let config = Config::new().ping_interval(zero).pong_timeout(zero).idle_timeout(zero).write_timeout(zero);
    let (mut client, mut server) = pair_with(64, config.close_timeout(zero).handshake_timeout(zero)).await?;
    assert!(timeout(seconds(1 << 30), client.next()).await.is_err());
    assert!(timeout(seconds(1 << 30), client.send(vec![7; 1000])).await.is_err());
    let (sent, received) = tokio::join!(client.flush(), server.next());
    sent?;
    assert_eq!(received?, Some(vec![7; 1000].into()));
    assert!(timeout(seconds(1 << 30), client.close()).await.is_err());
    Ok(())
}
