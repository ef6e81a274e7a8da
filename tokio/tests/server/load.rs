//! Clients that send more than is handled, or do not read what they are sent.

use crate::peer::*;
use sansocket_tokio::{
    Bytes,
    server::{Config, Policy, Reason, Server, Socket},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

/// Whatever a client sends at once, only so many handlers wait, and the events are handled in order as they end.
#[tokio::test(start_paused = true)]
async fn only_so_many_handlers_wait() {
    let io = Server::new(Config::new().max_handlers(3));
    let (notes, gate) = (Notes::default(), Arc::new(Semaphore::new(0)));
    let (begun, opened) = (notes.clone(), gate.clone());
    io.on("e", move |_: Socket, n: u32| {
        let gate = opened.clone();
        begun.add(n);
        async move { gate.acquire().await.unwrap().forget() }
    });
    for is_polling in [false, true] {
        let events: Vec<String> = (0..10).map(|n| format!("42[\"e\",{n}]")).collect();
        let (mut peer, mut post) = (None, None);
        if is_polling {
            let sid = poll_join(&io).await;
            post = Some(begun_post(&io, &sid, &events.join("\u{1e}")).await);
        } else {
            let mut joined = Peer::join(&io).await;
            let frames: Vec<u8> = events.iter().flat_map(|event| frame(1, event.as_bytes())).collect();
            joined.stream.write_all(&frames).await.unwrap();
            peer = Some(joined);
        }
        settle().await;
        notes.are(&["0", "1", "2"]);
        assert_eq!(io.counters().handlers, 3);
        gate.add_permits(2);
        settle().await;
        notes.are(&["3", "4"]);
        gate.add_permits(100);
        settle().await;
        notes.are(&["5", "6", "7", "8", "9"]);
        assert_eq!(io.counters().handlers, 0);
        gate.forget_permits(100);
        drop((peer, post));
    }
}

async fn begun_post(io: &Server, sid: &str, body: &str) -> tokio::io::DuplexStream {
    begun(io, "POST", sid, body).await
}

/// Handlers that wait for the client's own answer, all that there may be: the answers are read.
#[tokio::test(start_paused = true)]
async fn handlers_that_ask_their_client_are_answered_while_others_wait() {
    let io = Server::new(Config::new().max_handlers(2));
    io.on("e", |socket: Socket, n: u32| async move { socket.ask::<u32>("q", n).await.unwrap() });
    let mut peer = Peer::join(&io).await;
    for n in 0..4 {
        peer.send(&format!("42{n}[\"e\",{n}]")).await;
    }
    let mut answers = Vec::new();
    while answers.len() < 4 {
        let said = peer.next().await.unwrap();
        match said.strip_prefix("42").and_then(|asked| asked.split_once("[\"q\",")) {
            Some((id, n)) => peer.send(&format!("43{id}[1{n}")).await,
            None => answers.push(said),
        }
    }
    assert_eq!(answers, (0..4).map(|n| format!("43{n}[1{n}]")).collect::<Vec<_>>());
}

/// A client that goes on sending while its handlers hang is not read any more: memory is bounded. It is dropped in the end, and what waited with it.
#[tokio::test(start_paused = true)]
async fn a_client_whose_handlers_hang_is_not_read_any_more() {
    let io = Server::new(Config::new().max_handlers(2));
    let calls = Arc::new(AtomicUsize::new(0));
    let called = calls.clone();
    io.on("e", move |_: Socket, _: String| {
        called.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>()
    });
    let mut peer = Peer::join(&io).await;
    let event = frame(1, format!("42[\"e\",\"{}\"]", "x".repeat(1000)).as_bytes());
    let mut sent = 0;
    while timeout(Duration::from_secs(1), peer.stream.write_all(&event)).await.is_ok() {
        sent += event.len();
        assert!(sent < 2_000_000, "it is read without end");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    peer.ended().await;
    settle().await;
    assert_eq!((io.counters().websocket_sessions, io.counters().sockets), (0, 0));
}

/// Nor over polling, however often it asks.
#[tokio::test(start_paused = true)]
async fn requests_behind_handlers_that_hang_end_the_session() {
    let io = Server::new(Config::new().max_handlers(1));
    let calls = Arc::new(AtomicUsize::new(0));
    let called = calls.clone();
    io.on("e", move |_: Socket, _: String| {
        called.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>()
    });
    let sid = poll_join(&io).await;
    let body = vec![format!("42[\"e\",\"{}\"]", "x".repeat(1000)); 100].join("\u{1e}");
    assert_eq!(request(&io, "POST", &sid, &body).await.0, 200);
    let _ = request(&io, "POST", &sid, &body).await;
    settle().await;
    assert_eq!((io.counters().sockets, io.counters().events_received), (0, 100));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_events_is_handled_in_order_and_others_have_their_turn() {
    let io = server();
    let last = Arc::new(Mutex::new(0));
    let seen = last.clone();
    io.on("e", move |_: Socket, n: u32| {
        let mut last = seen.lock().unwrap();
        assert_eq!(*last + 1, n);
        *last = n;
    });
    let (mut flood, mut other) = (Peer::join(&io).await, Peer::join(&io).await);
    let task = tokio::spawn(async move {
        for from in (1..100_000).step_by(1000) {
            let frames: Vec<u8> =
                (from..from + 1000).flat_map(|n| frame(1, format!("42[\"e\",{n}]").as_bytes())).collect();
            flood.stream.write_all(&frames).await.unwrap();
        }
        flood
    });
    io.on("f", |_: Socket| ());
    other.send("421[\"f\"]").await;
    other.expect("431[]").await;
    assert!(*last.lock().unwrap() < 50_000, "others have their turn");
    drop((task.await.unwrap(), other));
    settle().await;
    assert_eq!((*last.lock().unwrap(), io.counters().events_received), (100_000, 100_001));
    assert_empty(&io);
}

/// A server whose clients have a queue of 100,000 bytes, of which one does not read; and what is said when it goes.
async fn slow(policy: Policy) -> (Server, Peer, Socket, Notes) {
    let io = Server::new(Config::new().queue(100_000, policy));
    let (notes, last) = (Notes::default(), Arc::new(Mutex::new(None)));
    let (left, kept) = (notes.clone(), last.clone());
    io.on_connect(move |socket: Socket| *kept.lock().unwrap() = Some(socket));
    io.on_disconnect(move |_: Socket, reason: Reason| left.add(reason));
    let peer = Peer::join_small(&io, 1000).await;
    settle().await;
    let socket = last.lock().unwrap().take().unwrap();
    (io, peer, socket, notes)
}

#[tokio::test(start_paused = true)]
async fn close_drops_a_client_for_whom_too_much_waits() {
    for is_shared in [false, true] {
        let (io, _peer, socket, notes) = slow(Policy::Close).await;
        let mut sent = 0;
        while socket.is_connected() && sent < 300 {
            match is_shared {
                true => io.emit("e", "x".repeat(1000)).unwrap(),
                false => drop(socket.emit("e", "x".repeat(1000))),
            }
            sent += 1;
            assert!(socket.queued() <= 100_000);
            settle().await;
        }
        assert!((98..105).contains(&sent), "{sent}");
        settle().await;
        notes.are(&["transport close"]);
        assert_empty(&io);
        assert!(io.counters().events_dropped > 20, "{:?}", io.counters());
    }
}

#[tokio::test(start_paused = true)]
async fn drop_newest_drops_events_and_keeps_the_connection() {
    for is_shared in [false, true] {
        let (io, mut peer, socket, notes) = slow(Policy::DropNewest).await;
        io.on("e", |_: Socket| "answer");
        for n in 0..300 {
            match is_shared {
                true => io.emit("e", (n, "x".repeat(1000))).unwrap(),
                false => socket.emit("e", (n, "x".repeat(1000))).unwrap(),
            }
        }
        assert!(socket.queued() <= 100_000);
        // The protocol's own packets are not events: the client is sent away, and is told so, behind all that it is to get.
        socket.disconnect(false);
        let all = peer.all().await;
        assert_eq!(all.last().unwrap(), "41");
        let got = all.len() as u64 - 1;
        assert!((90..105).contains(&got), "{got}");
        for (n, event) in all[..all.len() - 1].iter().enumerate() {
            assert!(event.starts_with(&format!("42[\"e\",{n},")), "{}", &event[..20]);
        }
        let now = io.counters();
        assert_eq!((now.events_dropped, now.events_sent), (300 - got, got));
        notes.are(&["server namespace disconnect"]);
        peer.enter("").await;
        peer.send("421[\"e\"]").await;
        peer.expect("431[\"answer\"]").await;
    }
}

#[tokio::test(start_paused = true)]
async fn drop_volatile_makes_room_for_the_rest() {
    let (io, mut peer, socket, notes) = slow(Policy::DropVolatile).await;
    // It does not block before something was written.
    for n in 0..50 {
        io.everybody().volatile().emit("v", (n, "x".repeat(1000))).unwrap();
        socket.emit("e", (n, "x".repeat(1000))).unwrap();
    }
    for n in 50..95 {
        socket.emit("e", (n, "x".repeat(1000))).unwrap();
    }
    let all = peer.all().await;
    let events: Vec<&String> = all.iter().filter(|event| event.starts_with("42[\"e\"")).collect();
    assert_eq!(events.len(), 95);
    assert!(events.iter().enumerate().all(|(n, event)| event.starts_with(&format!("42[\"e\",{n},"))));
    assert!(all.len() < 110, "{}", all.len());
    assert_eq!(io.counters().events_dropped, 50 - (all.len() as u64 - 95));
    notes.are(&[]);
}

#[tokio::test(start_paused = true)]
async fn volatile_events_are_dropped_while_the_client_does_not_read() {
    let (io, mut peer, socket, _) = slow(Policy::Close).await;
    socket.volatile().emit("v", 0).unwrap();
    settle().await;
    socket.emit("big", Bytes::from(vec![b'x'; 5000])).unwrap();
    settle().await;
    for n in 1..10 {
        socket.volatile().emit("v", n).unwrap();
        io.everybody().volatile().emit("w", n).unwrap();
    }
    let all = peer.all().await;
    assert_eq!(all.len(), 3, "{all:?}");
    socket.volatile().emit("v", 10).unwrap();
    peer.expect("42[\"v\",10]").await;
    assert_eq!(io.counters().events_dropped, 18);
    // Over polling: while no GET waits.
    let sid = poll_join(&io).await;
    settle().await;
    io.everybody().volatile().emit("v", 11).unwrap();
    let mut get = begun(&io, "GET", &sid, "").await;
    settle().await;
    io.everybody().volatile().emit("v", 12).unwrap();
    assert_eq!(answer_of(&mut get).await, (200, "42[\"v\",12]".into()));
}

/// A client that takes nothing is dropped, little or much as waits for it, and even if it answers heartbeats that it did not read.
#[tokio::test(start_paused = true)]
async fn what_is_written_has_a_deadline() {
    for bytes in [5_000, 90_000] {
        let (io, mut peer, socket, notes) = slow(Policy::Close).await;
        let began = Instant::now();
        socket.emit("e", Bytes::from(vec![b'x'; bytes])).unwrap();
        for _ in 0..120 {
            sleep(Duration::from_secs(1)).await;
            let _ = timeout(Duration::from_millis(1), peer.try_send("3")).await;
            if !socket.is_connected() {
                break;
            }
        }
        let took = began.elapsed();
        assert!((19..60).contains(&took.as_secs()), "{bytes} bytes: {took:?}");
        settle().await;
        notes.are(&["transport close"]);
        assert_empty(&io);
    }
}

/// One that takes it slowly stays.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_stays() {
    let (io, mut peer, socket, notes) = slow(Policy::Close).await;
    socket.emit("e", Bytes::from(vec![b'x'; 90_000])).unwrap();
    for _ in 0..30 {
        sleep(Duration::from_secs(10)).await;
        let mut some = [0; 700];
        tokio::io::AsyncReadExt::read(&mut peer.stream, &mut some).await.unwrap();
    }
    assert!(socket.is_connected());
    notes.are(&[]);
    drop(peer);
    settle().await;
    assert_empty(&io);
}
