//! The end of the server, and moves to a WebSocket, at every moment.

use crate::peer::*;
use sansocket_tokio::{
    server::{Config, Server, Socket},
    testing,
};
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep, timeout},
};

fn closing(io: &Server) -> tokio::task::JoinHandle<Duration> {
    let io = io.clone();
    tokio::spawn(async move {
        let began = Instant::now();
        io.close().await;
        began.elapsed()
    })
}

/// The server is closed at each stage of a move. A client that is gone with its WebSocket is not waited for.
#[tokio::test(start_paused = true)]
async fn closed_while_a_session_moves() {
    for stage in 0..5 {
        for has_get in [false, true] {
            let io = server();
            let sid = poll_join(&io).await;
            let mut get = if has_get { Some(begun(&io, "GET", &sid, "").await) } else { None };
            settle().await;
            let mut peer = Peer::upgraded(testing::stream(&io), &sid).await;
            if stage >= 1 {
                peer.send("2probe").await;
                peer.expect("3probe").await;
            }
            let mut ended = false;
            if stage >= 2
                && let Some(get) = &mut get
            {
                ended |= answer_of(get).await.1 == "1";
            }
            let close = if stage >= 4 {
                peer.send("5").await;
                settle().await;
                closing(&io)
            } else {
                let close = closing(&io);
                settle().await;
                if stage == 3 {
                    // Both cross on their way.
                    peer.try_send("5").await;
                }
                close
            };
            if stage < 2
                && let Some(get) = &mut get
            {
                while !ended {
                    let (_, body) = answer_of(get).await;
                    ended = body == "1";
                    if !ended {
                        *get = begun(&io, "GET", &sid, "").await;
                    }
                }
            }
            while peer.next().await.is_some() {}
            drop(peer);
            settle().await;
            // It has not moved, and polls on.
            if stage < 3 && !ended {
                assert_eq!(request(&io, "GET", &sid, "").await, (200, "1".into()), "{stage} {has_get}");
            }
            let took = close.await.unwrap();
            assert!(took < Duration::from_millis(1500), "stage {stage}, {has_get}: {took:?}, {:?}", io.counters());
            assert_empty(&io);
        }
    }
}

/// Our own client, at every millisecond of its beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_while_clients_come() {
    let mut slow = Vec::new();
    for n in 0..60_u64 {
        let io = Server::new(Config::new().close_timeout(Duration::from_secs(3)));
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let builder = testing::client(&io, "/");
                tokio::spawn(async move { builder.connect().await })
            })
            .collect();
        sleep(Duration::from_micros(n * 100)).await;
        let before = io.counters();
        let took = closing(&io).await.unwrap();
        if took > Duration::from_millis(2500) {
            slow.push((n, took, before));
        }
        assert_empty(&io);
        for client in clients {
            client.abort();
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

/// Moves that break the rules: twice, at once, out of turn. The session goes on over polling, or over the one WebSocket that it moved to.
#[tokio::test(start_paused = true)]
async fn moves_that_break_the_rules() {
    let io = server();
    io.on("fine", |_: Socket| "yes");
    for said in [&["2probe", "2probe"][..], &["5"], &["3probe"], &["42[\"fine\"]"], &["2probe", "42[\"fine\"]"]] {
        let sid = poll_join(&io).await;
        let mut peer = Peer::upgraded(testing::stream(&io), &sid).await;
        for said in said {
            peer.try_send(said).await;
        }
        while peer.next().await.is_some() {}
        assert_eq!(request(&io, "POST", &sid, "421[\"fine\"]").await.0, 200, "{said:?}");
        assert_eq!(request(&io, "GET", &sid, "").await.1, "431[\"yes\"]", "{said:?}");
    }
    let sid = poll_join(&io).await;
    let mut first = Peer::upgraded(testing::stream(&io), &sid).await;
    let mut second = Peer::upgraded(testing::stream(&io), &sid).await;
    second.ended().await;
    first.send("2probe").await;
    first.expect("3probe").await;
    let mut post = begun(&io, "POST", &sid, "421[\"fine\"]").await;
    let mut get = begun(&io, "GET", &sid, "").await;
    assert_eq!(answer_of(&mut post).await.0, 200);
    let mut third = Peer::upgraded(testing::stream(&io), &sid).await;
    third.try_send("2probe").await;
    third.ended().await;
    first.send("5").await;
    assert_eq!(answer_of(&mut get).await.1, "431[\"yes\"]");
    first.send("422[\"fine\"]").await;
    first.expect("432[\"yes\"]").await;
    // It has moved: no more requests.
    for method in ["GET", "POST"] {
        assert_eq!(request(&io, method, &sid, if method == "POST" { "3" } else { "" }).await.0, 400);
    }
    first.send("423[\"fine\"]").await;
    first.expect("433[\"yes\"]").await;
    Peer::upgraded(testing::stream(&io), &sid).await.ended().await;
    first.send("424[\"fine\"]").await;
    first.expect("434[\"yes\"]").await;
    drop(first);
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_overlap_and_come_late() {
    let io = server();
    // Two GETs.
    let sid = poll_join(&io).await;
    let mut first = begun(&io, "GET", &sid, "").await;
    settle().await;
    assert_eq!(request(&io, "GET", &sid, "").await.0, 400);
    let _ = answer_of(&mut first).await;
    settle().await;
    assert_empty(&io);
    // Two POSTs, the first of which hangs.
    let sid = poll_join(&io).await;
    let mut first = testing::stream(&io);
    let said = polling_request("POST", &sid, "42[\"fine\"]");
    first.write_all(&said.as_bytes()[..said.len() - 2]).await.unwrap();
    settle().await;
    assert_eq!(request(&io, "POST", &sid, "3").await.0, 400);
    let _ = first.write_all(&said.as_bytes()[said.len() - 2..]).await;
    settle().await;
    assert_empty(&io);
    // A POST and an upgrade while the server closes.
    let sid = poll_join(&io).await;
    let close = closing(&io);
    settle().await;
    let (status, _) = request(&io, "POST", &sid, "42[\"fine\"]").await;
    assert!(status == 200 || status == 400, "{status}");
    let mut late = Peer::upgraded(testing::stream(&io), &sid).await;
    late.try_send("2probe").await;
    late.ended().await;
    assert_eq!(request(&io, "GET", &sid, "").await, (200, "1".into()));
    assert!(close.await.unwrap() < Duration::from_secs(3));
    assert_empty(&io);
}

/// Half-open connections: nobody reads, nobody ends.
#[tokio::test(start_paused = true)]
async fn clients_that_only_hang() {
    let io = server();
    let mut held = Vec::new();
    for said in ["", "G", "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n"] {
        let mut stream = testing::stream(&io);
        stream.write_all(said.as_bytes()).await.unwrap();
        held.push(stream);
    }
    held.push(begun(&io, "GET", "", "").await);
    let mut peer = Peer::join(&io).await;
    let _ = peer.stream.write_all(&frame(1, b"42[\"cut\"]")[..5]).await;
    held.push(peer.stream);
    let sid = poll_join(&io).await;
    held.push(Peer::upgraded(testing::stream(&io), &sid).await.stream);
    held.push(begun(&io, "GET", &poll_join(&io).await, "").await);
    assert!(io.counters().connections >= 6);
    let _ = timeout(Duration::from_secs(100), std::future::pending::<()>()).await;
    assert_empty(&io);
    assert_eq!(io.counters().connections, 0);
}

/// Our own client, at every step that the tasks of both take: until it has moved, and a little longer.
#[tokio::test(start_paused = true)]
async fn closed_at_every_step_of_a_client() {
    let (mut slow, mut has_moved) = (Vec::new(), [0, 0]);
    for (time, steps) in (0..120).flat_map(|time| (0..15).map(move |steps| (time, 2 * steps))) {
        let io = server();
        let builder = testing::client(&io, "/");
        let client = tokio::spawn(async move { builder.connect().await });
        sleep(Duration::from_millis(time)).await;
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        let before = io.counters();
        has_moved[usize::from(before.upgrades > 0)] += 1;
        let took = closing(&io).await.unwrap();
        if took >= Duration::from_secs(2) {
            let before = (before.connections, before.polling_sessions, before.websocket_sessions);
            slow.push((time, steps, took, before));
        }
        assert_empty(&io);
        client.abort();
    }
    assert!(slow.is_empty(), "{slow:?} {has_moved:?}");
    assert!(has_moved[0] > 0 && has_moved[1] > 0, "{has_moved:?}");
}
