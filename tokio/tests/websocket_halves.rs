//! The halves of a WebSocket in two tasks.

mod support;

use sansocket_tokio::websocket::{CloseCode, Config, Error, Message, Receiver, Role, Sender, StateError};
use std::time::Duration;
use support::{Result, Slow, bare, pair, polls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::{Instant, timeout},
};

const fn assert_send<T: Send + 'static>() {}
const _: () = {
    assert_send::<Sender>();
    assert_send::<Receiver>();
    assert_send::<sansocket_tokio::websocket::WebSocket>();
};

/// Sizes from nothing to more than all memories.
fn message(n: u32) -> Message {
    let size = [0, 3, 200, 5000, 20_000, 150_000][n as usize % 6];
    Message::from([&n.to_be_bytes()[..], &vec![n as u8; size]].concat())
}

async fn collect(mut receiver: Receiver) -> Result<(Vec<Message>, Receiver)> {
    let mut all = Vec::new();
    while let Some(message) = receiver.next().await? {
        all.push(message);
    }
    Ok((all, receiver))
}

/// With one socket for both directions this would stand still: both send much more than the pipe holds before they read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_directions_at_full_speed_with_clones_of_the_senders() -> Result {
    let (client, server) = pair(1000).await?;
    let ((to_server, from_server), (to_client, from_client)) = (client.split(), server.split());
    let mut tasks = Vec::new();
    for (end, sender) in [(0, to_server.clone()), (1, to_client.clone())] {
        for part in 0..3 {
            let mut sender = sender.clone();
            tasks.push(tokio::spawn(async move {
                for n in 0..40 {
                    sender.send(message(end * 1000 + part * 100 + n)).await?;
                }
                Result::Ok(())
            }));
        }
    }
    let (at_client, at_server) = (tokio::spawn(collect(from_server)), tokio::spawn(collect(from_client)));
    for task in tasks {
        task.await??;
    }
    let (mut to_server, mut to_client) = (to_server, to_client);
    to_server.close_with(CloseCode(4001), "that is all").await?;
    let ((at_client, _), (at_server, receiver)) = (at_client.await??, at_server.await??);
    assert_eq!(receiver.closed().map(|c| (c.code, c.reason)), Some((CloseCode(4001), "that is all".into())));
    assert!(matches!(to_client.send("late").await, Err(Error::State(StateError::Closing))));
    for (end, all) in [(1, at_client), (0, at_server)] {
        assert_eq!(all.len(), 120);
        for part in 0..3 {
            // Each sender's messages are whole and in order.
            let first = end * 1000 + part * 100;
            let own: Vec<_> = all
                .iter()
                .filter(|m| m.as_bytes()[..4].try_into().map(u32::from_be_bytes).is_ok_and(|n| n / 100 == first / 100))
                .collect();
            assert_eq!(own, (first..first + 40).map(message).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        }
    }
    Ok(())
}

#[tokio::test]
async fn either_half_closes_and_the_receiver_tells_how() -> Result {
    let (client, server) = pair(4096).await?;
    let ((mut sender, mut receiver), mut server) = (client.split(), server);
    assert_eq!(receiver.closed(), None);
    sender.close_with(CloseCode(4001), "bye").await?;
    assert!(matches!(sender.close().await, Err(Error::State(StateError::Closing))));
    let (seen, ended) = tokio::join!(server.next(), receiver.next());
    assert_eq!((seen?, ended?), (None, None));
    let closed = receiver.closed().ok_or("open")?;
    assert_eq!((closed.code, closed.is_clean), (CloseCode(4001), true));
    assert_eq!(receiver.next().await?, None);
    // The peer closes.
    let (client, mut server) = pair(4096).await?;
    let (mut sender, mut receiver) = client.split();
    let (closed, ended) = tokio::join!(server.close_with(CloseCode(4002), "from there"), receiver.next());
    assert_eq!((closed?.is_clean, ended?), (true, None));
    assert_eq!(receiver.closed().map(|c| (c.code, c.reason)), Some((CloseCode(4002), "from there".into())));
    assert!(matches!(sender.send("late").await, Err(Error::State(_))));
    Ok(())
}

/// The peer sees the end of the stream, though a sender lives on.
#[tokio::test]
async fn the_stream_is_ended_although_a_sender_is_left() -> Result {
    let (ws, mut peer) = bare(Role::Server, 1024, &Config::new());
    let (_sender, mut receiver) = ws.split();
    peer.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await?;
    let mut all = Vec::new();
    let (ended, read) = tokio::join!(receiver.next(), timeout(Duration::from_secs(5), peer.read_to_end(&mut all)));
    assert_eq!((ended?, read??), (None, 4));
    Ok(())
}

#[tokio::test]
async fn senders_end_when_the_receiver_is_dropped_and_when_the_peer_goes() -> Result {
    let (client, server) = pair(4096).await?;
    let (mut sender, receiver) = client.split();
    drop(receiver);
    assert!(matches!(sender.send("nobody answers").await, Err(Error::Over)));
    drop(server);
    let (client, server) = pair(4096).await?;
    let (mut sender, mut receiver) = client.split();
    drop(server);
    assert!(matches!(receiver.next().await, Err(Error::Gone)));
    assert!(matches!(sender.send("late").await, Err(Error::Gone)));
    assert!(receiver.closed().is_some_and(|c| !c.is_clean && c.code == CloseCode::ABNORMAL));
    Ok(())
}

/// The receiver goes on reading meanwhile, and learns of the end.
#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_meets_the_write_deadline() -> Result {
    let (ws, mut peer) = bare(Role::Client, 100, &Config::new().write_timeout(Duration::from_secs(7)));
    let (mut sender, mut receiver) = ws.split();
    let start = Instant::now();
    let sending = tokio::spawn(async move { sender.send(vec![7; 100_000]).await });
    peer.write_all(b"\x81\x02ok").await?;
    assert_eq!(receiver.next().await?, Some("ok".into()));
    assert!(matches!(receiver.next().await, Err(Error::Stalled)));
    assert!(matches!(sending.await?, Err(Error::Stalled)));
    assert_eq!(start.elapsed().as_secs(), 7);
    Ok(())
}

#[tokio::test]
async fn the_receiver_answers_pings_and_pings_of_senders_are_sent() -> Result {
    let (ws, mut peer) = bare(Role::Server, 1024, &Config::new());
    let (mut sender, mut receiver) = ws.split();
    let receiving = tokio::spawn(async move { receiver.next().await });
    peer.write_all(b"\x89\x81\0\0\0\0p").await?;
    let mut pong = [0; 3];
    peer.read_exact(&mut pong).await?;
    assert_eq!(&pong, b"\x8a\x01p");
    sender.ping("q").await?;
    peer.read_exact(&mut pong).await?;
    assert_eq!(&pong, b"\x89\x01q");
    peer.write_all(b"\x8a\x81\0\0\0\0q\x81\x81\0\0\0\0r").await?;
    assert_eq!(receiving.await??, Some("r".into()));
    Ok(())
}

/// A call was dropped while the stream had taken bytes and had not flushed them. The halves know of them.
#[tokio::test]
async fn nothing_is_lost_or_doubled_when_a_socket_is_split_behind_a_dropped_call() -> Result {
    for seed in 0..200 {
        let (near, far) = duplex(1 << 16);
        let mut ws = sansocket_tokio::websocket::from_upgraded(Slow::new(near, seed), Role::Server, &Config::new());
        let mut peer = sansocket_tokio::websocket::from_upgraded(far, Role::Client, &Config::new());
        let _ = polls(seed % 5, ws.send(vec![1; 100])).await;
        // And a part of a message has arrived.
        peer.send(vec![3; 50]).await?;
        let is_whole = polls(seed % 3, ws.next()).await.is_some();
        let (mut sender, mut receiver) = ws.split();
        sender.send(vec![2; 10]).await?;
        let first = peer.next().await?;
        if first != Some(vec![2; 10].into()) {
            assert_eq!(first, Some(vec![1; 100].into()), "{seed}");
            assert_eq!(peer.next().await?, Some(vec![2; 10].into()), "{seed}");
        }
        peer.send("next").await?;
        if !is_whole {
            assert_eq!(receiver.next().await?, Some(vec![3; 50].into()), "{seed}");
        }
        assert_eq!(receiver.next().await?, Some("next".into()), "{seed}");
    }
    Ok(())
}
