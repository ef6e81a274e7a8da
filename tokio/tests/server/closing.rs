//! The graceful end.

use crate::peer::*;
use sansocket_tokio::{
    Bytes,
    server::{Config, Reason, Server, Socket},
    testing,
};
use std::time::Duration;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout},
};

fn noting() -> (Server, Notes) {
    let (io, notes) = (Server::new(Config::new().close_timeout(Duration::from_secs(5))), Notes::default());
    let left = notes.clone();
    io.on_disconnect(move |_: Socket, reason: Reason| left.add(reason));
    (io, notes)
}

#[tokio::test(start_paused = true)]
async fn tells_all_clients_and_sends_what_waits() {
    let (io, notes) = noting();
    let (mut peer, sid, idle) = (Peer::join(&io).await, poll_join(&io).await, poll_join(&io).await);
    let mut get = begun(&io, "GET", &sid, "").await;
    settle().await;
    io.emit("last", Bytes::from(vec![b'x'; 200_000])).unwrap();
    let me = io.clone();
    let closing = tokio::spawn(async move { me.close().await });
    settle().await;
    assert!(!closing.is_finished());
    // Nobody is taken any more.
    assert_eq!(request(&io, "GET", "", "").await.0, 503);
    assert!(!closing.is_finished());
    assert!(answer_of(&mut get).await.1.starts_with("451-[\"last\""));
    assert_eq!(request(&io, "GET", &sid, "").await, (200, "1".into()));
    assert!(request(&io, "GET", &idle, "").await.1.starts_with("451-[\"last\""));
    assert!(!closing.is_finished());
    assert_eq!(request(&io, "GET", &idle, "").await, (200, "1".into()));
    assert!(peer.next().await.unwrap().starts_with("451-[\"last\""));
    assert_eq!(peer.next().await.unwrap().len(), 200_004);
    peer.ended().await;
    timeout(Duration::from_secs(2), closing).await.unwrap().unwrap();
    notes.are(&["server shutting down"; 3]);
    assert_empty(&io);
}

/// It does not return before what waits is with the client.
#[tokio::test(start_paused = true)]
async fn waits_until_what_waits_was_taken() {
    let (io, _) = noting();
    let mut peer = Peer::join_small(&io, 1000).await;
    io.emit("last", "x".repeat(10_000)).unwrap();
    let me = io.clone();
    let closing = tokio::spawn(async move { me.close().await });
    sleep(Duration::from_millis(500)).await;
    assert!(!closing.is_finished(), "the client has not read yet");
    assert_eq!(peer.next().await.unwrap().len(), 10_013);
    peer.ended().await;
    drop(peer);
    timeout(Duration::from_secs(2), closing).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn has_a_deadline() {
    let (io, notes) = noting();
    let (_peer, _sid) = (Peer::join_small(&io, 1000).await, poll_join(&io).await);
    io.emit("last", "x".repeat(10_000)).unwrap();
    let began = Instant::now();
    io.close().await;
    assert_eq!(began.elapsed().as_secs(), 5);
    settle().await;
    notes.are(&["server shutting down"; 2]);
    // What has not ended by then is cut.
    assert_empty(&io);
    io.close().await;
}

#[tokio::test]
async fn listen_returns_when_all_is_said() {
    let (io, _) = noting();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let me = io.clone();
    let listening = tokio::spawn(async move { me.listen(listener).await });
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut near, mut far) = (tcp, tokio::io::duplex(1000));
    let carry = tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far.0).await });
    let mut peer = Peer::over(far.1).await;
    peer.enter("").await;
    assert_eq!(io.counters().connections, 1);
    io.emit("last", "x".repeat(100_000)).unwrap();
    let me = io.clone();
    let closing = tokio::spawn(async move { me.close().await });
    sleep(Duration::from_millis(50)).await;
    assert_eq!(peer.next().await.unwrap().len(), 100_013);
    peer.ended().await;
    drop(peer);
    timeout(Duration::from_secs(3), closing).await.unwrap().unwrap();
    timeout(Duration::from_secs(3), listening).await.unwrap().unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    let _ = carry.await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_server_refuses() {
    let (io, _) = noting();
    io.close().await;
    for said in [polling_request("GET", "", ""), upgrade_request("")] {
        let mut stream = testing::stream(&io);
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, said.as_bytes()).await;
        let mut answer = String::new();
        let _ = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}");
    }
    settle().await;
    assert_empty(&io);
}
