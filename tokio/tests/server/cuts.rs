//! Clients that vanish, at every byte and at every stage.

use crate::peer::*;
use sansocket_tokio::{
    server::{Config, Server, Socket},
    testing,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

fn application() -> Server {
    let io = Server::new(Config::new().upgrade_timeout(Duration::from_secs(3)).connect_timeout(Duration::from_secs(4)));
    let dynamic = io.of_matching(|name| name.starts_with("/d"));
    for space in [&*io, &dynamic] {
        space.before_connect(|_: Socket, auth: serde_json::Value| async move {
            if auth["slow"] == true {
                sleep(Duration::from_millis(1)).await;
            }
            Ok::<(), String>(())
        });
        space.on("join", |socket: Socket, room: String| socket.join(room));
        space.on("bytes", |_: Socket, bytes: sansocket_tokio::Bytes| async move {
            sleep(Duration::from_millis(1)).await;
            bytes
        });
    }
    io.on("ask", |socket: Socket| async move { socket.ask::<u32>("q", ()).await.unwrap_or(0) });
    io
}

/// What a client says over a WebSocket, with all that there is: a check that waits, a dynamic namespace, rooms, binary, a question.
fn dialogue() -> Vec<u8> {
    let mut said = upgrade_request("").into_bytes();
    for text in [
        "40",
        "40/d1,{\"slow\":true}",
        "421[\"join\",\"r\"]",
        "42[\"ask\"]",
        "451-2[\"bytes\",{\"_placeholder\":true,\"num\":0}]",
    ] {
        said.extend(frame(1, text.as_bytes()));
    }
    said.extend(frame(2, b"1234"));
    said.extend(frame(1, b"41"));
    said.extend(frame(8, &[3, 0xe8]));
    said
}

/// Cut at every byte, by the end of what the client sends or by its end at all; read or not.
#[tokio::test(start_paused = true)]
async fn a_websocket_at_every_byte() {
    let io = application();
    let said = dialogue();
    for at in 0..=said.len() {
        for how in 0..3 {
            let mut stream = testing::stream_with(&io, if how == 2 { 64 } else { 4096 }, None);
            let _ = timeout(Duration::from_millis(1), stream.write_all(&said[..at])).await;
            settle().await;
            if how == 0 {
                let _ = stream.shutdown().await;
                settle().await;
            }
            drop(stream);
            settle().await;
            let now = io.counters();
            let left = (now.connections, now.websocket_sessions, now.sockets, now.namespaces);
            // A question that nobody answers ends with its client; a handler may still wait for a millisecond.
            assert_eq!(left, (0, 0, 0, 1), "byte {at} of {}, {how}", said.len());
        }
    }
    sleep(Duration::from_secs(60)).await;
    assert_empty(&io);
}

/// The same over polling: each request of the dialogue cut at every byte. The session then ends by itself.
#[tokio::test(start_paused = true)]
async fn polling_at_every_byte() {
    let io = application();
    let bodies = [
        "40",
        "421[\"join\",\"r\"]\u{1e}40/d2,",
        "451-2[\"bytes\",{\"_placeholder\":true,\"num\":0}]\u{1e}bMTIzNA==",
        "41",
    ];
    for last in 0..bodies.len() {
        let len = polling_request("POST", &"x".repeat(20), bodies[last]).len();
        for at in (0..=len).step_by(if last == 2 { 1 } else { 3 }) {
            for is_get in [false, true] {
                let sid = poll_open(&io).await;
                for body in &bodies[..last] {
                    assert_eq!(request(&io, "POST", &sid, body).await.0, 200);
                }
                let said =
                    if is_get { polling_request("GET", &sid, "") } else { polling_request("POST", &sid, bodies[last]) };
                let mut stream = testing::stream(&io);
                stream.write_all(&said.as_bytes()[..at.min(said.len())]).await.unwrap();
                settle().await;
                drop(stream);
            }
        }
    }
    // Nobody answers the heartbeats.
    sleep(Duration::from_secs(90)).await;
    assert_empty(&io);
    let now = io.counters();
    assert_eq!((now.connections, now.namespaces), (0, 1));
}

/// In the middle of moving to a WebSocket, at every byte of it, with and without a GET that waits, with events in both directions.
#[tokio::test(start_paused = true)]
async fn a_probe_at_every_byte() {
    let io = application();
    let len = upgrade_request(&"x".repeat(20)).len();
    let probe = [frame(1, b"2probe"), frame(1, b"5"), frame(1, b"421[\"join\",\"r\"]")].concat();
    for at in (0..len).step_by(40).chain(len..=len + probe.len()) {
        for has_get in [false, true] {
            let sid = poll_join(&io).await;
            let mut get = if has_get { Some(begun(&io, "GET", &sid, "").await) } else { None };
            settle().await;
            let said = [upgrade_request(&sid).into_bytes(), probe.clone()].concat();
            let mut stream = testing::stream(&io);
            stream.write_all(&said[..at]).await.unwrap();
            settle().await;
            let _ = io.emit("e", at);
            drop(stream);
            settle().await;
            // The session goes on over polling, unless it had moved.
            if let Some(get) = &mut get {
                let (status, body) = answer_of(get).await;
                assert!(status == 200 || status == 400, "byte {at}: {status} {body}");
            }
        }
    }
    sleep(Duration::from_secs(90)).await;
    assert_empty(&io);
    assert_eq!(io.counters().connections, 0);
}

/// A session that moves loses nothing, whatever is sent meanwhile.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_a_session_moves() {
    let io = application();
    for has_get in [false, true] {
        let sid = poll_join(&io).await;
        let mut get = if has_get { Some(begun(&io, "GET", &sid, "").await) } else { None };
        settle().await;
        let mut peer = Peer::upgraded(testing::stream(&io), &sid).await;
        let mut got = Vec::new();
        io.emit("e", 1).unwrap();
        peer.send("2probe").await;
        peer.expect("3probe").await;
        io.emit("e", 2).unwrap();
        settle().await;
        if let Some(get) = &mut get {
            got.extend(answer_of(get).await.1.split('\u{1e}').map(String::from));
        }
        peer.send("5").await;
        io.emit("e", 3).unwrap();
        settle().await;
        io.emit("e", 4).unwrap();
        got.extend(peer.all().await);
        got.retain(|said| said != "6");
        assert_eq!(got, (1..5).map(|n| format!("42[\"e\",{n}]")).collect::<Vec<_>>(), "{has_get}");
        let now = io.counters();
        assert_eq!((now.polling_sessions, now.websocket_sessions), (0, 1));
        drop(peer);
        settle().await;
        assert_empty(&io);
    }
}

/// A connection that is dropped by the server's own runtime, such as a test's, leaves nothing counted.
#[test]
fn a_runtime_that_ends_leaves_nothing() {
    let io = application();
    let hangs = io.clone();
    hangs.on("hang", |_: Socket| std::future::pending::<()>());
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut peer = Peer::join(&io).await;
            peer.enter("/d1,").await;
            peer.send("42[\"hang\"]").await;
            sleep(Duration::from_millis(20)).await;
            let mut answer = [0; 5];
            peer.send("427[\"join\",\"r\"]").await;
            peer.stream.read_exact(&mut answer).await.unwrap();
            assert_eq!((io.counters().sockets, io.counters().handlers), (2, 1));
        });
        drop(runtime);
        assert_empty(&io);
        assert_eq!((io.counters().connections, io.counters().namespaces), (0, 1));
    }
}
