//! Tasks of the server that are dropped where they wait: by the application, or with their runtime.

use crate::peer::*;
use sansocket_tokio::server::{Config, Reason, Server, Socket};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
    time::{sleep, timeout},
};

fn serve(io: &Server, buffer: usize) -> (DuplexStream, JoinHandle<()>) {
    let (client, stream) = duplex(buffer);
    let io = io.clone();
    (client, tokio::spawn(async move { io.serve(stream, None).await }))
}

/// The length of the answer that opens a WebSocket.
async fn opening_len(io: &Server) -> usize {
    let (mut stream, task) = serve(io, 4096);
    stream.write_all(upgrade_request("").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    task.abort();
    settle().await;
    head.len()
}

#[tokio::test(start_paused = true)]
async fn while_a_websocket_is_opened() {
    let io = server();
    for buffer in [1, 8, 64] {
        let (mut stream, task) = serve(&io, buffer);
        let _ = timeout(Duration::from_millis(5), stream.write_all(upgrade_request("").as_bytes())).await;
        settle().await;
        assert_eq!(io.counters().websocket_sessions, 1);
        task.abort();
        settle().await;
        assert_empty(&io);
    }
}

/// The client has said all of the probe; the answer to its first half is being written.
#[tokio::test(start_paused = true)]
async fn while_a_session_moves() {
    let (io, notes) = (server(), Notes::default());
    let left = notes.clone();
    io.on_disconnect(move |_: Socket, reason: Reason| left.add(reason));
    let buffer = opening_len(&io).await;
    let sid = poll_join(&io).await;
    let (mut stream, task) = serve(&io, buffer);
    stream.write_all(upgrade_request(&sid).as_bytes()).await.unwrap();
    settle().await;
    stream.write_all(&[frame(1, b"2probe"), frame(1, b"5")].concat()).await.unwrap();
    settle().await;
    task.abort();
    sleep(Duration::from_secs(60)).await;
    notes.are(&["transport error"]);
    assert_empty(&io);
}

/// A runtime ends while sessions over polling are open.
#[test]
fn with_the_runtime_of_sessions_over_polling() {
    let (io, notes) = (server(), Notes::default());
    let left = notes.clone();
    io.on_disconnect(move |_: Socket, _: Reason| left.add("left"));
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sid = poll_join(&io).await;
            let _idle = poll_join(&io).await;
            let _get = begun(&io, "GET", &sid, "").await;
            sleep(Duration::from_millis(20)).await;
        });
        drop(runtime);
        notes.are(&["left", "left"]);
        assert_empty(&io);
    }
}

/// Whoever stops listening has not ended the server: sessions go on, and it can listen again.
#[tokio::test]
async fn what_listens() {
    let io = server();
    io.on("hello", |_: Socket| "hi");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let me = io.clone();
    let listening = tokio::spawn(async move { me.listen(listener).await });
    let mut tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut far = duplex(1000);
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tcp, &mut far.0).await });
    let mut peer = Peer::over(far.1).await;
    peer.enter("").await;
    listening.abort();
    sleep(Duration::from_millis(20)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    peer.send("421[\"hello\"]").await;
    peer.expect("431[\"hi\"]").await;
    // All handles are dropped: what serves sessions keeps the server.
    drop(io);
    peer.send("422[\"hello\"]").await;
    peer.expect("432[\"hi\"]").await;
}

/// Times without end are times too.
#[tokio::test(start_paused = true)]
async fn times_without_end() {
    let all = Duration::MAX;
    let config = Config::new().request_timeout(all).ping_interval(all).ping_timeout(all).upgrade_timeout(all);
    let io = Server::new(config.connect_timeout(all).ask_timeout(all).close_timeout(all));
    io.on("ask", |socket: Socket| async move { socket.ask::<u8>("q", ()).await.unwrap_or(0) });
    let sid = poll_join(&io).await;
    let mut peer = Peer::upgraded(sansocket_tokio::testing::stream(&io), &sid).await;
    peer.send("2probe").await;
    peer.expect("3probe").await;
    peer.send("5").await;
    peer.send("421[\"ask\"]").await;
    peer.expect("420[\"q\"]").await;
    peer.send("430[7]").await;
    peer.expect("431[7]").await;
    drop(peer);
    settle().await;
    assert_empty(&io);
    io.close().await;
}
