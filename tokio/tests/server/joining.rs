//! How clients come in: checks, namespaces, rooms.

use crate::peer::*;
use sansocket_tokio::server::{Config, Reason, Refusal, Server, Socket};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn checks_come_in_their_order_and_refuse_with_data() {
    let (io, notes) = (server(), Notes::default());
    let (first, second, connected) = (notes.clone(), notes.clone(), notes.clone());
    io.before_connect(move |socket: Socket, auth: serde_json::Value| {
        let first = first.clone();
        async move {
            sleep(Duration::from_millis(100)).await;
            first.add("first");
            assert!(!socket.is_connected());
            if auth["token"] == "good" { Ok(()) } else { Err(Refusal::new("who?").data(&7).unwrap()) }
        }
    });
    io.before_connect(move |socket: Socket| {
        second.add("second");
        socket.data().insert(5_u8);
        Ok::<(), &str>(())
    });
    io.on_connect(move |socket: Socket| connected.add(format!("connected {:?}", socket.data().get::<u8>())));
    let mut peer = Peer::open(&io).await;
    peer.send("40{\"token\":\"bad\"}").await;
    peer.expect("44{\"message\":\"who?\",\"data\":7}").await;
    notes.are(&["first"]);
    assert_eq!(io.counters().sockets, 0);
    peer.send("40{\"token\":\"good\"}").await;
    assert!(peer.next().await.unwrap().starts_with("40{\"sid\""));
    settle().await;
    notes.are(&["first", "second", "connected Some(5)"]);
    assert_eq!(io.counters().sockets, 1);
}

#[tokio::test(start_paused = true)]
async fn auth_of_another_type_is_refused_with_the_field() {
    #[derive(serde::Deserialize)]
    struct Auth {
        #[allow(dead_code)]
        token: String,
    }
    let io = server();
    io.before_connect(|_: Socket, _: Auth| Ok::<(), String>(()));
    let mut peer = Peer::open(&io).await;
    peer.send("40{\"token\":1}").await;
    let answer = peer.next().await.unwrap();
    assert!(answer.starts_with("44{\"message\":") && answer.contains("token"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_it_is_checked_leaves_nothing() {
    let (io, notes) = (server(), Notes::default());
    let (left, connected) = (notes.clone(), notes.clone());
    let dynamic = io.of_matching(|name| name.starts_with("/d"));
    dynamic.before_connect(|_: Socket| async {
        sleep(Duration::from_secs(5)).await;
        Ok::<(), String>(())
    });
    dynamic.on_connect(move |_: Socket| connected.add("connected"));
    dynamic.on_disconnect(move |_: Socket, _: Reason| left.add("left"));
    let mut peer = Peer::open(&io).await;
    peer.send("40/d1,").await;
    settle().await;
    drop(peer);
    sleep(Duration::from_secs(10)).await;
    notes.are(&[]);
    assert_empty(&io);
    assert_eq!(io.counters().namespaces, 1);
}

/// What a client sends at once, when it was told that it is in, finds the handlers that `on_connect` added.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_checked_client_finds_the_handlers_of_its_socket() {
    let io = server();
    io.before_connect(|_: Socket| async {
        tokio::task::yield_now().await;
        Ok::<(), String>(())
    });
    io.on_connect(|socket: Socket| {
        // A thread that is late.
        std::thread::sleep(Duration::from_millis(2));
        socket.on("e", |_: Socket| "here");
    });
    for _ in 0..50 {
        let mut peer = Peer::join(&io).await;
        peer.send("421[\"e\"]").await;
        peer.expect("431[\"here\"]").await;
    }
}

/// For each socket `on_connect` comes first and `on_disconnect` once and last, whatever the moment at which it leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_checked_client_that_vanishes_is_told_in_order() {
    let io = server();
    io.before_connect(|_: Socket| async {
        tokio::task::yield_now().await;
        Ok::<(), String>(())
    });
    let (wrong, connected, left) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (w, c) = (wrong.clone(), connected.clone());
    io.on_connect(move |socket: Socket| {
        std::thread::sleep(Duration::from_micros(300));
        if socket.data().insert(1_u8).is_some() {
            w.fetch_add(1, Ordering::SeqCst);
        }
        c.fetch_add(1, Ordering::SeqCst);
    });
    let (w, l) = (wrong.clone(), left.clone());
    io.on_disconnect(move |socket: Socket, _: Reason| {
        if socket.data().insert(1_u8).is_none() {
            w.fetch_add(1, Ordering::SeqCst);
        }
        l.fetch_add(1, Ordering::SeqCst);
    });
    for _ in 0..200 {
        let mut peer = Peer::open(&io).await;
        peer.send("40").await;
        let _ = peer.next().await;
        drop(peer);
    }
    while io.counters().websocket_sessions > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_millis(20)).await;
    assert_eq!((wrong.load(Ordering::SeqCst), connected.load(Ordering::SeqCst)), (0, left.load(Ordering::SeqCst)));
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_ends_does_not_keep_a_client() {
    let io = Server::new(Config::new().connect_timeout(Duration::from_secs(3)));
    io.before_connect(|_: Socket| std::future::pending::<Result<(), String>>());
    let mut peer = Peer::open(&io).await;
    peer.send("40").await;
    peer.ended().await;
    settle().await;
    let now = io.counters();
    assert_eq!((now.websocket_sessions, now.sockets, now.handlers), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_apart() {
    let (io, notes) = (server(), Notes::default());
    let admin = notes.clone();
    io.of("/admin").on("e", move |socket: Socket| admin.add(socket.namespace_name()));
    let main = notes.clone();
    io.on("e", move |socket: Socket| main.add(socket.namespace_name()));
    let mut peer = Peer::join(&io).await;
    let id = peer.enter("/admin,").await;
    peer.send("40/nowhere,").await;
    peer.expect("44/nowhere,{\"message\":\"Invalid namespace\"}").await;
    peer.send("42/admin,[\"e\"]").await;
    peer.send("42[\"e\"]").await;
    settle().await;
    notes.are(&["/admin", "/"]);
    io.emit("m", ()).unwrap();
    io.of("admin").emit("a", ()).unwrap();
    io.of("/admin").to(id).emit("own", ()).unwrap();
    assert_eq!(peer.all().await, ["42[\"m\"]", "42/admin,[\"a\"]", "42/admin,[\"own\"]"]);
    assert_eq!(io.counters().sockets, 2);
    peer.send("41/admin,").await;
    settle().await;
    assert_eq!(io.counters().sockets, 1);
    drop(peer);
    settle().await;
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn dynamic_namespaces_are_made_limited_and_forgotten() {
    let io = Server::new(Config::new().max_dynamic_namespaces(2));
    io.of_matching(|name| name.starts_with("/room-")).on("e", |socket: Socket| socket.namespace_name().to_owned());
    let (mut a, mut b) = (Peer::join(&io).await, Peer::join(&io).await);
    a.enter("/room-1,").await;
    b.enter("/room-1,").await;
    b.enter("/room-2,").await;
    a.send("40/room-3,").await;
    a.expect("44/room-3,{\"message\":\"Invalid namespace\"}").await;
    a.send("40/other,").await;
    a.expect("44/other,{\"message\":\"Invalid namespace\"}").await;
    a.send("42/room-1,1[\"e\"]").await;
    a.expect("43/room-1,1[\"/room-1\"]").await;
    assert_eq!(io.counters().namespaces, 3);
    a.send("41/room-1,").await;
    b.send("41/room-2,").await;
    settle().await;
    assert_eq!(io.counters().namespaces, 2);
    a.enter("/room-3,").await;
    drop((a, b));
    settle().await;
    assert_eq!(io.counters().namespaces, 1);
    assert_empty(&io);
}

/// A client that breaks the protocol with its request for a namespace leaves no namespace behind.
#[tokio::test(start_paused = true)]
async fn a_namespace_that_nobody_came_into_is_forgotten() {
    let io = Server::new(Config::new().max_namespaces(1));
    let _ = io.of_matching(|name| name.starts_with("/d"));
    let mut peer = Peer::open(&io).await;
    peer.enter("/d1,").await;
    peer.send("40/d2,").await;
    peer.ended().await;
    settle().await;
    assert_eq!(io.counters().namespaces, 1);
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn a_kept_socket_does_not_keep_its_namespace() {
    let (io, kept) = (server(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let keep = kept.clone();
    io.of_matching(|name| name.starts_with("/d")).on_connect(move |socket: Socket| keep.lock().unwrap().push(socket));
    for _ in 0..2 {
        let (mut a, mut b) = (Peer::open(&io).await, Peer::open(&io).await);
        a.enter("/d1,").await;
        b.enter("/d1,").await;
        assert_eq!(io.counters().namespaces, 2);
        drop((a, b));
        settle().await;
        assert_eq!(io.counters().namespaces, 1);
    }
    let kept = kept.lock().unwrap();
    assert_eq!(kept[0].namespace_name(), "/d1");
    assert!(!kept[0].join("x") && kept[0].emit("e", ()).is_err());
}

#[tokio::test(start_paused = true)]
async fn rooms_have_limits_and_end_with_their_sockets() {
    let io = Server::new(Config::new().max_rooms(3, 5));
    io.on("join", |socket: Socket, room: String| socket.join(room));
    io.on("leave", |socket: Socket, room: String| socket.leave(room));
    io.on("rooms", |socket: Socket| {
        let mut rooms = socket.rooms();
        rooms.retain(|room| *room != socket.id().as_str());
        rooms.sort();
        rooms
    });
    let mut peer = Peer::join(&io).await;
    let mut n = 0;
    for (event, answer) in [
        ("\"join\",\"a\"", "true"),
        ("\"join\",\"b\"", "true"),
        ("\"join\",\"c\"", "false"),
        ("\"join\",\"a\"", "true"),
        ("\"join\",\"longer\"", "false"),
        ("\"rooms\"", "[\"a\",\"b\"]"),
        ("\"leave\",\"a\"", "true"),
        ("\"leave\",\"a\"", "false"),
        ("\"join\",\"\"", "true"),
    ] {
        n += 1;
        peer.send(&format!("42{n}[{event}]")).await;
        peer.expect(&format!("43{n}[{answer}]")).await;
    }
    io.to("b").emit("hi", ()).unwrap();
    io.to("a").emit("not for you", ()).unwrap();
    assert_eq!(peer.all().await, ["42[\"hi\"]"]);
    drop(peer);
    settle().await;
    assert_empty(&io);
}
